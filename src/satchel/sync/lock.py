"""One satchel works in a home at a time (INTERFACE, exit code 11)."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType

from satchel.errors import HomeBusy
from satchel.files.trouble import translated

LOCK_NAME = "lock"


class HomeLock:
    """The operating system's lock on a file in the home; it goes with its process, however that ends. `busy` is raised
    where another satchel has it."""

    def __init__(self, home: Path, busy: HomeBusy | None = None) -> None:
        self._busy = busy or HomeBusy(
            f"another satchel works in {home}", "wait until it is done, then run the same command again"
        )
        self._path = home / LOCK_NAME
        self._descriptor: int | None = None

    def __enter__(self) -> HomeLock:
        with translated(self._path):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        if not _lock(descriptor):
            os.close(descriptor)
            raise self._busy
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_locked(folder: Path) -> bool:
    """Whether somebody holds the lock now; nothing is made where there is none."""
    try:
        descriptor = os.open(folder / LOCK_NAME, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _lock(descriptor)
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
