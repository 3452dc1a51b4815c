"""Following the network: what its configuration replicates is captured, and its references are translated."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace

from satchel.model.schema import Table
from satchel.stores.sqlite import books, install
from satchel.stores.sqlite.drift import extend, grow, make_stand_in, note_absent, note_rows
from satchel.stores.sqlite.homecoming import translate
from satchel.stores.sqlite.layout import Layout


def adopt(
    db: sqlite3.Connection, layouts: Mapping[str, Layout], tables: Sequence[Table], *, whole_rows: bool
) -> list[str]:
    """Captures the tables of a configuration; the caller's transaction. What changed, in words."""
    said = []
    for table in tables:
        known = layouts.get(table.name)
        if known is None:
            install.add_table(db, table)
        else:
            said += _follow(db, known, table)
    translate(db, layouts)
    now = books.layouts(db)
    for name, layout in now.items():
        if name in layouts:
            continue
        install.make_tables(db, layout)
        if layout.away:
            make_stand_in(db, layout)
            said.append(f"the table {name} of the network is not here; its rows are kept until it is")
        else:
            grown, _ = grow(db, layout)
            install.make_triggers(db, grown, whole_rows=whole_rows)
            note_rows(db, grown)
            said.append(f"the table {name} is replicated from now on")
    note_absent(db, books.layouts(db))
    return said


def _follow(db: sqlite3.Connection, known: Layout, table: Table) -> list[str]:
    """The definition of the configuration; columns keep the places and the spelling that they have here, and rows
    their key: it is what they are known by."""
    said = []
    if (table.key, table.scope) != (known.table.key, known.table.scope):
        said.append(f"the configuration gives {table.name} another key; its rows keep the one that they have")
        table = replace(table, key=known.table.key, scope=known.table.scope)
    here = {name.lower() for name in known.table.names}
    if more := [column for column in table.columns if column.name.lower() not in here]:
        known = extend(db, known, more)
    theirs = {column.name.lower(): column for column in table.columns}
    columns = tuple(replace(theirs.get(c.name.lower(), c), name=c.name) for c in known.table.columns)
    if (wanted := replace(table, columns=columns)) != known.table:
        text = books.table_to_json(wanted)
        db.execute("UPDATE _satchel_table SET definition = ? WHERE number = ?", (text, known.number))
    return said
