"""Unique indexes that compare in their own way, from the founder's schema and from later changes of it."""

from __future__ import annotations

from pathlib import Path

from tests.sync.schemas import equal, network, open_conflicts, rest, silent
from tests.sync.sites import Place, found_network, join_network, make_database

GUESTS = "CREATE TABLE guests (id INTEGER PRIMARY KEY, name TEXT)"
NAMES = "CREATE UNIQUE INDEX guests_name ON guests (name COLLATE NOCASE)"
MAIL = "ALTER TABLE guests ADD COLUMN mail TEXT"
MAILS = "CREATE UNIQUE INDEX guests_mail ON guests (name COLLATE RTRIM, mail COLLATE NOCASE)"


def parked(place: Place) -> list[tuple[str, str]]:
    return [(entry["table"], entry["kind"]) for entry in open_conflicts(place)]


def collations(place: Place, table: str) -> list[tuple[object, ...]]:
    """(column, collation) of every unique index besides the key."""
    return place.rows(
        f"SELECT x.name, x.coll FROM pragma_index_list('{table}') i JOIN pragma_index_xinfo(i.name) x"
        " WHERE x.key AND i.origin <> 'pk' ORDER BY i.seq, x.seqno"
    )


def test_names_that_differ_in_case_alone_are_parked_at_every_site(tmp_path: Path) -> None:
    places = network(tmp_path, (GUESTS, NAMES), "east", "north", "south")  # of one instant: by name
    for place, name in zip(places, ("Ada", "ADA", "aDA"), strict=True):
        place.sql(f"INSERT INTO guests VALUES (1, '{name}')")
    rest(places)
    rest(places)
    assert [[name for (name,) in place.rows("SELECT name FROM guests")] for place in places] == [["Ada"]] * 3
    assert [parked(place) for place in places] == [[("guests", "unique")] * 2] * 3
    places[0].sql("UPDATE guests SET name = 'Bea'")
    rest(places)
    assert [sorted(place.rows("SELECT name FROM guests")) for place in places] == [[("ADA",), ("Bea",)]] * 3
    silent(places)


def test_an_index_that_comes_with_a_new_column_is_kept_everywhere(tmp_path: Path) -> None:
    places = network(tmp_path, (GUESTS,), "north", "south", rows=("INSERT INTO guests VALUES (1, 'Ada')",))
    north, south = places
    north.sql(MAIL, MAILS)
    rest(places)
    south.sql(MAIL, MAILS)
    rest(places)
    north.sql("INSERT INTO guests VALUES (2, 'Bob', 'Mail')")
    south.sql("INSERT INTO guests VALUES (2, 'Bob  ', 'mAIL'), (3, 'bob', 'mail')")
    rest(places)
    rest(places)
    shown = [sorted(place.rows("SELECT name, mail FROM guests WHERE id > 1")) for place in places]
    assert shown == [[("Bob", "Mail"), ("bob", "mail")]] * 2
    assert [parked(place) for place in places] == [[("guests", "unique")]] * 2
    silent(places)


def test_a_table_that_follows_has_the_collations_of_its_unique_keys(tmp_path: Path) -> None:
    north = found_network(tmp_path, make_database(tmp_path / "n.db", GUESTS), "north", schema="follow")
    south = join_network(north, "south", make_database(tmp_path / "s.db", GUESTS))
    places = [north, south]
    rest(places)
    north.sql(
        "CREATE TABLE tags (code TEXT PRIMARY KEY, word TEXT, sort TEXT COLLATE NOCASE UNIQUE)",
        "CREATE UNIQUE INDEX tags_word ON tags (word COLLATE NOCASE, sort COLLATE BINARY)",
        "INSERT INTO tags VALUES ('a', 'Tea', 'x')",
    )
    rest(places)
    rest(places)
    made = [("word", "NOCASE"), ("sort", "BINARY"), ("sort", "NOCASE")]
    assert sorted(collations(north, "tags")) == sorted(collations(south, "tags")) == sorted(made)
    equal(places)
    silent(places)
