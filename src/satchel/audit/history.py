"""Every version of one row, from the packets (INTERFACE, history).

Parquet is asked for one key: its statistics pass over the row groups that cannot hold it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from satchel.audit.branches import dot_of
from satchel.audit.held import Held
from satchel.audit.lake_relations import LakeRelations, read_with_lake
from satchel.audit.relations import dataset_of
from satchel.errors import SatchelError, UsageError
from satchel.model.gids import is_gid
from satchel.model.ids import Dot, node_of
from satchel.model.key import canonical, key_text
from satchel.model.schema import Column, Table
from satchel.model.stamp import rfc3339
from satchel.model.value import Value, is_clean
from satchel.model.vector import Mark, seen
from satchel.model.version import Version
from satchel.packet.keys import PublicKey
from satchel.packet.table import CHANGE_COLUMN
from satchel.replication.branches import Naming

Field = Callable[[str | None], ds.Expression]
SHOWN, LOST, SUPERSEDED = "shown", "lost", "superseded"
_INT64 = range(-(2**63), 2**63)


def row_history(
    paths: Iterable[Path | str],
    table: Table,
    key: Sequence[Value],
    *,
    root: PublicKey | None = None,
    lake: Path | str | None = None,
) -> list[dict[str, Any]]:
    """Versions of a row in the verified packets below the paths, oldest stamp first.

    `key` is the row's identity on the wire: of a table of scope local its gid, else the values of the key columns,
    equal as the network compares them. Each version: origin, seq, hash (of the packet), at (RFC 3339 UTC, or None:
    unknown), by, op, gid (None: the key means the same everywhere), columns (names that this change wrote; all of them
    for an insert), row (exact values; a delete's last image; of a local table with the author's own number), stamp,
    context (what its author had seen of the row: {origin: Mark}). `lake`: one of these packets; a home's own is found.
    UsageError: the key has not the table's number of
    values, or nothing of ours is there; SatchelError: a packet cannot be read.
    """
    if len(key) != len(table.key):
        raise UsageError(
            f"the key of {table.name} has {len(table.key)} columns, not {len(key)}", f"Give {', '.join(table.key)}."
        )
    held, relations = read_with_lake(list(paths), root, lake, table.name)
    versions = [
        _named(version, packet, held.naming)
        for packet, found in _everywhere(held.packets, relations, table, key)
        if (version := _version(found, packet, table, key)) is not None
    ]
    return sorted(versions, key=_rank)


def _everywhere(
    packets: Sequence[Held], lake: LakeRelations | None, table: Table, key: Sequence[Value]
) -> Iterator[tuple[Held, _Match]]:
    """Rows that may be the one: from the lake as far as it has the packets, from their own files for the rest."""
    known: set[str] = set()
    if lake is not None:
        from satchel.audit.lake_history import lake_rows

        def where(shape: Table, field: Field) -> ds.Expression:
            return _filter(shape, table, key, field) if _fits(shape, table) else pc.scalar(False)

        try:
            found, known = lake_rows(lake, table.name, packets, where)
        except (pa.ArrowException, OSError) as error:
            words = str(error).splitlines()[0][:200]
            raise SatchelError(f"the lake cannot be read: {words}", "Run `satchel lake` again.") from error
        for entry in found:
            yield from ((entry.packet, match) for match in _rows(entry.rows, entry.table))
    for packet in packets:
        if packet.hash not in known:
            yield from ((packet, match) for match in _matches(packet, table, key))


def _named(version: dict[str, Any], packet: Held, naming: Naming) -> dict[str, Any]:
    """With the names that hold after a fork."""
    return version | {"origin": dot_of(packet, naming).origin, "context": naming.resolve(version["context"])}


def outcomes(versions: Sequence[dict[str, Any]]) -> list[str]:
    """For each version of a row, by the packets alone: `superseded` where another has seen it; of the others the newest
    is `shown` (a delete too), the rest `lost`. The caller, who knows policies and constraints, may know better."""
    dots = [Dot(version["origin"], version["seq"]) for version in versions]
    maximal = [
        place
        for place, dot in enumerate(dots)
        if not any(seen(dot, other["context"]) for at, other in enumerate(versions) if at != place)
    ]
    newest = max(maximal, key=lambda place: _rank(versions[place]), default=None)
    return [SHOWN if place == newest else LOST if place in maximal else SUPERSEDED for place in range(len(versions))]


def contributes(version: Version, shown: Mapping[str, Any] | None) -> bool:
    """Whether something of a version beside others is what is shown: the delete, or a value that it wrote."""
    if shown is None or version.deleted:
        return shown is None and version.deleted
    own = [name for name, cell in version.cells.items() if cell.dot == version.dot]
    return any(version.cells[name].value == shown.get(name) for name in own)


def _rank(version: dict[str, Any]) -> tuple[int, str, str, int]:
    """Stamps: a total order, by time, then node, then dot (satchel.model.version)."""
    return version["stamp"], node_of(version["origin"]), version["origin"], version["seq"]


@dataclass(frozen=True, slots=True)
class _Match:
    """A row of a part that may be the one."""

    row: dict[str, Value]
    change: dict[str, Any]


def _matches(packet: Held, table: Table, key: Sequence[Value]) -> Iterator[_Match]:
    known = next(part.table for part in packet.parts if part.table.name == table.name)
    if not _fits(known, table):
        return
    try:
        where = _filter(known, table, key, _part_field)
        rows = dataset_of(known, [packet.paths[table.name]]).to_table(filter=where)
        for found in rows.to_batches():
            yield from _rows(found, known)
    except (pa.ArrowException, OSError) as error:
        words = str(error).splitlines()[0][:200]
        raise SatchelError(f"{packet.dot} cannot be read: {words}", "Run `satchel verify`.") from error


def _rows(batch: pa.RecordBatch, known: Table) -> Iterator[_Match]:
    values = [batch.column(name).to_pylist() for name in known.names]
    changes = batch.column(CHANGE_COLUMN)
    fields = {field.name: changes.field(place) for place, field in enumerate(changes.type)}
    fields["at"] = fields["at"].cast(pa.int64())  # a wrong clock may be beyond the years that Python knows
    listed = [field.to_pylist() for field in fields.values()]
    for place in range(batch.num_rows):
        row = {name: column[place] for name, column in zip(known.names, values, strict=True)}
        yield _Match(row, {name: column[place] for name, column in zip(fields, listed, strict=True)})


def _fits(known: Table, table: Table) -> bool:
    """Whether a part of this shape can hold a row with such a key."""
    return known.scope == table.scope and set(table.key) <= set(known.names)


def _part_field(column: str | None) -> ds.Expression:
    return pc.field(CHANGE_COLUMN, "gid") if column is None else pc.field(column)


def _filter(known: Table, table: Table, key: Sequence[Value], field: Field) -> ds.Expression:
    """Rows whose key may be equal; a key column that is null holds a misfit. `field(None)`: the gid."""
    if table.scope == "local":
        [gid] = key
        return field(None) == pa.scalar(gid) if is_gid(gid) else pc.scalar(False)
    expression = pc.scalar(True)
    for name, value in zip(table.key, key, strict=True):
        column = known.column(name)
        equal = _equal(field(name), column, canonical(table.column(name), value))
        expression &= equal | field(name).is_null()
    return expression


def _equal(field: ds.Expression, column: Column, value: Value) -> ds.Expression:
    if column.type == "int64" and isinstance(value, int):
        return field == pa.scalar(value, pa.int64()) if value in _INT64 else pc.scalar(False)
    if column.type == "float64" and isinstance(value, (int, float)):
        return field == pa.scalar(float(value), pa.float64())
    if column.type == "binary" and isinstance(value, bytes):
        return field == pa.scalar(value, pa.binary())
    if column.type == "string" and isinstance(value, str) and is_clean(value):
        if column.collation == "NOCASE":
            return pc.ascii_lower(field) == value
        if column.collation == "RTRIM":
            return pc.ascii_rtrim(field, characters=" ") == value
        return field == pa.scalar(value, pa.string())
    return pc.scalar(False)


def _version(match: _Match, packet: Held, table: Table, key: Sequence[Value]) -> dict[str, Any] | None:
    row, change = match.row, match.change
    row |= {entry["column"]: _exact(entry["class"], entry["value"]) for entry in change["misfit"] or ()}
    # a number is another row's at another site: the filter has compared the gids
    if table.scope == "global" and key_text(table, [row[name] for name in table.key]) != key_text(table, key):
        return None
    context = packet.context
    if change["context"] is not None:
        context = {entry["origin"]: Mark(entry["seq"], entry["hash"]) for entry in change["context"]}
    return {
        "origin": change["origin"],
        "seq": change["seq"],
        "hash": packet.hash,
        "at": None if change["at"] is None else rfc3339(change["at"] // 1000),
        "by": change["by"],
        "op": change["op"],
        "gid": change["gid"],
        "columns": list(row) if change["columns"] is None else change["columns"],
        "row": row,
        "stamp": change["stamp"],
        "context": context,
    }


def _exact(kind: str, value: bytes) -> Value:
    """A value that the column's Arrow type cannot hold (satchel.stores.base, misfit)."""
    if kind == "integer":
        return int(value)
    if kind == "real":
        return float(value)
    return value if kind == "blob" else value.decode("utf-8", "surrogateescape")
