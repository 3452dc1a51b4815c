"""Unique keys: who may stay (PROTOCOL, Constraints)."""

from __future__ import annotations

import time

import pytest

from satchel.model.admission import Candidate
from satchel.replication.constraints import keep_constraints
from tests.replication.schemas import Kept, cell, refers, row, table

PART = table("part", "id number code", unique=("number",))


def test_the_earlier_claim_keeps_the_value_and_the_later_row_is_parked_whole() -> None:
    kept = Kept(
        [PART], [row("part", "x", at="a/1", stamp=20, number=7, code="c"), row("part", "y", at="b/1", number=7)]
    )
    assert kept.shown() == {("part", "y")}
    left = kept.of("part", "x")
    assert (left.status, left.kind, left.row) == ("parked", "unique", None)
    assert left.would == {"id": "x", "number": 7, "code": "c"}
    assert left.blockers == (("part", ("y",)),)
    assert left.reason == "number = 7 is taken by part y"


def test_claims_of_one_instant_are_ordered_by_node_and_then_by_key() -> None:
    kept = Kept([PART], [row("part", "x", at="b/1", number=7), row("part", "y", at="a/1", number=7)])
    assert kept.shown() == {("part", "y")}
    kept = Kept([PART], [row("part", "y", at="a/1", number=7), row("part", "x", at="a~00000001/1", number=7)])
    assert kept.shown() == {("part", "x")}


def test_null_claims_nothing() -> None:
    kept = Kept([PART], [row("part", "x", number=None), row("part", "y", number=None), row("part", "z")])
    assert len(kept.shown()) == 3


def test_a_row_of_unknown_time_claims_last() -> None:
    kept = Kept([PART], [row("part", "a", stamp=0, number=7), row("part", "b", stamp=99, number=7)])
    assert kept.shown() == {("part", "b")}


def test_who_had_seen_a_claim_and_claims_the_value_passes_over_the_other_row() -> None:
    rows = [
        row("part", "x", at="a/1", stamp=10, number=7),
        row("part", "y", at="b/1", stamp=20, saw=("a/1",), number=7),
    ]
    assert Kept([PART], rows).shown() == {("part", "y")}


def test_rows_that_pass_over_each_other_are_ordered_by_time() -> None:
    rows = [
        row("part", "x", at="a/1", stamp=30, saw=("b/1",), number=7),
        row("part", "y", at="b/1", stamp=20, saw=("a/1",), number=7),
    ]
    assert Kept([PART], rows).shown() == {("part", "y")}


def test_a_deleted_row_passes_over_nobody() -> None:
    tables = [PART, table("child", "id part", refers("part", "part"))]
    rows = [
        row("part", "x", at="a/1", stamp=10, number=7),
        row("part", "y", at="b/1", stamp=20, saw=("a/1",), number=7, deleted=True),
        row("child", 1, part="y"),
    ]
    assert Kept(tables, rows).status("part", "x") == "shown"
    assert Kept(tables, rows).status("part", "y") == "parked"


def test_a_composite_claim_is_passed_over_only_by_one_who_had_seen_all_of_it() -> None:
    pair = table("pair", "id a b", unique=("a b",))
    mine = row("pair", "x", a=cell(1, "a/1", 10), b=cell(2, "c/1", 10))
    later = {"a": cell(1, "b/1", 20), "b": cell(2, "b/1", 20)}
    both = Kept([pair], [mine, row("pair", "y", saw=("a/1", "c/1"), **later)])
    assert both.shown() == {("pair", "y")}
    half = Kept([pair], [mine, row("pair", "y", saw=("a/1",), **later)])
    assert half.shown() == {("pair", "x")}
    halves = [row("pair", "y", saw=("a/1",), **later), row("pair", "z", saw=("c/1",), **later)]
    assert Kept([pair], [mine, *halves]).shown() == {("pair", "x")}


def test_the_newest_cell_of_all_unique_keys_counts() -> None:
    two = table("two", "id a b", unique=("a", "b"))
    rows = [row("two", "x", a=cell(1, "a/1", 10), b=cell(5, "a/2", 50)), row("two", "y", at="b/1", stamp=20, a=1, b=6)]
    assert Kept([two], rows).shown() == {("two", "y")}


def test_a_row_that_finds_any_value_taken_is_parked_and_lets_go_of_the_others() -> None:
    two = table("two", "id a b", unique=("a", "b"))
    rows = [
        row("two", "x", stamp=10, a=1, b=1),
        row("two", "y", stamp=20, a=1, b=2),
        row("two", "z", stamp=30, a=3, b=2),
    ]
    assert Kept([two], rows).shown() == {("two", "x"), ("two", "z")}


def test_all_rows_that_hold_values_of_a_parked_row_are_named() -> None:
    two = table("two", "id a b", unique=("a", "b"))
    rows = [row("two", "x", stamp=10, a=1), row("two", "y", stamp=11, b=2), row("two", "z", stamp=30, a=1, b=2)]
    left = Kept([two], rows).of("two", "z")
    assert left.blockers == (("two", ("x",)), ("two", ("y",)))
    assert left.reason == "a = 1 is taken by two x; b = 2 is taken by two y"


def test_values_compare_with_the_collation_of_their_column() -> None:
    for collation, one, two in (("NOCASE", "Ab", "aB"), ("RTRIM", "ab", "ab  ")):
        kept = Kept([table("t", f"id n:text:{collation}", unique=("n",))], [row("t", 1, n=one), row("t", 2, n=two)])
        assert kept.shown() == {("t", 1)}
    kept = Kept([table("t", "id n:text", unique=("n",))], [row("t", 1, n="Ab"), row("t", 2, n="aB")])
    assert len(kept.shown()) == 2
    kept = Kept([table("t", "id n", unique=("n",))], [row("t", 1, n=1), row("t", 2, n=1.0), row("t", 3, n="1")])
    assert kept.shown() == {("t", 1), ("t", 3)}


@pytest.mark.parametrize(
    ("columns", "unique", "ours", "alike", "other"),
    [
        ("a:text", "a:NOCASE", ("Ab", ""), ("aB", ""), ("ab ", "")),
        ("a:text", "a:RTRIM", ("ab", ""), ("ab  ", ""), ("Ab", "")),
        ("a:text:NOCASE", "a:BINARY", ("Ab", ""), ("Ab", ""), ("aB", "")),
        ("a:text b:text:NOCASE", "a:NOCASE b:RTRIM", ("Ab", "x"), ("aB", "x "), ("ab", "X")),
        ("a:text b:text:NOCASE", "a:RTRIM b", ("ab", "x"), ("ab ", "X"), ("AB", "x")),
    ],
)
def test_values_compare_with_the_collation_that_the_unique_key_names(
    columns: str, unique: str, ours: tuple[str, str], alike: tuple[str, str], other: tuple[str, str]
) -> None:
    schema = table("t", f"id {columns}", unique=(unique,))
    rows = [row("t", n, stamp=n, a=a, b=b) for n, (a, b) in enumerate((ours, alike, other), 1)]
    kept = Kept([schema], rows)
    assert kept.shown() == {("t", 1), ("t", 3)}
    assert kept.of("t", 2).blockers == (("t", (1,)),)
    assert kept.of("t", 2).reason.startswith(f"a = {alike[0]}".rstrip())


def test_two_keys_over_one_column_are_claimed_each_by_itself() -> None:
    """What one key takes for a value is no claim of the other."""
    both = table("t", "id n:text", unique=("n:NOCASE", "n:RTRIM"))
    kept = Kept([both], [row("t", 1, stamp=1, n="MAIL"), row("t", 2, stamp=2, n="mail ")])
    assert kept.shown() == {("t", 1), ("t", 2)}
    rivals = [row("t", 3, stamp=3, n="mail"), row("t", 4, stamp=4, n="MAIL ")]
    kept = Kept([both], [row("t", 1, stamp=1, n="MAIL"), row("t", 2, stamp=2, n="mail "), *rivals])
    assert kept.shown() == {("t", 1), ("t", 2)}
    assert [len(kept.of("t", n).blockers) for n in (3, 4)] == [2, 2]


def test_a_key_is_shown_and_claimed_as_it_is_spelt_and_not_as_it_is_compared() -> None:
    pair = table("pair", "k:text:NOCASE j v", key="k j", unique=("k:BINARY v",))
    rows = [row("pair", "mail", 1, k="Mail", j=1.0, v="x"), row("pair", "mail", 2, k="mAIL", j=2, v="x")]
    kept = Kept([pair], rows)
    assert kept.of("pair", "mail", 1).row == {"k": "Mail", "j": 1, "v": "x"}
    assert isinstance((kept.of("pair", "mail", 1).row or {})["j"], float)
    assert kept.of("pair", "mail", 2).row == {"k": "mAIL", "j": 2, "v": "x"}


# -- twins

CATEGORY = table("category", "id:integer name note", unique=("name",), scope="local")
ITEM = table("item", "id category", refers("category", "category"))


def categories(note: str = "n") -> list[Candidate]:
    return [
        row("category", "a:1:00000000", at="a/1", stamp=10, name="Tea", note="n"),
        row("category", "b:1:11111111", at="b/1", stamp=20, name="Tea", note=note),
    ]


def test_the_same_thing_entered_twice_is_a_twin_and_references_lead_to_the_one_shown() -> None:
    kept = Kept([CATEGORY, ITEM], [*categories(), row("item", 1, category="b:1:11111111")])
    twin = kept.of("category", "b:1:11111111")
    assert (twin.status, twin.row, twin.twin) == ("twin", None, ("category", ("a:1:00000000",)))
    assert kept.of("item", 1).row == {"id": 1, "category": "a:1:00000000"}
    assert not kept.of("item", 1).note


def test_rows_that_differ_in_any_column_are_no_twins() -> None:
    kept = Kept([CATEGORY, ITEM], [*categories("m"), row("item", 1, category="b:1:11111111")])
    assert kept.status("category", "b:1:11111111") == "parked"
    assert kept.of("item", 1).kind == "foreign-key"


def test_rows_with_keys_of_the_world_are_no_twins() -> None:
    assert Kept([PART], [row("part", "x", number=7), row("part", "y", number=7)]).status("part", "y") == "parked"


def test_there_are_no_twins_in_a_circle() -> None:
    tree = table("tree", "id:integer name up", refers("up", "tree"), unique=("name",), scope="local")
    rows = [row("tree", "a:1:00000000", name="n"), row("tree", "b:1:00000000", name="n")]
    assert Kept([tree], rows).status("tree", "b:1:00000000") == "parked"


LINK = table(
    "link",
    "category item note",
    refers("category", "category", on_delete="CASCADE"),
    key="category item",
)
USE = table("use", "id category item", refers("category item", "link", "category item"))


def test_a_row_whose_key_names_a_twin_is_shown_under_the_key_of_the_one_shown() -> None:
    link = row("link", "b:1:11111111", 5, note="n")
    use = row("use", 1, category="b:1:11111111", item=5)
    kept = Kept([CATEGORY, LINK, USE], [*categories(), link, use])
    assert kept.of("link", "b:1:11111111", 5).row == {"category": "a:1:00000000", "item": 5, "note": "n"}
    assert kept.of("use", 1).row == {"id": 1, "category": "a:1:00000000", "item": 5}


@pytest.mark.parametrize(("note", "status"), [("n", "twin"), ("m", "parked")])
def test_two_rows_that_come_under_one_key_by_way_of_twins_are_twins_or_the_moved_one_is_parked(
    note: str, status: str
) -> None:
    links = [row("link", "b:1:11111111", 5, stamp=1, note=note), row("link", "a:1:00000000", 5, stamp=90, note="n")]
    use = row("use", 1, category="b:1:11111111", item=5)
    kept = Kept([CATEGORY, LINK, USE], [*categories(), *links, use])
    assert kept.status("link", "a:1:00000000", 5) == "shown"
    assert kept.status("link", "b:1:11111111", 5) == status
    assert kept.of("use", 1).row == {"id": 1, "category": "a:1:00000000", "item": 5}


def test_ten_thousand_rows_that_claim_one_value_are_ordered_soon() -> None:
    rows = [row("part", i, at=f"n{i % 50}/{i + 1}", saw=(f"n{i % 7}/{i}",), number=7) for i in range(10_000)]
    began = time.monotonic()
    outcomes = keep_constraints({"part": PART}, rows)
    assert time.monotonic() - began < 10
    assert sum(outcome.status == "shown" for outcome in outcomes.values()) == 1


def test_a_long_chain_that_comes_in_only_when_its_head_fits_is_admitted_soon() -> None:
    chain = table("chain", "id number up", refers("up", "chain", on_delete="CASCADE"), unique=("number",))
    length = 10_000
    # In the first pass `early` takes the head's number, then goes with its parent, whom `rival` keeps out.
    rows = [row("chain", i, stamp=100 + i, number=i, up=i - 1 if i else None) for i in range(length)]
    rows += [row("chain", "rival", stamp=1, number=-1), row("chain", "out", stamp=2, number=-1)]
    rows.append(row("chain", "early", stamp=3, number=0, up="out"))
    began = time.monotonic()
    outcomes = keep_constraints({"chain": chain}, rows)
    assert time.monotonic() - began < 10
    assert all(outcomes["chain", (i,)].status == "shown" and not outcomes["chain", (i,)].first for i in range(length))
    assert {outcomes["chain", (name,)].kind for name in ("out", "early")} == {"unique", "foreign-key"}
