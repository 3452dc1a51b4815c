"""A column is added at one site before the others (PROTOCOL, Capture and Constraints)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sync.schemas import equal, join, network, notice, open_conflicts, recomputed, rest, sent, silent
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
    assert report.warnings == ["guests has new columns, replicated from now on: mail"]
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


POLICIES = ["latest", "merge", "manual", "priority:south,north", "priority:north,south"]


@pytest.mark.parametrize("policy", POLICIES)
def test_edits_on_both_sides_of_a_migration_come_to_the_same_rows(policy: str, tmp_path: Path) -> None:
    north, south = places = trio(tmp_path, policies={"*": policy})
    add(north, "mail TEXT DEFAULT 'none'")
    north.sql("UPDATE guests SET mail = name || '@'")
    rest(places)
    north.sql("UPDATE guests SET mail = 'new@' WHERE id = 1", "UPDATE guests SET town = 'Jena', mail = '' WHERE id = 2")
    north.sql("DELETE FROM guests WHERE id = 3")
    south.sql("UPDATE guests SET name = 'Eda' WHERE id = 1", "UPDATE guests SET town = 'Köln' WHERE id = 2")
    south.sql("UPDATE guests SET town = 'Suhl' WHERE id = 3")
    rest(places)
    listed = [{(c["id"], tuple(c["columns"])) for c in place.node.conflicts()} for place in places]
    assert listed[0] == listed[1]
    assert [recomputed(place) for place in places] == [[], []]
    before = north.rows("SELECT id, name, town FROM guests")
    assert before == south.rows("SELECT id, name, town FROM guests")
    add(south, "mail TEXT DEFAULT 'none'")
    notice(south)
    rest(places)
    equal(places)
    assert before == south.rows("SELECT id, name, town FROM guests")
    silent(places)
    if policy == "merge":
        assert south.rows("SELECT * FROM guests WHERE id <> 2") == [
            (1, "Eda", "Ulm", "new@"),
            (3, "Cid", "Suhl", "Cid@"),
        ]


@pytest.mark.parametrize("policy", POLICIES)
def test_an_edit_that_settles_a_conflict_keeps_the_column_that_its_author_cannot_see(
    policy: str, tmp_path: Path
) -> None:
    north, south = places = trio(tmp_path, policies={"*": policy})
    add(north, "mail TEXT")
    north.sql("UPDATE guests SET mail = 'ada@'")
    rest(places)
    north.sql("UPDATE guests SET town = 'Jena', mail = 'two@'")
    south.sql("UPDATE guests SET town = 'Köln'")
    rest(places)
    mail = mails(north)
    south.sql("UPDATE guests SET town = 'Suhl' WHERE id < 3")
    south.sql("DELETE FROM guests WHERE id = 3")
    rest(places)
    rest(places)
    del mail["Cid"]
    assert mails(north) == mail
    add(south, "mail TEXT")
    rest(places)
    rest(places)
    equal(places)
    assert [open_conflicts(place) for place in places] == [[], []]
    [last] = [v["row"] for v in north.node.history("guests", 3) if v["op"] == "delete"]
    assert last["mail"] == "two@" or policy.startswith("priority:south") or policy in ("latest", "manual")


def test_what_a_migration_fills_in_travels_even_before_any_command(tmp_path: Path) -> None:
    north, south = places = trio(tmp_path)
    north.sql("ALTER TABLE guests ADD COLUMN mail TEXT DEFAULT ''", "UPDATE guests SET mail = name || '@' WHERE id < 3")
    north.sql("UPDATE guests SET town = 'Trier' WHERE id = 3", "INSERT INTO guests VALUES (7, 'Fay', 'Gera', 'fay@')")
    report = north.node.sync(tmp_path / "share")
    assert {(key.split(":")[1], op, columns) for _, key, op, columns in sent(north, report)} == {
        ("1", "update", ("mail",)), ("2", "update", ("mail",)), ("3", "update", ("town",)), ("7", "insert", None)
    }  # fmt: skip
    rest(places)
    add(south, "mail TEXT DEFAULT ''")
    notice(south)
    rest(places)
    equal(places)
    assert mails(south) == {"Ada": "Ada@", "Bob": "Bob@", "Cid": "", "Fay": "fay@"}


def test_a_default_never_beats_a_real_value(tmp_path: Path) -> None:
    """Each site has another default, and what was never written shows that of the site."""
    north, south = places = trio(tmp_path)
    add(north, "mail TEXT DEFAULT 'north'")
    north.sql("UPDATE guests SET mail = 'ada@' WHERE id = 1")
    south.sql("INSERT INTO guests VALUES (8, 'Gus', 'Hof')")
    rest(places)
    add(south, "mail TEXT DEFAULT 'south'")
    notice(south)
    south.sql("UPDATE guests SET town = 'Jena'")
    north.sql("UPDATE guests SET name = upper(name)")
    rest(places)
    assert mails(north) == {"ADA": "ada@", "BOB": "north", "CID": "north", "GUS": "north"}
    assert mails(south) == {"ADA": "ada@", "BOB": "south", "CID": "south", "GUS": "south"}
    south.sql("UPDATE guests SET mail = 'bob@' WHERE id = 2")
    rest(places)
    assert mails(north)["BOB"] == "bob@"
    silent(places)


def test_a_column_that_two_sites_add_by_themselves_is_one_column(tmp_path: Path) -> None:
    north, south = places = trio(tmp_path)
    for place in places:
        add(place, "mail TEXT DEFAULT ''")
        place.sql(f"UPDATE guests SET mail = '{place.name}' WHERE id = 1")
    north.sql("UPDATE guests SET mail = 'bob@' WHERE id = 2")
    south.sql("UPDATE guests SET mail = 'cid@', town = 'Jena' WHERE id = 3")
    rest(places)
    equal(places)
    assert mails(north)["Bob"], mails(north)["Cid"] == ("bob@", "cid@")
    [conflict] = north.node.conflicts()
    assert conflict["columns"] == ["mail"]
    north.node.resolve(conflict["id"], take="south")
    rest(places)
    equal(places)
    assert mails(south)["Ada"] == "south"
    assert south.node.conflicts() == []
    silent(places)


@pytest.mark.parametrize("width", [59, 60, 61, 119, 121])
def test_columns_beyond_sixty_are_followed(width: int, tmp_path: Path) -> None:
    wide = f"CREATE TABLE guests (id TEXT PRIMARY KEY, {', '.join(f'a{n}' for n in range(1, width))})"
    north, south = places = network(tmp_path, (wide,), "north", "south", rows=("INSERT INTO guests (id) VALUES ('k')",))
    north.sql(*(f"ALTER TABLE guests ADD COLUMN b{n} DEFAULT {n}" for n in range(3)))
    north.sql("UPDATE guests SET a1 = 1, b1 = 'x', b2 = 'y'")
    rest(places)
    south.sql("UPDATE guests SET a2 = 2")
    rest(places)
    north.sql("UPDATE guests SET b2 = 'z'", "ALTER TABLE guests ADD COLUMN c")
    south.sql(*(f"ALTER TABLE guests ADD COLUMN b{n} DEFAULT {n}" for n in (2, 1, 0)))
    rest(places)
    south.sql("ALTER TABLE guests ADD COLUMN c", "UPDATE guests SET c = 5, a3 = 3 WHERE b2 = 'z'")
    rest(places)
    wanted = [(1, 2, 3, 0, "x", "z", 5)]
    assert [place.rows("SELECT a1, a2, a3, b0, b1, b2, c FROM guests") for place in places] == [wanted, wanted]
    silent(places)
