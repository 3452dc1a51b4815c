"""Rows that stood in a table of ours, because the application had none: kept whole until they can be shown."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence

from satchel.model.value import Value
from satchel.stores.sqlite import books
from satchel.stores.sqlite.connection import tolerant
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.numbers import Numbers, own_value
from satchel.stores.sqlite.row import RowEditor
from satchel.stores.sqlite.stage import bindable, placeholder
from satchel.stores.sqlite.versions import VersionReader, VersionWriter, odd_time

_ARRIVING = "arriving"  # note: their columns


def note_arrival(db: sqlite3.Connection, table: str, columns: Sequence[str]) -> None:
    """The application has these columns of a table now, or the whole table: kept values can be shown."""
    known = {*arriving(db, table), *columns}
    notes = books.read_notes(db)
    tables = {*json.loads(notes.get(books.UNSETTLED, "[]")), table}
    every = json.loads(notes.get(_ARRIVING, "{}")) | {table: sorted(known)}
    books.write_notes(db, {books.UNSETTLED: json.dumps(sorted(tables)), _ARRIVING: json.dumps(every)})


def arriving(db: sqlite3.Connection, table: str) -> list[str]:
    """Columns of a table that the application has and that do not show yet what is kept."""
    notes = books.read_notes(db)
    if table not in json.loads(notes.get(books.UNSETTLED, "[]")):
        return []
    return list(json.loads(notes.get(_ARRIVING, "{}")).get(table, []))


def come_home(db: sqlite3.Connection, coming: Sequence[Layout]) -> None:
    """Keeps every row of the stand-ins whole, and drops those. Afterwards the rows wait to be shown, and so do rows of
    other tables that refer to them: they may get other numbers."""
    layouts = books.layouts(db)
    standing_in = {layout.table.name: _as_stand_in(layout) for layout in coming}
    before = {**layouts, **standing_in}
    for layout in before.values():
        _keep(db, layout, before, standing_in)
    for layout in coming:
        if layout.is_local:
            # their numbers may be those of rows that the application has made meanwhile
            db.execute(f"DELETE FROM {layout.numbers}")
            books.bear(db, layout, None)
        db.execute(f"DROP TABLE {layout.stand_in}")
        note_arrival(db, layout.table.name, layout.table.names)


def translate(db: sqlite3.Connection, before: Mapping[str, Layout]) -> None:
    """Stand-ins hold own numbers in the columns that have been found to refer to a table with such since `before`."""
    layouts = books.layouts(db)
    for name, known in before.items():
        layout = layouts[name]
        for place in sorted(layout.roots.keys() - known.roots.keys()) if layout.away else ():
            column, root = f"t.{layout.columns[place]}", layouts[layout.roots[place]]
            number = own_value(root, column)
            db.execute(
                f"UPDATE main.{layout.user} AS t SET {layout.columns[place]} = {number} WHERE {number} IS NOT NULL"
            )


def _as_stand_in(layout: Layout) -> Layout:
    return Layout(
        layout.number, layout.table, "rowid", layout.roots, layout.bearing, away=True, base_lacks=layout.base_lacks
    )


def _keep(db: sqlite3.Connection, layout: Layout, layouts: Mapping[str, Layout], coming: Collection[str]) -> None:
    """Keeps what stands in a table whole, all of it or what refers to rows that come home."""
    places = [place for place, root in layout.roots.items() if root in coming and place in layout.here]
    where = " OR ".join(f"{layout.columns[place]} IS NOT NULL" for place in places)
    if layout.table.name in coming:
        where = "1"
    elif not places:
        return
    numbers = Numbers(db, layouts)
    rows = RowEditor(db, layout, numbers)
    with tolerant(db):
        keys = db.execute(f"SELECT {', '.join(layout.key_names)} FROM main.{layout.user} WHERE {where}").fetchall()
    for key in keys:
        keep_whole(db, layout, rows, numbers.key_to_wire(layout, key))
    if keys and layout.table.name not in coming:
        note_arrival(db, layout.table.name, [layout.table.names[place] for place in places])


def keep_whole(db: sqlite3.Connection, layout: Layout, rows: RowEditor, key: tuple[Value, ...]) -> None:
    """Keeps the one version of a row whole, since the table does not show it any more."""
    standing = rows.standing(key)
    if len(standing) != 1:
        return  # there is none, or its siblings are kept already
    (version,) = standing
    reader, writer = VersionReader(db), VersionWriter(db)
    number = writer.number(version.dot.origin)
    ctx = writer.row_context(version, reader.context(number, version.dot.seq))
    db.execute(*writer.image(layout, key, version, ctx))
    lin = writer.lineage(layout, version)
    holders = ", ".join([*map(placeholder, key), *("?" * 9)])
    fixed = (number, version.dot.seq, version.stamp, int(version.deleted), 1, ctx, odd_time(version), version.by, lin)
    db.execute(f"INSERT OR REPLACE INTO {layout.rows} VALUES ({holders})", (*map(bindable, key), *fixed))
