"""An SQLite database that is open: connection, layouts of its tables, what our notes say."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from satchel.stores.sqlite import books
from satchel.stores.sqlite.connection import LOCK_TIMEOUT, connect, translated

if TYPE_CHECKING:
    from satchel.stores.sqlite.layout import Layout


class Opened:
    """The part of `SQLiteStore` that all other parts stand on."""

    def __init__(self, path: Path, *, timeout: float = LOCK_TIMEOUT, read_only: bool = False) -> None:
        self.path = path
        self.url = str(path)
        self._timeout = timeout
        self._read_only = read_only
        self._db = connect(path, timeout=timeout, read_only=read_only)

    def close(self) -> None:
        """Closes the connection."""
        self._db.close()

    @contextmanager
    def _wall(self) -> Iterator[sqlite3.Connection]:
        with translated(self.path):
            yield self._db

    def _forget(self) -> None:
        self.__dict__.pop("_layouts", None)

    @cached_property
    def _layouts(self) -> dict[str, Layout]:
        return books.layouts(self._db)

    @property
    def _author(self) -> str | None:
        return books.read_notes(self._db).get("author_column") or None
