"""What came to an exchange since the last look: by names alone, cheap enough to do all the time.

It looks only where satchel itself puts things. What people copied elsewhere is found by the next round on the schedule,
whose listing is the truth (PROTOCOL, Exchange folders: Collect).
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from satchel.exchange.names import MARKER, SIDE_NAME


@dataclass(slots=True)
class Arrivals:
    """Looks at one exchange. The first look finds everything that is there."""

    place: Path
    lost: bool = False  # the last look found no such folder
    arriving: frozenset[str] = frozenset()  # packets and snapshots without their marker yet
    folders: frozenset[Path] = frozenset()  # where new names appear, for events of the file system
    _whole: set[str] = field(default_factory=set)  # packets and snapshots with their marker, files in nodes/

    def look(self) -> int:
        """How many things are there that were not whole at the last look. Nothing is opened. A place that cannot be
        listed has none, and `lost` says so."""
        self.lost = not os.path.isdir(self.place)
        if self.lost:
            self.arriving, self.folders = frozenset(), frozenset()
            return 0
        there = self._there()
        fresh = {name for name in there - self._whole if _is_whole(name)}
        self._whole = (self._whole & there) | fresh
        self.arriving = frozenset(there - self._whole)
        return len(fresh)

    def look_at_arriving(self) -> int:
        """The same for what was arriving only."""
        fresh = {name for name in self.arriving if _is_whole(name)}
        self._whole |= fresh
        self.arriving -= fresh
        return len(fresh)

    def _there(self) -> set[str]:
        """Paths of packets' folders, snapshots' folders and members' files."""
        packets, snapshots, nodes = (self.place / name for name in ("packets", "snapshots", "nodes"))
        networks = _folders(packets)
        origins = [origin for network in networks for origin in _folders(network)]
        self.folders = frozenset((self.place, packets, snapshots, nodes, *map(Path, networks), *map(Path, origins)))
        there = {packet for origin in origins for packet in _folders(origin)}
        there.update(_folders(snapshots))
        with suppress(OSError), os.scandir(nodes) as entries:
            there.update(entry.path for entry in entries if SIDE_NAME.fullmatch(entry.name.lower()))
        return there


def _folders(path: Path | str) -> list[str]:
    with suppress(OSError), os.scandir(path) as entries:
        return [
            entry.path for entry in entries if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
        ]
    return []


def _is_whole(path: str) -> bool:
    """A file of a member is; a packet is by its marker."""
    return path.endswith(".json") or os.path.exists(os.path.join(path, MARKER))
