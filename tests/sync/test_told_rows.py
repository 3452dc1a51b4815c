"""Runs, their log and status say what became of single rows: numbers, rows that leave their table and come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.sync.sites import Place, emptied, found_network, join_network, make_database, meet

TILL = (
    "CREATE TABLE invoices (number INTEGER PRIMARY KEY, customer TEXT)",
    "CREATE TABLE lines (id INTEGER PRIMARY KEY, invoice INTEGER REFERENCES invoices ON DELETE CASCADE, article TEXT)",
    "CREATE TABLE quotes (code TEXT PRIMARY KEY, quote_number INTEGER UNIQUE)",
    "CREATE TABLE offers (id INTEGER PRIMARY KEY, offer_number INTEGER UNIQUE, customer TEXT)",
    "CREATE TABLE towns (id TEXT PRIMARY KEY)",
    "CREATE TABLE people (id TEXT PRIMARY KEY, town TEXT REFERENCES towns ON DELETE RESTRICT)",
    "INSERT INTO invoices VALUES (412, 'Ann')",
    "INSERT INTO towns VALUES ('Ulm')",
)


@pytest.fixture
def tills(tmp_path: Path) -> tuple[Place, Place, Path]:
    """Two tills at rest, and the share between them."""
    a = found_network(tmp_path, make_database(tmp_path / "a.db", *TILL), "till-a", key_scope={})
    b = join_network(a, "till-b", emptied(a.db, tmp_path / "b.db"))
    share = tmp_path / "share"
    meet(share, [a, b])
    return a, b, share


def without_nonce(rows: Any) -> list[tuple[Any, ...]]:
    return [(row["table"], row["gid"].rpartition(":")[0], row["birth"], row["number"]) for row in rows]


def test_a_number_that_is_another_one_here_is_told_in_report_log_and_status(tills: tuple[Place, Place, Path]) -> None:
    a, b, share = tills
    for place, who in ((a, "Ben"), (b, "Cid")):
        place.sql(f"INSERT INTO invoices VALUES (413, '{who}')", "INSERT INTO lines VALUES (1, 413, 'tea')")
    a.node.sync(share)
    report = b.node.sync(share)
    told = [("invoices", "till-a:413", 413, 414), ("lines", "till-a:1", 1, 2)]
    assert without_nonce(report.as_json()["renumbered"]) == told
    assert without_nonce(b.node.log(1)[0]["report"]["renumbered"]) == told
    renumbered = b.node.status()["renumbered"]
    assert renumbered["count"] == 2
    assert without_nonce(renumbered["rows"]) == told
    assert a.node.status()["renumbered"] == {"count": 0, "rows": []}


def test_a_number_that_nobody_else_has_is_not_worth_a_word(tills: tuple[Place, Place, Path]) -> None:
    a, b, share = tills
    a.sql("INSERT INTO invoices VALUES (500, 'Ben')")
    a.node.sync(share)
    report = b.node.sync(share).as_json()
    assert report["renumbered"] == report["parked"] == report["returned"] == []
    assert b.node.status()["renumbered"]["count"] == 0


def test_status_names_no_row_that_is_gone_again(tills: tuple[Place, Place, Path]) -> None:
    a, b, share = tills
    for place in (a, b):
        place.sql(f"INSERT INTO invoices VALUES (413, '{place.name}')")
    meet(share, [a, b])
    a.sql("DELETE FROM invoices WHERE number = 413")
    meet(share, [a, b])
    assert b.node.status()["renumbered"]["count"] == 0


def test_an_import_and_its_preview_say_which_rows_leave_and_why(tills: tuple[Place, Place, Path]) -> None:
    a, b, share = tills
    a.sql("INSERT INTO quotes VALUES ('A', 7)")
    b.sql("INSERT INTO quotes VALUES ('B', 7)")
    a.node.sync(share)
    left = {
        "table": "quotes", "key": ["B"], "gid": None, "kind": "unique",
        "reason": "quote_number = 7 is taken by quotes A", "left": True,
    }  # fmt: skip
    preview = b.node.import_(share, dry_run=True).as_json()
    assert preview["parked"] == [left]
    assert b.rows("SELECT code FROM quotes") == [("B",)]
    assert b.node.sync(share).as_json()["parked"] == [left]
    assert b.rows("SELECT code FROM quotes") == [("A",)]
    assert b.node.status()["sentence"].startswith("1 row is parked: see `satchel conflicts`; ")
    assert a.node.sync(share).as_json()["parked"] == [left | {"left": False}]


def test_a_row_that_comes_back_at_an_import_or_at_a_seal_is_told(tills: tuple[Place, Place, Path]) -> None:
    a, b, share = tills
    a.sql("INSERT INTO quotes VALUES ('A', 7)")
    b.sql("INSERT INTO quotes VALUES ('B', 7)")
    meet(share, [a, b])
    a.sql("UPDATE quotes SET quote_number = 8")
    back = [{"table": "quotes", "key": ["B"], "gid": None}]
    assert a.node.sync(share).as_json()["returned"] == back  # the seal has freed the value
    assert b.node.sync(share).as_json()["returned"] == back
    assert a.rows("SELECT code FROM quotes ORDER BY code") == [("A",), ("B",)]


def test_reasons_name_rows_by_the_number_that_they_have_here(tills: tuple[Place, Place, Path]) -> None:
    a, b, share = tills
    a.sql("INSERT INTO offers VALUES (1, 7, 'Ann')")
    b.sql("INSERT INTO offers VALUES (1, 8, 'Bob')", "INSERT INTO offers VALUES (2, 7, 'Cid')")
    a.node.sync(share)
    (parked,) = b.node.sync(share).as_json()["parked"]
    assert (parked["key"], parked["left"]) == ([2], True)
    (conflict,) = b.node.conflicts()
    number, gid = b.rows("SELECT id FROM offers WHERE offer_number = 7")[0][0], conflict["against"][0]["gid"]
    assert gid.startswith("till-a:1:")
    # the number that the parked row had is free at that moment
    assert conflict["against"] == [{"table": "offers", "key": [number], "gid": gid, "nodes": ["till-a"]}]
    assert conflict["reason"] == parked["reason"] == f"offer_number = 7 is taken by offers {number} ({gid})"


def test_a_note_is_closed_by_having_looked(tills: tuple[Place, Place, Path]) -> None:
    a, b, share = tills
    a.sql("DELETE FROM towns")
    b.sql("INSERT INTO people VALUES ('Ann', 'Ulm')")
    meet(share, [a, b])
    (note,) = a.node.conflicts()
    assert (note["kind"], note["state"], note["reason"]) == ("foreign-key", "noted", "deleted, but people Ann needs it")
    a.node.resolve(note["id"], seen=True)
    assert a.node.conflicts() == []
    meet(share, [a, b])
    assert b.node.conflicts() == []
    for site in (a, b):
        (closed,) = site.node.conflicts(closed=True)
        assert (closed["closed_by"]["how"], closed["shown"]) == ("resolved", {"id": "Ulm"})
        assert [version["row"] for version in closed["versions"]] == [{"id": "Ulm"}]


def test_status_names_what_each_site_is_missing(tills: tuple[Place, Place, Path]) -> None:
    a, b, share = tills
    a.sql("ALTER TABLE invoices ADD COLUMN due TEXT")
    meet(share, [a, b])
    a.sql("UPDATE invoices SET due = 'May'")
    meet(share, [a, b])
    lacks = [{"table": "invoices", "columns": ["due"]}]
    assert (a.node.status()["lacks"], b.node.status()["lacks"]) == ([], lacks)
    assert [peer["lacks"] for peer in a.node.status()["peers"]] == [lacks]
    b.sql("DROP TABLE lines")
    b.node.sync(share)
    a.node.sync(share)
    gone = [*lacks, {"table": "lines", "columns": None}]
    assert b.node.status()["lacks"] == gone
    assert a.node.status()["peers"][0]["lacks"] == gone
