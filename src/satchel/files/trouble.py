"""The wall of this room: what the operating system refuses becomes a `FileTrouble`."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from satchel.errors import SatchelError

_FULL = ("no space is left", "make room there, then run the same command again")
_READ_ONLY = ("the file system is read-only", "make it writable, or name another folder")
_DENIED = ("access is denied", "give this user the right to read and write there")
_DYING = ("the medium does not read or write", "take another medium; this one may be dying")
_WORDS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: ("the quota is used up", _FULL[1]),
    errno.EFBIG: ("the file is too large for this file system", "take a medium with a file system for larger files"),
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EIO: _DYING,
    errno.ENXIO: _DYING,
    errno.ENODEV: _DYING,
    errno.ENOENT: ("there is no such file or folder", "check the name, and whether the medium is there"),
    errno.ENOTDIR: ("a part of the path is no folder", "check the name"),
    errno.EEXIST: ("it exists already", "name another one, or remove it"),
    errno.ELOOP: ("it is a link, and links are not followed here", "put the file itself in place of the link"),
    errno.ENAMETOOLONG: ("the name is too long for this file system", "take a folder with a shorter path"),
    errno.EMFILE: ("too many files are open", "raise the limit of open files of this user"),
}


class FileTrouble(SatchelError):
    """What the operating system refused: `errno` as it said it, `path` the file or folder concerned."""

    def __init__(self, message: str, hint: str = "", *, number: int = errno.EIO, path: Path = Path()) -> None:
        super().__init__(message, hint)
        self.errno = number
        self.path = path


def trouble_with(path: Path, number: int, words: str = "", hint: str = "") -> FileTrouble:
    """The error for an errno, in the words of this room unless others are given."""
    known, advice = _WORDS.get(number, (os.strerror(number), "check the medium and the rights of this user"))
    return FileTrouble(f"{path}: {words or known}", hint or advice, number=number, path=path)


@contextmanager
def wall(place: Path) -> Iterator[None]:
    """Around a whole command: what a medium refuses when somebody only looks (lists, asks whether a file is there) is
    trouble like any other. Raises FileTrouble about the file that the system names, or else about `place`; what a
    network connection of the caller's raises passes."""
    try:
        yield
    except (ConnectionError, TimeoutError):
        raise
    except OSError as error:
        path = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else place
        raise trouble_with(path, error.errno or errno.EIO) from error


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turns OSError into FileTrouble about `path`."""
    try:
        yield
    except OSError as error:
        raise trouble_with(path, error.errno or errno.EIO) from error
