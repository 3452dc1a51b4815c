"""Chains of packets and what their authors had seen (PROTOCOL, Packet format: previous, context).

What is missing is a problem of an archive. An exchange carries only what others lack, and a medium between two nodes
is not wrong because it is not whole: there it is a warning.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from satchel.audit.held import Finding, Held
from satchel.model.vector import HASH_DIGITS
from satchel.packet.verify import verify_chain


def chain_findings(packets: Sequence[Held], archived: Collection[str]) -> tuple[list[Finding], list[str]]:
    """Problems and warnings between verified packets. `archived`: origins of which a packet lies in an archive."""
    problems: list[Finding] = []
    warnings: list[str] = []
    for problem in verify_chain(packet.signed for packet in packets):
        if problem.reason.startswith("gap:") and problem.packet.rpartition("/")[0] not in archived:
            warnings.append(f"{problem.packet}: {problem.reason}; an exchange carries only what others lack")
        else:
            problems.append(Finding(*problem))
    for finding, missing in _cause_findings(packets):
        if missing and finding.packet.rpartition("/")[0] not in archived:
            warnings.append(f"{finding.packet}: {finding.reason}; an exchange carries only what others lack")
        else:
            problems.append(finding)
    return problems, warnings


def heads(packets: Sequence[Held]) -> dict[str, dict[str, object]]:
    """The last packet of each origin."""
    found: dict[str, dict[str, object]] = {}
    for packet in sorted(packets, key=lambda packet: (packet.dot, packet.hash)):
        found[packet.dot.origin] = {"seq": packet.dot.seq, "hash": packet.hash}
    return found


def _cause_findings(packets: Sequence[Held]) -> Iterator[tuple[Finding, bool]]:
    """Each with whether something is missing, else it contradicts. One that is missing is named once, by the first
    packet that had seen it; inside of what is there, gaps are the chain's business."""
    known: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for packet in packets:
        known[packet.dot.origin][packet.dot.seq].add(packet.hash[:HASH_DIGITS])
    last = {origin: max(seqs) for origin, seqs in known.items()}
    for packet in packets:
        for origin, mark in packet.context.items():
            if origin == packet.dot.origin:
                continue
            there = known[origin].get(mark.seq) if origin in known else None
            if there is not None and mark.hash not in there:
                reason = f"it had seen another packet {origin}/{mark.seq}, with the hash {mark.hash}"
                yield Finding(str(packet.dot), "", reason), False
            elif mark.seq > last.get(origin, 0):
                last[origin] = mark.seq
                reason = f"gap: it had seen {origin}/{mark.seq}, which is not here"
                yield Finding(str(packet.dot), "", reason), True
