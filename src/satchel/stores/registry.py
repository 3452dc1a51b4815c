"""Which store is behind a URL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from satchel.errors import NotSupported, UsageError

if TYPE_CHECKING:
    from satchel.stores.base import Store

_LOCK_TIMEOUT = 10.0  # seconds


def open_store(url: str, *, timeout: float = _LOCK_TIMEOUT, read_only: bool = False) -> Store:
    """Opens the database of a URL: the path of an SQLite file, or `sqlite:///path`.

    Raises NotADatabase if there is none, NotSupported for a kind that this version does not know.
    """
    scheme, separator, _ = url.partition("://")
    if separator and scheme in ("postgresql", "postgres"):
        raise NotSupported("this version knows SQLite databases only", "name the path of an SQLite file")
    if separator and scheme != "sqlite":
        raise UsageError(f"{scheme}:// is no kind of database that satchel knows", "name the path of an SQLite file")
    from satchel.stores.sqlite.store import SQLiteStore

    return SQLiteStore(_path(url), timeout=timeout, read_only=read_only)


def pulse_of(url: str) -> object:
    """Something that differs if anybody wrote to the database in between; cheap, and without a connection. It may also
    differ where nobody did."""
    from satchel.stores.sqlite.pulse import read_pulse

    return read_pulse(_path(url))


def _path(url: str) -> Path:
    _, separator, rest = url.partition("://")
    return Path(rest.removeprefix("/") if separator else url)
