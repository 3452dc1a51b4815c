from __future__ import annotations

import pytest

from satchel.model.value import Value
from satchel.model.version import Cell
from satchel.replication.conflict import closing, conflict_columns
from satchel.replication.policies import LATEST, MANUAL, MERGE, Policy, priority
from tests.replication.made import dot, version

BASE = Cell("base", dot("a/1"), 5)
OTHERS = [LATEST, MANUAL, priority(["a"])]
EVERY = [*OTHERS, MERGE]


def by_name(policy: Policy) -> str:
    return policy.name


@pytest.mark.parametrize("policy", EVERY, ids=by_name)
def test_one_version_is_no_conflict(policy: Policy) -> None:
    assert conflict_columns([version("a/2", 1, x=1)], policy) == set()


@pytest.mark.parametrize("policy", EVERY, ids=by_name)
def test_equal_rows_are_no_conflict(policy: Policy) -> None:
    assert conflict_columns([version("a/2", 1, x=1), version("b/1", 2, x=1)], policy) == set()


@pytest.mark.parametrize("policy", EVERY, ids=by_name)
def test_a_column_written_differently_on_two_sides_is_a_conflict(policy: Policy) -> None:
    siblings = [version("a/2", 1, ("a/1",), x=1, y=BASE), version("b/1", 2, ("a/1",), x=2, y=BASE)]
    assert conflict_columns(siblings, policy) == {"x"}


@pytest.mark.parametrize("policy", EVERY, ids=by_name)
@pytest.mark.parametrize(("one", "two"), [(1, 1.0), ("x", b"x"), (None, 0), (None, ""), (1, "1")])
def test_values_of_two_kinds_differ(policy: Policy, one: Value, two: Value) -> None:
    assert conflict_columns([version("a/2", 1, x=one), version("b/1", 2, x=two)], policy) == {"x"}


@pytest.mark.parametrize("policy", EVERY, ids=by_name)
def test_never_written_equals_null(policy: Policy) -> None:
    assert conflict_columns([version("a/2", 1, x=1), version("b/1", 2, x=1, y=None)], policy) == set()


def test_different_columns_changed_on_two_sides_are_no_conflict_under_merge() -> None:
    siblings = [version("a/2", 1, ("a/1",), x=1, y=BASE), version("b/1", 2, ("a/1",), x=BASE, y=2)]
    assert conflict_columns(siblings, MERGE) == set()
    for policy in OTHERS:
        assert conflict_columns(siblings, policy) == {"x", "y"}


def test_a_delete_conflicts_under_merge_in_the_columns_that_it_had_not_seen() -> None:
    alive = version("a/2", 1, ("a/1",), x=1, y=BASE)
    gone = version("b/1", 2, ("a/1",), deleted=True, x=BASE, y=BASE)
    assert conflict_columns([alive, gone], MERGE) == {"x"}
    for policy in OTHERS:
        assert conflict_columns([alive, gone], policy) == {"x", "y"}


def test_a_delete_has_seen_a_column_that_was_never_written() -> None:
    # The later siblings of one row lack the column; nobody wrote it, so the delete cannot have missed it.
    alive = [version("a/2", 1, ("a/1",), x=BASE), version("c/1", 1, ("a/1",), x=BASE, y=Cell(None, dot("a/1"), 5))]
    gone = version("b/1", 2, ("a/1",), deleted=True, x=BASE)
    assert conflict_columns([*alive, gone], MERGE) == set()


@pytest.mark.parametrize("policy", EVERY, ids=by_name)
def test_deletes_alone_are_never_a_conflict(policy: Policy) -> None:
    siblings = [version("a/2", 1, deleted=True, x=1), version("b/1", 2, deleted=True, x=2)]
    assert conflict_columns(siblings, policy) == set()


@pytest.mark.parametrize("policy", EVERY, ids=by_name)
def test_a_version_of_unknown_time_is_a_conflict_though_it_is_never_shown(policy: Policy) -> None:
    assert conflict_columns([version("a/2", 1, x=1), version("j/1", 0, x=2)], policy) == {"x"}


def test_a_value_that_is_not_the_one_shown_is_a_conflict_under_merge() -> None:
    # Only the joined value stands, and unknown time keeps it from being shown.
    assert conflict_columns([version("a/2", 1, x=1), version("j/1", 0, ("a/2",), x=2)], MERGE) == {"x"}


def test_writing_all_columns_in_question_resolves() -> None:
    assert closing({"x"}, {"x", "y"}) == "resolved"
    assert closing({"x", "y"}, {"y", "x"}) == "resolved"


def test_writing_other_columns_passes_over() -> None:
    assert closing({"x"}, {"y"}) == "passed-over"
    assert closing({"x", "y"}, {"x"}) == "passed-over"
    assert closing({"x"}, set()) == "passed-over"


def test_a_version_that_wrote_every_column_resolves() -> None:
    assert closing({"x"}, None) == "resolved"


def test_deleting_the_row_resolves() -> None:
    assert closing({"x"}, set(), deleted=True) == "resolved"
