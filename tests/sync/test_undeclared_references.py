"""References that only the configuration names: no constraint keeps a row out together with its parent, and still it
hangs under that parent, and under no other, at every site (PROTOCOL, Whose key is it?)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sync.schemas import network, rest
from tests.sync.sites import Place

SCHEMA = (
    "CREATE TABLE bill (id INTEGER PRIMARY KEY, number TEXT UNIQUE, site TEXT)",
    "CREATE TABLE line (id INTEGER PRIMARY KEY, bill INTEGER NOT NULL, text TEXT)",
    "CREATE TABLE stamp (bill INTEGER, kind TEXT, text TEXT, PRIMARY KEY (bill, kind)) WITHOUT ROWID",
)
REFERENCES = ("line.bill=bill", "stamp.bill=bill")
LINES = "SELECT line.text, b.site FROM line LEFT JOIN bill b ON b.id = line.bill ORDER BY 1"
STAMPS = "SELECT stamp.text, b.site FROM stamp LEFT JOIN bill b ON b.id = stamp.bill ORDER BY 1"


@pytest.fixture
def places(tmp_path: Path) -> list[Place]:
    """Three sites have taken the bill number 7; the one of `a` came first, and the others are parked."""
    places = network(tmp_path, SCHEMA, "a", "b", "c", references=REFERENCES)
    for place in places:
        name = place.name
        place.sql(
            f"INSERT INTO bill VALUES (1, '7', '{name}')",
            f"INSERT INTO line VALUES (1, 1, '{name}')",
            f"INSERT INTO stamp VALUES (1, 'paid', '{name}')",
        )
    rest(places)
    return places


def must_hang(places: list[Place], *rows: tuple[str, str | None]) -> None:
    rest(places)
    for place in places:
        assert place.rows(LINES) == list(rows), place.name
        assert place.rows(STAMPS) == list(rows), place.name


def test_what_refers_to_a_parked_row_hangs_under_no_other(places: list[Place]) -> None:
    must_hang(places, ("a", "a"), ("b", None), ("c", None))
    for place in places:
        place.sql("INSERT INTO bill (site) VALUES ('next')")
    must_hang(places, ("a", "a"), ("b", None), ("c", None))


@pytest.mark.parametrize("editor", [0, 1, 2])
def test_it_hangs_under_its_row_again_when_that_is_back(places: list[Place], editor: int) -> None:
    places[editor].sql("UPDATE line SET text = upper(text)", "UPDATE stamp SET text = upper(text)")
    must_hang(places, ("A", "a"), ("B", None), ("C", None))
    for place in places:
        place.sql("INSERT INTO bill (site) VALUES ('next')")
    places[0].sql("UPDATE bill SET number = '8' WHERE number = '7'")
    must_hang(places, ("A", "a"), ("B", "b"), ("C", None))
    places[2].sql("UPDATE bill SET number = '9' WHERE number = '7'")
    must_hang(places, ("A", "a"), ("B", "b"), ("C", "c"))
    for place in places:
        assert place.rows("SELECT count(*) FROM bill WHERE id < 1") == [(0,)]


def test_a_row_that_arrives_does_not_get_the_number_of_a_deleted_one(places: list[Place]) -> None:
    a, b, c = places
    b.sql("INSERT INTO bill VALUES (9, NULL, 'gone')", "INSERT INTO line VALUES (9, 9, 'x')")
    rest([a, b])
    b.sql("DELETE FROM bill WHERE id = 9")
    a.sql("INSERT INTO line SELECT 10, id, 'y' FROM bill WHERE site = 'gone'")
    rest([a, b])
    c.sql("INSERT INTO bill VALUES (9, NULL, 'other')")
    rest(places)
    for place in places:
        assert place.rows(LINES)[-2:] == [("x", None), ("y", None)]
