"""Tombstones that may go: deleted rows that every member knows of (PROTOCOL, Snapshots and pruning)."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from satchel.stores.sqlite import books, numbers
from satchel.stores.sqlite.layout import Layout


def forget(
    db: sqlite3.Connection, layouts: Mapping[str, Layout], upto: Mapping[str, int], *, dry_run: bool = False
) -> dict[str, int]:
    """Removes the tombstones of packets up to these; how many of each table. A row that was deleted beside another
    version, or that is set apart, keeps its own."""
    db.execute("CREATE TEMP TABLE IF NOT EXISTS _satchel_stable (o INTEGER PRIMARY KEY, q INTEGER)")
    db.execute("DELETE FROM temp._satchel_stable")
    marks = [(books.origin_number(db, origin), seq) for origin, seq in upto.items()]
    db.executemany("INSERT INTO temp._satchel_stable VALUES (?, ?)", marks)
    found = {}
    for name, layout in layouts.items():
        keys = ", ".join(layout.keys)
        stable = "EXISTS (SELECT 1 FROM temp._satchel_stable c WHERE c.o = r.o AND r.q <= c.q)"
        dead = f"{layout.rows} r WHERE r.d AND NOT r.many AND {stable}"
        (count,) = db.execute(f"SELECT count(*) FROM {dead}").fetchone()
        if not count:
            continue
        found[name] = count
        if not dry_run:
            _keep_numbers(db, layout, dead)
            gone = f"({keys}) IN (SELECT {layout.list_of('r', layout.keys)} FROM {dead})"
            db.execute(f"DELETE FROM {layout.images} WHERE {gone}")
            db.execute(f"DELETE FROM {layout.rows} WHERE {gone}")
    if found and not dry_run:
        books.write_notes(db, {books.FORGOT: "1"})
    return found


def _keep_numbers(db: sqlite3.Connection, layout: Layout, dead: str) -> None:
    """An old reference to a number still says whose it was: what the tombstone told, an entry tells from now on."""
    if layout.is_local:
        born = f"CAST({numbers.birth_number('r.k0')} AS INTEGER)"
        unknown = f"NOT EXISTS (SELECT 1 FROM {layout.numbers} m WHERE m.gid = +r.k0)"
        db.execute(f"INSERT OR IGNORE INTO {layout.numbers} SELECT {born}, r.k0 FROM {dead} AND {unknown}")
