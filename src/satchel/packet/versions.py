"""Rows of packets and snapshots as versions (satchel.model.version): for few rows, that a person looks at or undoes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from satchel.model.ids import NOWHERE_ORIGIN, Dot
from satchel.model.key import key_text
from satchel.model.schema import Table
from satchel.model.stamp import milliseconds_of
from satchel.model.value import Value
from satchel.model.vector import Mark, Vector
from satchel.model.version import Cell, Version
from satchel.packet.rows import arrow_type
from satchel.packet.table import CHANGE_COLUMN

Key = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """One row of a packet: its key on the wire, the version, and what its author did to it."""

    key: Key
    version: Version
    op: str  # insert | update | delete
    columns: frozenset[str]  # that it wrote; all of an insert, none of a delete


class Wanted:
    """Keys of one table, looked up by the text that equal keys share."""

    def __init__(self, table: Table, keys: Mapping[str, Key]) -> None:
        self.table = table
        self.keys = keys

    def among(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows whose key may be one of these: Arrow looks through the rest. A null holds a misfit, and texts of a
        collation compare otherwise: those are looked at one by one."""
        table = self.table
        if table.scope == "local":
            gids = pa.array([key[0] for key in self.keys.values()], pa.string())
            return batch.filter(pc.is_in(batch.column(CHANGE_COLUMN).field("gid"), gids))
        found = batch
        for place, name in enumerate(table.key):
            column, type_ = table.column(name), arrow_type(table.column(name))
            values = found.column(name) if name in found.schema.names else None
            if values is None or values.type != type_ or column.collation != "BINARY" or column.type == "float64":
                continue
            wanted = [value for key in self.keys.values() if _fits(value := key[place], column.type)]
            found = found.filter(pc.or_(values.is_null(), pc.is_in(values, pa.array(wanted, type_))))
        return found


def _fits(value: Value, type_: str) -> bool:
    kinds = {"int64": int, "string": str, "binary": bytes}
    if type_ == "string" and isinstance(value, str):
        return value.isascii() or value.encode("utf-8", "replace").decode("utf-8") == value
    return isinstance(value, kinds[type_]) and (type_ != "int64" or -(2**63) <= int(value or 0) < 2**63)


def written_in(
    batches: Iterable[pa.RecordBatch],
    table: Table,
    context: Vector,
    wanted: Wanted | None = None,
    dot: Dot | None = None,
) -> Iterator[tuple[str, Written]]:
    """(text of the key, the row) of the rows that are wanted, None: of all. `context`: of the packet; `dot`: its name
    here, None: as it stands in the rows. Python objects: the caller names few rows, or one packet."""
    for batch in batches:
        chosen = batch if wanted is None else wanted.among(batch)
        for row, change in _lines(chosen):
            found = _written(table, row, change, context, dot)
            text = key_text(table, found.key)
            if wanted is None or text in wanted.keys:
                yield text, found


def _lines(batch: pa.RecordBatch) -> Iterator[tuple[dict[str, Value], dict[str, Any]]]:
    names = [name for name in batch.schema.names if name != CHANGE_COLUMN]
    values = [batch.column(name).to_pylist() for name in names]
    changes = batch.column(CHANGE_COLUMN)
    fields = {field.name: changes.field(place) for place, field in enumerate(changes.type)}
    fields["at"] = fields["at"].cast(pa.int64())  # a wrong clock may be beyond the years that Python knows
    listed = [field.to_pylist() for field in fields.values()]
    for place in range(batch.num_rows):
        row = {name: column[place] for name, column in zip(names, values, strict=True)}
        change = {name: column[place] for name, column in zip(fields, listed, strict=True)}
        row |= {entry["column"]: exact_value(entry["class"], entry["value"]) for entry in change["misfit"] or ()}
        yield row, change


def _written(table: Table, row: dict[str, Value], change: dict[str, Any], context: Vector, dot: Dot | None) -> Written:
    own = dot or Dot(change["origin"], change["seq"])
    if table.scope == "local":
        row[table.key[0]] = change["gid"]
    saw = context
    if change["context"] is not None:
        saw = {entry["origin"]: Mark(entry["seq"], entry["hash"]) for entry in change["context"]}
    cells = _cells(row, change["lineage"] or (), own, change["stamp"])
    at = change["at"] // 1000 if change["at"] is not None else None
    if at is None and change["stamp"]:
        at = milliseconds_of(change["stamp"])
    op = change["op"]
    columns = () if op == "delete" else cells if change["columns"] is None else change["columns"]
    version = Version(own, change["stamp"], saw, cells, op == "delete", at, change["by"])
    return Written(tuple(row[name] for name in table.key), version, op, frozenset(columns))


def _cells(row: Mapping[str, Value], lineage: Sequence[Mapping[str, Any]], own: Dot, stamp: int) -> dict[str, Cell]:
    """The row by column with the write that each value comes from (stores/base.py, lineage)."""
    sources: dict[str, tuple[Dot, int]] = {}
    for group in lineage:
        dot = own if group["origin"] is None else Dot(group["origin"], group["seq"])
        sources |= dict.fromkeys(group["columns"], (dot, group["stamp"]))
    found = {}
    for name, value in row.items():
        dot, at = sources.get(name, (own, stamp))
        if dot.origin != NOWHERE_ORIGIN:  # this version lacks the others
            found[name] = Cell(value, dot, at)
    return found


def exact_value(kind: str, value: bytes) -> Value:
    """A value that the column's Arrow type cannot hold (satchel.stores.base, misfit)."""
    if kind == "integer":
        return int(value)
    if kind == "real":
        return float(value)
    return value if kind == "blob" else value.decode("utf-8", "surrogateescape")
