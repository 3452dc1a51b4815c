"""Chains of packets and what their authors had seen (PROTOCOL, Packet format: previous, context).

What is missing is a problem of an archive. An exchange carries only what others lack, and a medium between two nodes
is not wrong because it is not whole: there it is a warning.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from satchel.audit.branches import fork_findings
from satchel.audit.held import Finding, Held
from satchel.model.ids import trunk_of
from satchel.model.vector import HASH_DIGITS
from satchel.packet.ack import Ack
from satchel.packet.verify import verify_chain
from satchel.replication.branches import Naming
from satchel.replication.cuts import Cut, is_beyond


def chain_findings(
    packets: Sequence[Held],
    archived: Collection[str],
    naming: Naming,
    acks: Iterable[Ack],
    covered: Mapping[str, int] | None = None,
    cut: Cut = lambda origin: None,
) -> tuple[list[Finding], list[str]]:
    """Problems and warnings between verified packets. `archived`: origins of which a packet lies in an archive;
    `covered`: the last packet of each origin that a snapshot stands for: nothing is missing up to there; `cut`: the
    last one that counts of an origin of a revoked node: nothing is missing beyond it."""
    covered = covered or {}
    problems, warnings, forked = fork_findings(packets, naming, acks)
    for problem in verify_chain(packet.signed for packet in packets):
        origin = problem.packet.rpartition("/")[0]
        if problem.reason.startswith("fork:") and origin in forked:
            continue
        if problem.reason.startswith("gap:") and int(problem.packet.rpartition("/")[2]) <= covered.get(origin, 0) + 1:
            continue
        if problem.reason.startswith("gap:") and problem.packet.rpartition("/")[0] not in archived:
            warnings.append(f"{problem.packet}: {problem.reason}; an exchange carries only what others lack")
        else:
            problems.append(Finding(*problem))
    for finding, missing in _cause_findings(packets, covered, cut):
        if missing and finding.packet.rpartition("/")[0] not in archived:
            warnings.append(f"{finding.packet}: {finding.reason}; an exchange carries only what others lack")
        else:
            problems.append(finding)
    return problems, warnings


def _cause_findings(packets: Sequence[Held], covered: Mapping[str, int], cut: Cut) -> Iterator[tuple[Finding, bool]]:
    """Each with whether something is missing, else it contradicts. One that is missing is named once, by the first
    packet that had seen it; inside of what is there, gaps are the chain's business."""
    known: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for packet in packets:
        known[packet.dot.origin][packet.dot.seq].add(packet.hash[:HASH_DIGITS])
    last = {origin: max(seqs) for origin, seqs in known.items()}
    last |= {origin: max(last.get(origin, 0), seq) for origin, seq in covered.items()}
    for packet in packets:
        for name, mark in packet.context.items():
            if name == packet.dot.origin or is_beyond(name, mark.seq, cut):
                continue
            origin = trunk_of(name)
            there = known[origin].get(mark.seq) if origin in known else None
            if there is not None and mark.hash not in there and name != origin:
                reason = f"gap: it had seen {name}/{mark.seq} ({mark.hash}), which is not here"
                yield Finding(str(packet.dot), "", reason), True
            elif there is not None and mark.hash not in there:
                reason = f"it had seen another packet {origin}/{mark.seq}, with the hash {mark.hash}"
                yield Finding(str(packet.dot), "", reason), False
            elif mark.seq > last.get(origin, 0):
                last[origin] = mark.seq
                reason = f"gap: it had seen {origin}/{mark.seq}, which is not here"
                yield Finding(str(packet.dot), "", reason), True
