"""Writing so that a power cut leaves the old or the new, never something between.

A failed fsync is never retried on the same file: the kernel may have dropped the dirty pages and call the next one a
success. The file is removed and the caller writes it anew (PROTOCOL, Exchange folders).
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from satchel.files.faults import fault_point
from satchel.files.read import open_regular
from satchel.files.throttle import piece_size, spend
from satchel.files.trouble import FileTrouble, translated, trouble_with

_PAUSES = (0.01, 0.05, 0.2)  # seconds between tries of a rename over a name that another node takes just now
_PIECE = 1 << 20  # bytes held in memory while copying
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
# What file systems say that have no way to flush a folder (some network and FUSE ones); they order by themselves.
_NO_FOLDER_FSYNC = frozenset({errno.EINVAL, errno.ENOTSUP, errno.ENOSYS})


def write_new(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Writes a file that must not exist, flushed; its folder is not. FileTrouble: nothing is left of it (EEXIST: it
    was there and is untouched)."""
    with _new_file(path, mode) as target:
        for start in range(0, len(data), _PIECE):
            spend(len(data[start : start + _PIECE]))
            _write_piece(target, path, data[start : start + _PIECE])


def copy_new(source: Path, target: Path, *, limit: int | None = None, flush: bool = True) -> int:
    """Copies a regular file, piece by piece, to a name that must not exist; flushed unless `flush` is False (for copies
    that a restart throws away). Returns the bytes copied: at most `limit`, what is beyond is not read.
    FileTrouble: nothing is left of the copy."""
    copied = 0
    size = piece_size(_PIECE)
    with open_regular(source) as reader, _new_file(target, 0o666, flush=flush) as writer:
        while piece := _read_piece(reader, source, size if limit is None else min(size, limit - copied)):
            spend(len(piece))
            _write_piece(writer, target, piece)
            copied += len(piece)
    return copied


def replace(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Replaces a file as a whole, or makes it; file and folder flushed. Several writers may do it at once: the last one
    stays. FileTrouble: the old content is still there."""
    replace_with(path, lambda temporary: write_new(temporary, data, mode))
    fsync_folder(path.parent)


def replace_with(path: Path, write: Callable[[Path], object]) -> None:
    """Has `write` make a flushed file under a name of its own beside `path`, and renames it to `path`."""
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
    write(temporary)
    try:
        rename_file(temporary, path)
    except FileTrouble:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def rename_file(source: Path, target: Path) -> None:
    """Renames a file over whatever file has the name. Files only: a renamed folder is not safe on FAT. A file system
    that can only remove and then rename (some clients of SMB) finds the name taken where two do that at once: it is
    tried again."""
    with translated(target):
        fault_point("rename", target)
        for pause in _PAUSES:
            with suppress(FileExistsError):
                os.replace(source, target)
                return
            time.sleep(pause)
        os.replace(source, target)


def fsync_file(path: Path) -> None:
    """Flushes a file that something else wrote."""
    with translated(path), open(path, "r+b") as file:
        _flush(file, path)


def fsync_folder(path: Path) -> None:
    """Flushes the names in a folder; Windows has no such call and does it by itself."""
    if os.name == "nt":
        return
    with translated(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fault_point("fsync-folder", path)
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in _NO_FOLDER_FSYNC:
                raise
        finally:
            os.close(descriptor)


def make_folders(path: Path) -> None:
    """Makes a folder and those above it where they are missing, and flushes the name of each one made."""
    missing = []
    while not os.path.isdir(path):
        missing.append(path)
        if path.parent == path:
            break
        path = path.parent
    for folder in reversed(missing):
        _make_folder(folder)


def _make_folder(folder: Path) -> None:
    with translated(folder):
        fault_point("make-folder", folder)
        try:
            os.mkdir(folder)
        except FileExistsError:
            if not os.path.isdir(folder):  # a file stands in the way; a folder was made by another node just now
                raise
    fsync_folder(folder.parent)


@contextmanager
def _new_file(path: Path, mode: int, *, flush: bool = True) -> Iterator[BinaryIO]:
    """A file made for writing, flushed at the end; removed if anything but a kill comes between."""
    with translated(path):
        fault_point("create", path)
        descriptor = os.open(path, _NEW, mode)
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            yield file
            if flush:
                _flush(file, path)
    except (OSError, FileTrouble) as error:
        with suppress(OSError):  # the first trouble is the one to tell
            os.unlink(path)
        if isinstance(error, FileTrouble):
            raise
        raise trouble_with(path, error.errno or errno.EIO) from error


def _write_piece(file: BinaryIO, path: Path, piece: bytes) -> None:
    fault_point("write", path)
    rest = memoryview(piece)
    while rest:
        rest = rest[file.write(rest) :]


def _read_piece(file: BinaryIO, path: Path, size: int) -> bytes:
    with translated(path):
        return file.read(size)


def _flush(file: BinaryIO, path: Path) -> None:
    fault_point("fsync", path)
    os.fsync(file.fileno())
