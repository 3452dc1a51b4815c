"""Versions as tests write them down."""

from __future__ import annotations

from satchel.model.ids import Dot
from satchel.model.value import Value
from satchel.model.vector import Mark
from satchel.model.version import Cell, Version
from tests.replication.bridge import digits


def dot(text: str) -> Dot:
    origin, _, seq = text.rpartition("/")
    return Dot(origin, int(seq))


def vector(*texts: str) -> dict[str, Mark]:
    """`vector("a/3")`: everything of a up to 3."""
    return {d.origin: Mark(d.seq, digits(*d)) for d in map(dot, texts)}


def version(name: str, stamp: int, saw: tuple[str, ...] = (), deleted: bool = False, **cells: Value | Cell) -> Version:
    """A version that wrote the plain values itself, and took the cells over."""
    held = {c: v if isinstance(v, Cell) else Cell(v, dot(name), stamp) for c, v in cells.items()}
    return Version(dot(name), stamp, vector(*saw), held, deleted, at=stamp, by=None)


def values(cells: dict[str, Cell]) -> dict[str, Value]:
    return {column: cell.value for column, cell in cells.items()}
