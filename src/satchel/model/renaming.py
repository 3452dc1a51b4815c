"""What a node calls otherwise once it knows of a fork (PROTOCOL, Trouble: clone, fork)."""

from __future__ import annotations

from dataclasses import dataclass

from satchel.model.ids import Dot
from satchel.model.vector import Mark


@dataclass(frozen=True, slots=True)
class Renaming:
    """From `first` on the packets of origin `old` are those of `new`. `before`: the last that keeps the name, None
    where none does."""

    old: str
    new: str
    first: int
    before: Mark | None

    def renamed(self, dot: Dot) -> Dot:
        """What a packet is called afterwards."""
        return Dot(self.new, dot.seq) if dot.origin == self.old and dot.seq >= self.first else dot
