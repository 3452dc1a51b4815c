"""Which verified packets count: those that no revocation lies before (PROTOCOL, Members; docs/spec/trust.md, V2-V9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from satchel.audit.branches import dot_of
from satchel.audit.held import Finding, Held
from satchel.model.ids import Dot, node_of, trunk_of
from satchel.model.vector import HASH_DIGITS, Mark, Vector
from satchel.packet.bans import NOTHING, Bans
from satchel.replication.branches import Naming


@dataclass(frozen=True, slots=True)
class Counting:
    """Where the origins of revoked nodes end. `ends`: the last packet of the first group of each founder's origin."""

    bans: Bans
    naming: Naming
    baselines: Mapping[str, Mark]

    def cut(self, origin: str) -> Mark | None:
        """The last packet of an origin that counts, seq 0: none does; None: it is not cut."""
        said = self.bans.cuts.get(node_of(origin))
        if said is None:
            return None
        lowest = min(self._meant(origin, marks) for marks in said)
        first = self.baselines.get(origin)  # the founder's baseline always counts: all that is stands on it
        return first if first is not None and lowest.seq < first.seq else lowest

    def _meant(self, origin: str, marks: Mapping[str, Mark]) -> Mark:
        """Where one revocation cuts an origin, told by hashes; of an origin that is whole here, of which it names
        branches, where the longest of them ends."""
        here = self.naming.resolve(marks)
        found = here.get(origin, NOTHING)
        if not found.seq and origin == trunk_of(origin):
            found = max((mark for name, mark in here.items() if trunk_of(name) == origin), default=NOTHING)
        return found

    def is_beyond(self, origin: str, seq: int) -> bool:
        """Whether a packet lies beyond a cut."""
        cut = self.cut(origin)
        return cut is not None and seq > cut.seq

    def saw_beyond(self, context: Vector) -> bool:
        """Whether somebody had seen packets that count no more."""
        return bool(self.bans.cuts) and any(self.is_beyond(origin, mark.seq) for origin, mark in context.items())


def split(packets: Sequence[Held], naming: Naming, bans: Bans) -> tuple[list[Held], list[Finding], Counting]:
    """The packets that count, and those beyond a cut, each with the reason."""
    counting = Counting(bans, naming, dict(_baselines(packets, naming)))
    if not bans.cuts:
        return list(packets), [], counting
    kept: list[Held] = []
    beyond: list[Finding] = []
    for packet in packets:
        dot = dot_of(packet, naming)
        if counting.is_beyond(dot.origin, packet.manifest.group[1]):
            reason = f"beyond a cut: {node_of(dot.origin)} was revoked"
            beyond.append(Finding(str(dot), "", reason, str(packet.folder)))
        else:
            kept.append(packet)
    return kept, beyond, counting


def _baselines(packets: Iterable[Held], naming: Naming) -> Iterable[tuple[str, Mark]]:
    for packet in packets:
        manifest = packet.manifest
        if manifest.kind == "baseline" and manifest.seq == manifest.group[1]:
            dot: Dot = dot_of(packet, naming)
            yield dot.origin, Mark(dot.seq, packet.hash[:HASH_DIGITS])
