"""The versions of the rows of a staging table, brought up to date by SQL (PROTOCOL, Apply: sparse, set-based)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.stage import Stage

# The wall clock is kept only where the stamp was lifted over it.
ODD_TIME = "CASE WHEN s.at << 16 = s.stamp THEN NULL ELSE s.at END"


def classes(layout: Layout) -> str:
    """Name of the table that says of each staged row: is it in the application's table, under which rowid, is it for
    the rules to decide (odd), is its version a tombstone, is it deleted (gone), and which columns were written (mask).
    It is narrow, and read by every statement: only the rows in question are looked up in the stage."""
    return f"temp._satchel_class_{layout.number}"


def classify(db: sqlite3.Connection, stage: Stage, odd: str) -> None:
    """Fills the classes; `odd` is SQL over s (staged), r (version), t (the application's row), c (context)."""
    layout = stage.layout
    name = classes(layout)
    db.execute(f"DROP TABLE IF EXISTS {name}")
    db.execute("CREATE TABLE IF NOT EXISTS temp._satchel_context (o INTEGER PRIMARY KEY, q INTEGER)")
    db.execute(f"CREATE TABLE {name} (rn INTEGER PRIMARY KEY, present, rid INTEGER, odd, tomb, gone, mask)")
    user_key = layout.key_of("u:t")[0]
    rowid = f"t.{layout.rowid}" if layout.rowid else "NULL"
    staged, order = stage.in_order
    db.execute(
        f"INSERT INTO {name} SELECT s.rn, {user_key} IS NOT NULL, {rowid}, {odd}, coalesce(r.d, 0),"
        f" s.op = 'delete', s.mask FROM {staged}"
        f" LEFT JOIN main.{layout.user} t ON {layout.match('u:t', 'l:s')}"
        f" LEFT JOIN {layout.rows} r ON {layout.match('k:r', 'c:s')}"
        f" LEFT JOIN temp._satchel_context c ON c.o = r.o ORDER BY {order}"
    )


def make_odd(db: sqlite3.Connection, stage: Stage, misled: Sequence[int] = ()) -> None:
    """Rows that bring columns which the application's table does not have are kept whole, beside it. Of the packets
    that were `misled` no value is taken for known."""
    for seq in stage.brings.union(misled):
        rows = f"SELECT rn FROM {stage.name} WHERE q = {seq}"
        db.execute(f"UPDATE {classes(stage.layout)} SET odd = 1 WHERE rn IN ({rows})")


def book(db: sqlite3.Connection, stage: Stage, origin: int) -> None:
    """Writes the versions of all staged rows that are not odd. Their packet is known by `q`."""
    layout = stage.layout
    source = f"FROM {classes(layout)} z CROSS JOIN {stage.name} s USING (rn) WHERE NOT z.odd"
    keys, slots = ", ".join(layout.keys), layout.list_of("s", layout.key_slots)
    db.execute(f"DELETE FROM {layout.images} WHERE ({keys}) IN (SELECT {slots} {source} AND z.tomb)")
    fixed = f"{stage.origin_of(origin)}, s.q, s.stamp, z.gone"
    staged, order = stage.in_order
    several = f"FROM {staged} CROSS JOIN {classes(layout)} z USING (rn) WHERE NOT z.odd" if stage.once else source
    db.execute(
        f"INSERT OR REPLACE INTO {layout.rows} ({keys}, o, q, s, d, many, x, a, b, l)"
        f" SELECT {slots}, {fixed}, 0, s.ctx, {ODD_TIME}, s.by, s.lin {several} ORDER BY {order}"
    )
    db.execute(
        f"INSERT OR REPLACE INTO {layout.images} ({keys}, o, q, s, d, x, a, b, l, {', '.join(layout.slots)})"
        f" SELECT {slots}, {fixed}, s.ctx, {ODD_TIME}, s.by, s.lin, {layout.list_of('s')}"
        f" {source} AND z.gone ORDER BY z.rn"
    )
