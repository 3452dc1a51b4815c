"""Which columns hold gids, and what a gid is (PROTOCOL, Whose key is it?)."""

from __future__ import annotations

from itertools import permutations

import pytest

from satchel.model.gids import Clash, Gid, gid_clashes, gid_columns, is_gid, make_gid, parse_gid, typed
from satchel.model.schema import Column, ForeignKey, Table


def table(name: str, columns: str, *keys: ForeignKey, key: str = "id", scope: str = "local") -> Table:
    made = tuple(Column(column, "int64", "INTEGER", "integer") for column in columns.split())
    return Table(name, made, tuple(key.split()), scope, (), keys)


def to(columns: str, parent: str, parent_columns: str = "id", *, declared: bool = True) -> ForeignKey:
    return ForeignKey(tuple(columns.split()), parent, tuple(parent_columns.split()), declared=declared)


INVOICES = table("invoices", "id total")


def test_a_gid_says_where_and_as_which_number_a_row_was_born() -> None:
    assert make_gid("site-a.x7k2", 57, "0badcafe") == "site-a.x7k2:57:0badcafe"
    assert parse_gid("site-a~0123abcd:-9223372036854775808:0badcafe") == Gid("site-a~0123abcd", -(2**63), "0badcafe")
    assert str(parse_gid("a:0:00000000")) == "a:0:00000000"


@pytest.mark.parametrize(
    "text",
    [
        "", "57", "a:57", "a:57:0badcaf", "a:57:0BADCAFE", "A:57:0badcafe", "a:057:0badcafe", "a:-0:0badcafe",
        "a:57:0badcafe ", "a:57:0badcafe\n", "a:9223372036854775808:0badcafe", ":57:0badcafe", "a:+5:0badcafe",
    ],
)  # fmt: skip
def test_what_is_no_gid_is_refused(text: str) -> None:
    assert not is_gid(text)
    with pytest.raises(ValueError, match="is no gid"):
        parse_gid(text)


@pytest.mark.parametrize("parts", [("Office", 1, "0badcafe"), ("a", 2**63, "0badcafe"), ("a", 1, "short")])
def test_no_gid_is_made_of_what_is_none(parts: tuple[str, int, str]) -> None:
    with pytest.raises(ValueError, match="is no gid"):
        make_gid(*parts)


def test_a_number_is_no_gid() -> None:
    assert not is_gid(57)
    assert not is_gid(None)


def test_the_key_of_a_local_table_and_what_refers_to_it_hold_gids() -> None:
    lines = table("lines", "id invoice pieces", to("invoice", "invoices"))
    assert gid_columns([INVOICES, lines]) == {
        ("invoices", "id"): "invoices",
        ("lines", "id"): "lines",
        ("lines", "invoice"): "invoices",
    }


def test_a_reference_that_only_the_configuration_names_counts_as_well() -> None:
    notes = table("notes", "id about", to("about", "invoices", declared=False))
    assert gid_columns([INVOICES, notes])["notes", "about"] == "invoices"


def test_references_are_followed_over_several_tables() -> None:
    details = table("details", "id note", to("id", "invoices"), scope="global")
    notes = table("notes", "id detail", to("detail", "details"))
    found = gid_columns([notes, details, INVOICES])
    assert found["details", "id"] == "invoices"
    assert found["notes", "detail"] == "invoices"


def test_self_references_and_cycles_end() -> None:
    staff = table("staff", "id boss team", to("boss", "staff"), to("team", "teams"))
    teams = table("teams", "id lead", to("lead", "staff"))
    found = gid_columns([staff, teams])
    assert (found["staff", "boss"], found["staff", "team"], found["teams", "lead"]) == ("staff", "teams", "staff")


def test_a_circle_of_references_that_no_local_key_feeds_holds_no_gids() -> None:
    one = table("one", "k other", to("other", "two", "k"), key="k", scope="global")
    two = table("two", "k other", to("k", "one", "k"), key="k", scope="global")
    assert gid_columns([one, two]) == {}


def test_the_part_of_a_composite_key_that_refers_holds_gids() -> None:
    lines = table("lines", "invoice line", to("invoice", "invoices"), key="invoice line", scope="global")
    parts = table("parts", "invoice line part", to("invoice line", "lines", "invoice line"), key="part", scope="global")
    found = gid_columns([INVOICES, lines, parts])
    assert found["lines", "invoice"] == "invoices"
    assert found["parts", "invoice"] == "invoices"
    assert ("lines", "line") not in found
    assert ("parts", "line") not in found


def test_a_reference_to_another_unique_column_holds_none() -> None:
    lines = table("lines", "id invoice", to("invoice", "invoices", "total"))
    assert ("lines", "invoice") not in gid_columns([INVOICES, lines])


def test_names_compare_without_case_and_are_given_as_their_tables_spell_them() -> None:
    lines = table("Lines", "Id Invoice", to("INVOICE", "INVOICES", "ID"), key="Id")
    assert gid_columns([INVOICES, lines])["Lines", "Invoice"] == "invoices"


def test_references_that_lead_nowhere_are_passed_over() -> None:
    lines = table(
        "lines", "id a b", to("a", "gone"), ForeignKey(("b",), "invoices", ("",)), to("a b", "invoices", "id")
    )
    assert set(gid_columns([INVOICES, lines])) == {("invoices", "id"), ("lines", "id")}


def test_of_two_roots_the_first_declared_wins_in_any_order_of_tables_and_it_is_told() -> None:
    orders = table("orders", "id")
    # `via` leads to orders only over another table, and is found later than invoices
    via = table("via", "id", to("id", "orders"), scope="global")
    both = table("both", "id about", to("about", "via"), to("about", "invoices"))
    child = table("child", "id x", to("x", "both", "about"))
    for order in permutations([INVOICES, orders, via, both, child]):
        found = gid_columns(order)
        assert (found["both", "about"], found["child", "x"]) == ("orders", "orders")
        assert gid_clashes(order) == [
            Clash("both", "about", "orders", ("invoices",)),
            Clash("child", "x", "orders", ("invoices",)),
        ]
    assert gid_clashes([INVOICES, orders]) == []


def test_a_circle_that_two_roots_feed_has_one_root_everywhere() -> None:
    orders = table("orders", "id")
    one = table("one", "id x", to("x", "two", "x"), to("x", "invoices"))
    two = table("two", "id x", to("x", "one", "x"), to("x", "orders"))
    tables = [INVOICES, orders, one, two]
    first = gid_columns(tables)
    assert all(gid_columns(order) == first for order in permutations(tables))
    assert {first["one", "x"], first["two", "x"]} <= {"invoices", "orders"}


def test_references_are_text_on_the_wire_and_own_numbers_stay_numbers() -> None:
    lines = table("lines", "id invoice pieces", to("invoice", "invoices"))
    link = table("link", "invoice line", to("invoice", "invoices"), key="invoice line", scope="global")
    made = {t.name: [c.type for c in t.columns] for t in typed([INVOICES, lines, link])}
    assert made == {
        "invoices": ["int64", "int64"],
        "lines": ["int64", "string", "int64"],
        "link": ["string", "int64"],
    }
    assert typed(typed([INVOICES, lines, link])) == typed([INVOICES, lines, link])


def test_where_all_keys_mean_the_same_everywhere_nothing_is_another_type() -> None:
    tables = (
        table("invoices", "id total", scope="global"),
        table("lines", "id n", to("n", "invoices"), scope="global"),
    )
    assert typed(tables) == tables
