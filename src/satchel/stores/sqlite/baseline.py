"""The founder's rows: read in one pass when the network is founded, loaded in one pass where a table is still empty.

A row of the baseline has no version of its own: where its packet begins in key order is noted once per packet, so a
first synchronisation writes the data once (PROTOCOL, Apply: sparse).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa

from satchel.model.stamp import stamp_of
from satchel.model.value import Value
from satchel.stores.base import Incoming
from satchel.stores.sqlite import changes, values
from satchel.stores.sqlite.connection import quote, tolerant
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.pending import author_of, know_authors
from satchel.stores.sqlite.stage import bindable, fetch, placeholder


def batches(
    db: sqlite3.Connection, layout: Layout, at: int, author: str | None, began: Callable[[int, list[Value]], None]
) -> Iterator[pa.RecordBatch]:
    """Every row with a whole key, in key order, as change batches of one stamp. `began` hears the place (from 0) and
    the key of each batch's first row."""
    keys = [layout.columns[p] for p in layout.key_places]
    know_authors(db)
    by = author_of(quote(author)) if author is not None and author in layout.table.names else "NULL"
    fixed = f"'insert', {at}, {by}, {stamp_of(at)}, NULL, NULL, NULL"
    columns = ", ".join(layout.columns)
    source = f"main.{layout.user} AS t WHERE {layout.whole_key('u:t')}"
    query = f"SELECT {fixed}, {columns} FROM {source} ORDER BY {', '.join(keys)}"
    place = 0
    for rows in fetch(db, query, layout.width):
        began(place, [rows[0][7 + p] for p in layout.key_places])
        yield changes.batch_of(db, layout, rows)
        place += len(rows)


def count(db: sqlite3.Connection, layout: Layout) -> int:
    """Rows with a whole key."""
    return int(
        db.execute(f"SELECT count(*) FROM main.{layout.user} AS t WHERE {layout.whole_key('u:t')}").fetchone()[0]
    )


def fits(db: sqlite3.Connection, layout: Layout, packets: Sequence[Incoming]) -> bool:
    """Whether these packets can be loaded in one pass: baseline, into a table that nothing stands in yet, or only what
    earlier packets of the same baseline brought."""
    if any(packet.kind != "baseline" for packet in packets):
        return False
    if db.execute(f"SELECT 1 FROM {layout.rows} LIMIT 1").fetchone():
        return False
    if db.execute(f"SELECT 1 FROM main.{layout.user} LIMIT 1").fetchone() is None:
        return True
    begun = db.execute(
        f"SELECT max(q) FROM {layout.base} b JOIN _satchel_origin n ON n.number = b.o WHERE n.name = ?",
        (packets[0].dot.origin,),
    )
    (seq,) = begun.fetchone()
    return seq is not None and packets[0].group[0] <= seq < packets[0].dot.seq


def load(db: sqlite3.Connection, layout: Layout, origin: int, packets: Sequence[Incoming]) -> int:
    """Loads one table of some baseline packets; the number of rows."""
    names, marks = ", ".join(layout.columns), ", ".join("?" * layout.width)
    insert = f"INSERT OR ABORT INTO main.{layout.user} ({names}) VALUES ({marks})"
    total = 0
    for packet in packets:
        if not packet.rows.get(layout.table.name):
            continue
        first = True
        for batch in packet.batches(layout.table.name):
            if first:
                note_beginning(db, layout, origin, packet.dot.seq, batch)
                first = False
            change = batch.column(batch.schema.get_field_index("_change"))
            odd = change.field("misfit")
            if values.all_null(odd):
                columns = [values.to_python(batch, column) for column in layout.table.columns]
                db.executemany(insert, zip(*columns, strict=True))
            else:
                _load_exactly(db, layout, batch)
            total += batch.num_rows
    return total


def _load_exactly(db: sqlite3.Connection, layout: Layout, batch: pa.RecordBatch) -> None:
    """A batch with values that Arrow could not hold: row by row, since text that is no UTF-8 is bound differently."""
    columns = [values.to_python(batch, column) for column in layout.table.columns]
    read = changes.read(db, layout, batch.column(batch.schema.get_field_index("_change")))
    places = {name: place for place, name in enumerate(layout.table.names)}
    for row, name, value in read.misfits:
        if name in places:
            columns[places[name]][row] = value
    names = ", ".join(layout.columns)
    for row_values in zip(*columns, strict=True):
        holders = ", ".join(map(placeholder, row_values))
        insert = f"INSERT OR ABORT INTO main.{layout.user} ({names}) VALUES ({holders})"
        db.execute(insert, [bindable(v) for v in row_values])


def note_beginning(db: sqlite3.Connection, layout: Layout, origin: int, seq: int, batch: pa.RecordBatch) -> None:
    """Notes the first key of a baseline packet: from there on, up to the next one, rows are of this packet."""
    columns = {column.name: values.to_python(batch.slice(0, 1), column)[0] for column in layout.key_columns}
    change = batch.column(batch.schema.get_field_index("_change")).slice(0, 1)
    read = changes.read(db, layout, pa.concat_arrays([change]))
    for _, name, value in read.misfits:
        if name in columns:
            columns[name] = value
    key = [columns[name] for name in layout.table.key]
    note_key(db, layout, key, origin, seq, read.stamp[0])


def note_key(db: sqlite3.Connection, layout: Layout, key: Sequence[Value], origin: int, seq: int, stamp: int) -> None:
    """Notes where a baseline packet begins."""
    holders = ", ".join([*map(placeholder, key), "?", "?", "?"])
    db.execute(f"INSERT OR REPLACE INTO {layout.base} VALUES ({holders})", [*map(bindable, key), origin, seq, stamp])


def key_after(db: sqlite3.Connection, layout: Layout, begin: Sequence[Value], offset: int) -> list[Value]:
    """The key of the row `offset` places after the one with key `begin`, in key order."""
    keys = ", ".join(layout.columns[p] for p in layout.key_places)
    holders = ", ".join(map(placeholder, begin))
    query = (
        f"SELECT {keys} FROM main.{layout.user} AS t WHERE {layout.whole_key('u:t')} AND ({keys}) >= ({holders})"
        f" ORDER BY {keys} LIMIT 1 OFFSET {offset}"
    )
    with tolerant(db):
        return list(db.execute(query, [bindable(value) for value in begin]).fetchone())
