"""Causal order: causes before effects, groups whole (PROTOCOL, Promise 3 and Apply).

A group is ready when every entry of its contexts is met: by exactly that packet (hash), not by another with its
number. Everything here is linear in the entries of the headers' contexts.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal, NamedTuple

from satchel.model.ids import Dot
from satchel.model.vector import HASH_DIGITS, Vector

# Of the missing packets of one group so many are named: a manifest may claim any number of them.
_NAMED_AT_MOST = 100

AppliedHash = Callable[[Dot], str | None]
State = Literal["missing", "waiting", "another"]


@dataclass(frozen=True, slots=True)
class Header:
    """What the order needs of a packet's manifest. `hash`: sha256 of the manifest, its first 16 hex digits or all;
    `group`: first and last seq of the seal; `context`: what its author had applied; `begins`: the first seq of its
    origin, which is not 1 in a branch."""

    dot: Dot
    hash: str
    group: tuple[int, int]
    context: Vector
    begins: int = 1


class Want(NamedTuple):
    """A packet that a group waits for. `hash`: its 16 hex digits, empty where nobody has named them; `state`: missing,
    here but itself waiting, or another packet of that number is here."""

    dot: Dot
    hash: str
    state: State

    def __str__(self) -> str:
        words = {"missing": "", "waiting": " (waits itself)", "another": " (another packet of that number is here)"}
        return f"{self.dot}{words[self.state]}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A group that is not applied and not ready: its packets that are here, and what it waits for."""

    group: tuple[Dot, ...]
    wants: tuple[Want, ...]


class _Name(NamedTuple):
    """A group by its origin, first and last seq."""

    origin: str
    first: int
    last: int


@dataclass(slots=True)
class _Group:
    parts: list[Header] = field(default_factory=list)
    causes: dict[_Name, Want] = field(default_factory=dict)  # other groups that are here and not applied
    lacks: set[Want] = field(default_factory=set)  # what no group that is here can bring


def ready_groups(headers: Iterable[Header], vector: Vector, applied_hash: AppliedHash | None = None) -> list[list[Dot]]:
    """The groups that can be applied now, one after the other, causes before effects: whatever becomes ready by the
    ones before it is in the list. The same for any order of `headers`.

    `headers`: the known packets; applied ones do no harm. `vector`: what has been applied. `applied_hash`: the
    manifest hash of an applied packet, for those that are neither in `headers` nor at the head of `vector`.
    """
    ready = _Order(headers, vector, applied_hash).ready()
    return [[part.dot for part in group.parts] for group in ready.values()]


def waiting(headers: Iterable[Header], vector: Vector, applied_hash: AppliedHash | None = None) -> list[Waiting]:
    """The groups that are neither applied nor ready, in order of origin and number, and what each waits for."""
    order = _Order(headers, vector, applied_hash)
    ready = order.ready()
    return [
        Waiting(tuple(part.dot for part in group.parts), _listed(group, ready))
        for name, group in order.groups.items()
        if name not in ready
    ]


def _listed(group: _Group, ready: dict[_Name, _Group]) -> tuple[Want, ...]:
    """What the group waits for, each packet once: by its hash, if a context names it."""
    wants = group.lacks | {want for name, want in group.causes.items() if name not in ready}
    named = {want.dot for want in wants if want.hash}
    return tuple(sorted(want for want in wants if want.hash or want.dot not in named))


class _Order:
    """The groups that are not applied, and how they hang together."""

    def __init__(self, headers: Iterable[Header], vector: Vector, applied_hash: AppliedHash | None) -> None:
        self.vector = vector
        self.applied_hash = applied_hash
        self.known: dict[Dot, dict[str, Header]] = defaultdict(dict)
        for header in sorted(headers, key=lambda header: (header.dot, header.hash)):
            self.known[header.dot].setdefault(header.hash[:HASH_DIGITS], header)
        self.groups: dict[_Name, _Group] = {}
        # Neighbours in a sequence name mostly the same packets: each is looked up once.
        self.hindrances: dict[tuple[Dot, str], tuple[_Name | None, Want] | None] = {}
        for header in self._unapplied():
            name = _Name(header.dot.origin, *header.group)
            self.groups.setdefault(name, _Group()).parts.append(header)
        for name, group in self.groups.items():
            self._examine(name, group)

    def ready(self) -> dict[_Name, _Group]:
        """The groups without a missing cause, in an order in which they can be applied."""
        effects: dict[_Name, list[_Name]] = defaultdict(list)
        unmet = {name: len(group.causes) for name, group in self.groups.items() if not group.lacks}
        for name in unmet:
            for cause in self.groups[name].causes:
                effects[cause].append(name)
        free = deque(name for name, count in unmet.items() if not count)
        ready = {}
        while free:
            name = free.popleft()
            ready[name] = self.groups[name]
            for effect in effects[name]:
                unmet[effect] -= 1
                if not unmet[effect]:
                    free.append(effect)
        return ready

    def _unapplied(self) -> Iterator[Header]:
        """What the vector does not cover, and what has the number of an applied packet and is another."""
        for dot, packets in self.known.items():
            if dot.seq > self._applied(dot.origin):
                yield from packets.values()
            elif (applied := self._hash_of_applied(dot)) is not None:
                yield from (header for hash_, header in packets.items() if hash_ != applied)

    def _applied(self, origin: str) -> int:
        mark = self.vector.get(origin)
        return mark.seq if mark else 0

    def _hash_of_applied(self, dot: Dot) -> str | None:
        mark = self.vector.get(dot.origin)
        if mark and mark.seq == dot.seq:
            return mark.hash[:HASH_DIGITS]
        asked = self.applied_hash(dot) if self.applied_hash else None
        if asked is not None:
            return asked[:HASH_DIGITS]
        packets = self.known.get(dot, {})
        return next(iter(packets)) if len(packets) == 1 else None

    def _examine(self, name: _Name, group: _Group) -> None:
        """What the group needs that is not there, and which groups that are here come before it."""
        if not name.first <= group.parts[0].dot.seq <= group.parts[-1].dot.seq <= name.last:
            group.lacks.add(Want(group.parts[0].dot, "", "another"))  # a manifest that contradicts itself
            return
        group.lacks.update(self._missing_parts(name, group))
        for part in group.parts:
            if part.dot.seq <= self._applied(name.origin) or len(self.known[part.dot]) > 1:
                # Which of two packets of one number is applied must not depend on which of them came first.
                group.lacks.add(Want(part.dot, part.hash[:HASH_DIGITS], "another"))
        inside = {part.dot.seq: part for part in group.parts}
        if name.first > group.parts[0].begins:
            self._need(group, Dot(name.origin, name.first - 1), "")
        for origin, mark in (entry for part in group.parts for entry in part.context.items()):
            member = inside.get(mark.seq) if origin == name.origin else None
            if member is None or member.hash[:HASH_DIGITS] != mark.hash[:HASH_DIGITS]:
                self._need(group, Dot(origin, mark.seq), mark.hash[:HASH_DIGITS])

    def _missing_parts(self, name: _Name, group: _Group) -> list[Want]:
        """Parts of the group that are not here, or stand here as part of another group."""
        here = {part.dot.seq for part in group.parts}
        if len(here) == name.last - name.first + 1:
            return []
        missing = (seq for seq in range(name.first, name.last + 1) if seq not in here)
        dots = [Dot(name.origin, seq) for seq in islice(missing, _NAMED_AT_MOST)]
        return [Want(dot, "", "another" if dot in self.known else "missing") for dot in dots]

    def _need(self, group: _Group, dot: Dot, digits: str) -> None:
        """Notes what stands between the group and this packet, if anything does. No `digits`: whichever it is."""
        if (dot, digits) not in self.hindrances:
            self.hindrances[dot, digits] = self._find_hindrance(dot, digits)
        hindrance = self.hindrances[dot, digits]
        if hindrance is None:
            return
        name, want = hindrance
        if name is None:
            group.lacks.add(want)
        else:  # of several entries that lead to one group the latest is named
            group.causes[name] = max(want, group.causes.get(name, want))

    def _find_hindrance(self, dot: Dot, digits: str) -> tuple[_Name | None, Want] | None:
        """What has to come before this packet counts as met, and the group that brings it, if that is here."""
        packets = self.known.get(dot)
        if dot.seq <= self._applied(dot.origin):
            here = self._hash_of_applied(dot) if digits else ""
            # A covered packet whose hash nobody can tell is not known to be that one.
            return None if here == digits else (None, Want(dot, digits, "another" if here else "missing"))
        if not packets:
            return None, Want(dot, digits, "missing")
        if digits and digits not in packets:
            return None, Want(dot, digits, "another")
        cause = packets[digits] if digits else next(iter(packets.values()))
        return _Name(dot.origin, *cause.group), Want(dot, cause.hash[:HASH_DIGITS], "waiting")
