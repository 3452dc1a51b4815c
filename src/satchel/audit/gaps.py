"""What is missing among packets: between those that are here, and up to what others had seen or acknowledged.

A packet that was withheld leaves a hole in its chain; a tail that was cut off shows in the contexts of others' packets
and in acknowledgements (PROTOCOL, Packet format: context with hashes; Acknowledgements).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from satchel.audit.counting import Counting
from satchel.audit.ledger import Ledger
from satchel.model.ids import Dot
from satchel.model.vector import Mark
from satchel.packet.ack import Ack

CHAIN, SEEN, ACKNOWLEDGED, GROUP, PRUNED = "chain", "seen", "acknowledged", "group", "pruned"


@dataclass(frozen=True, slots=True)
class Gap:
    """Packets `first` to `last` of an origin that are not here. `shown_by`: a packet, or the node whose
    acknowledgement; `how`: what shows it; `hash`: 16 digits of the last one's, where somebody named it; `covered`: a
    snapshot stands for them, so that only their history is missing."""

    origin: str
    first: int
    last: int
    hash: str | None
    how: str
    shown_by: str
    covered: bool = False

    def __str__(self) -> str:
        return f"{self.origin}/{self.first}" + (f" to {self.last}" if self.last > self.first else "")


@dataclass(frozen=True, slots=True)
class _Witness:
    """Somebody who shows that an origin reached a packet."""

    mark: Mark
    how: str
    who: str


def find_gaps(ledger: Ledger, counting: Counting, acks: Iterable[Ack]) -> list[Gap]:
    """Every hole, in order of origin and number."""
    there: dict[str, dict[int, bool]] = {}
    for entry in ledger.entries:
        there.setdefault(entry.dot.origin, {})[entry.dot.seq] = entry.held is not None
    witnesses = _witnesses(ledger, acks)
    found: list[Gap] = []
    for origin in sorted(there.keys() | witnesses.keys()):
        known = there.get(origin, {})
        found += _holes(origin, known, witnesses.get(origin), ledger, counting)
    return found


def _holes(
    origin: str, known: Mapping[int, bool], witness: _Witness | None, ledger: Ledger, counting: Counting
) -> Iterator[Gap]:
    last = max(known, default=0)
    upto = max(last, witness.mark.seq if witness is not None else 0)
    cut = counting.cut(origin)
    upto = upto if cut is None else min(upto, cut.seq)
    first = ledger.naming.first_of(origin)
    if not known and witness is not None and "~" in origin:
        first = witness.mark.seq  # of a branch that is not here nobody knows where it begins
    start = first
    for seq in (*sorted(seq for seq in known if seq <= upto), upto + 1):
        if seq > start:
            yield _gap(origin, start, seq - 1, seq if seq <= last else None, witness)
        start = seq + 1
    for one, two in _runs(sorted(seq for seq, here in known.items() if not here)):
        yield Gap(origin, one, two, None, PRUNED, "a snapshot", covered=True)


def _gap(origin: str, first: int, last: int, after: int | None, witness: _Witness | None) -> Gap:
    if after is not None:
        return Gap(origin, first, last, None, CHAIN, str(Dot(origin, after)))
    assert witness is not None
    return Gap(origin, first, last, witness.mark.hash or None, witness.how, witness.who)


def _runs(seqs: list[int]) -> Iterator[tuple[int, int]]:
    start = None
    for place, seq in enumerate(seqs):
        start = seq if start is None else start
        if place + 1 == len(seqs) or seqs[place + 1] != seq + 1:
            yield start, seq
            start = None


def _witnesses(ledger: Ledger, acks: Iterable[Ack]) -> dict[str, _Witness]:
    """Of each origin who shows its furthest packet."""
    found: dict[str, _Witness] = {}

    def add(origin: str, mark: Mark, how: str, who: str) -> None:
        if origin not in found or found[origin].mark.seq < mark.seq:
            found[origin] = _Witness(mark, how, who)

    for entry in ledger.entries:
        for origin, mark in entry.saw.items():
            add(origin, mark, SEEN, str(entry.dot))
        if entry.group[1] > entry.dot.seq:
            add(entry.dot.origin, Mark(entry.group[1], ""), GROUP, str(entry.dot))
    for ack in acks:
        for origin, mark in ledger.naming.resolve(ack.marks).items():
            add(origin, mark, ACKNOWLEDGED, ack.node)
    return found
