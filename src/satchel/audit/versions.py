"""Rows of packets as versions (satchel.model.version): only of rows that are looked at one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from satchel.audit.ledger import Entry, Ledger
from satchel.model.affinity import stored
from satchel.model.ids import NOWHERE_ORIGIN, Dot
from satchel.model.schema import Column, Table
from satchel.model.stamp import UNKNOWN, milliseconds_of
from satchel.model.value import Value
from satchel.model.vector import Mark
from satchel.model.version import Cell, Version
from satchel.packet.table import CHANGE_COLUMN


@dataclass(frozen=True, slots=True)
class Told:
    """A version with what its packet says besides. `columns`: that the change wrote, None: all; `number`: the author's
    own of a local row; `at` in microseconds since 1970 UTC, None: unknown."""

    id: str
    entry: Entry
    version: Version
    op: str
    columns: tuple[str, ...] | None
    gid: str | None
    number: Value
    at: int | None


def told_rows(found: pa.Table, table: Table, ledger: Ledger) -> Iterator[Told]:
    """The versions in a result with the columns `_satchel_id`, `_satchel_no`, the table's and `_change`."""
    for batch in found.to_batches():
        values = {name: batch.column(name).to_pylist() for name in ("_satchel_id", "_satchel_no", *table.names)}
        changes = batch.column(CHANGE_COLUMN)
        fields = {field.name: changes.field(place) for place, field in enumerate(changes.type)}
        fields["at"] = fields["at"].cast(pa.int64())  # a wrong clock may be beyond the years that Python knows
        listed = {name: field.to_pylist() for name, field in fields.items()}
        for place in range(batch.num_rows):
            row = {name: values[name][place] for name in table.names}
            change = {name: column[place] for name, column in listed.items()}
            entry = ledger.entries[values["_satchel_no"][place] - 1]
            yield _told(values["_satchel_id"][place], entry, row, change, table, ledger)


def _told(
    id_: str, entry: Entry, row: dict[str, Value], change: Mapping[str, Any], table: Table, ledger: Ledger
) -> Told:
    row |= {part["column"]: exact(part["class"], part["value"]) for part in change["misfit"] or ()}
    for column in table.columns:
        if is_whole_as_integer(column):
            row[column.name] = stored(column.affinity, row[column.name])
    number = row[table.key[0]] if table.scope == "local" else None
    if table.scope == "local":  # a number is another row's at another site, and no value to differ in
        row[table.key[0]] = change["gid"]
    version = Version(
        entry.dot,
        change["stamp"],
        _context(entry, change, ledger),
        _cells(entry, row, change, table, ledger),
        change["op"] == "delete",
        None if change["stamp"] == UNKNOWN else milliseconds_of(change["stamp"]),
        change["by"],
    )
    columns = None if change["columns"] is None else tuple(change["columns"])
    return Told(id_, entry, version, change["op"], columns, change["gid"], number, change["at"])


def _context(entry: Entry, change: Mapping[str, Any], ledger: Ledger) -> Mapping[str, Mark]:
    if change["context"] is None:
        return entry.saw
    named = {part["origin"]: Mark(part["seq"], part["hash"]) for part in change["context"]}
    found = ledger.naming.resolve(named)
    own = found.get(entry.dot.origin)
    if own is None or own.seq < entry.dot.seq:
        return found
    return {**found, entry.dot.origin: Mark(entry.dot.seq - 1, "")}  # nobody has seen what it is about to write


def _cells(
    entry: Entry, row: Mapping[str, Value], change: Mapping[str, Any], table: Table, ledger: Ledger
) -> dict[str, Cell]:
    """The columns that the packet has; without those that were never written (docs/spec/packet.md, L1)."""
    has = entry.columns.get(table.name, frozenset())
    cells = {name: Cell(value, entry.dot, change["stamp"]) for name, value in row.items() if name in has}
    for group in change["lineage"] or ():
        for name in group["columns"]:
            if group["origin"] == NOWHERE_ORIGIN:
                cells.pop(name, None)
            elif name in cells:
                dot = entry.dot
                if group["origin"] is not None:
                    dot = ledger.name_write(entry, group["origin"], group["seq"])
                cells[name] = Cell(cells[name].value, dot, group["stamp"])
    return cells


def exact(kind: str, value: bytes) -> Value:
    """A value that the column's Arrow type cannot hold (satchel.stores.base, misfit)."""
    if kind == "integer":
        return int(value)
    if kind == "real":
        return float(value)
    return value if kind == "blob" else value.decode("utf-8", "surrogateescape")


def is_whole_as_integer(column: Column) -> bool:
    """Whether a whole double of this column stands for the integer that its database has (ADR 8)."""
    return column.type == "float64" and column.affinity == "numeric"


def key_of(told: Told, table: Table) -> tuple[Value, ...]:
    """The key as the network has it: the gid, or the values of the key columns."""
    if table.scope == "local":
        return (told.gid,)
    return tuple(cell.value if (cell := told.version.cells.get(name)) else None for name in table.key)


def sort_key(told: Told) -> tuple[int, str, Dot]:
    """Oldest first: nobody has a lower stamp than what it saw of its row (PROTOCOL, Stamps)."""
    return told.version.rank
