"""Many rows into a table: several to a statement, since a call of SQLite costs as much as a row."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain, islice

from satchel.model.value import Value

_MOST_BOUND = 1000  # values to a statement; more of them gain nothing


def insert(db: sqlite3.Connection, into: str, columns: Sequence[Sequence[Value]]) -> None:
    """Inserts rows whose values stand column by column. `into`: INTO or OR ABORT INTO, the table and its columns."""
    width, rows = len(columns), len(columns[0])
    each = max(1, min(_MOST_BOUND, db.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)) // width)
    line = f"({', '.join('?' * width)})"
    whole = f"INSERT {into} VALUES {', '.join([line] * each)}"
    values = chain.from_iterable(zip(*columns, strict=True))
    for _ in range(rows // each):
        db.execute(whole, tuple(islice(values, each * width)))
    if rest := rows % each:
        db.execute(f"INSERT {into} VALUES {', '.join([line] * rest)}", tuple(values))
