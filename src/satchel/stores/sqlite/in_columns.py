"""The rows of a query column by column, as Arrow wants them: no row outlives the moment at which it is read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from satchel.model.value import Value
from satchel.stores.sqlite.stage import BATCH_BYTES, MOST_AT_ONCE, fetch_tolerantly

_MOST_ROWS = 16_384  # a quarter of a row group: the rows before are written meanwhile
_SIZED, _ANY_SIZED, _NONE = ({str}, {bytes}), {str, bytes}, {type(None)}


def fetch_columns(db: sqlite3.Connection, query: str, width: int) -> Iterator[list[list[Value]]]:
    """The columns of the next rows, again and again, in pieces of bounded size; `width`: how many there are. Text that
    is no UTF-8 comes with surrogate escapes, see stage.fetch."""
    cursor = db.execute(query)
    columns: list[list[Value]] = [[] for _ in range(width)]
    given = size = 0
    step = MOST_AT_ONCE
    while True:
        try:
            more = cursor.fetchmany(step)
        except sqlite3.OperationalError:
            if db.text_factory is not str:
                raise
            if columns[0]:
                yield columns
            for rows in fetch_tolerantly(db, query, width, given):
                yield [list(column) for column in zip(*rows, strict=True)]
            return
        if more:
            weight = 8 * width * len(more)
            for column, piece in zip(columns, zip(*more, strict=True), strict=True):
                column.extend(piece)
                weight += _weight(piece)
            given += len(more)
            size += weight
            # Memory is bounded by what is read before it is weighed: the next rows may be as large as these.
            step = max(1, min(MOST_AT_ONCE, BATCH_BYTES // 8 * len(more) // weight))
        if columns[0] and (not more or size >= BATCH_BYTES or len(columns[0]) >= _MOST_ROWS):
            yield columns
            columns, size = [[] for _ in range(width)], 0
        if not more:
            return


def _weight(piece: Sequence[Value]) -> int:
    """Bytes in it, about."""
    kinds = set(map(type, piece)) - _NONE
    if kinds in _SIZED:
        return sum(map(len, filter(None, piece)))  # type: ignore[arg-type]
    if kinds & _ANY_SIZED:
        return sum(len(value) for value in piece if isinstance(value, str | bytes))
    return 0
