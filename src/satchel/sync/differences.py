"""Where two states of one network differ, row by row: a database and what its packets come to (PROTOCOL, Equality).

Both are read in the order of their keys, side by side. A row is an object here only while it is compared; some of
those that differ are all that is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from satchel.model.value import Value, to_json
from satchel.stores.look import KeptVersion, Key, Look, ShownRow, StandingRow, rank

CHANGED, ADDED, LOST, VERSIONS, IMAGE, APART = "changed", "added", "lost", "versions", "image", "apart"
# What each means, for a person.
MEANINGS = {
    CHANGED: "changed past the triggers, or damaged",
    ADDED: "here, and not in the packets: written past the triggers",
    LOST: "in the packets, and not here: deleted past the triggers, or lost",
    VERSIONS: "the books name other versions than the packets",
    IMAGE: "a version that is kept for a conflict or a deleted row is another one in the packets",
    APART: "kept aside here or by the packets, and not by both",
}
_NAMED = 1000  # rows that are kept with their values; the rest is counted
Row = TypeVar("Row", ShownRow, StandingRow, KeptVersion)


@dataclass(slots=True)
class Difference:
    """One row that is not the same. `here`, `there`: the values of the columns that differ; None: no such row."""

    table: str
    key: Key
    own_key: Key
    what: str
    columns: Sequence[str] = ()
    here: Mapping[str, Value] | None = None
    there: Mapping[str, Value] | None = None

    def as_json(self) -> dict[str, Any]:
        """For reports; `packets` is what the packets say."""
        sides = {"here": self.here, "packets": self.there}
        return {
            "table": self.table,
            "key": [to_json(value) for value in self.own_key],
            "identity": [to_json(value) for value in self.key],
            "what": self.what,
            "means": MEANINGS[self.what],
            "columns": list(self.columns),
            **{n: None if row is None else {c: to_json(v) for c, v in row.items()} for n, row in sides.items()},
        }


@dataclass(slots=True)
class Differences:
    """What was compared, and what differs. `rows`: shown rows that were looked at; `found`: some of `count`."""

    rows: int = 0
    count: int = 0
    found: list[Difference] = field(default_factory=list)
    columns: dict[str, set[str]] = field(default_factory=dict)  # by table, those with differing values


def compare(here: Look, there: Look) -> Differences:
    """Compares two looks of one vector. Rows with edits that are not sealed here are passed over."""
    result = Differences()
    for name in here.tables:
        if name in there.tables:
            _Table(here, there, name, result).compare()
    return result


class _Table:
    """One table; each row that differs once, by the first thing that tells it best."""

    def __init__(self, here: Look, there: Look, name: str, result: Differences) -> None:
        self.here, self.there, self.name, self.result = here, there, name, result
        self.names = here.tables[name].names
        self.pending: Collection[Key] = here.pending(name)
        self.told: set[Key] = set()
        places = here.here(name), there.here(name)
        every = range(len(self.names))
        self.places = [p for p in every if all(have is None or p in have for have in places)]
        if here.tables[name].scope == "local":  # the number is each database's own; the key is the gid
            own = self.names.index(here.tables[name].key[0])
            self.places = [place for place in self.places if place != own]

    def compare(self) -> None:
        """All of it."""
        for mine, theirs in _side_by_side(self.here.shown(self.name), self.there.shown(self.name), _by_key):
            self.result.rows += mine is not None
            self._shown(mine, theirs)
        for one, other in _side_by_side(self.here.standing(self.name), self.there.standing(self.name), _by_key):
            self._standing(one, other)
        for this, that in _side_by_side(self.here.kept(self.name), self.there.kept(self.name), _by_dot):
            if this is not None and that is not None and (columns := self._columns(this, that)):
                self._tell(IMAGE, this.key, columns, this, that)
        ours, others = self.here.apart(self.name), self.there.apart(self.name)
        for key in ours.keys() | others.keys():
            if ours.get(key) != others.get(key):
                self._tell(APART, key)

    def _shown(self, mine: ShownRow | None, theirs: ShownRow | None) -> None:
        if mine is None and theirs is not None:
            self._tell(LOST, theirs.key, (), None, theirs)
        elif theirs is None and mine is not None:
            self._tell(ADDED, mine.key, (), mine, None)
        elif mine is not None and theirs is not None:
            if _alike(mine.values, theirs.values) and mine.lacks == theirs.lacks:
                return
            if columns := self._columns(mine, theirs):
                self._tell(CHANGED, mine.key, columns, mine, theirs)

    def _standing(self, mine: StandingRow | None, theirs: StandingRow | None) -> None:
        if mine is not None and theirs is not None:
            if mine.dots != theirs.dots or mine.alive != theirs.alive:
                self._tell(VERSIONS, mine.key)
            return
        row = mine or theirs
        if row is not None and (row.alive or not (self.here.forgot or self.there.forgot)):
            self._tell(VERSIONS, row.key)

    def _columns(self, mine: ShownRow | KeptVersion, theirs: ShownRow | KeptVersion) -> list[str]:
        """The columns that differ. One that nobody ever wrote shows this database's default."""
        lacks = mine.lacks | theirs.lacks
        pairs = ((p, mine.values[p], theirs.values[p]) for p in self.places if not lacks >> p & 1)
        return [self.names[place] for place, one, other in pairs if not _alike((one,), (other,))]

    def _tell(
        self,
        what: str,
        key: Key,
        columns: Sequence[str] = (),
        mine: ShownRow | KeptVersion | None = None,
        theirs: ShownRow | KeptVersion | None = None,
    ) -> None:
        if key in self.told or key in self.pending:
            return
        self.told.add(key)
        self.result.count += 1
        self.result.columns.setdefault(self.name, set()).update(columns)
        if len(self.result.found) < _NAMED:
            own = self.here.own_key(self.name, key)
            here, there = (None if row is None else self._row(row, columns) for row in (mine, theirs))
            self.result.found.append(Difference(self.name, key, own, what, columns, here, there))

    def _row(self, row: ShownRow | KeptVersion, columns: Sequence[str]) -> dict[str, Value]:
        named = zip(self.names, row.values, strict=True)
        return {name: value for name, value in named if not columns or name in columns}


def _alike(one: Sequence[Value], other: Sequence[Value]) -> bool:
    """Equal, each of one storage class: 1 and 1.0 are two values."""
    return one == other and list(map(type, one)) == list(map(type, other))


def _by_key(row: ShownRow | StandingRow) -> Any:
    return rank(row.key)


def _by_dot(row: KeptVersion) -> Any:
    return rank(row.key), row.dot


def _side_by_side(one: Iterable[Row], other: Iterable[Row], order: Any) -> Iterator[tuple[Row | None, Row | None]]:
    """Pairs of rows with equal keys; a row that the other side lacks is paired with None."""
    left, right = iter(one), iter(other)
    mine, theirs = next(left, None), next(right, None)
    while mine is not None or theirs is not None:
        if mine is None or theirs is None:
            yield mine, theirs
            mine, theirs = next(left, None), next(right, None)
            continue
        first, second = order(mine), order(theirs)
        if first == second:
            yield mine, theirs
            mine, theirs = next(left, None), next(right, None)
        elif first < second:
            yield mine, None
            mine = next(left, None)
        else:
            yield None, theirs
            theirs = next(right, None)
