"""Packets of several schema ages: sealed before a migration and applied after it, brought by a stick all at once."""

from __future__ import annotations

from pathlib import Path

from tests.sync.schemas import equal, join, network, open_conflicts, recomputed, rest, silent
from tests.sync.sites import Place

SCHEMA = ("CREATE TABLE guests (id INTEGER PRIMARY KEY, name TEXT, town TEXT)",)
ROWS = ("INSERT INTO guests VALUES (1, 'Ada', 'Ulm'), (2, 'Bob', 'Bonn'), (3, 'Cid', 'Kiel')",)
MAIL = "ALTER TABLE guests ADD COLUMN mail TEXT NOT NULL DEFAULT '-'"
STAYS = "CREATE TABLE stays (id INTEGER PRIMARY KEY, guest INTEGER REFERENCES guests, nights INTEGER)"
PAID = "ALTER TABLE stays ADD COLUMN paid REAL NOT NULL DEFAULT 0"


def export(place: Place, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    place.node.export(folder)
    return folder


def test_packets_of_three_ages_are_applied_in_one_go(tmp_path: Path) -> None:
    north, south, east = places = network(tmp_path, SCHEMA, "north", "south", "east", rows=ROWS)
    north.sql("UPDATE guests SET town = 'Jena' WHERE id = 1", "INSERT INTO guests VALUES (4, 'Dan', 'Trier')")
    export(north, tmp_path / "stick")
    north.sql(
        MAIL, "UPDATE guests SET mail = 'bob@' WHERE id = 2", "INSERT INTO guests VALUES (5, 'Eva', 'Suhl', 'e@')"
    )
    north.sql("DELETE FROM guests WHERE id = 3")
    export(north, tmp_path / "stick")
    north.sql(STAYS, "INSERT INTO stays VALUES (1, 2, 3), (2, 4, 1)", "UPDATE guests SET town = 'Hof' WHERE id = 2")
    north.sql(PAID, "UPDATE stays SET paid = 9.5 WHERE id = 1")
    export(north, tmp_path / "stick")
    north.sql("ALTER TABLE guests DROP COLUMN town")
    north.sql("UPDATE guests SET name = 'Eve' WHERE id = 5", "INSERT INTO stays VALUES (3, 1, 9, 1.0)")
    export(north, tmp_path / "stick")
    south.sql(MAIL, STAYS, PAID)  # it has the newest schema already
    assert len(south.node.import_(tmp_path / "stick").applied) == 4
    assert len(east.node.import_(tmp_path / "stick").applied) == 4  # it has the oldest
    wanted = [(1, "Jena", "-"), (2, "Hof", "bob@"), (4, "Trier", "-"), (5, "Suhl", "e@")]
    assert south.rows("SELECT id, town, mail FROM guests") == wanted
    assert south.rows("SELECT * FROM stays") == [(1, 2, 3, 9.5), (2, 4, 1, 0.0), (3, 1, 9, 1.0)]
    assert east.rows("SELECT id, town FROM guests") == [row[:2] for row in wanted]
    east.sql(MAIL, STAYS, PAID)
    north.sql("ALTER TABLE guests ADD COLUMN town TEXT")
    rest(places)
    assert sorted(south.dump()) == sorted(east.dump())
    assert east.rows("SELECT id, town, mail FROM guests") == wanted == north.rows("SELECT id, town, mail FROM guests")
    assert east.rows("SELECT * FROM stays") == south.rows("SELECT * FROM stays") == north.rows("SELECT * FROM stays")
    silent(places)
    assert [recomputed(place) for place in places] == [[], [], []]


def test_an_old_packet_arrives_after_the_migration(tmp_path: Path) -> None:
    """South's edits were sealed without the column; North has filled it meanwhile."""
    north, south = places = network(tmp_path, SCHEMA, "north", "south", rows=ROWS)
    south.sql("UPDATE guests SET town = 'Jena' WHERE id < 3", "INSERT INTO guests VALUES (4, 'Dan', 'Trier')")
    south.sql("DELETE FROM guests WHERE id = 3")
    late = export(south, tmp_path / "late")
    north.sql(MAIL, "UPDATE guests SET mail = name || '@'")
    north.sql("UPDATE guests SET town = 'Hof' WHERE id = 2")
    export(north, tmp_path / "share")
    report = north.node.import_(late)
    assert report.waiting == []
    mails = "SELECT name, mail FROM guests ORDER BY id"
    assert north.rows(mails) == [("Ada", "Ada@"), ("Bob", "Bob@"), ("Cid", "Cid@"), ("Dan", "-")]
    rest(places)
    south.sql(MAIL)
    rest(places)
    equal(places)
    assert {tuple(entry["columns"]) for entry in open_conflicts(south)} >= {("town",)}
    silent(places)


def test_old_packets_reach_a_site_that_has_dropped_the_column(tmp_path: Path) -> None:
    north, south = places = network(tmp_path, SCHEMA, "north", "south", rows=ROWS)
    south.sql(
        "UPDATE guests SET town = 'Jena', name = 'Eda' WHERE id = 1", "INSERT INTO guests VALUES (4, 'Dan', 'Hof')"
    )
    late = export(south, tmp_path / "late")
    north.sql("ALTER TABLE guests DROP COLUMN town", "UPDATE guests SET name = 'Bea' WHERE id = 2")
    north.node.import_(late)
    assert north.rows("SELECT * FROM guests") == [(1, "Eda"), (2, "Bea"), (3, "Cid"), (4, "Dan")]
    rest(places)
    assert south.rows("SELECT id, town FROM guests") == [(1, "Jena"), (2, "Bonn"), (3, "Kiel"), (4, "Hof")]
    north.sql("ALTER TABLE guests ADD COLUMN town TEXT")
    rest(places)
    equal(places)
    silent(places)


def test_a_site_joins_with_an_old_copy_of_the_database(tmp_path: Path) -> None:
    """The copy lacks the column, or its application has added it before."""
    north, _ = places = network(tmp_path, SCHEMA, "north", "south", rows=ROWS)
    north.sql(MAIL, "UPDATE guests SET mail = name || '@' WHERE id < 3")
    rest(places)
    old = join(
        places, "old", *SCHEMA, *ROWS, "UPDATE guests SET town = 'Hof' WHERE id = 2", "DELETE FROM guests WHERE id = 1"
    )
    assert {(entry["key"][0], *entry["columns"]) for entry in open_conflicts(old)} == {(2, "town")}
    plain = join(places, "plain", *SCHEMA, *ROWS, MAIL)
    assert plain.vector().get("plain") is None, "it is an old copy"
    rows = ("INSERT INTO guests VALUES (8, 'Hal', 'Ulm', 'hal@')", "UPDATE guests SET mail = 'cid@' WHERE id = 3")
    wide = join(places, "wide", *SCHEMA, *ROWS, MAIL, *rows)
    join(places, "more", *SCHEMA, *ROWS, "INSERT INTO guests VALUES (9, 'Ivo', 'Hof')")
    rest(places)
    for place in places:
        if place not in (north, plain, wide):
            place.sql(MAIL)
    rest(places)
    rest(places)
    for place in places:
        shown = dict(place.rows("SELECT name, mail FROM guests"))  # type: ignore[arg-type]
        assert shown == {"Ada": "Ada@", "Bob": "Bob@", "Cid": "-", "Hal": "hal@", "Ivo": "-"}, place.name
        listed = {
            (version["row"].get("mail"), entry["id"])
            for entry in open_conflicts(place)
            for version in entry["versions"]
        }
        assert "cid@" in dict(listed)
    silent(places)
