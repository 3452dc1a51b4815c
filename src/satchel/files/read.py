"""Reading: regular files only, never more than was asked for."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from satchel.files.faults import fault_point
from satchel.files.trouble import FileTrouble, translated, trouble_with

# A named pipe in a shared folder would block the open for ever, and a link would lead out of it.
_PLAIN = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_NO_FILE = ("it is no regular file", "remove it, or name another file")


def open_regular(path: Path, *, follow_links: bool = False) -> BinaryIO:
    """Opens a regular file for reading. FileTrouble: ELOOP for a link (unless followed), EINVAL for anything else
    that is no file."""
    with translated(path):
        fault_point("open", path)
        descriptor = os.open(path, os.O_RDONLY | _PLAIN | (0 if follow_links else _NO_LINK))
    try:
        with translated(path):
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise trouble_with(path, errno.EINVAL, *_NO_FILE)
            return os.fdopen(descriptor, "rb")
    except FileTrouble:
        with suppress(OSError):  # fdopen may have closed it
            os.close(descriptor)
        raise


def read_limited(path: Path, limit: int, *, follow_links: bool = False) -> bytes:
    """The whole content of a file of at most `limit` bytes. FileTrouble: EFBIG beyond that."""
    with open_regular(path, follow_links=follow_links) as source, translated(path):
        data = source.read(limit + 1)
    if len(data) > limit:
        raise trouble_with(path, errno.EFBIG, f"it has more than {limit} bytes", "check where this file comes from")
    return data


def file_size(path: Path) -> int:
    """Bytes of a regular file. FileTrouble: ELOOP for a link, EINVAL for anything else that is no file."""
    with translated(path):
        fault_point("stat", path)
        found = os.stat(path, follow_symlinks=False)
    if stat.S_ISLNK(found.st_mode):
        raise trouble_with(path, errno.ELOOP)
    if not stat.S_ISREG(found.st_mode):
        raise trouble_with(path, errno.EINVAL, *_NO_FILE)
    return found.st_size


def stands(path: Path) -> bool:
    """Whether anything has this name, a link included. A medium that cannot say so is no answer: FileTrouble."""
    with translated(path), suppress(FileNotFoundError, NotADirectoryError):
        fault_point("stat", path)
        os.lstat(path)
        return True
    return False


def names_in(folder: Path) -> list[str]:
    """Names of what is in a folder, sorted; none if there is no folder."""
    with translated(folder), suppress(FileNotFoundError, NotADirectoryError):
        fault_point("list", folder)
        return sorted(os.listdir(folder))
    return []


def read_back(path: Path, data: bytes) -> None:
    """Reads what was just written. FileTrouble: EIO if it is not `data`."""
    if read_limited(path, len(data) + 1) != data:
        raise trouble_with(path, errno.EIO, "what was written reads back differently")
