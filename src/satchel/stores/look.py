"""A look at all rows of a database, as they are on the wire: what is shown, and which versions stand behind it
(PROTOCOL, Equality).

Rows come in the order of their keys (numbers, then text, then blobs, each by its bytes), in lists of bounded size.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from satchel.model.schema import Table
from satchel.model.value import Value, text_bytes
from satchel.model.vector import Vector

Key = tuple[Value, ...]


class ShownRow(NamedTuple):
    """A row that the application sees, or would see if this database took it. `lacks`: mask of the columns that nobody
    ever wrote: whatever they show is this database's default."""

    key: Key
    values: tuple[Value, ...]
    lacks: int


class StandingRow(NamedTuple):
    """The siblings of a row: (origin, seq), in order. `alive`: not all of them are deletes."""

    key: Key
    dots: tuple[tuple[str, int], ...]
    alive: bool


class KeptVersion(NamedTuple):
    """One version that is kept whole, with its values."""

    key: Key
    dot: tuple[str, int]
    values: tuple[Value, ...]
    lacks: int


class Look(Protocol):
    """One state of a database, while the application goes on."""

    @property
    def vector(self) -> Vector:
        """What has been applied."""

    @property
    def is_sealed(self) -> bool:
        """Whether nothing was written since the last seal."""

    @property
    def forgot(self) -> bool:
        """Whether deleted rows may have been forgotten here."""

    @property
    def tables(self) -> Mapping[str, Table]:
        """The captured tables, parents first."""

    def here(self, table: str) -> Sequence[int] | None:
        """Places of the columns that the application's table has; None: it has no such table."""

    def shown(self, table: str) -> Iterator[ShownRow]:
        """The rows that are shown."""

    def standing(self, table: str) -> Iterator[StandingRow]:
        """The siblings of every row, deleted ones too."""

    def kept(self, table: str) -> Iterator[KeptVersion]:
        """The versions that are kept whole: of deleted rows, and where a row has several or is not shown as written."""

    def apart(self, table: str) -> Mapping[Key, str]:
        """Rows that no database shows as they were written, by the rules of the network: parked, twin, noted."""

    def pending(self, table: str) -> Collection[Key]:
        """Rows with edits that are not sealed."""

    def own_key(self, table: str, key: Key) -> Key:
        """A key as people here know it: with own numbers."""


@dataclass(frozen=True, slots=True)
class TableDigest:
    """Sums of one table, 32 hex digits each. `rows`: how many are shown. `deleted`: the sum of the rows that are
    deleted; None where this database may have forgotten some. `columns`: of those that are here; None: none is."""

    table: str
    rows: int
    dots: str
    deleted: str | None
    columns: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Digests:
    """The digests of a database at a vector."""

    vector: Vector
    tables: Sequence[TableDigest] = field(default_factory=tuple)


def rank(key: Sequence[Value]) -> tuple[tuple[int, Any], ...]:
    """What keys are sorted by, in the order in which a look has them."""
    return tuple(_rank(value) for value in key)


def _rank(value: Value) -> tuple[int, Any]:
    if value is None:
        return 0, 0
    if isinstance(value, int | float):
        return 1, value
    return (2, text_bytes(value)) if isinstance(value, str) else (3, value)
