"""Constraints against the specification's model: in its own random histories, and on rows that no history makes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from satchel.model.schema import Table
from satchel.replication.constraints import keep_constraints
from tests.replication import toy

# Of each history: the states in its middle are looked at one in so many, the last ones all.
ONE_IN = 20


@pytest.fixture(scope="module")
def spec() -> Iterator[ModuleType]:
    module = toy.load_spec()
    if module is None:
        pytest.skip("the specification's model is not beside this repository")
    yield module


def compare(spec: ModuleType, schema: dict[str, Table], resolved: dict[str, Any]) -> Counter[str]:
    """Both on the same resolved rows. -> what there was to compare"""
    theirs = spec.keep_constraints(resolved)
    candidates = list(toy.to_candidates(resolved).values())
    random.Random(len(resolved)).shuffle(candidates)
    ours = keep_constraints(schema, candidates)
    named = {i[1][0]: outcome for i, outcome in ours.items()}
    assert {k: {"ref": None} | row for k, row in toy.shown_by(ours).items()} == theirs.rows
    assert {k: o.kind for k, o in named.items() if o.status == "parked"} == {k: r[0] for k, r in theirs.parked.items()}
    assert {k for k, o in named.items() if o.note} == theirs.notes.keys()
    assert {k: o.twin[1][0] for k, o in named.items() if o.twin} == theirs.twins
    absent = {k for k, o in named.items() if o.status == "absent"}
    assert absent == resolved.keys() - theirs.rows.keys() - theirs.parked.keys() - theirs.twins.keys()
    for key, (kind, words) in theirs.parked.items():
        if kind == "unique":
            assert "taken by " + ", ".join(b[1][0] for b in named[key].blockers) == words
        assert named[key].reason
    return Counter(
        rows=len(theirs.rows),
        parked=len(theirs.parked),
        notes=len(theirs.notes),
        twins=len(theirs.twins),
        later=sum(o.status == "shown" and not o.first for o in named.values()),
    )


def dangling(resolved: dict[str, Any]) -> bool:
    """Whether some reference leads to what the network never knew: there the product is milder than the model."""
    refs = {o.cells["ref"].value for o in resolved.values() if "ref" in o.cells}
    return not refs - {None} <= resolved.keys()


def states(spec: ModuleType, monkeypatch: pytest.MonkeyPatch, test: str, seed: int, policy: str) -> list[Any]:
    """Resolved rows of one of the specification's histories."""
    found: list[Any] = []
    count = 0
    original = spec.keep_constraints

    def watched(resolved: Any) -> Any:
        nonlocal count
        count += 1
        if count % ONE_IN == 0:
            found.append(dict(resolved))
        return original(resolved)

    last: list[Any] = []
    counted = spec.World.count

    def watched_count(world: Any, node: Any) -> None:
        last.append(node.resolved())
        counted(world, node)

    with monkeypatch.context() as patch:
        patch.setattr(spec, "keep_constraints", watched)
        patch.setattr(spec.World, "count", watched_count)
        spec.TESTS[test](seed, toy.policy_of(spec, policy))
    return [state for state in found + last if not dangling(state)]


@pytest.mark.parametrize("policy", toy.POLICIES)
@pytest.mark.parametrize("test", ["main", "join", "local", "claims", "family", "tie", "revoke"])
def test_histories_of_the_specification_show_and_park_as_its_model_says(
    spec: ModuleType, monkeypatch: pytest.MonkeyPatch, test: str, policy: str
) -> None:
    schema = toy.tables_of(spec)
    seen = 0
    for seed in range(12 if test == "main" else 6):
        for resolved in states(spec, monkeypatch, test, seed, policy):
            compare(spec, schema, resolved)
            seen += 1
    assert seen


@pytest.mark.slow
@pytest.mark.parametrize("policy", toy.POLICIES)
@pytest.mark.parametrize("seed", range(1000, 1100))
def test_many_histories_of_the_specification_show_and_park_as_its_model_says(
    spec: ModuleType, monkeypatch: pytest.MonkeyPatch, seed: int, policy: str
) -> None:
    schema = toy.tables_of(spec)
    for test in ("main", "join", "local"):
        for resolved in states(spec, monkeypatch, test, seed, policy):
            compare(spec, schema, resolved)


def test_crowded_rows_are_shown_and_parked_as_the_model_says(spec: ModuleType) -> None:
    schema = toy.tables_of(spec)
    told: Counter[str] = Counter()
    for seed in range(600):
        told += compare(spec, schema, toy.crowd(spec, random.Random(seed)))
    assert min(told.values()) > 50, told
    assert len(told) == 5, told
