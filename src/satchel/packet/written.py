"""What was written of a packet before it is signed: words that signing shares with writing, without pyarrow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from satchel.model.ids import Dot
from satchel.model.schema import Table


class Stretch(NamedTuple):
    """Rows start..stop (stop excluded) of a table's delta, in its order, are in one packet."""

    table: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Part:
    """One table's file in a packet, flushed. `size` in bytes, `sha256` as hex."""

    table: Table
    file: str
    rows: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Written:
    """A packet whose parts are in its folder, flushed, and whose manifest does not exist yet."""

    dot: Dot
    suffix: str
    folder: Path
    parts: tuple[Part, ...]
    stretches: tuple[Stretch, ...]

    @property
    def rows(self) -> dict[str, int]:
        """Rows by table."""
        return {part.table.name: part.rows for part in self.parts}
