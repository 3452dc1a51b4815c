"""The rows of an archive and their past: which row each packet changes, what it writes, where other cells come from.

A cell is where it was written, as one number: the packet's place in the archive, and the row's place in the packet.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from satchel.model.schema import Column, Table
from satchel.packet.rows import CONTEXT_TYPE, LINEAGE_TYPE, MISFIT_TYPE, STORE_FIELDS, arrow_type

START = 1_767_225_600_000  # 2026-01-01, milliseconds since 1970 UTC
HOUR = 3_600_000
ORDERS = Table(
    "orders",
    (
        Column("id", "string", "TEXT", "text"),
        Column("order_no", "string", "TEXT", "text"),
        Column("customer_id", "int64", "INTEGER", "integer"),
        Column("status", "string", "TEXT", "text"),
        Column("qty", "int64", "INTEGER", "integer"),
        Column("amount", "float64", "REAL", "real"),
        Column("note", "string", "TEXT", "text"),
        Column("updated_at", "string", "TEXT", "text"),
    ),
    ("id",),
)
STATUSES = ("new", "confirmed", "in work", "ready", "sent", "paid", "returned")
MOST = 3600  # changes in a packet: one each second
_NAMES = ORDERS.names
_FIRST = frozenset(("id", "order_no", "customer_id", "amount", "note"))  # never written again
_DELETES = 0.05  # of the changes after the first
_SHIFT = 12
_PLACE = (1 << _SHIFT) - 1
Dot = Callable[[int], tuple[str, int]]  # origin and seq of a packet by its place in the archive
# Cells of a row: the one of its birth; then status, qty, updated_at, each as last written and as before that.
_BIRTH, _STATUS, _QTY, _UPDATED = 0, 1, 3, 5


@dataclass(slots=True)
class _Changes:
    """The `_change` of a packet's rows, column by column: dictionaries a row take Arrow ten times as long."""

    ops: list[str] = field(default_factory=list)
    written: list[list[str] | None] = field(default_factory=list)
    starts: list[int | None] = field(default_factory=list)  # of each row's lineage; None: it has none
    origins: list[str] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)
    stamps: list[int] = field(default_factory=list)
    names: list[list[str]] = field(default_factory=list)

    def array(self, number: int, authors: list[str]) -> pa.StructArray:
        """As a store hands it out."""
        count = len(self.ops)
        stamps = [stamp_of(number << _SHIFT | place) for place in range(count)]
        lineage = [self.origins, self.seqs, self.stamps, self.names]
        cells = pa.StructArray.from_arrays(
            [pa.array(values, LINEAGE_TYPE.field(place).type) for place, values in enumerate(lineage)],
            fields=list(LINEAGE_TYPE),
        )
        starts = pa.array([*self.starts, len(self.origins)], pa.int32())
        fields = {
            "op": pa.array(self.ops),
            "at": pa.array([(stamp >> 16) * 1000 for stamp in stamps], pa.int64()).cast(pa.timestamp("us", tz="UTC")),
            "by": pa.array(authors),
            "stamp": pa.array(stamps, pa.int64()),
            "columns": pa.array(self.written, pa.list_(pa.string())),
            "lineage": pa.ListArray.from_arrays(starts, cells, type=pa.list_(LINEAGE_TYPE)),
            "context": pa.nulls(count, pa.list_(CONTEXT_TYPE)),
            "gid": pa.nulls(count, pa.string()),
            "misfit": pa.nulls(count, pa.list_(MISFIT_TYPE)),
        }
        return pa.StructArray.from_arrays([fields[f.name] for f in STORE_FIELDS], fields=list(STORE_FIELDS))


class Rows:
    """All rows that an archive will have. `first`: what never changes in them, keys in order."""

    def __init__(self, keys: int, chance: random.Random, dot: Dot) -> None:
        self.first = first_values(keys, chance)
        self._chance = chance
        self._dot = dot
        self._rows: list[list[int] | None] = [None] * keys
        self._fresh = list(range(keys))
        chance.shuffle(self._fresh)

    def often_changed(self) -> str:
        """The key that was changed last of all."""
        rows = self._rows
        return str(self.first.column("id")[max(range(len(rows)), key=lambda p: (rows[p] or [0, 0])[_STATUS])].as_py())

    def choose(self, count: int, unseen: frozenset[int]) -> list[int]:
        """Keys in order, each once: fresh ones as long as there are any, then any whose past the author can know."""
        if len(self._fresh) >= count:
            return sorted(self._fresh.pop() for _ in range(count))
        found: set[int] = set()
        keys = len(self._rows)
        while len(found) < count:
            place = int(self._chance.random() * keys)
            row = self._rows[place]
            before = () if row is None else (row[_STATUS + 1], row[_QTY + 1], row[_UPDATED + 1])
            if not any(cell >> _SHIFT in unseen for cell in before):
                found.add(place)
        return sorted(found)

    # A row at a time: each has a past of its own, and this is no way of the product.
    def batch(self, number: int, author: str, places: Sequence[int], unseen: frozenset[int]) -> pa.RecordBatch:
        """The changes of packet `number` in Arrow, as a store hands them out."""
        status, qty, updated, changes = [], [], [], _Changes()
        for offset, place in enumerate(places):
            row = self._change(number << _SHIFT | offset, place, unseen, changes)
            status.append(STATUSES[(place * 7 + (_visible(row, _STATUS, unseen) >> _SHIFT) * 13) % len(STATUSES)])
            qty.append((place * 31 + (_visible(row, _QTY, unseen) >> _SHIFT) * 17) % 100)
            updated.append(_text(_visible(row, _UPDATED, unseen)))
        first = self.first.take(pa.array(places))
        moving = {"status": status, "qty": qty, "updated_at": updated}
        arrays = [
            pa.array(moving[c.name], arrow_type(c)) if c.name in moving else first.column(c.name).combine_chunks()
            for c in ORDERS.columns
        ]
        change = changes.array(number, [f"{author}-{place % 5}" for place in places])
        return pa.RecordBatch.from_arrays([*arrays, change], names=[*_NAMES, "_change"])

    def _change(self, cell: int, place: int, unseen: frozenset[int], changes: _Changes) -> list[int]:
        """What happens to a row now; its cells afterwards."""
        row = self._rows[place]
        if row is None:
            self._rows[place] = row = [cell] * 7
            changes.ops.append("insert")
            changes.written.append(None)
            changes.starts.append(None)
            return row
        choice = self._chance.random()
        changes.starts.append(len(changes.origins))
        if choice < _DELETES:
            changes.ops.append("delete")
            changes.written.append([])
            self._inherit(row, (_STATUS, _QTY, _UPDATED), unseen, changes)
            self._rows[place] = None
            return row
        column, other, name = (_STATUS, _QTY, "status") if choice < 0.6 else (_QTY, _STATUS, "qty")
        changes.ops.append("update")
        changes.written.append([name, "updated_at"])
        self._inherit(row, (other,), unseen, changes)
        for written in (column, _UPDATED):
            row[written], row[written + 1] = cell, row[written]
        return row

    def _inherit(self, row: list[int], rest: Sequence[int], unseen: frozenset[int], changes: _Changes) -> None:
        """Columns that come from one packet stand together, in the order of the table."""
        sources = tuple(_visible(row, column, unseen) for column in rest)
        for cell in dict.fromkeys((row[_BIRTH], *sources)):
            mine = {_COLUMN[column] for column, source in zip(rest, sources, strict=True) if source == cell}
            names = _names_of(frozenset(mine), cell == row[_BIRTH])
            origin, seq = self._dot(cell >> _SHIFT)
            changes.origins.append(origin)
            changes.seqs.append(seq)
            changes.stamps.append(stamp_of(cell))
            changes.names.append(names)


_COLUMN = {_STATUS: "status", _QTY: "qty", _UPDATED: "updated_at"}
_NAME_LISTS: dict[tuple[frozenset[str], bool], list[str]] = {}


def _names_of(columns: frozenset[str], born: bool) -> list[str]:
    """These columns, and those that are never written again, in the order of the table."""
    known = _NAME_LISTS.get((columns, born))
    if known is None:
        wanted = columns | _FIRST if born else columns
        known = _NAME_LISTS[columns, born] = [name for name in _NAMES if name in wanted]
    return known


def _visible(row: list[int], column: int, unseen: frozenset[int]) -> int:
    """The cell of a column that the author has seen."""
    return row[column + 1] if row[column] >> _SHIFT in unseen else row[column]


def created(number: int) -> int:
    """When a packet was sealed, in milliseconds: one an hour."""
    return START + (number + 2) * HOUR


def stamp_of(cell: int) -> int:
    """A change each second, in the hour before the seal."""
    return (created(cell >> _SHIFT) - HOUR + (cell & _PLACE) * 1000) << 16


def _text(cell: int) -> str:
    """Its time as the application writes it: hours since the beginning, and the clock."""
    minutes, seconds = divmod(cell & _PLACE, 60)
    return f"{2026 * 10_000 + (cell >> _SHIFT)}T{minutes:02d}:{seconds:02d}"


def first_values(keys: int, chance: random.Random) -> pa.Table:
    """What never changes in a row, keys in order."""
    names = sorted(_uuid(chance.getrandbits(128)) for _ in range(keys))
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(3, 11))) for _ in range(5_000)]
    return pa.table(
        {
            "id": pa.array(names),
            "order_no": pa.array([f"O-{place:08d}" for place in range(keys)]),
            "customer_id": pa.array([int(chance.random() * 50_000) for _ in range(keys)], pa.int64()),
            "amount": pa.array([int(chance.random() * 1_000_000) / 100 for _ in range(keys)], pa.float64()),
            "note": pa.array([" ".join(chance.choices(words, k=5)) for _ in range(keys)]),
        }
    )


def _uuid(bits: int) -> str:
    digits = f"{bits:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
