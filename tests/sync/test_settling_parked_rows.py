"""Parked rows are settled by `resolve`, at any site: other values, merged with the row in the way, or deleted; what
refers to them follows (PROTOCOL, Constraints: unique keys)."""

from __future__ import annotations

from pathlib import Path

import pytest

from satchel.errors import UsageError
from tests.sync.schemas import network, rest
from tests.sync.sites import Place

SCHEMA = (
    "CREATE TABLE quote (id INTEGER PRIMARY KEY, quote_number TEXT UNIQUE, total INTEGER)",
    "CREATE TABLE line (quote_id INTEGER REFERENCES quote(id) ON DELETE CASCADE, pos INTEGER, what TEXT,"
    " PRIMARY KEY (quote_id, pos))",
)
LINES = "SELECT quote_number, total, pos, what FROM quote LEFT JOIN line ON quote_id = id ORDER BY 1, 3"


@pytest.fixture
def places(tmp_path: Path) -> list[Place]:
    """Two of three sites have taken quote number 7; the one of `a` came first."""
    places = network(tmp_path, SCHEMA, "a", "b", "c")
    a, b, _ = places
    a.sql("INSERT INTO quote VALUES (1, '7', 10)", "INSERT INTO line VALUES (1, 1, 'of a')")
    b.sql("INSERT INTO quote VALUES (1, '7', 20)", "INSERT INTO line VALUES (1, 2, 'of b')")
    rest(places)
    must_hold(places, ("7", 10, 1, "of a"))
    return places


def must_hold(places: list[Place], *lines: tuple[str, int, int | None, str | None]) -> None:
    for place in places:
        assert place.rows(LINES) == list(lines), place.name


def parked(place: Place) -> str:
    """The conflict of the quote that is kept out; its line is kept out with it."""
    entries = {entry["kind"]: entry for entry in place.node.conflicts()}
    assert entries.keys() == {"unique", "foreign-key"}
    assert entries["unique"]["shown"] is None
    return str(entries["unique"]["id"])


def must_be_settled(places: list[Place]) -> None:
    rest(places)
    assert [place.node.conflicts() for place in places] == [[], [], []]


def test_another_value_brings_it_back_with_its_lines(places: list[Place]) -> None:
    c = places[2]
    c.node.resolve(parked(c), set={"quote_number": "8"})
    must_be_settled(places)
    must_hold(places, ("7", 10, 1, "of a"), ("8", 20, 2, "of b"))


def test_taking_the_row_in_the_way_merges_the_other_one_into_it(places: list[Place]) -> None:
    c = places[2]
    c.node.resolve(parked(c), take="a")
    must_be_settled(places)
    must_hold(places, ("7", 10, 1, "of a"), ("7", 10, 2, "of b"))


def test_taking_the_parked_row_gives_its_values_to_the_one_in_the_way(places: list[Place]) -> None:
    c = places[2]
    c.node.resolve(parked(c), take="b")
    must_be_settled(places)
    must_hold(places, ("7", 20, 1, "of a"), ("7", 20, 2, "of b"))


def test_deleting_it_deletes_what_is_kept_out_with_it(places: list[Place]) -> None:
    c = places[2]
    c.node.resolve(parked(c), delete=True)
    must_be_settled(places)
    must_hold(places, ("7", 10, 1, "of a"))


def test_merging_does_not_overwrite_a_line_of_the_same_place(places: list[Place]) -> None:
    a, _, c = places
    a.sql("INSERT INTO line VALUES (1, 2, 'of a, too')")
    rest(places)
    with pytest.raises(UsageError, match="is there already"):
        c.node.resolve(parked(c), take="a")
    must_hold(places, ("7", 10, 1, "of a"), ("7", 10, 2, "of a, too"))


def test_somebody_without_a_version_cannot_be_taken(places: list[Place]) -> None:
    with pytest.raises(UsageError, match="c has no version"):
        places[0].node.resolve(parked(places[0]), take="c")
