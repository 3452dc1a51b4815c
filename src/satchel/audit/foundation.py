"""The snapshot that an audit stands on where packets were pruned (PROTOCOL, Snapshots; docs/spec/snapshot.md).

Packets are believed before a snapshot: their authors signed each row, a snapshot is one admin's word. So it is used
only where some of the packets that it covers are not here, and then as a node uses it (N8): of the packets that it
covers it alone says which versions still stand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from satchel.audit.held import Finding
from satchel.audit.places import Place
from satchel.errors import BadPacket
from satchel.files import FileTrouble, read_limited
from satchel.model.ids import Dot
from satchel.model.schema import Table
from satchel.model.vector import Vector
from satchel.packet.members import Members
from satchel.packet.problem import Waiting
from satchel.packet.snapshot import SignedSnapshot, read_snapshot, snapshot_problems
from satchel.packet.snapshot_books import CoveredPacket, read_packets_part
from satchel.replication.branches import Naming

_LIMIT = 64 << 20  # bytes of a manifest


@dataclass(frozen=True, slots=True)
class Foundation:
    """A verified snapshot that stands for packets which are not here. `created`: milliseconds since 1970 UTC."""

    name: str
    folder: Path
    created: int
    vector: Vector
    packets: Sequence[CoveredPacket]
    parts: Sequence[tuple[Table, Path]]

    @property
    def columns(self) -> Mapping[str, frozenset[str]]:
        """The columns of each table."""
        return {table.name: frozenset(table.names) for table, _ in self.parts}

    def covers(self, dot: Dot) -> bool:
        """Whether it stands for a packet."""
        return dot.origin in self.vector and dot.seq <= self.vector[dot.origin].seq


def find_foundation(
    places: Iterable[Place], members: Members, naming: Naming, here: Collection[Dot]
) -> tuple[Foundation | None, list[Finding], list[str]]:
    """The newest snapshot that can be used, if one is needed; snapshots that do not verify; warnings. `here`: packets
    that verified."""
    found: list[tuple[int, Place, SignedSnapshot]] = []
    problems: list[Finding] = []
    for place in places:
        try:
            signed = read_snapshot(read_limited(place.folder / place.marker, _LIMIT), members, members.limits)
            if isinstance(signed, Waiting):
                problems.append(_about(place, place.marker, f"waits for {signed.needs}"))
                continue
            bad = next(iter(snapshot_problems(place.folder, signed.manifest)), None)
            if bad is not None:
                problems.append(_about(place, bad.file, bad.reason))
                continue
            found.append((int(signed.manifest.stamp), place, signed))
        except BadPacket as bad:
            problems.append(_about(place, bad.file, bad.reason))
        except FileTrouble as trouble:
            problems.append(_about(place, "", trouble.message))
    for _, place, signed in sorted(found, key=lambda entry: entry[0], reverse=True):
        base = _read(place, signed)
        if all(packet.dot in here for packet in base.packets):
            return None, problems, []
        if any(naming.dot_of(packet.dot, packet.hash) != packet.dot for packet in base.packets):
            return None, problems, [f"{base.name} calls packets otherwise than they are called here: it is not used"]
        return base, problems, []
    return None, problems, []


def _read(place: Place, signed: SignedSnapshot) -> Foundation:
    manifest = signed.manifest
    packets = read_packets_part(place.folder, manifest.packets, signed.vector, signed.limits)
    parts = [(entry.table(), place.folder / entry.file) for entry in manifest.tables]
    name = f"snapshots/{manifest.folder}"
    return Foundation(name, place.folder, manifest.created_ms, signed.vector, packets, parts)


def _about(place: Place, file: str, reason: str) -> Finding:
    return Finding(f"snapshots/{place.folder.name}", file, reason, str(place.folder))
