"""Change batches in the database: a temporary table of one line a change, filled from Arrow or turned into it.

Columns: rn place in key order, q seq of the packet, op, at (ms since 1970), by, stamp, mask (hex; null: all columns),
lin (lineage.py), ctx (row context as JSON; null: the packet's), then the row by place.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from satchel.model.value import Value, is_clean, text_bytes
from satchel.stores.sqlite.connection import surrogates
from satchel.stores.sqlite.layout import Layout

if TYPE_CHECKING:
    import pyarrow as pa

FIXED = ("rn", "q", "op", "at", "by", "stamp", "mask", "lin", "ctx")
_FIRST_FETCH = 64  # rows of the first fetch: one of them may hold a film
_MOST_ROWS = 50_000
_BATCH_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Stage:
    """A staging table for changes of one application table; `purpose` makes its name unique."""

    layout: Layout
    purpose: str

    @property
    def name(self) -> str:
        """Its name, with the schema."""
        return f"temp._satchel_{self.purpose}_{self.layout.number}"

    def create(self, db: sqlite3.Connection) -> None:
        """Makes it, empty. No affinity but the original's: what stands here is what will stand there."""
        self.drop(db)
        db.execute(
            f"CREATE TABLE {self.name} (rn INTEGER PRIMARY KEY, q INTEGER, op TEXT, at INTEGER, by TEXT, stamp INTEGER,"
            f" mask TEXT, lin TEXT, ctx TEXT, {self.layout.slot_list()})"
        )

    def drop(self, db: sqlite3.Connection) -> None:
        """Removes it."""
        db.execute(f"DROP TABLE IF EXISTS {self.name}")

    def fill(self, db: sqlite3.Connection, seq: int, batches: Iterable[pa.RecordBatch]) -> int:
        """Appends the changes of one packet; the number of rows."""
        from satchel.stores.sqlite import changes, values  # pyarrow: not for `status`

        marks = ", ".join("?" * (len(FIXED) - 1 + self.layout.width))
        names = ", ".join((*FIXED[1:], *self.layout.slots))
        insert = f"INSERT INTO {self.name} ({names}) VALUES ({marks})"
        count = 0
        for batch in batches:
            if not batch.num_rows:
                continue
            (before,) = db.execute(f"SELECT coalesce(max(rn), 0) FROM {self.name}").fetchone()
            change = changes.read(db, self.layout, batch.column(batch.schema.get_field_index("_change")))
            columns = [values.to_python(batch, column) for column in self.layout.table.columns]
            db.executemany(insert, zip([seq] * batch.num_rows, *change.columns(), *columns, strict=True))
            for row, name, value in change.misfits:
                self._set(db, before + 1 + row, name, value)
            count += batch.num_rows
        return count

    def _set(self, db: sqlite3.Connection, rn: int, name: str, value: Value) -> None:
        """One value that its Arrow type could not hold."""
        if name not in self.layout.table.names:
            return
        slot = self.layout.slots[self.layout.table.names.index(name)]
        db.execute(f"UPDATE {self.name} SET {slot} = {placeholder(value)} WHERE rn = ?", (bindable(value), rn))

    def batches(self, db: sqlite3.Connection) -> Iterator[pa.RecordBatch]:
        """The changes as batches, in order, each of bounded size. `_change` lacks origin and seq (base.py)."""
        from satchel.stores.sqlite import changes

        select = ", ".join(("op", "at", "by", "stamp", "mask", "lin", "ctx", *self.layout.slots))
        for rows in fetch(db, f"SELECT {select} FROM {self.name} ORDER BY rn", self.layout.width):
            yield changes.batch_of(db, self.layout, rows)


def fetch(db: sqlite3.Connection, query: str, width: int) -> Iterator[list[tuple[Value, ...]]]:
    """The rows of a query in lists of bounded size. Text that is no UTF-8 comes with surrogate escapes: the query is
    run again with a tolerant reader from the row that did not go through."""
    given = 0
    size = _FIRST_FETCH
    cursor = db.execute(query)
    while True:
        try:
            rows = cursor.fetchmany(size)
        except sqlite3.OperationalError:
            if db.text_factory is not str:
                raise
            yield from _tolerant(db, query, width, given)
            return
        if not rows:
            return
        given += len(rows)
        yield rows
        size = _next_size(rows, size, width)


def _tolerant(db: sqlite3.Connection, query: str, width: int, given: int) -> Iterator[list[tuple[Value, ...]]]:
    db.text_factory = surrogates
    try:
        for rows in fetch(db, f"{query} LIMIT -1 OFFSET {given}", width):
            # the factory belongs to the connection: whoever gets these rows must not meet it
            db.text_factory = str
            yield rows
            db.text_factory = surrogates
    finally:
        db.text_factory = str


def _next_size(rows: list[tuple[Value, ...]], size: int, width: int) -> int:
    """So many rows that a batch stays small, growing slowly: the next rows may be larger."""
    probe = rows[:: max(1, len(rows) // 64)]
    weight = sum(len(v) if isinstance(v, str | bytes) else 8 for row in probe for v in row) / len(probe) + 8 * width
    return max(1, min(_MOST_ROWS, size * 8, int(_BATCH_BYTES / weight)))


def placeholder(value: Value) -> str:
    """How a value is bound: text that is no UTF-8 goes in as bytes."""
    return "CAST(? AS TEXT)" if isinstance(value, str) and not is_clean(value) else "?"


def bindable(value: Value) -> Value:
    """What is bound for `placeholder`."""
    return text_bytes(value) if isinstance(value, str) and not is_clean(value) else value
