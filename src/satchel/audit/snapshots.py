"""Snapshots among what is verified: whether they are what an admin signed, and what they stand for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from satchel.audit.held import Finding, Held
from satchel.audit.places import Place
from satchel.errors import BadPacket
from satchel.files import FileTrouble, read_limited
from satchel.model.ids import Dot, trunk_of
from satchel.packet.members import Members
from satchel.packet.problem import Waiting
from satchel.packet.snapshot import SignedSnapshot, read_snapshot, snapshot_problems

_LIMIT = 64 << 20  # bytes of a manifest


@dataclass(slots=True)
class Covered:
    """What valid snapshots stand for: the last packet of each origin by its signed name, and every manifest hash."""

    snapshots: int = 0
    files: int = 0
    size: int = 0
    upto: dict[str, int] = field(default_factory=dict)
    hashes: dict[Dot, set[str]] = field(default_factory=dict)
    problems: list[Finding] = field(default_factory=list)

    def check_links(self, packets: Iterable[Held]) -> list[Finding]:
        """Packets that go on where a snapshot ends must go on from its last packet, or from one that is here: a fork
        has several of one number."""
        found, packets = [], list(packets)
        here = {packet.hash for packet in packets}
        for packet in packets:
            before = Dot(packet.dot.origin, packet.dot.seq - 1)
            previous = packet.manifest.previous
            if before in self.hashes and previous not in self.hashes[before] and previous not in here:
                reason = f"the hash of the packet before is not that of {before} in the snapshot"
                found.append(Finding(str(packet.dot), "manifest.json", reason, str(packet.folder)))
        return found


def check_snapshots(places: Iterable[Place], members: Members) -> Covered:
    """Checks signature, sizes, hashes and every row of each snapshot."""
    covered = Covered()
    for place in places:
        name = f"snapshots/{place.folder.name}"
        covered.snapshots += 1
        try:
            signed = read_snapshot(read_limited(place.folder / place.marker, _LIMIT), members)
            if isinstance(signed, Waiting):
                covered.problems.append(Finding(name, place.marker, f"waits for {signed.needs}", str(place.folder)))
                continue
            _check(place, signed, covered)
        except BadPacket as bad:
            covered.problems.append(Finding(name, bad.file, bad.reason, str(place.folder)))
        except FileTrouble as trouble:
            covered.problems.append(Finding(name, "", trouble.message, str(place.folder)))
    return covered


def _check(place: Place, signed: SignedSnapshot, covered: Covered) -> None:
    from satchel.packet.snapshot_books import read_nodes_part, read_packets_part
    from satchel.packet.snapshot_rows import VerifiedSnapshot

    manifest = signed.manifest
    covered.files += 1 + len(manifest.parts)
    covered.size += len(signed.envelope) + sum(manifest.sizes.values())
    problems = list(snapshot_problems(place.folder, manifest))
    covered.problems += [Finding(*problem, str(place.folder)) for problem in problems]
    if problems:
        return
    VerifiedSnapshot(place.folder, manifest).check()
    read_nodes_part(place.folder, manifest.nodes)
    for packet in read_packets_part(place.folder, manifest.packets, signed.vector):
        dot = Dot(trunk_of(packet.dot.origin), packet.dot.seq)
        covered.hashes.setdefault(dot, set()).add(packet.hash)
        covered.upto[dot.origin] = max(covered.upto.get(dot.origin, 0), dot.seq)
