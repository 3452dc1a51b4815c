"""The names of the packets in a home's archive, listed once, and which of them need no look any more.

Listing is the truth, and a name is all that is asked of a packet which was applied once: a run costs what is new. What
is settled of an origin's folder is remembered as how far it goes and what its names come to; where they come to
something else, because somebody took a packet out or put a backup back, every name is looked at again (ADR 28).
"""

from __future__ import annotations

import hashlib
import os
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from satchel.exchange.names import MARKER, PACKET_FOLDER
from satchel.exchange.pruned import is_pruned
from satchel.model.ids import trunk_of

if TYPE_CHECKING:
    from satchel.sync.memory import Settled
    from satchel.sync.site import Site

NOTHING_SETTLED = (0, "")


class Shelf:
    """The packets' folders below `packets/<network>/`, by the name of their origin's folder."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._root = site.home.packets / site.archive.network
        self._names: dict[str, list[str]] = {}

    @cached_property
    def folders(self) -> list[str]:
        """The folders of origins, sorted."""
        found: list[str] = []
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(self._root) as entries:
            found = sorted(entry.name for entry in entries if entry.is_dir())
        return found

    def names(self, folder: str) -> list[str]:
        """The names in an origin's folder, sorted: by number."""
        if folder not in self._names:
            with suppress(FileNotFoundError, NotADirectoryError):
                self._names[folder] = sorted(os.listdir(self._root / folder))
        return self._names.get(folder, [])

    def after(self, folder: str, seq: int) -> Iterator[Path]:
        """The packets' folders with higher numbers, in their order."""
        names = self.names(folder)
        return (self._root / folder / name for name in names[len(_upto(names, seq)) :])

    def news(self, folder: str) -> Iterator[Path]:
        """The packets' folders of which nobody knows yet that they were applied, whole."""
        return self.after(folder, self._settled(folder)[0])

    def has_news(self) -> bool:
        """Whether there is any such folder."""
        return any(True for folder in self.folders for _ in self.news(folder))

    def settled(self, folder: str) -> int:
        """Up to which number every name is of a packet that was applied and stands here whole, or pruned."""
        return self._settled(folder)[0]

    def holds(self, folder: str, name: str) -> bool:
        """Whether a packet of that name is among them; both in lower case."""
        seq, _ = self._settled(folder)
        if not seq or name > f"{seq:010d}-~":
            return False
        names = self.names(folder)
        place = bisect_left(names, name)
        return place < len(names) and names[place] == name

    def _settled(self, folder: str) -> Settled:
        """What is remembered, if the names still say so."""
        if folder not in self._checked:
            seq, digest = self._site.memory.shelf.get(folder, NOTHING_SETTLED)
            # a database that has taken packets out again knows less than what was settled
            right = 0 < seq <= self._heads.get(folder, 0) and digest == _digest(_upto(self.names(folder), seq))
            self._checked[folder] = (seq, digest) if right else NOTHING_SETTLED
        return self._checked[folder]

    @cached_property
    def _checked(self) -> dict[str, Settled]:
        return {}

    @cached_property
    def _heads(self) -> dict[str, int]:
        """The highest number that was applied, by folder: branches of a fork lie in that of their trunk."""
        heads: dict[str, int] = {}
        for origin, mark in self._site.store.vector().items():
            heads[trunk_of(origin)] = max(mark.seq, heads.get(trunk_of(origin), 0))
        return heads

    # -- after a run

    def settle(self) -> dict[str, Settled]:
        """What is to be remembered now: how far each folder holds packets that were applied, and nothing else."""
        now = Shelf(self._site)  # packets came and went since the names were read
        heads = now._heads
        if all(self.settled(folder) == head and not any(self.news(folder)) for folder, head in heads.items()):
            return {folder: self._settled(folder) for folder in heads}
        found = {folder: now._reach(folder, head) for folder, head in heads.items()}
        return {folder: reach for folder, reach in found.items() if reach[0]}

    def _reach(self, folder: str, head: int) -> Settled:
        begin = self._settled(folder)
        applied = self._site.store.suffixes(folder, begin[0]) if head > begin[0] else {}
        last = begin[0]
        for number, same in groupby(self.news(folder), key=lambda path: path.name.partition("-")[0]):
            # of a number that was used twice all are settled, or none
            known = applied.get(int(number), ()) if number.isdecimal() else ()
            if not all(_is_whole(path) and path.name[len(number) + 1 :] in known for path in same):
                break
            last = int(number)
        return begin if last == begin[0] else (last, _digest(_upto(self.names(folder), last)))


def _is_whole(path: Path) -> bool:
    return PACKET_FOLDER.fullmatch(path.name) is not None and ((path / MARKER).is_file() or is_pruned(path))


def _upto(names: list[str], seq: int) -> list[str]:
    """The names up to a number: it has ten digits in front of each."""
    return names[: bisect_right(names, f"{seq:010d}-~")]


def _digest(names: list[str]) -> str:
    return hashlib.sha256("\n".join(names).encode("utf-8", "surrogateescape")).hexdigest()
