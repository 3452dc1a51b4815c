"""Whoever has joined works on at once. Where an edit takes what the network has given away, nothing is refused: the
constraints settle it as they settle what arrives."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.sync.schemas import rest
from tests.sync.sites import Place, emptied, found_network, join_network, make_database

SCHEMA = (
    "CREATE TABLE quotes (id INTEGER PRIMARY KEY, label TEXT, number INTEGER UNIQUE, total INTEGER)",
    "CREATE TABLE lines (id INTEGER PRIMARY KEY, label TEXT, quote INTEGER NOT NULL REFERENCES quotes(id))",
    "CREATE TABLE codes (code TEXT PRIMARY KEY, word TEXT UNIQUE)",
)
ROWS = (
    "INSERT INTO quotes VALUES (1, 'a1', 7, 10), (2, 'a2', 8, 20)",
    "INSERT INTO lines VALUES (1, 'a1 line', 1)",
    "INSERT INTO codes VALUES ('x', 'red'), ('y', 'blue')",
)


def joined(root: Path, rows: str) -> tuple[Place, Place]:
    """The founder, and somebody who has joined with no rows or with a copy, and has imported nothing yet."""
    a = found_network(root, make_database(root / "a.db", *SCHEMA, *ROWS), "a", key_scope={})
    if rows == "a copy":
        with closing(sqlite3.connect(a.db)) as one, closing(sqlite3.connect(root / "copy.db")) as two:
            one.backup(two)
        database = make_database(root / "b.db", *SCHEMA, *ROWS)
    else:
        database = emptied(a.db, root / "b.db")
    return a, join_network(a, "b", database)


def content(place: Place) -> dict[str, list[tuple[Any, ...]]]:
    lines = "SELECT l.label, q.label FROM lines l LEFT JOIN quotes q ON q.id = quote ORDER BY 1"
    quotes = "SELECT label, number, total FROM quotes ORDER BY 1"
    assert place.rows("PRAGMA foreign_key_check") == []
    return {"quotes": place.rows(quotes), "lines": place.rows(lines), "codes": place.rows("SELECT * FROM codes")}


def parked(place: Place) -> set[str]:
    entries = [entry for entry in place.node.conflicts() if entry["state"] == "parked" and entry["closed"] is None]
    return {str(version["row"].get("label", version["row"].get("code"))) for e in entries for version in e["versions"]}


@pytest.mark.parametrize("rows", ["none", "a copy"])
def test_a_new_row_with_a_value_that_is_taken_is_parked_with_its_children(tmp_path: Path, rows: str) -> None:
    a, b = joined(tmp_path, rows)
    a.sql("INSERT INTO quotes VALUES (3, 'a3', 9, 1)")
    a.node.export(tmp_path)
    b.sql("INSERT INTO quotes VALUES (5, 'b5', 9, 50), (6, 'b6', 60, 60)")
    b.sql("INSERT INTO lines VALUES (5, 'b5 line', 5), (6, 'b6 line', 6)")
    rest([a, b])
    assert content(a) == content(b)
    assert ("b6", 60, 60) in content(a)["quotes"]
    shown = {label for label, *_ in content(a)["quotes"]}
    hidden = {"b5", "b5 line"} if "a3" in shown else {"a3"}
    assert parked(a) == parked(b) == hidden
    assert {"a3", "b5", "b6"} == (shown | parked(a)) - {"a1", "a2", "b5 line"}
    assert [line for line in content(a)["lines"] if line[0] == "b6 line"] == [("b6 line", "b6")]


def test_a_value_that_was_moved_to_another_row_meanwhile_is_settled(tmp_path: Path) -> None:
    a, b = joined(tmp_path, "a copy")
    a.sql("UPDATE quotes SET number = 11 WHERE id = 1", "UPDATE quotes SET number = 7 WHERE id = 2")
    a.node.export(tmp_path)
    b.sql("UPDATE quotes SET number = 12, total = 99 WHERE id = 2", "UPDATE codes SET word = 'green' WHERE code = 'x'")
    rest([a, b])
    assert content(a) == content(b)
    assert ("x", "green") in content(a)["codes"]
    assert parked(a) == parked(b)


def test_edits_of_a_refused_batch_keep_their_times_and_what_they_did_not_write(tmp_path: Path) -> None:
    a, b = joined(tmp_path, "a copy")
    a.sql("UPDATE quotes SET label = 'a1 renamed' WHERE id = 1", "INSERT INTO codes VALUES ('z', 'green')")
    rest([a])
    b.sql("UPDATE quotes SET total = 11 WHERE id = 1", "DELETE FROM codes WHERE code = 'y'")
    b.sql("INSERT INTO codes VALUES ('w', 'green')")  # taken
    rest([a, b])
    assert content(a) == content(b)
    assert content(a)["quotes"][0] == ("a1 renamed", 7, 11)
    assert [code for code, _ in content(a)["codes"]] == ["x", "z"]
    assert parked(a) == {"w"}


def test_rows_whose_numbers_the_network_has_given_away_all_get_others(tmp_path: Path) -> None:
    a, b = joined(tmp_path, "none")
    a.node.export(tmp_path)
    b.sql("INSERT INTO quotes (label) VALUES ('b1'), ('b2'), ('b3')", "INSERT INTO lines VALUES (1, 'b1 line', 1)")
    b.sql("UPDATE quotes SET total = 5 WHERE label = 'b2'", "INSERT INTO lines VALUES (2, 'b3 line', 3)")
    rest([a, b])
    assert content(a) == content(b)
    assert [quote for quote in content(a)["quotes"] if quote[0][0] == "b"] == [
        ("b1", None, None),
        ("b2", None, 5),
        ("b3", None, None),
    ]
    assert content(a)["lines"] == [("a1 line", "a1"), ("b1 line", "b1"), ("b3 line", "b3")]
    assert b.rows("SELECT id FROM quotes WHERE label = 'b3'") == [(3,)]  # it was free
