"""Undo where rows hang together: references, unique values, numbers of a database's own, triggers."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from satchel.errors import ConstraintRefused
from satchel.packet import writer
from satchel.packet.writer import write_packets
from tests.sync.sites import Place, differences, emptied, found_network, join_network, logical, make_database, meet

SHOP = (
    "CREATE TABLE groups (id INTEGER PRIMARY KEY, name TEXT UNIQUE)",
    "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, grp INTEGER REFERENCES groups (id))",
    "CREATE TABLE stock (code TEXT PRIMARY KEY, pieces INTEGER NOT NULL)",
    "CREATE TABLE sales (id INTEGER PRIMARY KEY, code TEXT REFERENCES stock (code) ON DELETE CASCADE, pieces INTEGER)",
    "CREATE TRIGGER sold AFTER INSERT ON sales BEGIN UPDATE stock SET pieces = pieces - NEW.pieces"
    " WHERE code = NEW.code; END",
    "INSERT INTO groups VALUES (1, 'old'), (2, 'new')",
    "INSERT INTO customers VALUES (1, 'Ada', 1), (2, 'Bob', 1)",
    "INSERT INTO stock VALUES ('nail', 100)",
)


@pytest.fixture
def shops(tmp_path: Path) -> tuple[Place, Place, Path]:
    office = found_network(tmp_path, make_database(tmp_path / "office.db", *SHOP), key_scope={})
    branch = join_network(office, "branch", emptied(office.db, tmp_path / "branch.db"))
    share = tmp_path / "share"
    meet(share, [office, branch])
    # from here on the numbers of the two databases differ
    office.sql("INSERT INTO customers VALUES (3, 'Cy', 2)")
    branch.sql("INSERT INTO customers VALUES (3, 'Di', 2)")
    meet(share, [office, branch])
    return office, branch, share


def newest(place: Place) -> str:
    return f"{place.name}/{place.vector()[place.name]}"


def people(place: Place) -> list[tuple[object, ...]]:
    return place.rows("SELECT c.name, g.name FROM customers c LEFT JOIN groups g ON g.id = c.grp ORDER BY 1")


def test_a_deleted_row_comes_back_as_the_same_row_with_its_number(shops: tuple[Place, Place, Path]) -> None:
    office, branch, share = shops
    before = office.dump(), branch.dump()
    branch.sql("DELETE FROM customers WHERE name = 'Cy'")
    meet(share, [office, branch])
    report = office.node.revert(newest(branch))
    assert [(entry["key"], entry["gid"][:9], entry["does"]) for entry in report["rows"]] == [
        ([3], "office:3:", "insert")
    ]
    assert office.dump() == before[0]
    meet(share, [office, branch])
    assert branch.dump() == before[1]


def test_a_number_that_was_given_away_meanwhile_is_not_taken(shops: tuple[Place, Place, Path]) -> None:
    office, branch, share = shops
    office.sql("DELETE FROM customers WHERE id = 3")
    meet(share, [office, branch])
    mistake = newest(office)
    office.sql("INSERT INTO customers VALUES (3, 'Eve', 1)")
    report = office.node.revert(mistake)
    (number,) = report["rows"][0]["key"]
    assert number not in (1, 2, 3, 4)
    assert office.rows("SELECT name FROM customers WHERE id IN (3, ?) ORDER BY id".replace("?", str(number))) == [
        ("Eve",),
        ("Cy",),
    ]
    meet(share, [office, branch])
    assert people(office) == people(branch)


def test_parents_and_children_of_one_packet_come_back_together(shops: tuple[Place, Place, Path]) -> None:
    office, branch, share = shops
    before = people(office)
    branch.sql("DELETE FROM customers WHERE grp = 2", "DELETE FROM groups WHERE name = 'new'")
    meet(share, [office, branch])
    office.node.revert(newest(branch))
    assert people(office) == before
    assert office.rows("SELECT * FROM pragma_foreign_key_check") == []
    meet(share, [office, branch])
    assert people(branch) == before


def test_a_reference_that_would_dangle_is_named_and_nothing_is_done(shops: tuple[Place, Place, Path]) -> None:
    office, branch, share = shops
    branch.sql("INSERT INTO groups VALUES (7, 'seven')", "UPDATE customers SET grp = 2 WHERE name = 'Ada'")
    meet(share, [office, branch])
    mistake = newest(branch)
    office.sql("UPDATE customers SET grp = 7 WHERE name = 'Bob'")
    before = office.rows("SELECT * FROM customers"), office.rows("SELECT * FROM groups")
    for dry_run in (True, False):
        with pytest.raises(ConstraintRefused, match=r"groups 7 \(branch:7:") as refused:
            office.node.revert(mistake, dry_run=dry_run)
        assert "Traceback" not in refused.value.message
        assert (office.rows("SELECT * FROM customers"), office.rows("SELECT * FROM groups")) == before
    assert office.node.conflicts() == []
    meet(share, [office, branch])
    assert office.node.status()["pending"] == 0


def test_a_unique_value_that_another_row_has_by_now_is_named(shops: tuple[Place, Place, Path]) -> None:
    office, branch, share = shops
    branch.sql("UPDATE groups SET name = 'newest' WHERE name = 'new'")
    meet(share, [office, branch])
    mistake = newest(branch)
    office.sql("INSERT INTO groups VALUES (9, 'new')")
    with pytest.raises(ConstraintRefused, match="groups"):
        office.node.revert(mistake)
    assert office.rows("SELECT name FROM groups ORDER BY id") == [("old",), ("newest",), ("new",)]


def test_children_that_would_go_with_it_are_named(shops: tuple[Place, Place, Path]) -> None:
    office, branch, share = shops
    branch.sql("INSERT INTO stock VALUES ('screw', 50)")
    meet(share, [office, branch])
    mistake = newest(branch)
    office.sql("INSERT INTO sales (code, pieces) VALUES ('screw', 5)")
    with pytest.raises(ConstraintRefused, match="sales 1"):
        office.node.revert(mistake, force=True)
    assert office.rows("SELECT pieces FROM stock WHERE code = 'screw'") == [(45,)]


def test_triggers_of_the_application_do_not_run_again(shops: tuple[Place, Place, Path]) -> None:
    office, branch, share = shops
    office.sql("INSERT INTO sales (code, pieces) VALUES ('nail', 10)")
    meet(share, [office, branch])
    branch.node.revert(newest(office))
    assert branch.rows("SELECT pieces FROM stock") == [(100,)]
    meet(share, [office, branch])
    undo = newest(branch)
    office.node.revert(undo)
    assert office.rows("SELECT pieces FROM stock") == [(90,)]
    meet(share, [office, branch])
    assert differences(office.dump(), branch.dump()).keys() <= {"customers"}


def test_values_that_fit_no_type_come_back_bit_for_bit(shops: tuple[Place, Place, Path]) -> None:
    office, branch, share = shops
    branch.sql("UPDATE stock SET pieces = 'many' WHERE code = 'nail'")
    branch.sql("INSERT INTO stock VALUES ('\u00e4 x''y', x'00ff'), ('big', 9223372036854775807), ('inf', 9e999)")
    meet(share, [office, branch])
    before = office.dump()
    office.sql("DELETE FROM stock")
    mistake = newest(office)
    office.node.sync(share)
    meet(share, [branch, office])
    branch.node.revert(newest(office))
    meet(share, [branch, office])
    assert mistake != newest(office)
    assert office.dump()["stock"] == before["stock"] == branch.dump()["stock"]


def test_packets_of_one_seal_are_undone_together(
    shops: tuple[Place, Place, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    office, branch, share = shops
    monkeypatch.setattr(writer, "write_packets", partial(write_packets, max_rows=2))
    branch.sql("INSERT INTO stock VALUES ('a', 1), ('b', 2), ('c', 3), ('d', 4), ('e', 5)")
    meet(share, [office, branch])
    name, _, seq = newest(branch).partition("/")
    report = office.node.revert(f"{name}/{int(seq) - 1}")
    assert len(report["reverts"]) == 3
    assert office.rows("SELECT code FROM stock") == [("nail",)]


def test_a_dry_run_leaves_numbers_and_books_alone(shops: tuple[Place, Place, Path]) -> None:
    office, branch, share = shops
    branch.sql("DELETE FROM customers WHERE name = 'Cy'", "DELETE FROM stock")
    meet(share, [office, branch])
    before = logical(office.db)
    assert office.node.revert(newest(branch), dry_run=True)["counts"]["insert"] == 2
    assert logical(office.db) == before
