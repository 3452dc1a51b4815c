"""A day's work in a database that hands out its own numbers: new rows in every table, some under new parents, edits
that meet the other sites' edits, leaves deleted. The same in every run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from tests.corpora.edits import Shape, shapes_of
from tests.corpora.portrait import roots_of
from tests.sync.sites import opened, quote

Values = dict[str, Any]
STEP = 16  # rows of a table that one day's edits and deletes are spread over


def in_order(shapes: dict[str, Shape]) -> list[Shape]:
    """Parents first, as far as references go in no circle."""
    lower = {name.lower(): shape for name, shape in shapes.items()}
    found: dict[str, Shape] = {}
    on_the_way: set[str] = set()

    def visit(shape: Shape) -> None:
        if shape.name in on_the_way:
            return
        on_the_way.add(shape.name)
        for parent, _ in shape.references.values():
            visit(lower[parent.lower()])
        found[shape.name] = shape

    for shape in shapes.values():
        visit(shape)
    return list(found.values())


@dataclass
class Day:
    """What site number `site` of `sites` writes on day `turn`, in one transaction. Rows that it deletes and counts as
    gone are touched by no other site."""

    db: Path
    site: int
    sites: int
    turn: int
    named: dict[tuple[str, str], str] = field(default_factory=dict)  # references that the schema does not declare
    born: Counter[str] = field(default_factory=Counter)
    gone: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    new: dict[str, list[Values]] = field(default_factory=dict)

    def work(self) -> Day:
        with opened(self.db) as self.connection:
            self.connection.execute("BEGIN")
            shapes = shapes_of(self.connection)
            self.roots = roots_of(self.connection, list(shapes), self.named)
            for (table, column), parent in self.named.items():
                shapes[table].references[column] = (parent, shapes[parent].key[0])
                shapes[parent].is_leaf = False
            self.by_lower = {name.lower(): shape for name, shape in shapes.items()}
            for shape in in_order(shapes):
                self.new[shape.name] = []
                for number in range(3):
                    self._bear(shape, number)
            for shape in shapes.values():
                self._lead_to_new_ones(shape)
                self._change(shape)
                self._delete(shape)
            self.connection.execute("COMMIT")
        return self

    @property
    def mark(self) -> str:
        return f"{self.site}.{self.turn}"

    def _bear(self, shape: Shape, number: int) -> None:
        """Number 0 hangs under parents that were there, 1 under new ones, 2 is the same on every site, but for what
        must not be."""
        own = self.roots.handed_out(shape.name)
        values = self._model(shape, number)
        if own:
            del values[own]
        for column in shape.references:
            values[column] = self._parent(shape, column, values[column], is_new=number == 1)
        must = {column for column in [*shape.key, *shape.unique] if column in values} - shape.references.keys()
        for column in must or {self._text(shape)} - {None} if number < 2 else must:
            values[column] = f"{str(values[column] or '')[:20]} {self.mark}.{number}"
        if shape.key and set(shape.key) <= shape.references.keys():
            values |= self._pair(shape, number)
        names, places = ", ".join(map(quote, values)), ", ".join("?" for _ in values)
        statement = f"INSERT INTO {quote(shape.name)} ({names}) VALUES ({places})"
        rowid = self.connection.execute(statement, tuple(values.values())).lastrowid
        self.new[shape.name].append({**values, own: rowid} if own else values)
        self.born[shape.name] += 1

    def _model(self, shape: Shape, number: int) -> Values:
        """A row that is there, or what an empty table may hold."""
        if shape.rows:
            return dict(zip(shape.columns, shape.rows[number % min(len(shape.rows), 3)], strict=True))
        return {column: 1 if "INT" in declared else "new" for column, declared in shape.columns.items()}

    def _text(self, shape: Shape) -> str | None:
        """A column with free text."""
        for column in shape.free:
            declared = shape.columns[column]
            if declared != "CHAR(1)" and ("CHAR" in declared or "TEXT" in declared):
                return column
        return None

    def _parent(self, shape: Shape, column: str, value: Any, *, is_new: bool) -> Any:
        parent, to = shape.references[column]
        there = self.by_lower[parent.lower()]
        born = self.new.get(there.name)
        if is_new and born:
            return born[0][to]
        if value is None or there.rows:
            return value
        return born[0][to] if born else None  # nothing but new ones in an empty table

    def _pair(self, shape: Shape, number: int) -> Values:
        """A key made of references: both parents there already, both new, one new."""
        taken = {shape.key_of(row) for row in shape.rows}
        old, new = [], []
        for column in shape.key:
            parent, to = shape.references[column]
            there = self.by_lower[parent.lower()]
            new.append([row[to] for row in self.new[there.name]])
            place = list(there.columns).index(to)
            old.append([row[place] for row in there.rows[:200]] or new[-1])
        if number == 0:
            free = [pair for pair in product(*old) if pair not in taken][self.site :: self.sites]
            return dict(zip(shape.key, free[self.turn], strict=True))
        picked = [values[1] for values in new] if number == 1 else [new[0][0], *(values[-1] for values in old[1:])]
        return dict(zip(shape.key, picked, strict=True))

    def _lead_to_new_ones(self, shape: Shape) -> None:
        """What could not refer to a new row when it was born does now: in a circle, where the schema has one. A row
        that was there is led elsewhere by every site."""
        for column, (parent, to) in shape.references.items():
            if column in shape.key:
                continue
            born = self.new[self.by_lower[parent.lower()].name]
            for number in (0, 1):
                self._set(shape, shape.key_of(tuple(self.new[shape.name][number][c] for c in shape.columns)),
                          column, born[1 - number][to])  # fmt: skip
            for row in self._rows(shape, 12):
                self._set(shape, shape.key_of(row), column, born[0][to])

    def _change(self, shape: Shape) -> None:
        for row in self._rows(shape, 13, 14 if self.site else 15, *([11] if shape.is_leaf and self.site == 1 else [])):
            if column := self._text(shape) or next(iter(shape.free), None):
                value = row[list(shape.columns).index(column)]
                number = isinstance(value, int | float)
                other = value + self.site + 1 if number else f"{str(value or '')[:20]} at {self.mark}"
                self._set(shape, shape.key_of(row), column, other)

    def _delete(self, shape: Shape) -> None:
        if not shape.is_leaf:
            return
        statement = f"DELETE FROM {quote(shape.name)} WHERE {shape.where}"
        for row in self._rows(shape, 2 * self.site, 2 * self.site + 1):
            self.gone[shape.name] += self.connection.execute(statement, shape.key_of(row)).rowcount
        if self.site == 0 and shape.free:  # site 1 goes on with it, and an update wins
            for row in self._rows(shape, 11):
                self.connection.execute(statement, shape.key_of(row))

    def _rows(self, shape: Shape, *places: int) -> list[tuple[Any, ...]]:
        """Rows of this day; of a small table that is no leaf any rows, of a small leaf none."""
        wanted = [self.turn * STEP + place for place in places]
        if shape.is_leaf:
            return [shape.rows[place] for place in wanted if place < len(shape.rows)]
        return [shape.rows[place] for place in {place % len(shape.rows) for place in wanted}] if shape.rows else []

    def _set(self, shape: Shape, key: tuple[Any, ...], column: str, value: Any) -> None:
        statement = f"UPDATE {quote(shape.name)} SET {quote(column)} = ? WHERE {shape.where}"
        self.changed[shape.name] += self.connection.execute(statement, (value, *key)).rowcount
