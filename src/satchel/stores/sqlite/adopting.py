"""Following the network: tables that are captured from now on, references that are translated from now on."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from satchel.model.schema import Table
from satchel.stores.sqlite import books, install
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.schema import user_tables


def adopt(
    db: sqlite3.Connection, layouts: Mapping[str, Layout], tables: Sequence[Table], *, whole_rows: bool
) -> list[str]:
    """Captures the tables of a configuration; the caller's transaction. What changed, in words."""
    here = {name.lower() for name, _ in user_tables(db)}
    said = []
    for table in tables:
        known = layouts.get(table.name)
        if known is None and table.name.lower() in here:
            install.add_table(db, table)
            said.append(f"the table {table.name} is replicated from now on")
        elif known is not None and known.table != table:
            text = books.table_to_json(table)
            db.execute("UPDATE _satchel_table SET definition = ? WHERE number = ?", (text, known.number))
    now = books.layouts(db)
    for name, layout in now.items():
        if name not in layouts:
            install.make_tables(db, layout)
            install.make_triggers(db, layout, whole_rows=whole_rows)
            note_rows(db, layout)
    return said


def note_rows(db: sqlite3.Connection, layout: Layout) -> None:
    """The rows that a table holds already are born with the next seal."""
    slots, names = ", ".join(layout.key_slots), ", ".join(layout.key_of("u:t"))
    db.execute(
        f"INSERT INTO {layout.log} (kind, at, {slots}) SELECT 'I', julianday('now'), {names}"
        f" FROM main.{layout.user} t WHERE {layout.whole_key('u:t')}"
    )
