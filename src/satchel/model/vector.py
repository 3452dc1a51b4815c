"""Vectors: what has been applied, packet by packet (PROTOCOL, Words)."""

from __future__ import annotations

from collections.abc import Mapping
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


def behind(mine: Vector, theirs: Vector) -> int:
    """How many of the packets in `mine` the owner of `theirs` has not applied."""
    return sum(max(0, mark.seq - theirs[o].seq if o in theirs else mark.seq) for o, mark in mine.items())
