"""Whether anybody wrote: by the files alone, without a connection that could stand in an application's way."""

from __future__ import annotations

import os
from pathlib import Path

Pulse = tuple[tuple[int, int], ...]


def read_pulse(path: Path) -> Pulse:
    """(modified, bytes) of the database and of its write-ahead log; differs if somebody wrote in between. It also does
    where a checkpoint moved pages, so a difference is a hint and no proof."""
    return tuple(_seen(name) for name in (path, path.with_name(path.name + "-wal")))


def _seen(path: Path) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return 0, -1
    return found.st_mtime_ns, found.st_size
