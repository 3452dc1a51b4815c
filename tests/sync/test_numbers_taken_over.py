"""An application with foreign keys off deletes a row, and another one gets its number: what still refers to the number
belongs to the new row, at its own site and everywhere."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.sync.schemas import network, rest
from tests.sync.sites import Place

SCHEMA = (
    "CREATE TABLE invoice (id INTEGER PRIMARY KEY, no TEXT)",
    "CREATE TABLE line (id INTEGER PRIMARY KEY, invoice_id INTEGER REFERENCES invoice(id), what TEXT)",
    "CREATE TABLE extra (invoice_id INTEGER PRIMARY KEY REFERENCES invoice(id), what TEXT)",
)
ROWS = (
    "INSERT INTO invoice VALUES (1, 'old'), (2, 'other')",
    "INSERT INTO line VALUES (1, 1, 'untouched'), (2, 1, 'edited')",
    "INSERT INTO extra VALUES (1, 'its own')",
)
BELONGS = "SELECT no, what FROM {} c LEFT JOIN invoice i ON i.id = c.invoice_id ORDER BY 2"


def without_foreign_keys(place: Place, *statements: str) -> None:
    with closing(sqlite3.connect(place.db, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_what_refers_to_a_number_that_is_used_again_goes_with_the_new_row(tmp_path: Path) -> None:
    places = network(tmp_path, SCHEMA, "a", "b", rows=ROWS)
    a, _ = places
    without_foreign_keys(
        a,
        "UPDATE line SET what = 'edited now' WHERE id = 2",
        "DELETE FROM invoice WHERE id = 1",
        "INSERT INTO invoice VALUES (1, 'new')",
    )
    rest(places)
    for place in places:
        assert sorted(place.rows("SELECT no FROM invoice")) == [("new",), ("other",)], place.name
        assert place.rows(BELONGS.format("line")) == [("new", "edited now"), ("new", "untouched")]
        assert place.rows(BELONGS.format("extra")) == [("new", "its own")]
        assert place.rows("PRAGMA foreign_key_check") == []
        assert place.node.conflicts() == []
    rest(places)
    assert a.vector() == {"a": 2}
