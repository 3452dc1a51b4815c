"""The struct column `_change` between SQLite and Arrow (shape: stores/base.py)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from satchel.errors import BadPacket
from satchel.model.stamp import stamp_of
from satchel.model.value import Value
from satchel.stores.sqlite import books, lineage, values
from satchel.stores.sqlite.layout import Layout

_COLUMNS = pa.list_(pa.string())
_LINEAGE = pa.list_(
    pa.struct([("origin", pa.string()), ("seq", pa.int64()), ("stamp", pa.int64()), ("columns", _COLUMNS)])
)
_CONTEXT = pa.list_(pa.struct([("origin", pa.string()), ("seq", pa.int64()), ("hash", pa.string())]))
_MISFIT = pa.list_(pa.struct([("column", pa.string()), ("class", pa.string()), ("value", pa.binary())]))
_SEPARATOR = "\0"  # no SQL name holds it
_SEPARATED = values.scalar(_SEPARATOR)
_THOUSAND = values.scalar(1000.0, pa.float64())
_AT, _COLON, _DOT, _NEXT = map(values.scalar, "@:.;")
_ZERO = values.scalar(0, pa.int32())
_NONE = pa.nulls(1, pa.string())[0]


def batch_of(db: sqlite3.Connection, layout: Layout, rows: Sequence[tuple[Value, ...]]) -> pa.RecordBatch:
    """A change batch of rows (op, at, by, stamp, mask, lin, ctx, c0 ...), behind which a local key's number stands."""
    return batch_of_columns(db, layout, list(zip(*rows, strict=True)))


def batch_of_columns(db: sqlite3.Connection, layout: Layout, columns: Sequence[Sequence[Any]]) -> pa.RecordBatch:
    """The same, of columns."""
    (op, at, by, stamp, mask, lin, ctx), data = columns[:7], columns[7:]
    names = books.origins(db)

    def groups(text: str) -> list[dict[str, object]] | None:
        return (
            None
            if text is None
            else [
                {
                    "origin": names[g.origin] if g.origin else None,
                    "seq": g.seq if g.origin else None,
                    "stamp": g.stamp,
                    "columns": layout.names_of(g.mask),
                }
                # by name: numbers of origins are this database's own, and equal states are to be equal on the wire
                for g in sorted(lineage.read(text), key=lambda g: (names.get(g.origin, ""), g.seq, g.stamp))
            ]
        )

    fields = {
        "op": pa.array(op, pa.string()),
        "at": _microseconds(pa.array(at, pa.int64())),
        "by": pa.array(by, pa.string()),
        "stamp": pa.array(stamp, pa.int64()),
        "columns": values.map_distinct(
            pa.array(mask, pa.string()), lambda text: None if text is None else layout.names_of(int(text, 16)), _COLUMNS
        ),
        "lineage": values.map_distinct(pa.array(lin, pa.string()), groups, _LINEAGE),
        "context": values.map_distinct(pa.array(ctx, pa.string()), _context_entries, _CONTEXT),
    }
    return _batch(layout, fields, data)


def baseline_batch(layout: Layout, at: int, by: Sequence[Any] | None, data: Sequence[Sequence[Any]]) -> pa.RecordBatch:
    """A change batch of the founder's rows: all of them inserted at one moment (ms since 1970). `by`: who says to have
    written each, None: nobody."""
    count = len(data[0])
    fields = {
        "op": pa.repeat("insert", count),
        "at": _microseconds(pa.repeat(pa.scalar(at, pa.int64()), count)),
        "by": pa.nulls(count, pa.string()) if by is None else pa.array(by, pa.string()),
        "stamp": pa.repeat(pa.scalar(stamp_of(at), pa.int64()), count),
        "columns": pa.nulls(count, _COLUMNS),
        "lineage": pa.nulls(count, _LINEAGE),
        "context": pa.nulls(count, _CONTEXT),
    }
    return _batch(layout, fields, data)


def _batch(layout: Layout, fields: dict[str, pa.Array], data: Sequence[Sequence[Any]]) -> pa.RecordBatch:
    """The user's columns, and `_change` of these fields, gid and misfit."""
    columns, count = list(data), len(data[0])
    gids = pa.nulls(count, pa.string())
    if layout.is_local:
        place = layout.key_places[0]
        gids, columns[place] = pa.array(columns[place], pa.string()), columns.pop()
    arrays = []
    misfits: dict[int, list[dict[str, object]]] = {}
    for place, (column, cells) in enumerate(zip(layout.table.columns, columns, strict=True)):
        array, odd = values.to_arrow(column, cells, gids=place in layout.roots and column.type == "string")
        arrays.append(array)
        for row, value in odd:
            misfits.setdefault(row, []).append(values.misfit_entry(column.name, value))
    entries = pa.array(map(misfits.get, range(count)), _MISFIT) if misfits else pa.nulls(count, _MISFIT)
    fields |= {"gid": gids, "misfit": entries}
    arrays.append(pa.StructArray.from_arrays(list(fields.values()), names=list(fields)))
    return pa.RecordBatch.from_arrays(arrays, names=[*layout.table.names, "_change"])


def _microseconds(milliseconds: pa.Array) -> pa.Array:
    return pc.multiply(milliseconds, 1000).cast(pa.timestamp("us", "UTC"))


def _context_entries(text: str | None) -> list[dict[str, object]] | None:
    if text is None:
        return None
    return [{"origin": o, "seq": mark.seq, "hash": mark.hash} for o, mark in books.context_from_json(text).items()]


@dataclass(frozen=True, slots=True)
class Changes:
    """A batch's `_change` column by column, for the staging table."""

    op: list[str]
    at: list[int | None]
    by: list[str | None]
    stamp: list[int]
    mask: list[str | None]
    lin: list[str | None]
    ctx: list[str | None]
    gid: list[str | None]
    misfits: list[tuple[int, str, Value]]  # row, column, value

    def columns(self) -> tuple[list[Any], ...]:
        """In the order of the staging table."""
        return self.op, self.at, self.by, self.stamp, self.mask, self.lin, self.ctx


def read(db: sqlite3.Connection, layout: Layout, change: pa.StructArray) -> Changes:
    """Takes a `_change` column apart. Raises BadPacket where a text is not what it should be."""
    fields = {field.name: array for field, array in zip(change.type, change.flatten(), strict=True)}
    at = pc.floor(pc.divide(fields["at"].cast(pa.int64()).cast(pa.float64()), _THOUSAND)).cast(pa.int64())
    masks = _joined_masks(layout, fields["columns"])
    return Changes(
        op=fields["op"].to_pylist(),
        at=at.to_pylist(),
        by=fields["by"].to_pylist(),
        stamp=fields["stamp"].to_pylist(),
        mask=masks.to_pylist(),
        lin=_lineage_texts(db, layout, fields["lineage"]).to_pylist(),
        ctx=_context_texts(fields["context"]),
        gid=fields["gid"].to_pylist() if layout.is_local else [],
        misfits=_misfits(fields["misfit"]),
    )


def _joined_masks(layout: Layout, columns: pa.ListArray) -> pa.Array:
    """Lists of column names as masks in hex; null stays null."""
    joined = pc.binary_join(columns, _SEPARATED)

    def mask(text: str | None) -> str | None:
        return None if text is None else f"{layout.mask_of(frozenset(text.split(_SEPARATOR))):x}"

    return values.map_distinct(joined, mask, pa.string())


def _lineage_texts(db: sqlite3.Connection, layout: Layout, lists: pa.ListArray) -> pa.Array:
    """Lineage as text, without a Python object per row."""
    if values.all_null(lists):
        return pa.nulls(len(lists), pa.string())
    entries = {field.name: array for field, array in zip(lists.type.value_type, lists.flatten().flatten(), strict=True)}
    numbers = values.map_distinct(
        entries["origin"], lambda name: None if name is None else str(books.origin_number(db, name)), pa.string()
    )
    dots = pc.binary_join_element_wise(numbers, entries["seq"].cast(pa.string()), _DOT)
    stamps = values.fill(entries["stamp"].cast(pa.string()), "0")
    masks = values.fill(_joined_masks(layout, entries["columns"]), "0")
    texts = pc.binary_join_element_wise(values.fill(dots, ""), _AT, stamps, _COLON, masks, values.EMPTY)
    lengths = pc.fill_null(pc.list_value_length(lists), _ZERO)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths).cast(pa.int32())])
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, texts), _NEXT)
    return pc.if_else(pc.is_valid(lists), joined, _NONE)


def _context_texts(lists: pa.ListArray) -> list[str | None]:
    if values.all_null(lists):
        return [None] * len(lists)
    texts: list[str | None] = []
    for entries in lists.to_pylist():  # only rows that were written blindly, or come from a snapshot
        vector = None if entries is None else {e["origin"]: [e["seq"], e["hash"]] for e in entries}
        texts.append(None if vector is None else json.dumps(vector, separators=(",", ":"), sort_keys=True))
    return texts


def _misfits(lists: pa.ListArray) -> list[tuple[int, str, Value]]:
    if values.all_null(lists):
        return []
    found = []
    for row, entries in enumerate(lists.to_pylist()):  # values that Arrow cannot hold are looked at one by one
        for entry in entries or ():
            try:
                found.append((row, entry["column"], values.misfit_value(entry["class"], entry["value"])))
            except (ValueError, TypeError) as problem:
                raise BadPacket(f"a misfit of column {entry['column']} cannot be read") from problem
    return found
