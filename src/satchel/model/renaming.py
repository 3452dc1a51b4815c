"""What a node calls otherwise once it knows of a fork (PROTOCOL, Trouble: clone, fork)."""

from __future__ import annotations

from dataclasses import dataclass

from satchel.model.vector import Mark


@dataclass(frozen=True, slots=True)
class Renaming:
    """From `first` on the packets of origin `old` are those of `new`. `before`: the last that keeps the name, None
    where none does."""

    old: str
    new: str
    first: int
    before: Mark | None
