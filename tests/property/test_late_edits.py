"""What an application writes while a seal is under way, or before the first import, is neither lost nor misread."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from satchel.sync import sealing
from tests.property.application import COLUMNS, Row, Statement
from tests.property.comparing import compare
from tests.property.member import Member, small_packets
from tests.property.world import World

KEY = ("alpha", ("k0",))
NAME = "alpha/k0"
ROW: Row = dict.fromkeys(COLUMNS)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, random.Random(0), "merge", {NAME: ROW | {"a": "x"}}, 1000)
    yield world
    world.close()


def in_conflict(world: World) -> tuple[Member, Member]:
    """Two nodes that both know of two versions of one row."""
    one = world.members[0]
    other = world.invite(one, {}, 1000, 0, "member")
    world.exchange(one)
    world.exchange(other)
    for member, value in ((one, "one"), (other, "other")):
        world.edit(member, Statement("update", KEY, {"a": value}))
    for member in (one, other, one):
        world.exchange(member)
        compare(member)
    assert NAME in one.model.conflicts() and NAME in other.model.conflicts()
    return one, other


def beside(world: World) -> tuple[Member, Member]:
    """A node whose edit since it joined stands beside what the network shows, not sealed yet: its first import was
    stopped right before that."""
    one = world.members[0]
    other = world.invite(one, {NAME: ROW | {"b": 1}}, 1000, -(10**9), "member")
    world.edit(other, Statement("update", KEY, {"c": "0"}))
    world.exchange(one)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealing, "seal_pending", lambda *_: [])
        world.exchange(other)
    assert NAME in other.model.pending
    return one, other


def settled(world: World) -> list[dict[str, Row]]:
    for member in [*world.members] * 2:
        member.node.sync(world.share)
    return [member.application.rows() for member in world.members]


@pytest.mark.parametrize("kind", ["update", "replace", "again", "delete"])
def test_an_edit_of_a_row_in_conflict_made_while_it_is_sealed_stays(world: World, kind: str) -> None:
    one, other = in_conflict(world)
    world.edit(one, Statement("update", KEY, {"a": "settled"}))
    late = Statement(kind, KEY, {"a": "late"} if kind == "update" else ROW | {"a": "late"})
    world.seal(one, [late])
    compare(one)
    world.exchange(one)
    world.exchange(other)
    compare(other)
    assert other.application.rows() == ({} if kind == "delete" else {NAME: ROW | {"a": "late"}})


def test_a_row_in_conflict_deleted_and_inserted_while_that_is_sealed_stays(world: World) -> None:
    one, other = in_conflict(world)
    world.edit(one, Statement("delete", KEY, {}))
    world.seal(one, [Statement("insert", KEY, ROW | {"a": "late"})])
    compare(one)
    world.exchange(one)
    world.exchange(other)
    assert other.application.rows() == {NAME: ROW | {"a": "late"}}


@pytest.mark.parametrize("before", ["update", "delete"])
def test_an_edit_made_while_one_from_before_the_first_import_is_sealed_stays(world: World, before: str) -> None:
    _, other = beside(world)
    if before == "delete":
        other.application.run(Statement("delete", KEY, {}), world.tick(other))
    shown = other.application.rows().get(NAME, ROW)
    if before == "update":
        late = Statement("update", KEY, {"d": "late"})
    else:
        late = Statement("insert", KEY, ROW | {"d": "late"})
    expected = shown | late.values
    with small_packets(1000, lambda: other.application.run(late, world.tick(other))):
        other.node.export(world.share)
    assert other.application.rows() == {NAME: expected}
    one_shows, other_shows = settled(world)
    assert one_shows == other_shows == {NAME: expected}
