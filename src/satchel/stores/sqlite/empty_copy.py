"""An empty database with the replicated tables of another: what its packets come to is built there (PROTOCOL,
Equality).

Tables and their indexes only: no triggers, since what they write elsewhere is not compared and what they write to
replicated tables arrives as rows; no other tables, since nothing of satchel looks at them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from satchel.stores.sqlite.layout import Layout


def make_empty_copy(db: sqlite3.Connection, layouts: Mapping[str, Layout], path: Path) -> None:
    """Makes the database; the file is not there yet."""
    (encoding,) = db.execute("PRAGMA main.encoding").fetchone()
    names = {layout.table.name.lower() for layout in layouts.values() if not layout.away}
    query = (
        "SELECT type, tbl_name, sql FROM main.sqlite_master WHERE sql IS NOT NULL AND type IN ('table', 'index')"
        " ORDER BY type DESC, rowid"
    )
    wanted = [(kind, text) for kind, name, text in db.execute(query).fetchall() if name.lower() in names]
    with closing(sqlite3.connect(path, isolation_level=None)) as copy:
        copy.execute(f"PRAGMA encoding = '{encoding}'")
        copy.execute("PRAGMA journal_mode = WAL")
        for kind, text in wanted:
            try:
                copy.execute(text)
            except sqlite3.OperationalError:
                if kind == "table":
                    raise
                # an index over a function or collation that only the application knows constrains nothing here
