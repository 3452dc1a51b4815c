from __future__ import annotations

import pytest

from satchel.errors import SatchelError, UsageError
from satchel.model.version import Cell
from satchel.replication.policies import LATEST, MANUAL, MERGE, parse_policy, priority
from satchel.replication.resolve import resolve
from tests.replication.made import dot, values, version

A = version("site-a/2", 10, ("site-a/1",), x="a", y="a")
B = version("site-b/1", 20, ("site-a/1",), x="b", y="b")
BASE = Cell("base", dot("site-a/1"), 5)


def shown(policy: str, *siblings) -> dict | None:
    resolved = resolve(siblings, parse_policy(policy))
    return None if resolved.deleted else values(resolved.cells)


def test_latest_shows_the_newest_row_whole() -> None:
    assert shown("latest", A, B) == {"x": "b", "y": "b"}


def test_latest_lets_a_newest_delete_win() -> None:
    assert shown("latest", A, version("site-b/1", 20, deleted=True, x="a")) is None


def test_a_tie_of_stamps_goes_to_the_node_and_then_to_the_dot() -> None:
    assert shown("latest", version("b/1", 10, x=1), version("a/9", 10, x=2)) == {"x": 1}
    branch = version("a~00000001/9", 10, x=3)
    assert shown("latest", version("a/9", 10, x=2), branch) == {"x": 3}
    assert shown("latest", version("aa/1", 10, x=2), branch) == {"x": 2}


def test_priority_shows_the_first_listed_node_that_has_a_version() -> None:
    assert shown("priority:site-a,site-b", A, B) == {"x": "a", "y": "a"}
    assert shown("priority:site-c,site-a", A, B) == {"x": "a", "y": "a"}


def test_priority_shows_the_newest_where_no_node_is_listed() -> None:
    assert shown("priority:site-c", A, B) == {"x": "b", "y": "b"}


@pytest.mark.parametrize("origin", ["site-a.x7k2", "site-a~0123abcd", "site-a.x7k2~0123abcd"])
def test_priority_takes_an_epoch_and_a_branch_as_their_node(origin: str) -> None:
    assert shown("priority:site-a", version(f"{origin}/1", 10, x="a"), B) == {"x": "a"}


def test_priority_shows_the_newest_of_two_branches_of_the_node() -> None:
    assert shown("priority:site-a", A, version("site-a~0123abcd/2", 11, x="branch")) == {"x": "branch"}


def test_merge_keeps_changes_of_different_columns() -> None:
    one = version("site-a/2", 10, ("site-a/1",), x="a", y=BASE)
    two = version("site-b/1", 20, ("site-a/1",), x=BASE, y="b")
    assert shown("merge", one, two) == {"x": "a", "y": "b"}


def test_merge_shows_the_newest_of_two_writes_of_one_column() -> None:
    assert shown("merge", A, B) == {"x": "b", "y": "b"}


def test_merge_does_not_bring_back_a_value_that_was_overwritten_knowingly() -> None:
    # The one that still holds it carries the newer stamp: what its writer had seen decides, not the clock.
    old = Cell("old", dot("site-a/1"), 99)
    assert shown(
        "merge", version("site-a/2", 100, ("site-a/1",), x=old, y=1), version("b/1", 3, ("site-a/1",), x="n")
    ) == {
        "x": "n",
        "y": 1,
    }


def test_merge_lets_an_update_win_over_a_delete_that_had_not_seen_it() -> None:
    gone = version("site-b/1", 99, ("site-a/1",), deleted=True, x=BASE, y=BASE)
    assert shown("merge", A, gone) == {"x": "a", "y": "a"}


def test_merge_shows_the_newest_delete_where_nobody_lives() -> None:
    resolved = resolve([version("a/1", 1, deleted=True, x=1), version("b/1", 2, deleted=True, x=2)], MERGE)
    assert resolved.deleted and values(resolved.cells) == {"x": 2}


def test_merge_takes_a_value_from_a_delete_whose_author_knew_what_it_overwrote() -> None:
    old, new = Cell("old", dot("site-a/1"), 1), Cell("new", dot("site-a/2"), 3)
    alive = version("site-b/1", 5, ("site-a/1",), x=old, y="kept")
    gone = version("site-c/1", 4, ("site-a/2",), deleted=True, x=new)
    assert shown("merge", alive, gone) == {"x": "new", "y": "kept"}


def test_merge_shows_a_column_that_only_one_version_has() -> None:
    assert shown("merge", A, version("site-b/1", 20, ("site-a/1",), x=BASE, y=BASE, z=7)) == {
        "x": "a",
        "y": "a",
        "z": 7,
    }


def test_manual_shows_what_latest_shows() -> None:
    assert shown("manual", A, B) == shown("latest", A, B)


def test_the_words_of_the_configuration_name_the_policies() -> None:
    assert parse_policy("latest") is LATEST
    assert parse_policy("merge") is MERGE
    assert parse_policy(" manual ") is MANUAL
    assert parse_policy("priority: site-a, site-b").name == "priority:site-a,site-b"
    assert priority(["site-a"]).name == "priority:site-a"


@pytest.mark.parametrize(
    "text",
    ["", "newest", "Latest", "priority", "priority:", "priority:a,,b", "priority:A", "priority:a,a", "module:",
     ":function", "mod ule:function", "a:b:c", "1mod:f", "merge:x y", "../mod:f"],
)  # fmt: skip
def test_nonsense_is_wrong_usage_with_a_hint(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_policy(text)
    assert caught.value.hint
    assert "\n" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("text", ["nowhere_at_all:pick", "math:no_such", "math:pi"])
def test_a_function_that_cannot_be_imported_is_named(text: str) -> None:
    with pytest.raises(SatchelError) as caught:
        parse_policy(text)
    assert not isinstance(caught.value, UsageError)
    assert text in caught.value.message
    assert text.split(":", maxsplit=1)[0] in caught.value.hint
