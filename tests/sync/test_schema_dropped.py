"""A column is dropped or renamed, gets another type, or its table is made anew at one site; others go on writing it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sync.schemas import equal, network, notice, open_conflicts, recomputed, rest, sent, silent
from tests.sync.sites import Place

SCHEMA = ("CREATE TABLE guests (id INTEGER PRIMARY KEY, name TEXT, town TEXT DEFAULT '?')",)
ROWS = ("INSERT INTO guests VALUES (1, 'Ada', 'Ulm'), (2, 'Bob', 'Bonn'), (3, 'Cid', 'Kiel')",)
REBUILD = (
    "CREATE TABLE new_guests (id INTEGER PRIMARY KEY, name TEXT, {more})",
    "INSERT INTO new_guests (id, name{and_town}) SELECT id, name{and_town} FROM guests",
    "DROP TABLE guests",
    "ALTER TABLE new_guests RENAME TO guests",
)
LOSSES = {
    "dropped": ("ALTER TABLE guests DROP COLUMN town",),
    "rebuilt without it": tuple(s.format(more="note TEXT", and_town="") for s in REBUILD),
    "renamed": ("ALTER TABLE guests RENAME COLUMN town TO city",),
}


def pair(root: Path, **options: object) -> list[Place]:
    return network(root, SCHEMA, "north", "south", rows=ROWS, **options)


def towns(place: Place, column: str = "town") -> list[object]:
    return [town for (town,) in place.rows(f"SELECT {column} FROM guests ORDER BY id")]


@pytest.mark.parametrize("case", LOSSES)
def test_a_column_that_is_gone_at_one_site_is_kept_there_until_it_is_back(case: str, tmp_path: Path) -> None:
    north, south = places = pair(tmp_path)
    south.sql(*LOSSES[case])
    said = south.node.sync(tmp_path / "share").warnings
    assert "guests has no longer town; what others write there is kept" in said
    silent(places)
    north.sql("UPDATE guests SET town = 'Jena' WHERE id = 1", "UPDATE guests SET name = 'Bea' WHERE id = 2")
    north.sql("INSERT INTO guests VALUES (4, 'Dan', 'Trier')")
    rest(places)
    south.sql("UPDATE guests SET name = upper(name)")
    south.sql("INSERT INTO guests (id, name) VALUES (5, 'Eva')")
    rest(places)
    assert towns(north) == ["Jena", "Bonn", "Kiel", "Trier", "?"]
    south.sql("ALTER TABLE guests ADD COLUMN town TEXT DEFAULT '?'")
    assert "guests has town now; the values that were kept appear" in notice(south).warnings
    rest(places)
    assert towns(south) == ["Jena", "Bonn", "Kiel", "Trier", "?"]
    assert [recomputed(place) for place in places] == [[], []]
    silent(places)
    assert north.rows("SELECT id, name FROM guests") == south.rows("SELECT id, name FROM guests")


def test_a_renamed_column_is_a_new_one_with_the_old_values(tmp_path: Path) -> None:
    north, south = places = pair(tmp_path)
    south.sql("ALTER TABLE guests RENAME COLUMN town TO city")
    report = south.node.sync(tmp_path / "share")
    assert "guests has no longer town; what others write there is kept" in report.warnings
    assert "guests has new columns, replicated from now on: city" in report.warnings
    south.sql("UPDATE guests SET city = 'Suhl' WHERE id = 1")
    rest(places)
    north.sql("ALTER TABLE guests RENAME COLUMN town TO city")
    notice(north)
    rest(places)
    assert towns(north, "city") == ["Suhl", "Bonn", "Kiel"]
    equal(places)
    silent(places)


TYPES = ("TEXT", "INTEGER", "NUMERIC", "REAL", "BLOB", "", "VARCHAR(3) COLLATE NOCASE", "INTEGER NOT NULL DEFAULT 7")


@pytest.mark.parametrize("declared", TYPES)
def test_a_table_is_rebuilt_with_another_type(declared: str, tmp_path: Path) -> None:
    north, south = places = pair(tmp_path)
    south.sql(*(s.format(more=f"town {declared}", and_town=", town") for s in REBUILD))
    notice(south)
    silent(places)
    north.sql("UPDATE guests SET town = '17' WHERE id = 1")
    north.sql("UPDATE guests SET town = 'Jena' WHERE id = 2")
    rest(places)
    south.sql("UPDATE guests SET name = upper(name)")
    south.sql("UPDATE guests SET town = '18' WHERE id = 3")
    rest(places)
    assert towns(north) == ["17", "Jena", "18.0" if declared == "REAL" else "18"]
    assert [str(town).removesuffix(".0") for town in towns(south)] == ["17", "Jena", "18"]
    silent(places)
    north.sql("INSERT INTO guests VALUES (9, 'Ian', 'x')")
    rest(places)
    silent(places)


def test_a_table_rebuilt_like_an_orm_does_captures_what_came_before_and_after(tmp_path: Path) -> None:
    north, south = places = pair(tmp_path)
    south.sql("UPDATE guests SET town = 'Jena' WHERE id = 1", "DELETE FROM guests WHERE id = 2")
    south.sql(*(s.format(more="town TEXT, mail TEXT DEFAULT ''", and_town=", town") for s in REBUILD))
    report = south.node.sync(tmp_path / "share")
    assert [(key[:7], op, list(columns or ())) for _, key, op, columns in sent(south, report)] == [
        ("north:1", "update", ["town"]),
        ("north:2", "delete", []),
    ]
    rest(places)
    assert north.rows("SELECT * FROM guests") == [(1, "Ada", "Jena"), (3, "Cid", "Kiel")]
    silent(places)


def test_edits_that_no_trigger_saw_are_found_by_comparing(tmp_path: Path) -> None:
    north, south = places = pair(tmp_path)
    south.sql(*(s.format(more="town TEXT, mail TEXT DEFAULT ''", and_town=", town") for s in REBUILD))
    south.sql("UPDATE guests SET town = 'Jena' WHERE id = 1", "UPDATE guests SET mail = 'bob@' WHERE id = 2")
    south.sql("DELETE FROM guests WHERE id = 3", "INSERT INTO guests VALUES (4, 'Dan', 'Trier', 'dan@')")
    rest(places)
    assert north.rows("SELECT * FROM guests") == [(1, "Ada", "Jena"), (2, "Bob", "Bonn"), (4, "Dan", "Trier")]
    north.sql("ALTER TABLE guests ADD COLUMN mail TEXT DEFAULT ''")
    rest(places)
    equal(places)
    silent(places)


def test_a_value_that_both_write_while_one_lacks_the_column_meets_when_it_is_back(tmp_path: Path) -> None:
    """The one who adds the column and fills it has not seen what others wrote there."""
    north, south = places = pair(tmp_path)
    south.sql("ALTER TABLE guests DROP COLUMN town")
    notice(south)
    north.sql("UPDATE guests SET town = 'Jena' WHERE id = 1")
    rest(places)
    south.sql("ALTER TABLE guests ADD COLUMN town TEXT", "UPDATE guests SET town = 'Suhl' WHERE id IN (1, 2)")
    rest(places)
    equal(places)
    rest(places)
    assert towns(north)[1:] == ["Suhl", "Kiel"]
    versions = {v["row"]["town"] for entry in open_conflicts(north) for v in entry["versions"]}
    assert versions >= {"Jena", "Suhl"}
    silent(places)


def test_a_key_column_that_is_renamed_is_said_and_the_rest_goes_on(tmp_path: Path) -> None:
    schema = ("CREATE TABLE a (code TEXT PRIMARY KEY, v)", "CREATE TABLE b (code TEXT PRIMARY KEY, v)")
    rows = ("INSERT INTO a VALUES ('k', 1)", "INSERT INTO b VALUES ('k', 1)")
    north, south = places = network(tmp_path, schema, "north", "south", rows=rows)
    south.sql("ALTER TABLE a RENAME COLUMN code TO id")
    assert notice(south).warnings == ["a has no longer its key code; it is left alone until that is back"]
    north.sql("UPDATE a SET v = 2", "UPDATE b SET v = 2")
    south.sql("UPDATE a SET v = 3", "INSERT INTO a VALUES ('l', 1)")
    rest(places)
    assert south.rows("SELECT * FROM b") == [("k", 2)]
    assert south.rows("SELECT * FROM a") == [("k", 3), ("l", 1)], "it is left alone"
    assert any(entry["table"] == "a" for entry in south.node.status()["left_out"])
    south.sql("ALTER TABLE a RENAME COLUMN id TO code")
    rest(places)
    equal(places)
    [conflict] = open_conflicts(north)
    assert {version["row"]["v"] for version in conflict["versions"]} == {2, 3}
    silent(places)
