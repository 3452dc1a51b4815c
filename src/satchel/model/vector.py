"""Vectors: what has been applied, packet by packet (PROTOCOL, Words)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from satchel.model.ids import Dot

HASH_DIGITS = 16


class Mark(NamedTuple):
    """Everything of one origin up to `seq`, whose manifest has this hash (16 hex digits)."""

    seq: int
    hash: str


Vector = Mapping[str, Mark]


def seen(dot: Dot, vector: Vector) -> bool:
    """Whether whoever had applied `vector` had applied the packet `dot`."""
    mark = vector.get(dot.origin)
    return dot.seq <= (mark.seq if mark is not None else 0)


def behind(mine: Vector, theirs: Vector, first_of: Callable[[str], int] = lambda origin: 1) -> int:
    """How many of the packets in `mine` the owner of `theirs` has not applied. `first_of`: the number with which an
    origin begins, which is not 1 in a branch."""
    return sum(max(0, mark.seq - (theirs[o].seq if o in theirs else first_of(o) - 1)) for o, mark in mine.items())
