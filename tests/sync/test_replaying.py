"""What the packets come to is what the database shows; whatever was written past the triggers, or lost, is named."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.sync.meddling import meddle
from tests.sync.sites import SCHEMA, Place, contents, emptied, found_network, join_network, logical, make_database, meet

OWN = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)",
    "CREATE TABLE visits (id INTEGER PRIMARY KEY, who INTEGER REFERENCES people, day TEXT)",
)


def found(report: dict[str, Any]) -> list[tuple[str, list[Any], str, list[str]]]:
    return [(e["table"], e["key"], e["what"], e["columns"]) for e in report["differences"]]


def own_numbers(root: Path) -> tuple[Place, Place]:
    """Both have a person 1 and a visit 1 of their own."""
    office = found_network(root, make_database(root / "office.db", *OWN), key_scope={})
    office.sql("INSERT INTO people VALUES (1, 'Ann')", "INSERT INTO visits VALUES (1, 1, 'Monday')")
    branch = join_network(office, "branch", make_database(root / "branch.db", *OWN))
    meet(root / "share", [office, branch])
    branch.sql("INSERT INTO people VALUES (7, 'Bob')", "INSERT INTO visits VALUES (7, 7, 'Tuesday')")
    office.sql("INSERT INTO people VALUES (7, 'Cleo')", "INSERT INTO visits VALUES (7, 7, 'Friday')")
    meet(root / "share", [office, branch])
    return office, branch


def test_a_replay_finds_a_sound_database_equal_and_writes_nothing(office: Place, branch: Place, share: Path) -> None:
    office.sql("UPDATE stock SET pieces = 1", "DELETE FROM customers WHERE id = 'c2'")
    branch.sql("UPDATE stock SET pieces = 2")
    meet(share, [office, branch])
    before = [logical(branch.db), contents(branch.home, "lock")]
    report = branch.node.replay()
    assert report["equal"] and report["rows"] == 2 and report["packets"] == 3
    assert [logical(branch.db), contents(branch.home, "lock")] == before


def test_edits_that_are_not_sealed_are_no_difference(office: Place) -> None:
    office.sql("UPDATE stock SET pieces = 1", "DELETE FROM customers WHERE id = 'c2'")
    office.sql("INSERT INTO customers VALUES ('c3', 'Cleo', 'Rome')")
    assert office.node.status()["pending"] == 3
    assert office.node.replay()["equal"]


def test_what_was_written_past_the_triggers_is_named_with_both_values(office: Place) -> None:
    meddle(office, "UPDATE customers SET town = 'Rome' WHERE id = 'c1'", "DELETE FROM customers WHERE id = 'c2'")
    meddle(office, "INSERT INTO stock VALUES ('s2', 7)")
    report = office.node.replay()
    assert found(report) == [
        ("customers", ["c1"], "changed", ["town"]),
        ("customers", ["c2"], "lost", []),
        ("stock", ["s2"], "added", []),
    ]
    changed, lost, added = report["differences"]
    assert (changed["here"], changed["packets"]) == ({"town": "Rome"}, {"town": "Ulm"})
    assert lost["here"] is None and lost["packets"] == {"id": "c2", "name": "Bob", "town": "Bonn"}
    assert added["packets"] is None and added["here"] == {"id": "s2", "pieces": 7}
    assert report["count"] == 3 and not report["equal"]


@pytest.mark.slow
def test_a_storage_class_is_a_difference(office: Place) -> None:
    meddle(office, "CREATE TABLE t AS SELECT 1", "UPDATE customers SET town = x'556C6D' WHERE id = 'c1'")
    assert found(office.node.replay()) == [("customers", ["c1"], "changed", ["town"])]


@pytest.mark.slow
def test_books_that_were_altered_are_named(office: Place, branch: Place, share: Path) -> None:
    office.sql("UPDATE customers SET name = 'A'")
    branch.sql("UPDATE customers SET name = 'B'")
    meet(share, [office, branch])
    assert office.node.status()["conflicts"]["open"] == 2 and office.node.replay()["equal"]
    meddle(office, "UPDATE _satchel_image_1 SET c1 = 'X' WHERE k0 = 'c1' AND c1 = 'A'")
    meddle(office, "DELETE FROM _satchel_image_1 WHERE k0 = 'c2' AND c1 = 'A'")
    assert found(office.node.replay()) == [
        ("customers", ["c2"], "versions", []),
        ("customers", ["c1"], "image", ["name"]),
    ]


@pytest.mark.slow
def test_own_numbers_are_compared_as_what_they_mean(tmp_path: Path) -> None:
    office, branch = own_numbers(tmp_path)
    assert sorted(branch.rows("SELECT id FROM people")) != [(1,), (7,)]
    for place in (office, branch):
        report = place.node.replay()
        assert report["equal"] and report["rows"] == 6
    other = branch.rows("SELECT id FROM people WHERE name = 'Cleo'")[0][0]
    meddle(branch, f"UPDATE visits SET who = 1 WHERE who = {other}")
    report = branch.node.replay()
    visit = branch.rows("SELECT id FROM visits WHERE day = 'Friday'")[0][0]
    assert found(report) == [("visits", [visit], "changed", ["who"])]
    assert report["differences"][0]["here"]["who"].startswith("office:1:")
    assert report["differences"][0]["identity"][0].startswith("office:7:")


@pytest.mark.slow
def test_packets_that_were_pruned_are_stood_for_by_a_snapshot(office: Place, branch: Place, share: Path) -> None:
    office.sql("UPDATE customers SET name = 'Adam' WHERE id = 'c1'", "DELETE FROM customers WHERE id = 'c2'")
    meet(share, [office, branch])
    meet(share, [office, branch])
    name = office.node.snapshot().snapshot
    assert office.node.prune().packets
    office.sql("UPDATE stock SET pieces = 8")
    office.node.sync(share)
    report = office.node.replay()
    assert report["equal"] and report["snapshots"] == [name] and report["packets"] == 1
    meddle(office, "UPDATE stock SET pieces = 9")
    assert found(office.node.replay()) == [("stock", ["s1"], "changed", ["pieces"])]


def test_an_archive_that_lacks_a_packet_cannot_be_replayed(office: Place) -> None:
    shutil.rmtree(next((office.home / "packets" / "acme" / "office").iterdir()))
    report = office.node.replay()
    assert not report["equal"] and report["missing"] == ["office/1"] and report["differences"] == []


def test_a_damaged_packet_is_named(office: Place) -> None:
    part = next((office.home / "packets" / "acme" / "office").glob("*/stock.parquet"))
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(data)
    report = office.node.replay()
    assert [(p["packet"], p["file"]) for p in report["problems"]] == [("office/1", "stock.parquet")]
    assert not report["equal"] and part.is_file()


@pytest.mark.slow
def test_what_waits_is_no_difference(office: Place, branch: Place, clinic: Place, share: Path) -> None:
    branch.sql("UPDATE stock SET pieces = 5")
    branch.node.sync(share)
    clinic.node.sync(share)
    clinic.sql("UPDATE stock SET pieces = 6")
    stick = office.root / "stick"
    clinic.export(stick)
    shutil.rmtree(stick / "packets" / "acme" / "branch", ignore_errors=True)
    assert office.node.import_(stick).waiting
    assert office.node.replay()["equal"]


@pytest.mark.slow
def test_a_schema_with_checks_triggers_and_views_is_replayed(tmp_path: Path) -> None:
    more = (
        "CREATE TABLE plain (id TEXT PRIMARY KEY, n INTEGER CHECK (n > 0), twice AS (n * 2), UNIQUE (n))",
        "CREATE INDEX of_n ON plain (n) WHERE n > 3",
        "CREATE VIEW seen AS SELECT * FROM plain",
        "CREATE TABLE log (what TEXT)",
        "CREATE TRIGGER noted AFTER INSERT ON plain BEGIN INSERT INTO log VALUES (NEW.id); END",
        "INSERT INTO plain VALUES ('a', 4)",
    )
    office = found_network(tmp_path, make_database(tmp_path / "office.db", *SCHEMA, *more))
    branch = join_network(office, "branch", emptied(office.db, tmp_path / "branch.db"))
    meet(tmp_path / "share", [office, branch])
    for place in (office, branch):
        assert place.node.replay()["equal"]


@pytest.mark.slow
def test_columns_and_tables_that_came_later_or_are_not_here_are_no_difference(tmp_path: Path) -> None:
    office = found_network(tmp_path, make_database(tmp_path / "office.db", *SCHEMA), tables=["*"])
    branch = join_network(office, "branch", emptied(office.db, tmp_path / "branch.db"))
    share = tmp_path / "share"
    meet(share, [office, branch])
    office.sql("ALTER TABLE customers ADD COLUMN phone TEXT DEFAULT '-'")
    office.sql("UPDATE customers SET phone = '1' WHERE id = 'c1'", "CREATE TABLE tags (id TEXT PRIMARY KEY, n INTEGER)")
    office.sql("INSERT INTO tags VALUES ('t', 1)")
    meet(share, [office, branch])
    assert {entry["table"] for entry in branch.node.status()["lacks"]} == {"customers", "tags"}
    for place in (office, branch):
        assert place.node.replay()["equal"], place.name
    branch.sql("ALTER TABLE customers ADD COLUMN phone TEXT DEFAULT 'none'", "DROP TABLE stock")
    branch.sql("CREATE TABLE tags (id TEXT PRIMARY KEY, n INTEGER)")
    meet(share, [office, branch])
    branch.sql("UPDATE customers SET town = 'Rome' WHERE id = 'c2'")
    meet(share, [office, branch])
    assert branch.rows("SELECT phone FROM customers ORDER BY id") == [("1",), ("none",)]
    for place in (office, branch):
        assert place.node.replay()["equal"], place.name


@pytest.mark.slow
def test_both_sides_of_a_fork_are_replayed(office: Place, branch: Place) -> None:
    copy = Place("branch", office.root / "copy", office.root / "copy" / "branch.db")
    copy.root.mkdir()
    shutil.copytree(branch.home, copy.home)
    shutil.copyfile(branch.db, copy.db)
    settings = copy.home / "satchel.toml"
    settings.write_text(settings.read_text().replace(str(branch.db), str(copy.db)))
    branch.sql("UPDATE stock SET pieces = 5")
    copy.sql("UPDATE customers SET town = 'Rome' WHERE id = 'c1'")
    branch.export(office.root / "one")
    copy.export(office.root / "two")
    office.node.import_(office.root / "one", office.root / "two")
    assert office.node.status()["forks"]
    assert office.node.replay()["equal"]
    meddle(office, "UPDATE stock SET pieces = 6")
    assert found(office.node.replay()) == [("stock", ["s1"], "changed", ["pieces"])]
