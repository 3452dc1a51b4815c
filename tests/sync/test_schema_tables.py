"""Tables that come and go: made at one site first, with rows from before, and elsewhere some syncs later."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sync.schemas import equal, join, network, notice, open_conflicts, recomputed, rest, sent, silent
from tests.sync.sites import Place, differences

SCHEMA = ("CREATE TABLE guests (id INTEGER PRIMARY KEY, name TEXT)",)
ROWS = ("INSERT INTO guests VALUES (1, 'Ada'), (2, 'Bob')",)
STAYS = "CREATE TABLE stays (id INTEGER PRIMARY KEY, guest INTEGER REFERENCES guests, nights INTEGER)"
BILLS = "CREATE TABLE bills (code TEXT PRIMARY KEY, stay INTEGER REFERENCES stays ON DELETE CASCADE, sum REAL)"
LINKS = (
    "CREATE TABLE links (guest INTEGER REFERENCES guests, stay INTEGER REFERENCES stays, note TEXT,"
    " PRIMARY KEY (guest, stay))"
)
NEW = (STAYS, BILLS, LINKS)
FILLED = (
    "INSERT INTO stays VALUES (1, 2, 3), (2, 1, 4)",
    "INSERT INTO bills VALUES ('b1', 1, 9.5), ('b2', 2, 3.5)",
    "INSERT INTO links VALUES (1, 2, 'x'), (2, 1, 'y')",
)
SHOWN = (
    "SELECT g.name, s.nights, b.code, b.sum, l.note FROM stays s JOIN guests g ON g.id = s.guest"
    " JOIN bills b ON b.stay = s.id LEFT JOIN links l ON l.stay = s.id AND l.guest = g.id ORDER BY b.code"
)


def trio(root: Path, **options: object) -> list[Place]:
    return network(root, SCHEMA, "north", "south", "east", rows=ROWS, **options)


def sound(places: list[Place]) -> None:
    for place in places:
        assert place.rows("PRAGMA foreign_key_check") == [], place.name


@pytest.mark.parametrize("maker", [0, 1], ids=["the founder", "a member"])
def test_new_tables_join_by_themselves_with_the_rows_that_they_hold(maker: int, tmp_path: Path) -> None:
    places = trio(tmp_path)
    author, other = places[maker], places[1 - maker]
    author.sql(*NEW, *FILLED)
    said = author.node.sync(tmp_path / "share").warnings
    assert sorted(words for words in said if "new here" in words) == [
        f"the table {name} is new here and is replicated from now on" for name in ("bills", "links", "stays")
    ]
    rest(places)
    silent(places)
    author.sql("UPDATE stays SET nights = 5 WHERE id = 1", "DELETE FROM links WHERE guest = 2")
    author.sql("INSERT INTO stays VALUES (3, 2, 1)", "INSERT INTO bills VALUES ('b3', 3, 1)")
    rest(places)
    other.sql(*NEW)
    said = other.node.sync(tmp_path / "share").warnings
    assert sorted(words for words in said if "is here now" in words) == [
        f"the table {name} is here now; the rows that were kept appear" for name in ("bills", "links", "stays")
    ]
    rest(places)
    sound(places)
    wanted = [("Bob", 5, "b1", 9.5, None), ("Ada", 4, "b2", 3.5, "x"), ("Bob", 1, "b3", 1.0, None)]
    assert author.rows(SHOWN) == other.rows(SHOWN) == wanted
    places[2].sql(*NEW)
    rest(places)
    equal(places)
    silent(places)
    assert [recomputed(place) for place in places] == [[], [], []]


def test_own_rows_of_a_table_that_others_have_filled_too_are_other_rows(tmp_path: Path) -> None:
    """Numbers collide; each site's bills keep to its own stays."""
    north, south, east = places = trio(tmp_path)
    north.sql(*NEW, *FILLED)
    rest(places)
    north.sql("UPDATE stays SET nights = nights + 10")
    south.sql(*NEW)
    south.sql(
        "INSERT INTO stays VALUES (1, 1, 7), (2, 2, 8)",
        "INSERT INTO bills VALUES ('c1', 1, 1), ('c2', 2, 2)",
        "INSERT INTO links VALUES (1, 1, 'p'), (2, 2, 'q')",
    )
    rest(places)
    rest(places)
    sound(places)
    wanted = [
        ("Bob", 13, "b1", 9.5, "y"),
        ("Ada", 14, "b2", 3.5, "x"),
        ("Ada", 7, "c1", 1.0, "p"),
        ("Bob", 8, "c2", 2.0, "q"),
    ]
    assert north.rows(SHOWN) == wanted
    assert south.rows(SHOWN) == wanted
    assert south.rows("SELECT nights FROM stays WHERE id < 3 ORDER BY id") == [(7,), (8,)], "its own numbers stay"
    east.sql(*NEW)
    rest(places)
    assert east.rows(SHOWN) == wanted
    sound(places)
    silent(places)


def test_rows_with_equal_keys_stand_beside_each_other(tmp_path: Path) -> None:
    """Whoever fills a table before it has seen the others' rows has not seen them."""
    north, south, east = places = trio(tmp_path)
    table = "CREATE TABLE rooms (code TEXT PRIMARY KEY, beds INTEGER, view TEXT)"
    north.sql(table, "INSERT INTO rooms VALUES ('r1', 1, 'sea'), ('r2', 2, 'sea'), ('r3', 3, 'sea')")
    rest(places)
    south.sql(table, "INSERT INTO rooms VALUES ('r1', 1, 'sea'), ('r2', 2, 'yard'), ('r4', 4, 'yard')")
    rest(places)
    east.sql(table)
    rest(places)
    equal(places)
    assert {code for (code,) in north.rows("SELECT code FROM rooms")} == {"r1", "r2", "r3", "r4"}
    [conflict] = open_conflicts(north)
    assert (conflict["key"], conflict["columns"]) == (["r2"], ["view"])
    silent(places)


def test_a_second_new_table_refers_to_the_first_and_an_old_one_to_both(tmp_path: Path) -> None:
    north, south, east = places = trio(tmp_path)
    north.sql(STAYS, "INSERT INTO stays VALUES (1, 2, 3), (2, 1, 4)")
    south.sql("INSERT INTO guests VALUES (3, 'Cid')")
    rest(places)
    south.sql(STAYS, "INSERT INTO stays VALUES (1, 3, 6)")
    rest(places)
    south.sql(BILLS, "INSERT INTO bills SELECT 'b' || nights, id, nights FROM stays")
    south.sql("ALTER TABLE guests ADD COLUMN last INTEGER REFERENCES stays")
    south.sql("UPDATE guests SET last = (SELECT max(id) FROM stays WHERE guest = guests.id)")
    rest(places)
    north.sql(BILLS, "ALTER TABLE guests ADD COLUMN last INTEGER REFERENCES stays")
    rest(places)
    east.sql("ALTER TABLE guests ADD COLUMN last INTEGER REFERENCES stays", BILLS)
    rest(places)
    east.sql(STAYS)
    rest(places)
    sound(places)
    last = "SELECT g.name, s.nights FROM guests g LEFT JOIN stays s ON s.id = g.last ORDER BY g.name"
    bills = "SELECT b.code, s.nights FROM bills b LEFT JOIN stays s ON s.id = b.stay ORDER BY 1"
    assert [place.rows(last) for place in places] == [[("Ada", 4), ("Bob", 3), ("Cid", 6)]] * 3
    assert [place.rows(bills) for place in places] == [[("b3", 3), ("b4", 4), ("b6", 6)]] * 3
    silent(places)


def test_a_table_that_is_dropped_at_one_site_is_kept_there_until_it_is_back(tmp_path: Path) -> None:
    north, south = places = network(tmp_path, (*SCHEMA, *NEW), "north", "south", rows=(*ROWS, *FILLED))
    north.sql("UPDATE bills SET sum = 7 WHERE code = 'b1'")
    rest(places)
    south.sql("DROP TABLE links", "DROP TABLE bills", "DROP TABLE stays")
    report = notice(south)
    assert report.warnings == [
        f"the table {name} is gone; what others write there is kept until it is back"
        for name in ("stays", "bills", "links")
    ]
    north.sql("UPDATE stays SET nights = 9 WHERE id = 1", "INSERT INTO stays VALUES (3, 1, 1)")
    north.sql("INSERT INTO bills VALUES ('b3', 3, 1)", "DELETE FROM links WHERE guest = 1")
    rest(places)
    silent(places)
    assert north.rows(SHOWN) == [("Bob", 9, "b1", 7.0, "y"), ("Ada", 4, "b2", 3.5, None), ("Ada", 1, "b3", 1.0, None)]
    south.sql(*NEW)
    notice(south)
    rest(places)
    equal(places)
    silent(places)
    assert [recomputed(place) for place in places] == [[], []]


def test_a_table_that_is_back_with_its_old_rows_sends_only_what_is_new(tmp_path: Path) -> None:
    table = "CREATE TABLE rooms (code TEXT PRIMARY KEY, beds INTEGER)"
    rows = "INSERT INTO rooms VALUES ('r1', 1), ('r2', 2)"
    north, south = places = network(tmp_path, (table,), "north", "south", rows=(rows,))
    south.sql("DROP TABLE rooms")
    notice(south)
    south.sql(table, rows, "INSERT INTO rooms VALUES ('r3', 3)")
    report = south.node.sync(tmp_path / "share")
    assert [key for _, key, _, _ in sent(south, report)] == ["r3"]
    rest(places)
    equal(places)
    assert open_conflicts(north) == []
    silent(places)


def test_a_site_that_joins_brings_a_table_that_the_network_has_met_only_in_packets(tmp_path: Path) -> None:
    places = network(tmp_path, SCHEMA, "north", "south", rows=ROWS)
    north, south = places
    south.sql(STAYS, "INSERT INTO stays VALUES (1, 2, 3)")
    rest(places)
    rooms = "CREATE TABLE rooms (code TEXT PRIMARY KEY, beds INTEGER)"
    east = join(places, "east", *SCHEMA, STAYS, rooms, "INSERT INTO rooms VALUES ('r1', 1)")
    said = "the table rooms is new here and is replicated from now on"
    assert said in [words for entry in east.node.log() for words in entry["report"]["warnings"]]
    rest(places)
    assert east.rows("SELECT * FROM stays") == [(1, 2, 3)]
    north.sql(STAYS, rooms)
    south.sql(rooms)
    rest(places)
    rest(places)
    equal(places)
    assert south.rows("SELECT * FROM rooms") == [("r1", 1)]
    silent(places)


def test_a_joining_site_has_rows_of_its_own_in_a_new_table(tmp_path: Path) -> None:
    places = network(tmp_path, SCHEMA, "north", rows=ROWS)
    north = places[0]
    (tmp_path / "share").mkdir()
    north.sql(STAYS, "INSERT INTO stays VALUES (1, 2, 3)")
    north.node.sync(tmp_path / "share")
    schema = (*SCHEMA, STAYS, "INSERT INTO guests VALUES (1, 'Ada'), (5, 'Eva')", "INSERT INTO stays VALUES (1, 5, 8)")
    east = join(places, "east", *schema)
    rest(places)
    shown = "SELECT g.name, s.nights FROM stays s JOIN guests g ON g.id = s.guest ORDER BY nights"
    assert north.rows(shown) == east.rows(shown) == [("Bob", 3), ("Eva", 8)]
    silent(places)
    assert differences(north.dump(), {**east.dump(), "stays": north.dump()["stays"]}) == {}


def test_a_reference_to_a_table_that_is_not_here_follows_its_row_home(tmp_path: Path) -> None:
    """The number that a row had while its table was away is taken by another row when the table comes."""
    north, south = places = network(tmp_path, SCHEMA, "north", "south", rows=ROWS)
    column = "ALTER TABLE guests ADD COLUMN last INTEGER REFERENCES stays"
    north.sql(STAYS, column, "INSERT INTO stays VALUES (1, 2, 3), (2, 1, 4)", "UPDATE guests SET last = 3 - id")
    rest(places)
    south.sql(column)
    rest(places)
    south.sql(STAYS, "INSERT INTO stays VALUES (1, 1, 8), (2, 1, 9)")
    rest(places)
    rest(places)
    last = "SELECT g.name, s.nights FROM guests g LEFT JOIN stays s ON s.id = g.last ORDER BY g.name"
    assert north.rows(last) == south.rows(last) == [("Ada", 4), ("Bob", 3)]
    assert south.rows("SELECT nights FROM stays WHERE id < 3 ORDER BY id") == [(8,), (9,)]
    sound(places)
    silent(places)
