"""A column is added at one site before the others (PROTOCOL, Capture and Constraints)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sync.schemas import equal, join, network, notice, rest, silent
from tests.sync.sites import Place

SCHEMA = ("CREATE TABLE guests (id INTEGER PRIMARY KEY, name TEXT, town TEXT)",)
ROWS = ("INSERT INTO guests VALUES (1, 'Ada', 'Ulm'), (2, 'Bob', 'Bonn'), (3, 'Cid', 'Kiel')",)
ADDITIONS = {
    "no default": ("mail TEXT", None),
    "a default": ("mail TEXT DEFAULT 'none'", "none"),
    "NOT NULL and a default": ("mail TEXT NOT NULL DEFAULT ''", ""),
    "a default of another class": ("mail DEFAULT 5.5", 5.5),
    "a default with quotes": ("mail TEXT DEFAULT 'it''s'", "it's"),
}


def trio(root: Path, **options: object) -> list[Place]:
    return network(root, SCHEMA, "north", "south", rows=ROWS, **options)


def add(place: Place, column: str) -> None:
    place.sql(f"ALTER TABLE guests ADD COLUMN {column}")


def mails(place: Place) -> dict[str, object]:
    return dict(place.rows("SELECT name, mail FROM guests ORDER BY name"))  # type: ignore[arg-type]


@pytest.mark.parametrize("case", ADDITIONS)
def test_values_of_a_column_appear_where_it_is_added_later(case: str, tmp_path: Path) -> None:
    column, default = ADDITIONS[case]
    north, south = places = trio(tmp_path)
    add(north, column)
    report = notice(north)
    assert report.warnings == ["guests has new columns, which are replicated from now on: mail"]
    north.sql("UPDATE guests SET mail = 'ada@' WHERE id = 1", "UPDATE guests SET town = 'Jena' WHERE id = 2")
    north.sql("INSERT INTO guests VALUES (4, 'Dan', 'Trier', 'dan@')")
    rest(places)
    east = join(places, "east", *SCHEMA)
    south.sql("UPDATE guests SET town = 'Köln' WHERE id = 1")
    south.sql("INSERT INTO guests VALUES (5, 'Eva', 'Suhl')")
    east.sql("UPDATE guests SET name = 'Bob!' WHERE id = 2")
    rest(places)
    rest(places)
    silent(places)
    for place in (south, east):
        add(place, column)
        said = notice(place).warnings
        assert said == ["guests has mail now; the values that were kept appear"]
    rest(places)
    equal(places)
    assert mails(north) == {"Ada": "ada@", "Bob!": default, "Cid": default, "Dan": "dan@", "Eva": default}
    assert dict(north.rows("SELECT name, town FROM guests"))["Ada"] == "Köln"
    silent(places)
    assert [place.node.conflicts() for place in places] == [[], [], []]
