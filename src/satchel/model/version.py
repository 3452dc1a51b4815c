"""Versions of rows, as objects: only for rows in conflict (PROTOCOL, Seal and Apply). All other rows stay in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from satchel.model.ids import NOWHERE_ORIGIN, Dot, node_of
from satchel.model.value import Value
from satchel.model.vector import Vector

NOWHERE = Dot(NOWHERE_ORIGIN, 0)  # before every packet: everybody has seen it


@dataclass(frozen=True, slots=True)
class Cell:
    """A column's value with the write that it comes from (its lineage)."""

    value: Value
    dot: Dot
    stamp: int

    @property
    def rank(self) -> tuple[int, str, Dot]:
        """Stamps: a total order, by time, then node, then dot."""
        return self.stamp, node_of(self.dot.origin), self.dot


NEVER_WRITTEN = Cell(None, NOWHERE, 0)  # loses against any write


@dataclass(frozen=True, slots=True)
class Version:
    """One state of one row. `saw` is the row context; `cells` the whole row by column, or a delete's last image."""

    dot: Dot
    stamp: int
    saw: Vector
    cells: Mapping[str, Cell]
    deleted: bool = False
    at: int | None = None  # wall clock of the change, milliseconds since 1970 UTC; None: unknown
    by: str | None = None  # value of the author column

    @property
    def rank(self) -> tuple[int, str, Dot]:
        """Stamps: a total order, by time, then node, then dot."""
        return self.stamp, node_of(self.dot.origin), self.dot

    def cell(self, column: str) -> Cell:
        """A column that a version lacks was never written."""
        return self.cells.get(column, NEVER_WRITTEN)


@dataclass(frozen=True, slots=True)
class Resolved:
    """What the policy makes of a row's siblings: what is shown, and the columns that a person should look at."""

    deleted: bool
    cells: Mapping[str, Cell]
    conflict: frozenset[str] = field(default_factory=frozenset)
