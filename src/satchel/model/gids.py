"""Global identities of rows whose key is a number that each database hands out (PROTOCOL, Whose key is it?)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from satchel.model.ids import ORIGIN_NAME

if TYPE_CHECKING:
    from satchel.model.schema import Column, ForeignKey, Table

# In the syntax that Python and Arrow share. A number of 19 digits may still exceed 64 bits.
GID_PATTERN = rf"{ORIGIN_NAME.pattern}:(0|-?[1-9][0-9]{{0,18}}):[0-9a-f]{{8}}"
_GID = re.compile(GID_PATTERN)
_INT64 = range(-(2**63), 2**63)

Place = tuple[str, str]  # table, column, as the tables spell them


class Gid(NamedTuple):
    """Where and as which number a row was born, and 8 hex digits drawn at the seal that bore it."""

    origin: str
    number: int
    nonce: str

    def __str__(self) -> str:
        return f"{self.origin}:{self.number}:{self.nonce}"


class Clash(NamedTuple):
    """A column that refers to several tables with own numbers: it is read as a reference to `taken`."""

    table: str
    column: str
    taken: str
    passed_over: tuple[str, ...]


def make_gid(origin: str, number: int, nonce: str) -> str:
    """The gid of a row as it stands in packets. ValueError if a part is none."""
    text = str(Gid(origin, number, nonce))
    parse_gid(text)
    return text


def parse_gid(text: str) -> Gid:
    """A gid's parts; ValueError otherwise."""
    if not is_gid(text):
        raise ValueError(f"{text!r} is no gid")
    origin, number, nonce = text.split(":")
    return Gid(origin, int(number), nonce)


def is_gid(value: object) -> bool:
    """Whether a value is the text of a gid."""
    return isinstance(value, str) and _GID.fullmatch(value) is not None and int(value.split(":")[1]) in _INT64


def gid_columns(tables: Iterable[Table]) -> dict[Place, str]:
    """Columns that hold gids on the wire: (table, column) -> root, the table that hands out the numbers.

    They are the key column of each table of scope local, and every column that refers, through declared references or
    named ones, to such a column: self-references, cycles and parts of composite keys included. It does not depend on
    the order of the tables; of several roots the one of the first reference that leads to any is taken.
    """
    return _Roots(tables).taken()


def gid_clashes(tables: Iterable[Table]) -> list[Clash]:
    """Columns that refer to several roots, in the order of the tables' names."""
    return _Roots(tables).clashes()


def typed(tables: Iterable[Table]) -> tuple[Table, ...]:
    """The tables as they are on the wire: a reference to a number that a database handed out is the parent's gid, and
    so text. The key column of a local table keeps its type: it holds the author's own number."""
    tables = tuple(tables)
    found = gid_columns(tables)

    def column(table: Table, column: Column) -> Column:
        own = table.scope == "local" and column.name in table.key
        return column if own or (table.name, column.name) not in found else replace(column, type="string")

    return tuple(replace(table, columns=tuple(column(table, c) for c in table.columns)) for table in tables)


class _Roots:
    """The least fixpoint of "refers to", over columns."""

    def __init__(self, tables: Iterable[Table]) -> None:
        self._tables = sorted(tables, key=lambda table: table.name)
        self._spelt = {(t.name.lower(), name.lower()): (t.name, name) for t in self._tables for name in t.names}
        # in the order of declaration
        self._parents: Mapping[Place, list[Place]] = defaultdict(list)
        for table in self._tables:
            for key in table.foreign_keys:
                for here, there in self._pairs(table, key):
                    self._parents[here].append(there)
        self._roots = self._fixpoint()

    def _pairs(self, table: Table, key: ForeignKey) -> Iterator[tuple[Place, Place]]:
        # it names no columns, and the parent has no such key
        if "" in key.parent_columns or len(key.columns) != len(key.parent_columns):
            return
        for here, there in zip(key.columns, key.parent_columns, strict=True):
            child = self._spelt.get((table.name.lower(), here.lower()))
            parent = self._spelt.get((key.parent.lower(), there.lower()))
            if child is not None and parent is not None:
                yield child, parent

    def _fixpoint(self) -> dict[Place, frozenset[str]]:
        own = {(t.name, name): frozenset({t.name}) for t in self._tables if t.scope == "local" for name in t.key}
        found = dict(own)
        moved = True
        while moved:
            moved = False
            for place, parents in self._parents.items():
                roots = frozenset().union(*(found.get(parent, frozenset()) for parent in parents))
                if place not in own and roots - found.get(place, frozenset()):
                    found[place] = found.get(place, frozenset()) | roots
                    moved = True
        return found

    def taken(self) -> dict[Place, str]:
        return {place: self._taken(place, frozenset()) or min(roots) for place, roots in self._roots.items()}

    def _taken(self, place: Place, path: frozenset[Place]) -> str | None:
        """The root of the first reference that leads to one; None: it leads only round in a circle."""
        roots = self._roots.get(place, frozenset())
        if len(roots) < 2:
            return next(iter(roots), None)
        steps = (self._taken(parent, path | {place}) for parent in self._parents[place] if parent not in path)
        return next((root for root in steps if root is not None), None)

    def clashes(self) -> list[Clash]:
        several = sorted(place for place, roots in self._roots.items() if len(roots) > 1)
        taken = self.taken()
        return [Clash(*p, taken[p], tuple(sorted(self._roots[p] - {taken[p]}))) for p in several]
