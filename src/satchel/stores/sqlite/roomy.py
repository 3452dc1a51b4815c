"""Memory for the time of a large transaction: every page that an import touches is read once and written once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

MAIN_KIB = 256 * 1024  # rows that arrive lie all over a table: their pages come again with every statement
TEMP_KIB = 96 * 1024  # staging tables; what is more goes to a temporary file
_USUAL_KIB = 2000  # SQLite's own default


@contextmanager
def roomy(db: sqlite3.Connection) -> Iterator[None]:
    """Inside, caches may grow; afterwards their memory is given back. Nothing is taken that is not used."""
    (main,), (temp,) = (db.execute(f"PRAGMA {name}.cache_size").fetchone() for name in ("main", "temp"))
    db.execute(f"PRAGMA main.cache_size = -{MAIN_KIB}")
    db.execute(f"PRAGMA temp.cache_size = -{TEMP_KIB}")
    # our temporary tables lie in memory, or in a file without a name: nobody reads there what was deleted
    db.execute("PRAGMA temp.secure_delete = OFF")
    try:
        yield
    finally:
        db.execute(f"PRAGMA main.cache_size = {main}")
        # 0 is said where no temporary table was made yet, and would mean none from now on
        db.execute(f"PRAGMA temp.cache_size = {temp or -_USUAL_KIB}")
