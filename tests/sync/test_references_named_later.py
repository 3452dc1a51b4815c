"""A reference that is named once packets hold its numbers: they are the numbers of their author."""

from __future__ import annotations

from pathlib import Path

from tests.sync.sites import Place, emptied, found_network, join_network, make_database, meet

SHOP = (
    "CREATE TABLE invoices (number INTEGER PRIMARY KEY, customer TEXT)",
    "CREATE TABLE reminders (id INTEGER PRIMARY KEY, invoice INTEGER)",
    "INSERT INTO invoices VALUES (412, 'Ann'), (413, 'Ben')",
    "INSERT INTO reminders VALUES (1, 413), (2, NULL), (3, 412)",
)
ABOUT = "SELECT r.id, customer FROM reminders r LEFT JOIN invoices ON number = invoice ORDER BY r.id"


def till(tmp_path: Path) -> Place:
    return found_network(tmp_path, make_database(tmp_path / "a.db", *SHOP), "till-a", key_scope={})


def test_who_joins_afterwards_gets_the_rows_from_before(tmp_path: Path) -> None:
    a = till(tmp_path)
    a.node.add_references("reminders.invoice=invoices")
    b = join_network(a, "till-b", emptied(a.db, tmp_path / "b.db"))
    share = tmp_path / "share"
    meet(share, [a, b])
    assert b.rows(ABOUT) == a.rows(ABOUT) == [(1, "Ben"), (2, None), (3, "Ann")]
    for place in (a, b):
        place.sql(f"INSERT INTO invoices VALUES (500, '{place.name}')", "INSERT INTO reminders VALUES (9, 500)")
    meet(share, [a, b])
    told = sorted(customer for _, customer in a.rows(ABOUT)[3:])
    assert told == sorted(customer for _, customer in b.rows(ABOUT)[3:]) == ["till-a", "till-b"]
