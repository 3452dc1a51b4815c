"""Stable: what no packet that is still to come can have to do with (PROTOCOL, Snapshots and pruning).

Acknowledged by all is not enough: a member may have sealed, before it applied a packet, another one that had not seen
it; as long as that one may still arrive, nothing that it might meet may go. So each member's own packets must have been
applied here, up to its own entry in the acknowledgement that is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from satchel.model.ids import node_of
from satchel.model.vector import Vector


class Heard(NamedTuple):
    """A member that is not retired, and the vector of its newest acknowledgement; None: nothing was heard of it."""

    node: str
    marks: Vector | None


class Blocker(NamedTuple):
    """A member because of which nothing is stable, and why."""

    node: str
    reason: str


class Stability(NamedTuple):
    """`upto`: the last stable packet of each origin. With a blocker it is empty."""

    upto: Mapping[str, int]
    blockers: tuple[Blocker, ...]


def decide_stable(applied: Vector, members: Iterable[Heard], origins: Iterable[str] = ()) -> Stability:
    """What is stable for a node that has applied `applied`. `members`: the others that are not retired; `origins`:
    every origin that was seen anywhere, applied or not."""
    heard = list(members)
    known = {*applied, *origins}
    blockers = tuple(blocker for member in heard if (blocker := _blocker(applied, member, known)))
    if blockers:
        return Stability({}, blockers)
    upto = {}
    for origin, mark in applied.items():
        marks = [member.marks[origin].seq if member.marks and origin in member.marks else 0 for member in heard]
        if lowest := min([mark.seq, *marks]):
            upto[origin] = lowest
    return Stability(upto, ())


def _blocker(applied: Vector, member: Heard, known: Iterable[str]) -> Blocker | None:
    if member.marks is None:
        return Blocker(member.node, "has acknowledged nothing yet")
    for origin in sorted(known):
        if node_of(origin) == member.node and origin not in member.marks:
            return Blocker(member.node, f"has opened {origin} since its last acknowledgement")
    for origin, mark in sorted(member.marks.items()):
        mine = applied.get(origin)
        if node_of(origin) == member.node and (mine is None or mine.seq < mark.seq):
            return Blocker(member.node, f"has sealed {origin}/{mark.seq}, which is not applied here")
        if mine is not None and mine.seq == mark.seq and mine.hash != mark.hash:
            return Blocker(member.node, f"knows another packet {origin}/{mark.seq}")
    return None


def covers(one: Mapping[str, int], other: Mapping[str, int]) -> bool:
    """Whether one vector (origin: seq) reaches as far as another in every origin."""
    return all(one.get(origin, 0) >= seq for origin, seq in other.items())
