"""The Arrow shape of a part: the user's columns, then one struct `_change` (satchel.stores.base has its fields)."""

from __future__ import annotations

import pyarrow as pa

from satchel.errors import BadPacket
from satchel.model.schema import Column, Table
from satchel.packet.table import CHANGE_COLUMN

_ARROW = {"int64": pa.int64(), "float64": pa.float64(), "string": pa.string(), "binary": pa.binary()}

LINEAGE_TYPE = pa.struct(
    [
        ("origin", pa.string()),
        ("seq", pa.int64()),
        ("stamp", pa.int64()),
        ("columns", pa.list_(pa.string())),
    ]
)
CONTEXT_TYPE = pa.struct([("origin", pa.string()), ("seq", pa.int64()), ("hash", pa.string())])
MISFIT_TYPE = pa.struct([("column", pa.string()), ("class", pa.string()), ("value", pa.binary())])
STORE_FIELDS = (
    pa.field("op", pa.string()),
    pa.field("at", pa.timestamp("us", tz="UTC")),
    pa.field("by", pa.string()),
    pa.field("stamp", pa.int64()),
    pa.field("columns", pa.list_(pa.string())),
    pa.field("lineage", pa.list_(LINEAGE_TYPE)),
    pa.field("context", pa.list_(CONTEXT_TYPE)),
    pa.field("gid", pa.string()),
    pa.field("misfit", pa.list_(MISFIT_TYPE)),
)
# What a store writes has no origin and seq: they are given at the seal.
STORE_CHANGE_TYPE = pa.struct(STORE_FIELDS)
CHANGE_TYPE = pa.struct([pa.field("origin", pa.string()), pa.field("seq", pa.int64()), *STORE_FIELDS])


def arrow_type(column: Column) -> pa.DataType:
    """The column's type on the wire."""
    return _ARROW[column.type]


def arrow_schema(table: Table) -> pa.Schema:
    """The schema of a table's parts: its columns in their places, `_change` last."""
    fields = [pa.field(column.name, arrow_type(column)) for column in table.columns]
    return pa.schema([*fields, pa.field(CHANGE_COLUMN, CHANGE_TYPE)])


def wrap(table: Table, batch: pa.RecordBatch, origin: str, seq: int) -> pa.RecordBatch:
    """A store's change batch as it stands in a packet: origin and seq in front of `_change`, columns in the table's
    order. BadPacket if the batch is not of this table."""
    _check_types(table, batch)
    change = batch.column(CHANGE_COLUMN)
    rows = batch.num_rows
    fields = [pa.repeat(pa.scalar(origin, pa.string()), rows), pa.repeat(pa.scalar(seq, pa.int64()), rows)]
    fields += [pa.StructArray.field(change, field.name) for field in STORE_FIELDS]
    nulls = change.is_null() if change.null_count else None
    changes = pa.StructArray.from_arrays(fields, fields=list(CHANGE_TYPE), mask=nulls)
    columns = [batch.column(name) for name in table.names]
    return pa.RecordBatch.from_arrays([*columns, changes], schema=arrow_schema(table))


def _check_types(table: Table, batch: pa.RecordBatch) -> None:
    """Arrow would convert without a word: '1' to 1, 1.5 to 1."""
    wanted = {column.name: arrow_type(column) for column in table.columns} | {CHANGE_COLUMN: STORE_CHANGE_TYPE}
    found = dict(zip(batch.schema.names, batch.schema.types, strict=True))
    for name in wanted.keys() | found.keys():
        if found.get(name) != wanted.get(name):
            raise BadPacket(f"a change batch of {table.name} does not have {name} as {wanted.get(name, 'a column')}")
