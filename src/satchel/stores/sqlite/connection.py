"""Connections to an SQLite file, and the wall: no `sqlite3.Error` leaves this room."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from satchel.errors import NotADatabase, StoreError, StoreLocked

LOCK_TIMEOUT = 10.0  # seconds that we wait for an application that holds the database
OLDEST = (3, 37, 0)  # PRAGMA table_list, STRICT
_NO_WAL_HERE = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_READONLY_DIRECTORY}
_SPECIAL = frozenset("%?#")  # what means something in a URI
_STEPS = 1_000_000  # of SQLite's machine between two looks at what the user wants: some hundredths of a second
CACHE_KIB = 64 * 1024  # a cache that spills shuts out readers in rollback-journal mode


def quote(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(value: str) -> str:
    """A text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


@contextmanager
def translated(path: str | Path) -> Iterator[None]:
    """Turns what `sqlite3` raises inside into errors of ours.

    Raises StoreLocked, NotADatabase or StoreError; KeyboardInterrupt where somebody interrupted a statement.
    """
    try:
        yield
    except sqlite3.Error as problem:
        if is_interrupt(problem):
            raise KeyboardInterrupt from problem
        raise _translation(problem, path) from problem


def is_interrupt(problem: sqlite3.Error) -> bool:
    """Whether a statement ended because somebody pressed Ctrl-C: nobody else interrupts one."""
    return getattr(problem, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT


def _go_on() -> int:
    """Called while a statement runs: Python looks at its signals then, and what one raises ends the statement."""
    return 0


def _translation(problem: sqlite3.Error, path: str | Path) -> StoreError:
    name = getattr(problem, "sqlite_errorname", "") or ""
    words = str(problem)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) or "database is locked" in words:
        return StoreLocked(
            f"{path} is locked by another program", "close the program that writes to it, or try again later"
        )
    if name == "SQLITE_NOTADB" or "not a database" in words:
        return NotADatabase(f"{path} is not an SQLite database", "name the database file of the application")
    if name.startswith("SQLITE_READONLY") or "readonly" in words:
        return StoreError(f"{path} cannot be written", "check the permissions of the file and of its folder")
    if name.startswith("SQLITE_FULL"):
        return StoreError(f"the disk that holds {path} is full", "free some space; nothing was changed")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_IOERR")):
        return StoreError(
            f"{path} cannot be read: {words}", "check the disk; restore the file from a backup if need be"
        )
    if name.startswith("SQLITE_CANTOPEN") or "unable to open" in words:
        return NotADatabase(f"{path} cannot be opened", "check the path and the permissions")
    if words.startswith(("no such column", "no such table")) or "has no column named" in words:
        return StoreError(
            f"the tables in {path} are not what they were: {words}",
            "bring back the columns that `satchel tables` lists; changes of the schema come with a later version",
        )
    return StoreError(f"{path}: {words}", "run `satchel doctor`; if the database is sound, please report this")


def connect(path: Path, *, timeout: float = LOCK_TIMEOUT, read_only: bool = False) -> sqlite3.Connection:
    """An open connection in autocommit mode, with which transactions are begun by hand.

    Raises NotADatabase if there is no database there: a missing file is never created.
    """
    if sqlite3.sqlite_version_info < OLDEST:
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old", "use a Python whose SQLite is 3.37 or newer")
    if not path.is_file():
        raise NotADatabase(f"there is no database {path}", "name the database file of the application")
    with translated(path):
        connection = _open(path, "mode=ro" if read_only else "mode=rw", timeout)
        try:
            try:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            except sqlite3.OperationalError as problem:
                # WAL needs a file beside the database; where none can be made, nobody can be writing either
                if not read_only or problem.sqlite_errorcode not in _NO_WAL_HERE:
                    raise
                connection.close()
                connection = _open(path, "mode=ro&immutable=1", timeout)
            connection.set_progress_handler(_go_on, _STEPS)
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            connection.execute("PRAGMA foreign_keys = OFF")
            connection.execute("PRAGMA recursive_triggers = OFF")
        except BaseException:
            connection.close()
            raise
    return connection


def _open(path: Path, mode: str, timeout: float) -> sqlite3.Connection:
    uri = f"{_uri(path.resolve())}?{mode}"
    return sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None, check_same_thread=False)


def _uri(path: Path) -> str:
    """A path as SQLite reads it. What pathlib would import for it takes longer than to open a database."""
    text = str(path)
    plain = os.name == "posix" and text.isascii() and not _SPECIAL.intersection(text)
    return f"file://{text}" if plain else path.as_uri()


def surrogates(raw: bytes) -> str:
    """Text factory for databases that hold text which is no UTF-8."""
    return raw.decode("utf-8", "surrogateescape")


@contextmanager
def tolerant(connection: sqlite3.Connection) -> Iterator[None]:
    """Inside, text that is no UTF-8 can be read. For few rows: it costs a call of Python for each text."""
    before = connection.text_factory
    connection.text_factory = surrogates
    try:
        yield
    finally:
        connection.text_factory = before


@contextmanager
def transaction(connection: sqlite3.Connection, *, durable: bool = False, write: bool = True) -> Iterator[None]:
    """One transaction: committed at the end, rolled back on any exception.

    `durable`: synchronous=FULL for this commit; one that power takes back would look like a restored backup.
    """
    if durable:
        connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
    try:
        yield
        connection.execute("COMMIT")  # one that fails may leave the transaction open
    except BaseException:
        if connection.in_transaction:
            with suppress(sqlite3.Error):  # the first trouble is the one to tell
                connection.execute("ROLLBACK")
        raise
