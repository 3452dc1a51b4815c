"""The founder's rows: read in one pass when the network is founded, loaded in one pass where a table is still empty.

A row of the baseline has no version of its own: where its packet begins in key order is noted once per packet, so a
first synchronisation writes the data once (PROTOCOL, Apply: sparse).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from satchel.model.gids import parse_gid
from satchel.model.value import Value
from satchel.stores.records import Incoming
from satchel.stores.sqlite import books, changes, many, numbers, values
from satchel.stores.sqlite.connection import quote, tolerant
from satchel.stores.sqlite.in_columns import fetch_columns
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.pending import author_of, know_authors
from satchel.stores.sqlite.stage import bindable, placeholder

_MOST_SORTED = 1 << 30  # bytes of a database whose rows are sorted
_SAMPLE = 1_000  # rows that are looked at
_NEAR = 64  # rows: on the same page, or the next


def batches(
    db: sqlite3.Connection,
    layout: Layout,
    layouts: Mapping[str, Layout],
    at: int,
    author: str | None,
    began: Callable[[int, list[Value]], None],
) -> Iterator[pa.RecordBatch]:
    """Every row with a whole key, in order of its place (see `order_of`), as change batches of one stamp. `began` hears
    the number (from 0) and the place of each batch's first row."""
    know_authors(db)
    columns = numbers.wire_values(layout, layouts, "t")
    order = order_of(layout, layouts)
    if layout.is_local:
        columns += order
    says = author is not None and author in layout.table.names
    if says:
        columns.append(author_of(quote(str(author))))
    source = f"{layout.source} AS t WHERE {layout.whole_key('u:t')}"
    # a plus: by sorting, not by the key's index
    sign = "+" if _is_scattered(db, layout) else ""
    query = f"SELECT {', '.join(columns)} FROM {source} ORDER BY {', '.join(f'{sign}{term}' for term in order)}"
    number = 0
    for data in fetch_columns(db, query, len(columns)):
        by = data.pop() if says else None
        began(number, [data[-1][0]] if layout.is_local else [data[p][0] for p in layout.key_places])
        yield changes.baseline_batch(layout, at, by, data)
        number += len(data[0])


def _is_scattered(db: sqlite3.Connection, layout: Layout) -> bool:
    """Whether rows that follow each other by their keys lie all over the table, as with random keys: then it is sorted
    as it is read, which is a third faster than to fetch each row from where it lies. Not in large databases: what is
    sorted is written to a temporary file."""
    if not layout.rowid:
        return False
    (size,) = db.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()
    if size > _MOST_SORTED:
        return False
    query = f"SELECT {layout.rowid} FROM main.{layout.user} ORDER BY {', '.join(layout.key_names)} LIMIT {_SAMPLE}"
    places = [place for (place,) in db.execute(query).fetchall()]
    near = sum(abs(two - one) <= _NEAR for one, two in pairwise(places))
    return len(places) == _SAMPLE and near < _SAMPLE // 2


def order_of(layout: Layout, layouts: Mapping[str, Layout]) -> list[str]:
    """SQL over `t`: the place of a row in a baseline. It is the key on the wire; where that is a gid born here, whose
    other parts are the same in every row, its number."""
    columns = numbers.wire_values(layout, layouts, "t")
    return list(layout.key_of("u:t")) if layout.is_local else [columns[place] for place in layout.key_places]


def count(db: sqlite3.Connection, layout: Layout) -> int:
    """Rows with a whole key."""
    return int(
        db.execute(f"SELECT count(*) FROM main.{layout.user} AS t WHERE {layout.whole_key('u:t')}").fetchone()[0]
    )


def fits(db: sqlite3.Connection, layout: Layout, layouts: Collection[str], packets: Sequence[Incoming]) -> bool:
    """Whether these packets can be loaded in one pass: baseline, into a table that nothing stands in yet, or only what
    earlier packets of the same baseline brought."""
    if any(packet.kind != "baseline" for packet in packets) or layout.absent:
        return False
    if any(key.declared and key.parent not in layouts for key in layout.table.foreign_keys):
        return False  # to a table that is not replicated: its row may not be here
    carried = [set(packet.tables.get(layout.table.name, layout.table).names) for packet in packets]
    if any(set(layout.table.names) - names for names in carried):
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


def load(
    db: sqlite3.Connection, layout: Layout, layouts: Mapping[str, Layout], origin: int, packets: Sequence[Incoming]
) -> int:
    """Loads one table of some baseline packets; the number of rows."""
    into = f"OR ABORT INTO main.{layout.user} ({', '.join(layout.columns)})"
    total = 0
    for packet in packets:
        if not packet.rows.get(layout.table.name):
            continue
        first = True
        for batch in packet.batches(layout.table.name):
            change = batch.column(batch.schema.get_field_index("_change"))
            if layout.is_local and layout.bearing is None:
                gid = parse_gid(change.field("gid")[0].as_py())
                books.bear(db, layout, (gid.origin, gid.nonce))  # its rows keep the numbers of their birth
            if first:
                note_beginning(db, layout, origin, packet.dot.seq, batch)
                first = False
            odd = change.field("misfit")
            columns = [values.to_python(batch, column) for column in layout.table.columns]
            if values.all_null(odd):
                OwnNumbers(db, layouts, layout).put(columns, change)
                many.insert(db, into, columns)
            else:
                _load_exactly(db, layouts, layout, columns, change)
            total += batch.num_rows
    return total


def _load_exactly(
    db: sqlite3.Connection,
    layouts: Mapping[str, Layout],
    layout: Layout,
    columns: list[list[Value]],
    change: pa.StructArray,
) -> None:
    """A batch with values that Arrow could not hold: row by row, since text that is no UTF-8 is bound differently."""
    places = {name: place for place, name in enumerate(layout.table.names)}
    OwnNumbers(db, layouts, layout).put(columns, change)
    for row, name, value in changes.read(db, layout, change).misfits:
        if name in places:
            columns[places[name]][row] = value
    names = ", ".join(layout.columns)
    for row_values in zip(*columns, strict=True):
        holders = ", ".join(map(placeholder, row_values))
        insert = f"INSERT OR ABORT INTO main.{layout.user} ({names}) VALUES ({holders})"
        db.execute(insert, [bindable(v) for v in row_values])


class OwnNumbers:
    """Gids of a baseline's batch as numbers of this database: all at once where they are the numbers of their birth."""

    def __init__(self, db: sqlite3.Connection, layouts: Mapping[str, Layout], layout: Layout) -> None:
        self.layouts = layouts
        self.layout = layout
        self.numbers = numbers.Numbers(db, layouts)

    def put(self, columns: list[list[Value]], change: pa.StructArray) -> None:
        """Puts own numbers in the place of gids."""
        for place, root in self.layout.roots.items():
            own_key = self.layout.is_local and place in self.layout.key_places
            if not own_key and isinstance(next((v for v in columns[place] if v is not None), None), int):
                continue  # from before the reference was named: the number of its birth, which all rows here have
            gids = change.field("gid") if own_key else pa.array(columns[place], pa.string())
            columns[place] = self._born(self.layouts[root], gids) or self._each(root, gids, own_key)

    def _born(self, root: Layout, gids: pa.Array) -> list[Value] | None:
        """The numbers of their birth, if all of them stand for those; None: not all do."""
        if root.bearing is None:
            return None
        origin, nonce = root.bearing
        head, tail = f"{origin}:", f":{nonce}"
        ours = pc.and_(pc.starts_with(gids, pattern=head), pc.ends_with(gids, pattern=tail))
        if not pc.all(pc.fill_null(ours, fill_value=True)).as_py():
            return None
        numbers_ = pc.utf8_slice_codeunits(gids, len(head), -len(tail)).cast(pa.int64())
        return numbers_.to_pylist()  # type: ignore[no-any-return]

    def _each(self, root: str, gids: pa.Array, own_key: bool) -> list[Value]:
        found: list[Value] = []
        for gid in gids.to_pylist():  # rows of several births in one baseline: no packet of ours has them
            number = None if gid is None else self.numbers.number(root, gid)
            if gid is not None and number is None and own_key:
                number = self.numbers.next_free(root, parse_gid(gid).number)
                numbers.give(self.numbers.db, self.layouts[root], number, gid)
            found.append(number)
        return found


def note_beginning(db: sqlite3.Connection, layout: Layout, origin: int, seq: int, batch: pa.RecordBatch) -> None:
    """Notes the place of a baseline packet's first row: from there on, up to the next one, rows are of this packet."""
    columns = {column.name: values.to_python(batch.slice(0, 1), column)[0] for column in layout.key_columns}
    change = batch.column(batch.schema.get_field_index("_change")).slice(0, 1)
    read = changes.read(db, layout, pa.concat_arrays([change]))
    for _, name, value in read.misfits:
        if name in columns:
            columns[name] = value
    key = [parse_gid(str(read.gid[0])).number] if layout.is_local else [columns[name] for name in layout.table.key]
    note_key(db, layout, key, origin, seq, read.stamp[0])


def note_key(db: sqlite3.Connection, layout: Layout, key: Sequence[Value], origin: int, seq: int, stamp: int) -> None:
    """Notes where a baseline packet begins."""
    holders = ", ".join([*map(placeholder, key), "?", "?", "?"])
    db.execute(f"INSERT OR REPLACE INTO {layout.base} VALUES ({holders})", [*map(bindable, key), origin, seq, stamp])


def key_after(
    db: sqlite3.Connection, layout: Layout, layouts: Mapping[str, Layout], begin: Sequence[Value], offset: int
) -> list[Value]:
    """The place of the row `offset` behind the one at `begin`."""
    order = ", ".join(order_of(layout, layouts))
    holders = ", ".join(map(placeholder, begin))
    query = (
        f"SELECT {order} FROM {layout.source} AS t WHERE {layout.whole_key('u:t')} AND ({order}) >= ({holders})"
        f" ORDER BY {order} LIMIT 1 OFFSET {offset}"
    )
    with tolerant(db):
        return list(db.execute(query, [bindable(value) for value in begin]).fetchone())
