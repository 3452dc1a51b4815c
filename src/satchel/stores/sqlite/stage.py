"""Change batches in the database: a temporary table of one line a change, filled from Arrow or turned into it.

Columns: rn place in key order, q seq of the packet, op, at (ms since 1970), by, stamp, mask (hex; null: all columns),
lin (lineage.py), ctx (row context as JSON; null: the packet's), then the row by place as it is on the wire (c0 ...);
for columns that hold a gid there, the application's own number besides (l0 ...).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from satchel.model.value import Value, is_clean, text_bytes
from satchel.stores.sqlite import lineage, many
from satchel.stores.sqlite.connection import is_interrupt, surrogates
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.numbers import birth_number

if TYPE_CHECKING:
    import pyarrow as pa

    from satchel.stores.sqlite.changes import Changes

FIXED = ("rn", "q", "op", "at", "by", "stamp", "mask", "lin", "ctx")
MOST_AT_ONCE = 64  # rows that are read before they are weighed: each of them may hold a film
_PROBE = 7  # of so many rows one is weighed; no divisor of the rows at once, so that it is another one each time
_SIZED = (str, bytes)
_MOST_ROWS = 50_000
BATCH_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Stage:
    """A staging table for changes of one application table; `purpose` makes its name unique. `lacks`: masks of the
    columns that some rows lack, since nobody ever wrote them; `brings`: packets with columns that ours has not. `once`:
    no row may stand in it twice, sqlite3.IntegrityError; packets of several groups lie in it one behind the other."""

    layout: Layout
    purpose: str
    lacks: set[int] = field(default_factory=set)
    brings: set[int] = field(default_factory=set)
    once: bool = False

    @property
    def name(self) -> str:
        """Its name, with the schema."""
        return f"temp._satchel_{self.purpose}_{self.layout.number}"

    def origin_of(self, origin: int) -> str:
        """SQL over `s`: the number of a staged row's origin; all of them are of one, unless a snapshot brings them."""
        return str(origin)

    def create(self, db: sqlite3.Connection) -> None:
        """Makes it, empty. No affinity but the original's: what stands here is what will stand there."""
        self.drop(db)
        db.execute(
            f"CREATE TABLE {self.name} (rn INTEGER PRIMARY KEY, q INTEGER, op TEXT, at INTEGER, by TEXT, stamp INTEGER,"
            f" mask TEXT, lin TEXT, ctx TEXT, {self.layout.slot_list()}{self.layout.own_number_list()})"
        )

        if self.once:
            keys = ", ".join(self.layout.key_slots)
            db.execute(f"CREATE UNIQUE INDEX {self.name}_once ON {self.name.partition('.')[2]} ({keys})")

    @property
    def in_order(self) -> tuple[str, str]:
        """SQL: itself as `s`, to be read in the order of the keys, and that order."""
        if not self.once:
            return f"{self.name} s", "s.rn"
        index = f"{self.name.partition('.')[2]}_once"
        return f"{self.name} s INDEXED BY {index}", self.layout.list_of("s", self.layout.key_slots)

    def drop(self, db: sqlite3.Connection) -> None:
        """Removes it."""
        db.execute(f"DROP TABLE IF EXISTS {self.name}")

    def fill(self, db: sqlite3.Connection, seq: int, batches: Iterable[pa.RecordBatch]) -> int:
        """Appends the changes of one packet; the number of rows."""
        count = 0
        for batch in batches:
            if batch.num_rows:
                self._append(db, batch, seq, {"q": [seq] * batch.num_rows})
                count += batch.num_rows
        return count

    def _append(
        self, db: sqlite3.Connection, batch: pa.RecordBatch, seq: int, dots: Mapping[str, Sequence[Value]]
    ) -> None:
        """Appends a batch; `dots`: columns that say of which packet each row is."""
        from satchel.stores.sqlite import changes, values  # pyarrow: not for `status`

        (before,) = db.execute(f"SELECT coalesce(max(rn), 0) FROM {self.name}").fetchone()
        change = changes.read(db, self.layout, batch.column(batch.schema.get_field_index("_change")))
        self._compare(seq, batch.schema.names, change)
        columns = [values.to_python(batch, column) for column in self.layout.table.columns]
        if self.layout.is_local:
            columns[self.layout.key_places[0]] = change.gid
        names = (*FIXED[2:], *self.layout.slots)
        told = dict(dots) | {n: d for n, d in zip(names, (*change.columns(), *columns), strict=True) if _says(d)}
        many.insert(db, f"INTO {self.name} ({', '.join(told)})", list(told.values()))
        for row, name, value in change.misfits:
            self._set(db, before + 1 + row, name, value)

    def _compare(self, seq: int, names: Sequence[str], change: Changes) -> None:
        """What the author's table lacks was never written by it."""
        carried = self.layout.mask_of(frozenset(names))
        if carried & self.layout.absent_mask:
            self.brings.add(seq)
        if lacks := self.layout.full & ~carried:
            change.lin[:] = [lineage.lacking(lacks, text) for text in change.lin]
            change.mask[:] = [f"{carried:x}" if mask is None else mask for mask in change.mask]
        self.lacks.update(lacks for text in set(change.lin) if (lacks := lineage.missing(text)))

    def _set(self, db: sqlite3.Connection, rn: int, name: str, value: Value) -> None:
        """One value that its Arrow type could not hold."""
        if name not in self.layout.table.names:
            return
        slot = self.layout.slots[self.layout.table.names.index(name)]
        db.execute(f"UPDATE {self.name} SET {slot} = {placeholder(value)} WHERE rn = ?", (bindable(value), rn))

    def batches(self, db: sqlite3.Connection) -> Iterator[pa.RecordBatch]:
        """The changes as batches, in order, each of bounded size. `_change` lacks origin and seq (base.py)."""
        from satchel.stores.sqlite import changes
        from satchel.stores.sqlite.in_columns import fetch_columns

        select = ["op", "at", "by", "stamp", "mask", "lin", "ctx", *self.layout.slots]
        if self.layout.is_local:  # a row that has no number here has that of its birth
            (place,) = self.layout.key_places
            select.append(f"coalesce(l{place}, CAST({birth_number(f'c{place}')} AS INTEGER))")
        for columns in fetch_columns(db, f"SELECT {', '.join(select)} FROM {self.name} ORDER BY rn", len(select)):
            yield changes.batch_of_columns(db, self.layout, columns)


def _says(data: Sequence[Value]) -> bool:
    """Whether anything but NULL stands in a column."""
    return data.count(None) < len(data)


def fetch(
    db: sqlite3.Connection, query: str, width: int, bound: Sequence[Value] = ()
) -> Iterator[list[tuple[Value, ...]]]:
    """The rows of a query in lists of bounded size. Text that is no UTF-8 comes with surrogate escapes: the query is
    run again with a tolerant reader from the row that did not go through."""
    cursor = db.execute(query, bound)
    rows: list[tuple[Value, ...]] = []
    given, size = 0, 0.0
    step = MOST_AT_ONCE
    while True:
        try:
            more = cursor.fetchmany(step)
        except sqlite3.OperationalError as problem:
            if db.text_factory is not str or is_interrupt(problem):
                raise
            if rows:
                yield rows
            yield from fetch_tolerantly(db, query, width, given, bound)
            return
        rows += more
        given += len(more)
        if more:
            weight = _weight(more, given, width)
            size += weight * len(more)
            # Memory is bounded by what is read before it is weighed: the next rows may be as large as these.
            step = max(1, min(MOST_AT_ONCE, int(BATCH_BYTES / 8 / weight)))
        if rows and (not more or size >= BATCH_BYTES or len(rows) >= _MOST_ROWS):
            yield rows
            rows, size = [], 0.0
        if not more:
            return


def fetch_tolerantly(
    db: sqlite3.Connection, query: str, width: int, given: int, bound: Sequence[Value] = ()
) -> Iterator[list[tuple[Value, ...]]]:
    """The rows from the one after so many on, in the same lists, whatever their text is."""
    db.text_factory = surrogates
    try:
        for rows in fetch(db, f"{query} LIMIT -1 OFFSET {given}", width, bound):
            # the factory belongs to the connection: whoever gets these rows must not meet it
            db.text_factory = str
            yield rows
            db.text_factory = surrogates
    finally:
        db.text_factory = str


def _weight(rows: list[tuple[Value, ...]], given: int, width: int) -> float:
    """Bytes in a row, about: some rows are weighed, never the same places twice in a row."""
    probe = rows[given % _PROBE :: _PROBE] or rows
    size = sum(len(value) for row in probe for value in row if isinstance(value, _SIZED))
    return size / len(probe) + 8 * width


def at_key(columns: Iterable[str], key: Sequence[Value]) -> tuple[str, list[Value]]:
    """SQL: these columns hold this key, and what is bound for it."""
    condition = " AND ".join(f"{column} = {placeholder(value)}" for column, value in zip(columns, key, strict=True))
    return condition, [bindable(value) for value in key]


def placeholder(value: Value) -> str:
    """How a value is bound: text that is no UTF-8 goes in as bytes."""
    return "CAST(? AS TEXT)" if isinstance(value, str) and not is_clean(value) else "?"


def bindable(value: Value) -> Value:
    """What is bound for `placeholder`."""
    return text_bytes(value) if isinstance(value, str) and not is_clean(value) else value
