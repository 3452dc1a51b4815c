from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError
from types import ModuleType

import pytest

from satchel.errors import SatchelError
from satchel.model.version import Cell
from satchel.replication.policies import Policy, parse_policy
from satchel.replication.resolve import resolve
from tests.replication.made import dot, values, version

OLD = Cell("old", dot("a/1"), 5)
A = version("a/2", 10, ("a/1",), x="a", y=OLD, z=1)
B = version("b/1", 20, ("a/1",), x="b", y=OLD, z=1)
GONE = version("c/1", 30, ("a/1",), deleted=True, x=OLD, y=OLD)

Make = Callable[[Callable[..., object]], Policy]


@pytest.fixture
def policy_of() -> Iterator[Make]:
    """Makes a policy of a function, by way of a module of the user's."""
    name = "satchel_test_rules"

    def make(function: Callable[..., object]) -> Policy:
        module = ModuleType(name)
        module.pick = function  # type: ignore[attr-defined]
        sys.modules[name] = module
        return parse_policy(f"{name}:pick")

    yield make
    sys.modules.pop(name, None)


def test_the_function_gets_the_siblings_sorted_by_dot(policy_of: Make) -> None:
    given = []
    resolve([GONE, B, A], policy_of(lambda siblings: given.extend(siblings) or siblings[0]))
    assert [(s.origin, s.seq, s.at, s.by, s.deleted) for s in given] == [
        ("a", 2, 10, None, False),
        ("b", 1, 20, None, False),
        ("c", 1, 30, None, True),
    ]
    assert dict(given[0].row) == {"x": "a", "y": "old", "z": 1}


def test_what_the_function_gets_cannot_be_changed(policy_of: Make) -> None:
    def tamper(siblings):
        with pytest.raises(FrozenInstanceError):
            siblings[0].origin = "z"
        siblings[0].row["x"] = "tampered"

    with pytest.raises(SatchelError):
        resolve([A, B], policy_of(tamper))


def test_a_returned_version_is_shown_with_its_cells(policy_of: Make) -> None:
    resolved = resolve([A, B], policy_of(lambda siblings: siblings[0]))
    assert (resolved.deleted, resolved.cells) == (False, A.cells)


def test_a_returned_deleted_version_is_shown_as_a_delete(policy_of: Make) -> None:
    resolved = resolve([A, GONE], policy_of(lambda siblings: siblings[1]))
    assert (resolved.deleted, resolved.cells) == (True, GONE.cells)


def test_none_deletes_the_row(policy_of: Make) -> None:
    resolved = resolve([A, B], policy_of(lambda siblings: None))
    assert (resolved.deleted, resolved.cells) == (True, B.cells)


def test_a_value_that_a_sibling_has_keeps_its_newest_write(policy_of: Make) -> None:
    resolved = resolve([A, B], policy_of(lambda siblings: {"x": "a", "y": "old", "z": 1}))
    assert resolved.cells == {"x": A.cells["x"], "y": OLD, "z": B.cells["z"]}


def test_a_new_value_is_a_write_of_the_newest_sibling(policy_of: Make) -> None:
    resolved = resolve([A, B], policy_of(lambda siblings: {"x": "ab", "z": 1.0}))
    assert resolved.cells["x"] == Cell("ab", B.dot, 20)
    assert resolved.cells["z"] == Cell(1.0, B.dot, 20)


def test_a_null_that_a_sibling_never_wrote_was_never_written(policy_of: Make) -> None:
    wider = version("d/1", 20, ("a/1",), x="d", w=7)
    resolved = resolve([A, wider], policy_of(lambda siblings: {"w": None}))
    assert resolved.cells["w"] == A.cell("w")


def test_columns_left_out_are_those_of_the_newest_living_sibling(policy_of: Make) -> None:
    resolved = resolve([A, B, GONE], policy_of(lambda siblings: {"z": 5}))
    assert values(resolved.cells) == {"x": "b", "y": "old", "z": 5}


def test_columns_in_conflict_are_those_that_differ(policy_of: Make) -> None:
    assert resolve([A, B], policy_of(lambda siblings: {"x": "ab"})).conflict == {"x"}


def test_a_row_with_one_version_is_shown_without_asking(policy_of: Make) -> None:
    policy = policy_of(lambda siblings: None)
    assert not resolve([A], policy).deleted
    assert not resolve([A, version("j/1", 0, x="joined")], policy).deleted


@pytest.mark.parametrize(
    "answer",
    [1, "a", [], True, {"nothing": 1}, {1: 2}, {"x": True}, {"x": 2**63}, {"x": [1]}, {"x": "\ud800"}, object],
    ids=repr,
)
def test_garbage_is_an_error_that_names_the_function(policy_of: Make, answer: object) -> None:
    with pytest.raises(SatchelError, match="satchel_test_rules:pick") as caught:
        resolve([A, B], policy_of(lambda siblings: answer))
    assert "a/2, b/1" in caught.value.hint
    assert "\n" not in caught.value.message + caught.value.hint


def test_a_version_that_was_not_given_is_garbage(policy_of: Make) -> None:
    kept = []
    resolve([A, GONE], policy_of(lambda siblings: kept.extend(siblings) or siblings[0]))
    with pytest.raises(SatchelError, match="not given"):
        resolve([A, B], policy_of(lambda siblings: kept[1]))


def test_an_error_of_the_function_is_translated_into_one_line(policy_of: Make) -> None:
    def fail(siblings):
        raise KeyError("two\nlines")

    with pytest.raises(SatchelError, match="failed: KeyError") as caught:
        resolve([A, B], policy_of(fail))
    assert "\n" not in caught.value.message


def test_a_module_that_fails_while_it_is_imported_is_named(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "satchel_broken_rules.py").write_text("raise SystemExit('no\\nway')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        SatchelError, match="satchel_broken_rules:pick cannot be imported: SystemExit: no way"
    ) as caught:
        parse_policy("satchel_broken_rules:pick")
    assert "satchel_broken_rules" in caught.value.hint
