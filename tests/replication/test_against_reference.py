"""Policies, conflicts and settling against the reference model, on any siblings and on whole histories."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satchel.model.version import Version
from satchel.replication.conflict import conflict_columns
from satchel.replication.order import ready_groups
from satchel.replication.policies import parse_policy
from satchel.replication.resolve import resolve, settle
from satchel.replication.siblings import maximal
from tests.model import reference
from tests.replication import bridge

POLICIES = ["latest", "merge", "manual", "priority:n1,n0", "priority:n2"]
ORIGINS = ["n0", "n0.x7k2", "n0~0a0a0a0a", "n1", "n2"]

values = st.sampled_from([None, 0, 1, 1.0, "1", b"1", ""])
clocks = st.sampled_from([0, 1, 2, 3])
vectors = st.dictionaries(st.sampled_from(ORIGINS), st.integers(1, 3), max_size=4)


@st.composite
def births(draw: st.DrawFn) -> reference.Birth:
    if draw(st.integers(0, 9)) == 0:
        return reference.UNBORN
    origin = draw(st.sampled_from(ORIGINS))
    return draw(clocks), bridge.node(origin), origin, draw(st.integers(1, 3))


@st.composite
def sibling_sets(draw: st.DrawFn) -> list[reference.Version]:
    """Any versions side by side, also such that no history makes."""
    dots = draw(st.lists(st.tuples(st.sampled_from(ORIGINS), st.integers(1, 3)), min_size=1, max_size=4, unique=True))
    # One write has one clock and one value of a column, whoever carries it along.
    written: dict[tuple[str, reference.Birth], Any] = {}
    siblings = []
    for origin, seq in dots:
        born = (draw(clocks), bridge.node(origin), origin, seq)
        columns = draw(st.lists(st.sampled_from("abc"), unique=True))
        row: dict[str, Any] = {}
        cells: dict[str, reference.Birth] = {}
        for column in columns:
            birth = draw(st.one_of(st.just(born), births()))
            cells[column] = birth
            row[column] = written.setdefault((column, birth), None if birth == reference.UNBORN else draw(values))
        siblings.append(reference.Version(born, draw(vectors), row, cells, draw(st.booleans())))
    return siblings


@pytest.mark.parametrize("policy", POLICIES)
@given(siblings=sibling_sets(), data=st.data())
@settings(max_examples=200, deadline=None)
def test_any_siblings_show_and_conflict_as_in_the_reference(
    policy: str, siblings: list[reference.Version], data: st.DataObject
) -> None:
    parsed = parse_policy(policy)
    versions = data.draw(st.permutations([bridge.to_version(v) for v in siblings]))
    resolved = resolve(versions, parsed)
    # A column that the shown version lacks and one that nobody wrote are both NULL; the reference names the same ones.
    assert bridge.face_of(resolved) == reference.show(policy, siblings)
    assert [type(v) for _, v in sorted(bridge.face_of(resolved)[1].items())] == [
        type(v) for _, v in sorted(reference.show(policy, siblings)[1].items())
    ]
    expected = reference.in_conflict(policy, siblings) if len(siblings) > 1 else set()
    assert resolved.conflict == expected
    assert conflict_columns(versions, parsed) == expected


def random_history(seed: int, policy: str) -> list[reference.Node]:
    """Nodes that wrote, sealed and received in some order, one joined with rows; in the end all have everything."""
    rng = random.Random(seed)
    nodes = [reference.Node(f"n{i}", policy, part=rng.choice([1, 2, 1000])) for i in range(3)]
    for step in range(60):
        node = rng.choice(nodes)
        key, now, act = f"t/{rng.randrange(3)}", step * 10 + rng.choice([0, 500]), rng.random()
        if act < 0.15:
            node.delete(key, now)
        elif act < 0.6:
            node.write(key, {column: rng.randrange(4) for column in rng.sample("abcd", 2)}, now)
        else:
            other = rng.choice(nodes)
            other.seal()
            node.receive(rng.sample(list(other.shelf.values()), len(other.shelf) * 3 // 4))
    joiner = reference.Node("n9", policy)
    joiner.join({f"t/{i}": {"a": 90 + i} for i in range(5)}, nodes[0].shelf.values())
    nodes.append(joiner)
    for node in nodes:
        node.seal()
    packets = [packet for node in nodes for packet in node.shelf.values()]
    for node in nodes:
        node.receive(packets)
    return nodes


@pytest.mark.parametrize("policy", POLICIES[:4])
@pytest.mark.parametrize("seed", range(15))
def test_a_whole_history_in_any_order_of_arrival_comes_to_the_same_rows(seed: int, policy: str) -> None:
    node = random_history(seed, policy)[0]
    parsed = parse_policy(policy)
    rng = random.Random(seed)
    for _ in range(3):
        arrived = rng.sample(list(node.shelf.values()), len(node.shelf))
        rows: dict[str, list[Version]] = {}
        every: dict[str, list[Version]] = {}
        shown: dict[str, Any] = {}
        dots = [dot for group in ready_groups(map(bridge.to_header, arrived), {}) for dot in group]
        assert len(dots) == len(node.shelf)
        for dot in dots:
            for key, version in node.shelf[dot.origin, dot.seq].rows.items():
                incoming = bridge.to_version(version)
                every.setdefault(key, []).append(incoming)
                rows[key], shown[key] = settle(rows.get(key, []), incoming, parsed)
        assert {key: {tuple(v.dot) for v in siblings} for key, siblings in rows.items()} == node.dots()
        assert {key: {v.dot for v in maximal(versions)} for key, versions in every.items()} == {
            key: {v.dot for v in siblings} for key, siblings in rows.items()
        }
        for key, resolved in shown.items():
            assert bridge.face_of(resolved) == reference.show(policy, node.rows[key])
            assert resolved == settle(rows[key], None, parsed)[1]
        assert {key: set(r.conflict) for key, r in shown.items() if r.conflict} == node.conflicts()


def test_the_histories_hold_what_they_are_to_test() -> None:
    nodes = [random_history(seed, "merge")[0] for seed in range(15)]
    assert sum(len(node.conflicts()) for node in nodes) > 5
    assert any(len(versions) > 2 for node in nodes for versions in node.rows.values())
    assert any(v.deleted for node in nodes for versions in node.rows.values() for v in versions)
    assert any(packet.group[1] > packet.group[0] for node in nodes for packet in node.shelf.values())
