"""The state of the database for a snapshot: every sibling of every row, read in one transaction.

The books are sparse: a plain row stands in the application's table only, and its version is that of its line in
`_satchel_row_N`, or of the baseline where it has none. Rows with several versions, rows set apart and tombstones are
kept whole in `_satchel_image_N`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from satchel.model.schema import Table
from satchel.model.value import Value
from satchel.stores.packet_record import PacketRecord
from satchel.stores.sqlite import apart, books, changes, lineage, numbers, pending
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.sight import base_lineage, base_of
from satchel.stores.sqlite.stage import fetch

_FIXED = 7  # op, at, by, stamp, mask, lin, ctx


def plain_rows(db: sqlite3.Connection, layout: Layout, layouts: Mapping[str, Layout]) -> str:
    """SQL: the rows that have one version and are shown as it was written. Columns c0 ... as on the wire, then o, q, s,
    x, a, b, l of the version (layout.py)."""
    values = numbers.wire_values(layout, layouts, "t")
    wires = ", ".join(f"{value} AS {slot}" for value, slot in zip(values, layout.slots, strict=True))
    key = layout.key_of("c:w")
    dots = ", ".join(f"coalesce(r.{c}, {base_of(layout, key, c)}) AS {c}" for c in "oqs")
    base = base_lineage(layout)
    past = "r.l" if base is None else f"CASE WHEN r.o IS NULL THEN '{base}' ELSE r.l END"
    elsewhere = ""
    if layout.key_roots and not layout.is_local and apart.has_stands(db, layout):
        pairs = zip(apart.stand_slots(layout), layout.key_slots, strict=True)
        match = " AND ".join(f"a.{stand} = w.{slot}" for stand, slot in pairs)
        elsewhere = f" AND NOT EXISTS (SELECT 1 FROM {layout.apart} a WHERE {match})"
    return (
        f"SELECT {layout.list_of('w')}, {dots}, r.x AS x, r.a AS a, r.b AS b, {past} AS l FROM"
        f" (SELECT {wires} FROM {layout.source} AS t WHERE {layout.whole_key('u:t')}) w"
        f" LEFT JOIN {layout.rows} r ON {layout.match('k:r', 'c:w')}"
        f" WHERE coalesce(r.many, 0) = 0 AND coalesce(r.d, 0) = 0{elsewhere}"
    )


def kept_versions(layout: Layout) -> str:
    """SQL: the versions that are kept whole, with the columns of `plain_rows` and d."""
    return (
        f"SELECT {layout.list_of('i')}, i.o, i.q, i.s, i.x, i.a, i.b, i.l, i.d FROM {layout.images} i"
        f" JOIN {layout.rows} r ON {' AND '.join(f'r.{k} = i.{k}' for k in layout.keys)} WHERE r.many OR r.d"
    )


class SQLiteState:
    """See snapshot.State; `db` sees one state of the database and nothing else."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self.layouts = books.layouts(db)
        self.vector = books.read_vector(db)
        self.tables: Sequence[Table] = [layout.table for layout in self.layouts.values()]

    @property
    def is_sealed(self) -> bool:
        """Whether nothing was noted since the last seal: what stands in the tables has versions then."""
        marks = dict(self.db.execute("SELECT number, mark FROM _satchel_table").fetchall())
        return all(pending.highest(self.db, each) <= marks[each.number] for each in self.layouts.values())

    def packets(self) -> Iterator[PacketRecord]:
        """Every applied packet."""
        return books.packets_after(self.db, {})

    def batches(self, table: str) -> Iterator[pa.RecordBatch]:
        """Every version of a table's rows."""
        layout = self.layouts[table]
        for rows in fetch(self.db, self._query(layout), layout.width):
            yield self._batch(layout, rows)

    def _query(self, layout: Layout) -> str:
        versions = f"{plain_rows(self.db, layout, self.layouts)}"
        both = f"SELECT *, 0 AS d FROM ({versions}) WHERE o IS NOT NULL UNION ALL {kept_versions(layout)}"
        # the founder's rows are kept without their author where nothing happened to them since
        by = "CASE WHEN p.kind = 'baseline' THEN NULL ELSE v.b END"
        at = "coalesce(v.a, CASE WHEN v.s THEN v.s >> 16 END)"
        fixed = f"CASE WHEN v.d THEN 'delete' ELSE 'update' END, {at}, {by}, v.s, NULL, v.l, v.x"
        (place,) = layout.key_places if layout.is_local else (None,)
        born = "" if place is None else f", CAST({numbers.birth_number(f'v.c{place}')} AS INTEGER)"
        order = ", ".join(f"v.{slot} COLLATE BINARY" for slot in layout.key_slots)
        return (
            f"SELECT {fixed}, {layout.list_of('v')}{born}, n.name, v.q FROM ({both}) v"
            " JOIN _satchel_origin n ON n.number = v.o"
            f" LEFT JOIN _satchel_packet p ON p.o = v.o AND p.q = v.q ORDER BY {order}, n.name, v.q"
        )

    def _batch(self, layout: Layout, rows: list[tuple[Any, ...]]) -> pa.RecordBatch:
        origins, seqs = [row[-2] for row in rows], [row[-1] for row in rows]
        found = changes.batch_of(self.db, layout, [_as_written(layout, row[:-2]) for row in rows])
        change = found.column(layout.width)
        fields = {"origin": pa.array(origins, pa.string()), "seq": pa.array(seqs, pa.int64())}
        fields |= {field.name: change.field(field.name) for field in change.type}
        whole = pa.StructArray.from_arrays(list(fields.values()), names=list(fields))
        return pa.RecordBatch.from_arrays([*found.columns[:-1], whole], names=found.schema.names)


def _as_written(layout: Layout, row: tuple[Value, ...]) -> tuple[Value, ...]:
    """A column that nobody ever wrote shows this database's default: that is not the network's."""
    text = row[5]
    lacks = lineage.missing(text) if isinstance(text, str) else 0
    if not lacks:
        return row
    values = (None if lacks >> place & 1 else row[_FIXED + place] for place in range(layout.width))
    return (*row[:_FIXED], *values, *row[_FIXED + layout.width :])
