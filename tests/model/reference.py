"""The rules of the foundation as a small model: what the product must agree with, and nobody's implementation.

Rows, versions, policies, conflicts, seals, groups, causal order, joining with rows. No files, no hashes, no
constraints; a row's key is `table/key`. A write is known by its *birth*, `(clock, node, origin, seq)`: births compare
as stamps do, and their last two are the dot. A policy is the word that the configuration has for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Birth = tuple[int, str, str, int]
Dot = tuple[str, int]
Vector = dict[str, int]
Row = dict[str, Any]
Face = tuple[bool, Row, dict[str, Birth]]  # deleted, values, births

Policy = str | Callable[[list["Version"]], Face]  # a word, or a user's own function

UNBORN: Birth = (0, "", "", 0)
COLUMNS = ("a", "b", "c", "d")


def aware(vector: Mapping[str, int], birth: Birth) -> bool:
    """Whether the owner of the vector has had the write."""
    return birth[3] <= vector.get(birth[2], 0)


def alike(values: Iterable[Any]) -> bool:
    """Whether they are all one value of one type."""
    return len({(type(value), value) for value in values}) < 2


@dataclass(frozen=True, eq=False)
class Version:
    """One state of one row: its own birth, what its author had seen of the row, values and births by column."""

    birth: Birth
    saw: Vector
    values: Row
    births: dict[str, Birth]
    deleted: bool = False

    @property
    def dot(self) -> Dot:
        return self.birth[2], self.birth[3]

    def held(self, column: str) -> Birth:
        return self.births.get(column, UNBORN)


@dataclass(frozen=True, eq=False)
class Packet:
    """One part of a seal."""

    dot: Dot
    group: tuple[int, int]
    context: Vector
    rows: dict[str, Version]


# -- policies


def face(version: Version) -> Face:
    return version.deleted, version.values, version.births


def by_rule(policy: Policy, siblings: list[Version]) -> Face:
    """What the policy shows of these."""
    if not isinstance(policy, str):
        return policy(siblings)
    newest = max(siblings, key=lambda v: v.birth)
    if policy in ("latest", "manual") or (all(v.deleted for v in siblings) and policy == "merge"):
        return face(newest)
    if policy == "merge":
        return merged(siblings)
    listed = policy.removeprefix("priority:").split(",")
    for node in listed:
        own = [v for v in siblings if v.birth[2].split("~")[0].split(".")[0] == node]
        if own:
            return face(max(own, key=lambda v: v.birth))
    return face(newest)


def undisputed(column: str, holders: list[Version], siblings: list[Version]) -> list[Version]:
    """The holders whose write of the column no sibling replaced while knowing it."""

    def replaced(birth: Birth) -> bool:
        others = [v for v in siblings if column in v.births and v.held(column)[2:] != birth[2:]]
        return any(aware(other.saw, birth) for other in others)

    return [v for v in holders if not replaced(v.held(column))]


def merged(siblings: list[Version]) -> Face:
    """Each column by itself; somebody lives."""
    alive = [v for v in siblings if not v.deleted]
    values: Row = {}
    births: dict[str, Birth] = {}
    for column in {column for v in siblings for column in v.births}:
        pool = undisputed(column, alive, siblings) or undisputed(column, siblings, siblings) or alive
        best = max(pool, key=lambda v: v.held(column))
        values[column], births[column] = best.values.get(column), best.held(column)
    return False, values, births


def show(policy: Policy, siblings: list[Version]) -> Face:
    """What a row shows. Unknown time gives way to known time."""
    dated = [v for v in siblings if v.birth[0]]
    return by_rule(policy, dated or siblings)


def in_conflict(policy: Policy, siblings: list[Version]) -> set[str]:
    """The columns for a person to look at."""
    alive = [v for v in siblings if not v.deleted]
    gone = [v for v in siblings if v.deleted]
    found = set()
    for column in {column for v in alive for column in v.births}:
        values = [v.values.get(column) for v in alive]
        blind = bool(gone)
        if policy == "merge":
            shown = show(policy, siblings)[1].get(column)
            values = [shown] + [v.values.get(column) for v in undisputed(column, alive, siblings)]
            blind = any(not aware(d.saw, v.held(column)) for d in gone for v in alive)
        if blind or not alike(values):
            found.add(column)
    return found


# -- nodes


@dataclass
class Pending:
    """What happened to a row since the last seal; `written`: value and clock by column."""

    clock: int
    deleted: bool = False
    fresh: bool = False  # the row that was there before has no part in it
    blind: bool = False  # joining: its author saw nothing of the network's row
    written: dict[str, tuple[Any, int]] = field(default_factory=dict)


@dataclass
class Node:
    """A member with its database."""

    name: str
    policy: Policy = "merge"
    columns: tuple[str, ...] = COLUMNS
    part: int = 1_000_000  # rows per packet
    origin: str = ""
    vector: Vector = field(default_factory=dict)
    rows: dict[str, list[Version]] = field(default_factory=dict)
    pending: dict[str, Pending] = field(default_factory=dict)
    shelf: dict[Dot, Packet] = field(default_factory=dict)  # every packet that it holds

    def __post_init__(self) -> None:
        self.origin = self.origin or self.name

    def view(self) -> dict[str, Row]:
        """The application's tables."""
        rows: dict[str, Row] = {}
        for key, siblings in self.rows.items():
            deleted, values, _ = show(self.policy, siblings)
            if not deleted:
                rows[key] = values
        for key, change in self.pending.items():
            before = rows.pop(key, {})
            if not change.deleted:
                written = {column: value for column, (value, _) in change.written.items()}
                rows[key] = written if change.fresh else before | written
        return {key: {column: row.get(column) for column in self.columns} for key, row in rows.items()}

    def conflicts(self) -> dict[str, set[str]]:
        found = {key: in_conflict(self.policy, siblings) for key, siblings in self.rows.items()}
        return {key: columns for key, columns in found.items() if columns}

    def dots(self) -> dict[str, set[Dot]]:
        """The siblings of each row by their dots."""
        return {key: {v.dot for v in siblings} for key, siblings in self.rows.items()}

    def clock(self, key: str, now: int) -> int:
        known = [v.birth[0] for v in self.rows.get(key, [])]
        known += [self.pending[key].clock] if key in self.pending else []
        return max([now << 16, 1, *(stamp + 1 for stamp in known)])

    def write(self, key: str, values: Row, now: int) -> None:
        """An insert or an update."""
        before = self.view().get(key)
        clock = self.clock(key, now)
        if before is None:
            self.pending[key] = Pending(clock, fresh=True)
            changed = {column: values.get(column) for column in self.columns}
        else:
            changed = {column: value for column, value in values.items() if not alike([before[column], value])}
        if changed:
            change = self.pending.setdefault(key, Pending(clock))
            change.clock = clock
            change.written |= {column: (value, clock) for column, value in changed.items()}

    def delete(self, key: str, now: int) -> None:
        if key not in self.view():
            return
        clock = self.clock(key, now)
        self.pending.pop(key, None)
        if key in self.rows and not show(self.policy, self.rows[key])[0]:
            self.pending[key] = Pending(clock, deleted=True)

    def touch(self, key: str, columns: Iterable[str], now: int) -> None:
        """A person confirms what is shown: written, with the values that are there."""
        row = self.view().get(key)
        if row is not None:
            clock = self.clock(key, now)
            change = self.pending.setdefault(key, Pending(clock))
            change.clock = clock
            change.written |= {column: (row[column], clock) for column in columns}

    def seal(self) -> None:
        """Pending changes become one group, which the node applies like anyone's."""
        keys = list(self.pending)
        parts = [keys[start : start + self.part] for start in range(0, len(keys), self.part)]
        first = self.vector.get(self.origin, 0) + 1
        for seq, part in enumerate(parts, first):
            rows = {key: self.version(key, seq) for key in part}
            group = (first, first + len(parts) - 1)
            self.shelf[self.origin, seq] = Packet((self.origin, seq), group, dict(self.vector), rows)
            self.apply(self.shelf[self.origin, seq])
        self.pending.clear()

    def version(self, key: str, seq: int) -> Version:
        """The whole row: a column that was not written keeps the value and the birth that are shown."""
        change = self.pending[key]
        _, values, births = (False, {}, {}) if change.fresh else show(self.policy, self.rows[key])
        written = {column: value for column, (value, _) in change.written.items()}
        born = {column: (clock, self.name, self.origin, seq) for column, (_, clock) in change.written.items()}
        birth = (change.clock, self.name, self.origin, seq)
        saw = {} if change.blind else dict(self.vector)
        return Version(birth, saw, values | written, births | born, change.deleted)

    def receive(self, packets: Iterable[Packet]) -> None:
        """Seal, then apply whatever is ready, until nothing is."""
        self.seal()
        self.shelf = {packet.dot: packet for packet in packets} | self.shelf
        while group := next((group for dot in sorted(self.shelf) if (group := self.ready(dot))), []):
            for packet in group:
                self.apply(packet)

    def ready(self, dot: Dot) -> list[Packet]:
        """The group that begins here, if it is whole and next and everything that its author had seen is here."""
        origin, seq = dot
        if seq != self.vector.get(origin, 0) + 1:
            return []
        group = [self.shelf.get((origin, part)) for part in range(seq, self.shelf[dot].group[1] + 1)]
        met = all(last <= self.vector.get(name, 0) for name, last in self.shelf[dot].context.items())
        whole = [packet for packet in group if packet is not None]
        return whole if met and len(whole) == len(group) else []

    def apply(self, packet: Packet) -> None:
        for key, version in packet.rows.items():
            self.rows[key] = [v for v in self.rows.get(key, []) if not aware(version.saw, v.birth)] + [version]
        self.vector[packet.dot[0]] = packet.dot[1]

    def join(self, rows: Mapping[str, Row], packets: Iterable[Packet]) -> None:
        """Rows that were there before the node joined: an old copy is no edit, the rest stands beside."""
        self.receive(packets)
        shown = self.view()
        had: dict[tuple[str, str], list[Any]] = {}
        for packet in self.shelf.values():
            for key, version in packet.rows.items():
                for column in self.columns:
                    had.setdefault((key, column), []).append(version.values.get(column))
        for key, given in rows.items():
            row = {column: given.get(column) for column in self.columns}
            equal = key in shown and all(alike([shown[key][column], value]) for column, value in row.items())
            old = all(any(alike([value, once]) for once in had.get((key, c), [])) for c, value in row.items())
            if not equal and not old:
                written = {column: (value, 0) for column, value in row.items()}
                self.pending[key] = Pending(0, fresh=True, blind=True, written=written)
        self.seal()
