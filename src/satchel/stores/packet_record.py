"""A packet as the books of a store know it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from satchel.model.ids import Dot
    from satchel.model.vector import Vector


@dataclass(frozen=True, slots=True)
class PacketRecord:
    """A packet that this store has applied (or sealed)."""

    dot: Dot
    hash: str
    suffix: str
    group: tuple[int, int]
    kind: str
    created: int
    context: Vector
    rows: int
