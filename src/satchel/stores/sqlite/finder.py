"""Which rows hold certain values: rivals for a unique key, children and parents of a row (PROTOCOL, Constraints).

A landing is asked before it writes, so the rows are looked for in the application's table, among the staged ones and
among those set apart. What is found may have changed since: it is only a row to look at.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from satchel.model.default import default_value
from satchel.model.schema import ForeignKey
from satchel.model.value import Value
from satchel.stores.base import Rules
from satchel.stores.sqlite import apart
from satchel.stores.sqlite.cases import Case, Cases
from satchel.stores.sqlite.connection import quote, tolerant
from satchel.stores.sqlite.layout import Layout, compared
from satchel.stores.sqlite.schema import table_columns
from satchel.stores.sqlite.stage import at_key

Row = Mapping[str, Value]
SET_DEFAULT = "SET DEFAULT"


@dataclass(frozen=True, slots=True)
class Outward:
    """A declared reference to a table of this database that is not replicated."""

    parent: str
    source: str  # the table, quoted
    columns: tuple[str, ...]  # its columns that are referred to, quoted
    places: tuple[int, ...]  # of the columns that refer to them


class Finder:
    """Looks rows up for one landing."""

    def __init__(self, cases: Cases) -> None:
        self.cases = cases
        self.db = cases.db
        self.layouts = cases.layouts
        self._by_name = {name.lower(): layout for name, layout in cases.layouts.items()}
        self._outward: dict[str, list[Outward]] = {}
        self._children: dict[str, list[tuple[Layout, ForeignKey]]] = {name: [] for name in self._by_name}
        self._parents: dict[str, list[tuple[Layout, ForeignKey]]] = {name: [] for name in self._by_name}
        for layout in cases.layouts.values():
            for key in layout.table.foreign_keys:
                parent = self._by_name.get(key.parent.lower())
                if key.declared and parent is not None and "" not in key.parent_columns:
                    self._children[parent.table.name.lower()].append((layout, key))
                    self._parents[layout.table.name.lower()].append((parent, key))

    def children_of(self, layout: Layout) -> Sequence[tuple[Layout, ForeignKey]]:
        """(child table, its reference) for every constraint that leads to a table."""
        return self._children[layout.table.name.lower()]

    def parents_of(self, layout: Layout) -> Sequence[tuple[Layout, ForeignKey]]:
        """(parent table, the reference) for every constraint of a table."""
        return self._parents[layout.table.name.lower()]

    def outward_of(self, layout: Layout) -> Sequence[Outward]:
        """References of a table to tables that are here and not replicated; the network does not keep them."""
        if layout.table.name not in self._outward:
            found = (self._lead_out(layout, key) for key in layout.table.foreign_keys if key.declared)
            self._outward[layout.table.name] = [reference for reference in found if reference is not None]
        return self._outward[layout.table.name]

    def _lead_out(self, layout: Layout, key: ForeignKey) -> Outward | None:
        if key.parent.lower() in self._by_name:
            return None
        there = {name.lower() for name, *_ in table_columns(self.db, key.parent)}
        if not all(name.lower() in there for name in key.parent_columns):
            return None
        places = tuple(layout.place(name) for name in key.columns)
        columns = tuple(quote(name) for name in key.parent_columns)
        return Outward(key.parent, f"main.{quote(key.parent)}", columns, places)

    def is_free(self, layout: Layout) -> bool:
        """Whether no constraint of the network concerns a table."""
        return not (layout.table.unique or self.children_of(layout) or self.parents_of(layout))

    def rivals(self, case: Case, row: Row) -> Iterator[Case]:
        """Rows that claim one of the row's unique values."""
        layout = case.layout
        for unique in layout.table.unique_keys:
            yield from self.holders(layout, unique.columns, unique.columns, row, collations=unique.collations)
        key = case.shown_key(row)
        if key is not None and None not in key:  # a twin stands for its parent: it claims the key that it moves to
            for other in {tuple(key), apart.own_key(self.db, layout, key)}:
                if (rival := self.cases.find(layout, other)) is not None:
                    yield rival

    def children(self, case: Case, row: Row) -> Iterator[Case]:
        """Rows that refer to the row by these values of it, or would by their defaults."""
        for layout, key in self.children_of(case.layout):
            yield from self.holders(layout, key.columns, key.parent_columns, row)
            if self._is_default(layout, key, row):
                for place, _ in list(apart.every(self.db, layout, f"status = '{apart.NOTED}'")):
                    if (child := self.cases.find(layout, place)) is not None:
                        yield child

    def parents(self, case: Case, row: Row) -> Iterator[Case]:
        """Rows, gone ones too, that the row refers to, or would by its defaults."""
        for layout, key in self.parents_of(case.layout):
            yield from self.holders(layout, key.parent_columns, key.columns, row, gone=True)
            if key.on_delete.upper() == SET_DEFAULT:
                given = defaults_in(case.layout, key)
                yield from self.holders(layout, key.parent_columns, key.columns, {**row, **given}, gone=True)

    @staticmethod
    def _is_default(child: Layout, key: ForeignKey, row: Row) -> bool:
        """Whether a child that forgets its parent comes to refer to this row."""
        if key.on_delete.upper() != SET_DEFAULT:
            return False
        given = defaults_in(child, key)
        pairs = zip(key.columns, key.parent_columns, strict=True)
        return all(given[one] is not None and given[one] == _value(row, two) for one, two in pairs)

    def holders(
        self,
        layout: Layout,
        wanted: Sequence[str],
        given: Sequence[str],
        row: Row,
        *,
        gone: bool = False,
        collations: tuple[str, ...] = (),
    ) -> Iterator[Case]:
        """Rows whose `wanted` columns hold what `row` has in the `given` ones, by their own collations or by these."""
        values = [_value(row, name) for name in given]
        if None in values:
            return
        places = [layout.place(name) for name in wanted]
        if sorted(places) == sorted(layout.key_places) and not collations:
            key = tuple(values[places.index(place)] for place in layout.key_places)
            case = self.cases.find(layout, key)
            yield from () if case is None else (case,)
            return
        for key in self._keys(layout, places, values, gone=gone, collations=collations):
            if (case := self.cases.find(layout, key)) is not None:
                yield case

    def _keys(
        self, layout: Layout, places: Sequence[int], values: Sequence[Value], *, gone: bool, collations: tuple[str, ...]
    ) -> list[tuple[Value, ...]]:
        numbers = self.cases.numbers
        slots = tuple(layout.slots[place] for place in places)
        terms = compared(slots, collations)
        here = [numbers.value_to_local(layout, place, v) for place, v in zip(places, values, strict=True)]
        found = []
        if None not in here:
            names = compared([layout.columns[place] for place in places], collations)
            own = self._query(layout.source, layout.key_names, names, here)
            found += [apart.own_key(self.db, layout, numbers.key_to_wire(layout, key)) for key in own]
        found += self._query(layout.apart, layout.keys, terms, values)
        stage = self.cases.stages.get(layout.table.name)
        if stage is not None:
            self.cases.index(stage, slots, collations)
            found += self._query(stage.name, layout.key_slots, terms, values)
        if gone:
            found += self._query(layout.images, layout.keys, terms, values)
        return found

    def _query(
        self, source: str, keys: Sequence[str], columns: Sequence[str], values: Sequence[Value]
    ) -> list[tuple[Value, ...]]:
        where, bound = at_key(columns, values)
        with tolerant(self.db):
            return self.db.execute(f"SELECT {', '.join(keys)} FROM {source} WHERE {where}", bound).fetchall()


def defaults_in(layout: Layout, key: ForeignKey) -> dict[str, Value]:
    """What a forgotten reference holds."""
    return {name: default_value(layout.table.columns[layout.place(name)]) for name in key.columns}


def dependants(
    db: sqlite3.Connection, layouts: Mapping[str, Layout], rules: Rules, layout: Layout, key: Sequence[Value]
) -> list[tuple[str, tuple[Value, ...], ForeignKey]]:
    """(table, key, its reference) of the rows that refer to one, hidden ones among them."""
    cases = Cases(db, layouts, rules, 0, {}, {}, own=True)
    finder = Finder(cases)
    case = cases.find(layout, key)
    found: dict[tuple[str, tuple[Value, ...]], ForeignKey] = {}
    if case is None:
        return []
    for child_layout, reference in finder.children_of(layout):
        for child in finder.holders(child_layout, reference.columns, reference.parent_columns, case.last_values):
            if child.values is not None:
                found.setdefault((child_layout.table.name, child.key), reference)
    return [(table, child_key, reference) for (table, child_key), reference in found.items()]


def _value(row: Row, name: str) -> Value:
    """A column's value; references may spell the name in another case."""
    if name in row:
        return row[name]
    return next((value for column, value in row.items() if column.lower() == name.lower()), None)
