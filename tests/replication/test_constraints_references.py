"""Foreign keys: parents that are gone, and the rows that refer to them (PROTOCOL, Constraints)."""

from __future__ import annotations

import pytest

from satchel.model.schema import ForeignKey, Table
from tests.replication.schemas import Kept, cell, column, refers, row, table

P = table("p", "id code number", unique=("code", "number"))


def child(on_delete: str, unique: tuple[str, ...] = ()) -> list[Table]:
    return [P, table("c", "id p", refers("p", "p", on_delete=on_delete), unique=unique)]


GONE = row("p", 1, deleted=True, code="x")


@pytest.mark.parametrize("on_delete", ["RESTRICT", "NO ACTION"])
def test_a_parent_that_a_restricting_child_needs_comes_back_with_a_note(on_delete: str) -> None:
    kept = Kept(child(on_delete), [GONE, row("c", 5, p=1)])
    back = kept.of("p", 1)
    assert (back.row, back.note, back.kind) == ({"id": 1, "code": "x"}, True, "foreign-key")
    assert back.reason == "deleted, but c 5 needs it"
    assert kept.status("c", 5) == "shown"


def test_parents_of_parents_come_back() -> None:
    tables = [table("g", "id"), table("p", "id g", refers("g", "g")), table("c", "id p", refers("p", "p"))]
    kept = Kept(tables, [row("g", 1, deleted=True), row("p", 1, g=1, deleted=True), row("c", 1, p=1)])
    assert kept.shown() == {("g", 1), ("p", 1), ("c", 1)}


def test_a_deleted_row_that_nobody_needs_is_absent() -> None:
    kept = Kept(child("RESTRICT"), [GONE, row("c", 5, p=1, deleted=True)])
    assert [kept.status("p", 1), kept.status("c", 5)] == ["absent", "absent"]


def test_a_parent_that_comes_back_and_finds_its_value_taken_is_parked_with_its_child() -> None:
    rows = [GONE, row("p", 2, stamp=1, code="x"), row("c", 5, p=1)]
    kept = Kept(child("RESTRICT"), rows)
    assert (kept.of("p", 1).status, kept.of("p", 1).kind) == ("parked", "unique")
    assert (kept.of("c", 5).status, kept.of("c", 5).kind) == ("parked", "foreign-key")


def test_a_child_that_cascades_is_parked_when_its_parent_is_gone() -> None:
    left = Kept(child("CASCADE"), [GONE, row("c", 5, p=1)]).of("c", 5)
    assert (left.status, left.kind, left.reason) == ("parked", "foreign-key", "its parent p 1 is deleted")
    assert left.blockers == (("p", (1,)),)


def test_the_dependants_of_a_parked_row_are_parked_with_it() -> None:
    rows = [row("p", 1, stamp=1, code="x"), row("p", 2, code="x"), row("c", 5, p=2), row("c", 6, p=1)]
    kept = Kept(child("NO ACTION"), rows)
    assert kept.shown() == {("p", 1), ("c", 6)}
    assert kept.of("c", 5).reason == "its parent p 2 is parked"


def test_set_null_forgets_the_parent_with_a_note_before_unique_values_are_read() -> None:
    kept = Kept(child("SET NULL", unique=("p",)), [GONE, row("c", 5, p=1), row("c", 6, p=1)])
    for key in (5, 6):
        outcome = kept.of("c", key)
        assert (outcome.row, outcome.note, outcome.would) == ({"id": key, "p": None}, True, {"id": key, "p": None})
        assert outcome.reason == "forgot its parent in p"


def test_set_null_forgets_all_columns_of_a_composite_reference() -> None:
    tables = [table("p", "a b", key="a b"), table("c", "id a b", refers("a b", "p", "a b", "SET NULL"))]
    kept = Kept(tables, [row("p", 1, 2, deleted=True), row("c", 5, a=1, b=2), row("c", 6, a=1, b=None)])
    assert kept.of("c", 5).row == {"id": 5, "a": None, "b": None}
    assert kept.of("c", 6).row == {"id": 6, "a": 1, "b": None}
    assert not kept.of("c", 6).note


def test_set_default_takes_the_default_if_its_parent_is_there() -> None:
    kept = Kept(child("SET DEFAULT"), [GONE, row("p", 9), row("c", 5, p=1)], {"p": 9})
    assert kept.of("c", 5).row == {"id": 5, "p": 9}
    assert kept.of("c", 5).note


@pytest.mark.parametrize("default", [9, 8, 1, None])
def test_set_default_without_a_living_default_parent_forgets_the_parent(default: int | None) -> None:
    kept = Kept(child("SET DEFAULT"), [GONE, row("p", 9, deleted=True), row("c", 5, p=1)], {"p": default})
    assert kept.of("c", 5).row == {"id": 5, "p": None}


def test_set_default_with_a_null_among_the_defaults_is_no_reference() -> None:
    tables = [table("p", "a b", key="a b"), table("c", "id a b", refers("a b", "p", "a b", "SET DEFAULT"))]
    kept = Kept(tables, [row("p", 1, 2, deleted=True), row("c", 5, a=1, b=2)], {"a": 7})
    assert kept.of("c", 5).row == {"id": 5, "a": 7, "b": None}


def test_a_default_in_a_circle_that_somebody_else_claims_is_not_taken() -> None:
    tree = table("t", "id up n", refers("up", "t", on_delete="SET DEFAULT"), unique=("up", "n"))
    rows = [
        row("t", "root", stamp=1, n=0),
        row("t", "first", stamp=2, up="root"),
        row("t", "keeps", stamp=3, n=3),
        row("t", "parked", stamp=4, n=3),
        row("t", "child", stamp=5, up="parked"),
    ]
    kept = Kept([tree], rows, {"up": "root"})
    assert kept.of("t", "first").row == {"id": "first", "up": "root"}
    assert kept.of("t", "child").row == {"id": "child", "up": None}
    assert kept.of("t", "child").note


def test_a_key_cannot_be_forgotten_so_its_parent_comes_back() -> None:
    tables = [table("p", "id"), table("c", "p x", refers("p", "p", on_delete="SET NULL"), key="p")]
    kept = Kept(tables, [row("p", 1, deleted=True), row("c", 1, x=5)])
    assert kept.shown() == {("p", 1), ("c", 1)}


def test_a_reference_to_what_the_network_never_knew_is_kept() -> None:
    for on_delete in ("NO ACTION", "CASCADE", "SET NULL", "SET DEFAULT"):
        outcome = Kept(child(on_delete), [row("c", 5, p=77)], {"p": 1}).of("c", 5)
        assert (outcome.row, outcome.note) == ({"id": 5, "p": 77}, False)


def test_a_reference_with_a_null_among_its_columns_is_none() -> None:
    tables = [table("p", "a b", key="a b"), table("c", "id a b", refers("a b", "p", "a b"))]
    kept = Kept(tables, [row("p", 1, 2, deleted=True), row("c", 5, a=1, b=None), row("c", 6, b=2)])
    assert kept.shown() == {("c", 5), ("c", 6)}


def test_references_that_are_not_declared_or_lead_out_of_the_schema_are_no_constraints() -> None:
    tables = [
        P,
        table(
            "c",
            "id p q r",
            refers("p", "p", declared=False),
            refers("q", "elsewhere"),
            refers("r", "p", "no_such_column"),
        ),
    ]
    kept = Kept(tables, [row("p", 1, deleted=True), row("c", 5, p=1, q=1, r=1)])
    assert kept.shown() == {("c", 5)}


def test_every_reference_of_a_row_is_kept() -> None:
    tables = [
        table("p", "id"),
        table("q", "id"),
        table("c", "id p q", refers("p", "p", on_delete="SET NULL"), refers("q", "q", on_delete="CASCADE")),
    ]
    rows = [
        row("p", 1, deleted=True),
        row("q", 1, deleted=True),
        row("q", 2),
        row("c", 1, p=1, q=1),
        row("c", 2, p=1, q=2),
    ]
    kept = Kept(tables, rows)
    assert kept.status("c", 1) == "parked"
    assert kept.of("c", 2).row == {"id": 2, "p": None, "q": 2}


def test_a_column_of_two_references_is_forgotten_for_both() -> None:
    shared = table(
        "c",
        "id tenant p",
        refers("tenant p", "p", "tenant id", "SET NULL"),
        refers("tenant", "tenant", on_delete="CASCADE"),
    )
    tables = [table("tenant", "id"), table("p", "tenant id", key="tenant id"), shared]
    rows = [row("tenant", 1, deleted=True), row("p", 1, 1, deleted=True), row("c", 1, tenant=1, p=1)]
    assert Kept(tables, rows).of("c", 1).row == {"id": 1, "tenant": None, "p": None}


# -- references to columns that are not the key


def by_code(on_delete: str) -> list[Table]:
    return [P, table("c", "id p", refers("p", "p", "code", on_delete))]


def test_a_parent_is_found_by_unique_columns() -> None:
    rows = [row("p", 1, stamp=1, code="x"), row("p", 2, stamp=2, number=5, code="y"), row("p", 3, stamp=1, number=5)]
    kept = Kept(by_code("CASCADE"), [*rows, row("c", 1, p="x"), row("c", 2, p="y")])
    assert kept.status("c", 1) == "shown"
    assert kept.of("c", 2).reason == "its parent p 2 is parked"


def test_a_deleted_parent_comes_back_for_its_unique_columns() -> None:
    kept = Kept(by_code("RESTRICT"), [GONE, row("c", 1, p="x")])
    assert kept.shown() == {("p", 1), ("c", 1)}


def test_while_a_living_row_holds_the_values_no_deleted_one_comes_back() -> None:
    kept = Kept(by_code("RESTRICT"), [GONE, row("p", 2, code="x"), row("c", 1, p="x")])
    assert kept.shown() == {("p", 2), ("c", 1)}


def test_of_several_deleted_rows_the_last_that_got_the_values_comes_back() -> None:
    rows = [row("p", i, deleted=True, code=cell("x", f"a/{i}", stamp)) for i, stamp in ((1, 10), (2, 30), (3, 20))]
    assert Kept(by_code("RESTRICT"), [*rows, row("c", 1, p="x")]).shown() == {("p", 2), ("c", 1)}


@pytest.mark.parametrize(
    ("parent", "theirs", "mine", "found"),
    [
        ("k:integer", 5, "5", True),
        ("k:integer", 5, " +5.0e0 ", True),
        ("k:integer", 5, "5x", False),
        ("k:integer", 5, b"5", False),
        ("k:text", "5", 5, True),
        ("k:text", "5.0", 5.0, True),
        ("k:text", "1.0e+20", 1e20, True),
        ("k:text", "5", 5.0, False),
        ("k", 5, "5", False),
        ("k", 5, 5.0, True),
        ("k:text:NOCASE", "Tea", "tEA", True),
        ("k:text", "Tea", "tea", False),
        ("k:real", 0.5, ".5", True),
        ("k:integer", "n0:5:0a0a0a0a", "n0:5:0a0a0a0a", True),
    ],
)
def test_a_value_finds_its_parent_as_sqlite_compares_them(
    parent: str, theirs: object, mine: object, found: bool
) -> None:
    tables = [table("p", parent, key="k"), table("c", "id p:text", refers("p", "p", "k", "CASCADE"))]
    # What finds no parent is parked, so the deleted row that the child would refer to must be known.
    rows = [row("p", theirs, deleted=True), row("c", 1, p=mine)]  # type: ignore[arg-type]
    assert (Kept(tables, rows).status("c", 1) == "parked") is found  # type: ignore[arg-type]


def test_names_of_columns_in_references_may_be_spelled_in_another_case() -> None:
    key = ForeignKey(("P",), "p", ("ID",), "CASCADE")
    kept = Kept([table("p", "id"), table("c", "id p", key)], [row("p", 1, deleted=True), row("c", 1, p=1)])
    assert kept.status("c", 1) == "parked"
    assert column("p").name == "p"


# -- circles

TREE = table("t", "id up number", refers("up", "t", on_delete="CASCADE"), unique=("number",))


def test_a_row_may_refer_to_itself() -> None:
    outcome = Kept([TREE], [row("t", 1, up=1)]).of("t", 1)
    assert (outcome.status, outcome.first) == ("shown", True)


def test_rows_may_refer_to_each_other_across_tables() -> None:
    tables = [
        table("dept", "id head", refers("head", "staff", on_delete="CASCADE")),
        table("staff", "id dept", refers("dept", "dept")),
    ]
    kept = Kept(tables, [row("dept", 1, head=1), row("staff", 1, dept=1)])
    assert kept.shown() == {("dept", 1), ("staff", 1)}
    kept = Kept(
        tables, [row("dept", 1, head=1), row("staff", 1, dept=1), row("staff", 2, dept=1), row("dept", 2, head=9)]
    )
    assert len(kept.shown()) == 4


def test_in_a_circle_orphans_go_and_who_had_no_room_for_them_comes_in_after_all() -> None:
    rows = [
        row("t", "root", stamp=1, number=1),
        row("t", "out", stamp=2, number=1),
        row("t", "orphan", stamp=3, number=2, up="out"),
        row("t", "late", stamp=4, number=2, up="root"),
    ]
    kept = Kept([TREE], rows)
    assert kept.shown() == {("t", "root"), ("t", "late")}
    assert [kept.of("t", key).first for key in ("root", "out", "orphan", "late")] == [True, False, False, False]
    words = "its parent t out is parked; number = 2 is taken by t late"
    assert kept.of("t", "orphan").reason == words


def test_a_row_that_refers_to_itself_is_parked_for_the_value_that_is_taken() -> None:
    kept = Kept([TREE], [row("t", "root", stamp=1, number=1), row("t", "self", stamp=2, number=1, up="self")])
    outcome = kept.of("t", "self")
    assert outcome.reason == "number = 1 is taken by t root"
    assert ("t", ("root",)) in outcome.blockers


def test_rows_that_a_forgotten_parent_leaves_without_their_own_go_as_well() -> None:
    # `code` belongs to a reference that is forgotten, and others refer to it.
    tree = table(
        "t",
        "id code up number",
        refers("code", "t", "id", "SET NULL"),
        refers("up", "t", "code", "CASCADE"),
        unique=("code", "number"),
    )
    rows = [
        row("t", "a", stamp=1, number=1),
        row("t", "out", stamp=2, number=1),
        row("t", "forgets", stamp=3, code="out"),
        row("t", "child", stamp=4, up="out"),
    ]
    kept = Kept([tree], rows)
    assert kept.of("t", "forgets").row == {"id": "forgets", "code": None}
    assert kept.of("t", "child").reason == "its parent t forgets has changed"


# -- fixed rows


def test_a_fixed_row_serves_as_a_parent_and_gets_no_outcome() -> None:
    kept = Kept(child("CASCADE"), [row("p", 1, fixed=True), row("c", 1, p=1)])
    assert kept.outcomes.keys() == {("c", (1,))}
    assert kept.status("c", 1) == "shown"


def test_a_fixed_row_serves_as_a_parent_in_a_circle() -> None:
    kept = Kept([TREE], [row("t", 1, number=5, fixed=True), row("t", 2, up=1), row("t", 3, number=5)])
    assert kept.shown() == {("t", 2), ("t", 3)}
