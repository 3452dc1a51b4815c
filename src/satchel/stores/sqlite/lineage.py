"""Lineage as text: which cells of a row come from an earlier write (PROTOCOL, Seal: lineage).

    lineage := group (";" group)*          group := [origin "." seq] "@" stamp ":" mask

`origin` is a number of `_satchel_origin`, `mask` the columns by place, in hex. A group without origin and seq is of the
row's own packet, at an earlier stamp. Columns in no group are of the row's own packet and stamp. Null: all are.
A column that a version lacks is in the group of origin NOWHERE, seq 0, stamp 0. Groups are in order of dot and stamp,
and a column is in one group at most, so that equal lineages are equal texts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

NOWHERE = 1  # number of the origin without a name


class Group(NamedTuple):
    """Cells of one write: (origin number, seq) and stamp; origin 0: the row's own packet."""

    origin: int
    seq: int
    stamp: int
    mask: int


def write(groups: Iterable[Group]) -> str | None:
    """The text of some groups; None if there are none."""
    merged: dict[tuple[int, int, int], int] = {}
    for origin, seq, stamp, mask in groups:
        if mask:
            place = (origin, seq, stamp)
            merged[place] = merged.get(place, 0) | mask
    texts = [f"{o}.{q}@{s}:{mask:x}" if o else f"@{s}:{mask:x}" for (o, q, s), mask in sorted(merged.items())]
    return ";".join(texts) or None


@lru_cache(maxsize=65536)
def read(text: str | None) -> tuple[Group, ...]:
    """The groups of a text."""
    groups = []
    for part in text.split(";") if text else ():
        dot, _, rest = part.partition("@")
        stamp, _, mask = rest.partition(":")
        origin, _, seq = dot.partition(".")
        groups.append(Group(int(origin or 0), int(seq or 0), int(stamp), int(mask, 16)))
    return tuple(groups)


def absolute(origin: int, seq: int, stamp: int, text: str | None, full: int) -> list[Group]:
    """Every cell of a row at (origin, seq) and `stamp`, own cells named by their dot."""
    groups = [Group(o, q, s, mask) if o else Group(origin, seq, s, mask) for o, q, s, mask in read(text)]
    rest = full
    for group in groups:
        rest &= ~group.mask
    return [*groups, Group(origin, seq, stamp, rest)]


def lacking(mask: int, text: str | None = None) -> str | None:
    """A lineage in which the columns of a mask were never written, whatever the text says of them."""
    if not mask:
        return text
    rest = [Group(o, q, s, cells & ~mask) for o, q, s, cells in read(text)]
    return write([*rest, Group(NOWHERE, 0, 0, mask)])


@lru_cache(maxsize=65536)
def missing(text: str | None) -> int:
    """The mask of the columns that were never written."""
    return sum(group.mask for group in read(text) if group.origin == NOWHERE)


def know_missing(db: sqlite3.Connection) -> None:
    """Makes SQL functions: `satchel_missing(lineage)` is that mask in hex; `satchel_has(lineage, place)` tells whether
    a column was written."""
    db.create_function("satchel_missing", 1, lambda text: f"{missing(text):x}", deterministic=True)
    db.create_function("satchel_has", 2, lambda text, place: not missing(text) >> place & 1, deterministic=True)


@lru_cache(maxsize=65536)
def carry(origin: int, seq: int, stamp: int, text: str | None, written: str, full: str) -> str | None:
    """Lineage of a new version that writes the columns of mask `written` (hex) over a row at (origin, seq), stamp and
    lineage `text`: the other columns keep their cells. Cached: most rows of a packet share their past."""
    keep = int(full, 16) & ~int(written, 16)
    groups = absolute(origin, seq, stamp, text, int(full, 16))
    return write(Group(o, q, s, mask & keep) for o, q, s, mask in groups)
