"""What a capture trigger reads where a column is that the application has dropped.

`ALTER TABLE ... DROP COLUMN` fails if a trigger names the column, and a trigger that names a column which is not there
makes every write fail. SQLite looks a name up from the innermost query outwards, and in a query without FROM that is
first of all the trigger's own row. So `(SELECT OLD.a) FROM _satchel_gap_1 AS OLD` is the row's `a` where there is one,
else that of `_satchel_gap_1`: a table with one row of NULLs, whose columns have the names that the triggers use. Where
the column is there, which is nearly always, the gap costs an opened cursor. Renamed columns are renamed in the triggers
by SQLite itself. Holds from SQLite 3.8 on (docs/adr/0011).
"""

from __future__ import annotations

import sqlite3

from satchel.stores.sqlite.connection import quote
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.schema import table_columns, unique_indexes


def gap_ddl(db: sqlite3.Connection, layout: Layout) -> str:
    """What makes the gap of a table: every column that a trigger may name, those of the network and those of unique
    indexes here."""
    names = {name.lower(): name for name in layout.table.names}
    for index in unique_indexes(db, layout.table.name):
        every = [name for name, *_ in table_columns(db, layout.table.name)]
        for name in every if index.where or not index.columns else index.columns:
            names.setdefault(name.lower(), name)
    return f"CREATE TABLE {layout.gap} ({', '.join(map(quote, names.values()))})"


def make_gap(db: sqlite3.Connection, layout: Layout) -> None:
    """Makes the gap of a table, or leaves it as it is."""
    if has_gap(db, layout):
        return
    db.execute(f"DROP TABLE IF EXISTS main.{layout.gap}")
    db.execute(gap_ddl(db, layout))
    db.execute(f"INSERT INTO main.{layout.gap} DEFAULT VALUES")


def has_gap(db: sqlite3.Connection, layout: Layout) -> bool:
    """Whether the gap is as it should be; without its row nothing would be captured."""
    texts = db.execute("SELECT sql FROM main.sqlite_master WHERE type = 'table' AND name = ?", (layout.gap,)).fetchall()
    if texts != [(gap_ddl(db, layout),)]:
        return False
    return bool(db.execute(f"SELECT count(*) = 1 FROM main.{layout.gap}").fetchone()[0])
