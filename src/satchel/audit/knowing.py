"""What a node knew at a time, by what it signed (PROTOCOL, Packet format: context; Acknowledgements).

Its packets say it: whoever sealed one had applied its context and all of its own before. Edits are sealed before
anything is applied, so an edit that was made by then shows that its packet's context was applied by then, even where it
was sealed later. Only a node's newest acknowledgement is kept; it counts from its clock on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from satchel.audit.ledger import Entry, Ledger, seen_mark
from satchel.model.ids import node_of
from satchel.model.stamp import rfc3339
from satchel.model.vector import HASH_DIGITS, Mark
from satchel.packet.ack import Ack
from satchel.packet.wire import time_value


@dataclass(frozen=True, slots=True)
class Knowledge:
    """`vector`: what the node had applied at least; `own`: its origins; `said`: what shows it, in words."""

    vector: dict[str, Mark]
    own: tuple[str, ...]
    said: str


def knowledge_of(ledger: Ledger, node: str, ack: Ack | None, until: int, earliest: dict[str, int]) -> Knowledge:
    """`until`, in microseconds since 1970 UTC; `earliest`: of packets sealed later, by name, when their first edit was
    made."""
    own = [entry for entry in ledger.entries if node_of(entry.dot.origin) == node]
    vector: dict[str, Mark] = {}
    shown: list[tuple[int, str]] = []
    for entry in own:
        if entry.created * 1000 <= until:
            vector = _with(vector, entry, itself=True)
            shown.append((entry.created, f"its packet {entry.dot}"))
        elif earliest.get(str(entry.dot), until + 1) <= until:
            vector = _with(vector, entry, itself=False)
    if ack is not None and time_value(ack.clock) * 1000 <= until:
        for origin, mark in ledger.naming.resolve(ack.marks).items():
            if origin not in vector or vector[origin].seq < mark.seq:
                vector[origin] = mark
        shown.append((time_value(ack.clock), "its acknowledgement"))
    origins = tuple(dict.fromkeys(entry.dot.origin for entry in own))
    return Knowledge(vector, origins, _said(node, shown, _after(own, ack, until)))


def _with(vector: dict[str, Mark], entry: Entry, *, itself: bool) -> dict[str, Mark]:
    found = dict(vector)
    for origin, mark in entry.saw.items():
        if origin not in found or found[origin].seq < mark.seq:
            found[origin] = mark
    digits = entry.held.hash[:HASH_DIGITS] if entry.held is not None else ""
    return seen_mark(found, entry.dot, digits) if itself else found


def _after(own: Iterable[Entry], ack: Ack | None, until: int) -> str:
    """The next sign of the node: what it had learnt by then it may have learnt before."""
    later = [(entry.created, f"its packet {entry.dot}") for entry in own if entry.created * 1000 > until]
    if ack is not None and time_value(ack.clock) * 1000 > until:
        later.append((time_value(ack.clock), "its acknowledgement"))
    if not later:
        return "there is no later sign of it"
    when, what = min(later)
    return f"the next sign of it is {what} of {rfc3339(when)}, and what that shows it may have known already"


def _said(node: str, shown: list[tuple[int, str]], after: str) -> str:
    if not shown:
        return f"nothing here shows what {node} had by then; {after}"
    when, what = max(shown)
    return f"what {node} had by then is shown by {what} of {rfc3339(when)}; {after}"
