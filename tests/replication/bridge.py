"""From the reference model's objects to the product's."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from satchel.model.ids import Dot
from satchel.model.vector import Mark
from satchel.model.version import Cell, Resolved, Version
from satchel.replication.order import Header
from tests.model import reference


def digits(origin: str, seq: int) -> str:
    """The hash of the only packet of that number."""
    return hashlib.sha256(f"{origin}/{seq}".encode()).hexdigest()[:16]


def to_vector(vector: Mapping[str, int]) -> dict[str, Mark]:
    return {origin: Mark(seq, digits(origin, seq)) for origin, seq in vector.items()}


def to_version(version: reference.Version) -> Version:
    cells = {
        column: Cell(version.values[column], Dot(*birth[2:]), birth[0]) for column, birth in version.births.items()
    }
    return Version(Dot(*version.dot), version.birth[0], to_vector(version.saw), cells, version.deleted)


def to_header(packet: reference.Packet) -> Header:
    return Header(Dot(*packet.dot), digits(*packet.dot), packet.group, to_vector(packet.context))


def face_of(resolved: Resolved) -> reference.Face:
    """What is shown, as the reference model says it."""
    births = {c: (cell.stamp, node(cell.dot.origin), *cell.dot) for c, cell in resolved.cells.items()}
    return resolved.deleted, {c: cell.value for c, cell in resolved.cells.items()}, births


def node(origin: str) -> str:
    return origin.split("~", maxsplit=1)[0].split(".", maxsplit=1)[0]
