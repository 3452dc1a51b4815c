"""Applications that leave foreign keys off, as SQLite does by itself: what their edits break is kept as the network
keeps it, at their own site like everywhere (PROTOCOL, Constraints)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.sync.schemas import equal, network, open_conflicts, rest
from tests.sync.sites import Place

PARENT = "CREATE TABLE p (id INTEGER PRIMARY KEY, t TEXT)"
CHILD = "CREATE TABLE k (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id) {}, t TEXT)"
ROWS = ("INSERT INTO p VALUES (1, 'one'), (2, 'two')", "INSERT INTO k VALUES (1, 1, 'k1'), (2, 2, 'k2')")
SHOWN = "SELECT k.t, p.t FROM k LEFT JOIN p ON p.id = k.p ORDER BY 1"


def unchecked(place: Place, *statements: str) -> None:
    """One transaction of an application that does not turn foreign keys on."""
    with closing(sqlite3.connect(place.db, isolation_level=None, timeout=10)) as db:
        db.execute("BEGIN")
        for statement in statements:
            db.execute(statement)
        db.execute("COMMIT")


def must_show(places: list[Place], *rows: tuple[str, str | None]) -> None:
    rest(places)
    equal(places)
    for place in places:
        assert place.rows(SHOWN) == list(rows), place.name
        assert place.rows("PRAGMA foreign_key_check") == []
    assert len({tuple(sorted(entry["id"] for entry in open_conflicts(place))) for place in places}) == 1


@pytest.mark.parametrize("scope", ["local", "global"])
@pytest.mark.parametrize(
    ("action", "shown"),
    [
        ("", [("k1", "one"), ("k2", "two")]),
        ("ON DELETE CASCADE", [("k2", "two")]),
        ("ON DELETE SET NULL", [("k1", None), ("k2", "two")]),
    ],
)
def test_a_parent_that_is_deleted_under_its_child_is_treated_alike_at_every_site(
    tmp_path: Path, scope: str, action: str, shown: list[tuple[str, str | None]]
) -> None:
    places = network(tmp_path, (PARENT, CHILD.format(action)), "a", "b", rows=ROWS, key_scope={"*": scope})
    unchecked(places[0], "DELETE FROM p WHERE id = 1")
    must_show(places, *shown)
