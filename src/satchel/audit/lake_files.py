"""A lake's files as DuckDB may see them: by number, opened beforehand, for reading only (ADR 31).

An audit's connection opens no file. Through Arrow it could read a lake all the same, but ten times slower than DuckDB
reads Parquet by itself. So it gets a file system of its own, in which these files are and nothing else, and nothing can
be written.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from fsspec.spec import AbstractFileSystem

from satchel.files import open_regular

SCHEME = "satchel-lake"


class LakeFiles(AbstractFileSystem):  # type: ignore[misc]
    """Files that are open, under the names `satchel-lake://0.parquet` and so on."""

    protocol = SCHEME
    cachable = False  # each audit has its own

    def __init__(self) -> None:
        super().__init__()
        self._files: list[BinaryIO] = []

    def add(self, path: Path) -> str:
        """Opens a file and returns the name that it has here. FileTrouble."""
        self._files.append(open_regular(path))
        return f"{SCHEME}://{len(self._files) - 1}.parquet"

    def close_all(self) -> None:
        """Lets go of the files."""
        for file in self._files:
            file.close()
        self._files.clear()

    # What DuckDB asks for.

    def open(self, path: str, mode: str = "rb", **_: Any) -> _Reader:
        """A file by its name; OSError for any other name, and for writing."""
        if mode not in ("r", "rb"):
            raise PermissionError("a lake is only read")
        return _Reader(self._file(path))

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Name, type and size."""
        return {"name": path, "type": "file", "size": os.fstat(self._file(path).fileno()).st_size}

    def exists(self, path: str, **_: Any) -> bool:
        """Whether there is such a name."""
        try:
            self._file(path)
        except FileNotFoundError:
            return False
        return True

    isfile = exists

    def isdir(self, path: str) -> bool:
        """There are no folders."""
        return False

    def ls(self, path: str, detail: bool = True, **_: Any) -> Sequence[Any]:
        """Nothing is listed."""
        return []

    def glob(self, path: str, **_: Any) -> list[str]:
        """The name itself."""
        return [path] if self.exists(path) else []

    def modified(self, path: str) -> datetime:
        """The file's time."""
        return datetime.fromtimestamp(os.fstat(self._file(path).fileno()).st_mtime, UTC)

    def _file(self, path: str) -> BinaryIO:
        number = path.rpartition("://")[2].removeprefix("/").removesuffix(".parquet")
        if not number.isdecimal() or int(number) >= len(self._files):
            raise FileNotFoundError(path)
        return self._files[int(number)]


class _Reader:
    """An open file with a place of its own for each thread: DuckDB 2.0 shares one handle between threads, and one of
    them would seek while another reads."""

    _guard = threading.Lock()

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        self._places = threading.local()

    def tell(self) -> int:
        """The place of this thread."""
        return int(getattr(self._places, "value", 0))

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        """Goes to a place."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self._size}[whence]
        self._places.value = start + place
        return start + place

    def read(self, size: int = -1) -> bytes:
        """The next bytes, as many as there are."""
        place = self.tell()
        left = self._size - place if size < 0 else min(size, self._size - place)
        pieces = []
        while left > 0 and (piece := self._read_at(place, left)):
            pieces.append(piece)
            place, left = place + len(piece), left - len(piece)
        self._places.value = place
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _read_at(self, place: int, size: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._file.fileno(), size, place)
        with self._guard:  # Windows
            self._file.seek(place)
            return self._file.read(size)

    def close(self) -> None:
        """The file stays open for others."""
