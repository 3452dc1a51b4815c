"""The session extension of SQLite, by apsw. Its processes load no other SQLite."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from benchmarks import orders
from benchmarks.clock import timed

PRAGMAS = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL")


def _open(path: str) -> Any:
    import apsw

    connection = apsw.Connection(path)
    for pragma in PRAGMAS:
        connection.execute(pragma)
    return connection


def write(path: str, rows: int, changes: int, key: str) -> dict[str, Any]:
    """The delta in one transaction, nothing recorded: what recording is held against."""
    statements = orders.delta(rows, changes, key).statements
    orders.warm(path)
    connection = _open(path)
    with timed() as span:
        orders.write_big(connection, statements)
    connection.close()
    return span.as_json()


def record(path: str, changeset: str, rows: int, changes: int, key: str) -> dict[str, Any]:
    """The same, recorded, and the changeset written to a file and flushed."""
    import apsw

    statements = orders.delta(rows, changes, key).statements
    orders.warm(path)
    connection = _open(path)
    with timed() as whole:
        session = apsw.Session(connection, "main")
        session.attach("orders")
        orders.write_big(connection, statements)
        with timed() as writing:
            data = session.changeset()
            with open(changeset, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
    session.close()
    connection.close()
    return {**whole.as_json(), "writing": writing.seconds, "bytes": len(data)}


def apply(path: str, changeset: str) -> dict[str, Any]:
    """Applies a changeset over whatever was edited here. Opens and closes the database, as satchel does."""
    import apsw

    data = Path(changeset).read_bytes()
    orders.warm(path)
    assert apsw
    with timed() as span:
        connection = _open(path)
        apsw.Changeset.apply(data, connection, conflict=_overwrite)
        connection.close()
    return span.as_json()


def _overwrite(reason: int, change: Any) -> int:
    """What the last writer did, where SQLite lets a handler do that."""
    import apsw

    if reason in (apsw.SQLITE_CHANGESET_DATA, apsw.SQLITE_CHANGESET_CONFLICT):
        return int(apsw.SQLITE_CHANGESET_REPLACE)
    return int(apsw.SQLITE_CHANGESET_OMIT)


def compressed(changeset: str, level: int = 3) -> dict[str, Any]:
    """The changeset's bytes, compressed with zstd at the level that packets use."""
    import zstandard

    return {"bytes": len(zstandard.ZstdCompressor(level=level).compress(Path(changeset).read_bytes()))}
