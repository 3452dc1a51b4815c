"""What was done to rows of the application's tables: by an apply, or by the constraints after a seal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from satchel.model.value import Value


@dataclass(frozen=True, slots=True)
class Renumbered:
    """A row that could not have the number of its birth here, because another row has it."""

    table: str
    gid: str
    birth: int
    number: int


@dataclass(frozen=True, slots=True)
class Fate:
    """A row that a constraint, or this database alone, keeps out of its table from now on; or that came back."""

    table: str
    key: tuple[Value, ...]  # in this database: the number that it had, or has; on the wire where it has none
    gid: str | None  # of a row of scope local
    kind: str = ""  # unique | foreign-key | constraint; empty: it came back
    reason: str = ""  # in words
    left: bool = False  # it was in its table before


@dataclass(slots=True)
class RowCounts:
    """Rows of the application's tables that an apply touched."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    conflicts: int = 0  # conflicts that were opened
    renumbered: list[Renumbered] = field(default_factory=list)
    parked: list[Fate] = field(default_factory=list)
    returned: list[Fate] = field(default_factory=list)

    def add(self, other: RowCounts) -> None:
        """Adds other's counts."""
        self.inserted += other.inserted
        self.updated += other.updated
        self.deleted += other.deleted
        self.conflicts += other.conflicts
        self.add_fates(other)

    def add_fates(self, other: RowCounts) -> None:
        """Adds what became of single rows; of one that was looked at several times the last word."""
        self.renumbered += other.renumbered
        self.parked, self.returned = (
            [*_others(self.parked, other), *other.parked],
            [*_others(self.returned, other), *other.returned],
        )


def _others(fates: Sequence[Fate], newer: RowCounts) -> list[Fate]:
    """Those of other rows. A row is told by its gid, or its key."""
    said = {(fate.table, fate.gid or fate.key) for fate in (*newer.parked, *newer.returned)}
    return [fate for fate in fates if (fate.table, fate.gid or fate.key) not in said]
