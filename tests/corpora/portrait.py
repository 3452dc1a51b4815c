"""What a database holds when its own numbers do not count: rows that refer to each other."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.sync.sites import opened, quote, tables_of

NUMBER = "a number of its own"
Colours = list[int]


@dataclass(frozen=True)
class Roots:
    """Which columns hold numbers that a database hands out: table and column -> the table that hands them out."""

    of: dict[tuple[str, str], str]

    def handed_out(self, table: str) -> str | None:
        """The column whose numbers a table hands out itself."""
        return next((column for (name, column), root in self.of.items() if name == table == root), None)


def roots_of(connection: sqlite3.Connection, tables: list[str], named: dict[tuple[str, str], str]) -> Roots:
    """INTEGER PRIMARY KEYs, and whatever refers to one, declared or `named`, however far away."""
    lower = {table.lower(): table for table in tables}
    links = [(table, column, parent, "") for (table, column), parent in named.items()]
    keys: dict[str, list[str]] = {}
    own: dict[tuple[str, str], str] = {}
    for table in tables:
        info = connection.execute(f"PRAGMA table_info({quote(table)})").fetchall()
        keys[table] = [entry[1] for entry in sorted(info, key=lambda entry: entry[5]) if entry[5]]
        if [entry[2].upper() for entry in info if entry[5]] == ["INTEGER"]:
            own[table, keys[table][0]] = table
        for link in connection.execute(f"PRAGMA foreign_key_list({quote(table)})").fetchall():
            links.append((table, link[3], lower[link[2].lower()], link[4] or ""))
    links = [(t, c, parent, to or keys[parent][0]) for t, c, parent, to in links]
    found = {place: root for place, root in own.items() if place not in {(t, c) for t, c, *_ in links}}
    size = -1
    while size != len(found):
        size = len(found)
        found |= {(t, c): found[parent, to] for t, c, parent, to in links if (parent, to) in found}
    return Roots(found)


@dataclass
class Row:
    """A row: what is no number, and for each number that leads somewhere the place of the row that it stands for."""

    table: str
    plain: tuple[str, ...]
    parents: list[tuple[int, int]] = field(default_factory=list)  # column, place of the parent


@dataclass
class Portrait:
    """All rows of a database, with what refers to what, up to numbers."""

    rows: list[Row]

    def count(self) -> Counter[str]:
        """Rows by table."""
        return Counter(row.table for row in self.rows)

    def colours(self) -> Iterator[Colours]:
        """Of each row a colour: first by its own values, then by those of its parents and children too, ever further,
        until it tells no more rows apart."""
        colours = [hash((row.table, row.plain)) for row in self.rows]
        classes = 0
        while classes != len(set(colours)):
            classes = len(set(colours))
            yield colours
            below: list[list[tuple[int, int]]] = [[] for _ in self.rows]
            for colour, row in zip(colours, self.rows, strict=True):
                for column, parent in row.parents:
                    below[parent].append((column, colour))
            colours = [
                # sorted, not summed: sums of Python's hashes are equal when two rows have swapped their children
                hash((colour, tuple(colours[parent] for _, parent in row.parents), tuple(sorted(children))))
                for colour, row, children in zip(colours, self.rows, below, strict=True)
            ]
        yield colours

    def unlike(self, other: Portrait) -> dict[str, tuple[list[tuple[str, ...]], list[tuple[str, ...]]]]:
        """Table -> rows of this one only, rows of the other only (some): of the first sight in which they differ."""
        for here, there in zip(self.colours(), other.colours(), strict=False):
            ours, theirs = Counter(here), Counter(there)
            if ours != theirs:
                mine, its = self._named(here, ours - theirs), other._named(there, theirs - ours)
                return {table: (mine.get(table, [])[:3], its.get(table, [])[:3]) for table in {**mine, **its}}
        return {}

    def _named(self, colours: Colours, wanted: Counter[int]) -> dict[str, list[tuple[str, ...]]]:
        found: dict[str, list[tuple[str, ...]]] = {}
        for colour, row in zip(colours, self.rows, strict=True):
            if colour in wanted:
                shown = (*row.plain, *(" ".join(self.rows[parent].plain) for _, parent in row.parents))
                found.setdefault(row.table, []).append(shown)
        return found


def exactly(column: str) -> str:
    """SQL: a value with its storage class."""
    c = quote(column)
    shown = f"CASE typeof({c}) WHEN 'blob' THEN hex({c}) WHEN 'text' THEN {c} ELSE quote({c}) END"
    return f"typeof({c}) || ':' || {shown}"


def portrait(db: Path, named: dict[tuple[str, str], str] | None = None) -> Portrait:
    """Reads a database. `named`: references that the schema does not declare, table and column -> parent."""
    with opened(db) as connection:
        tables = tables_of(connection)
        roots = roots_of(connection, tables, named or {})
        rows: list[Row] = []
        numbers: dict[tuple[str, str], int] = {}
        leading: list[tuple[Row, int, tuple[str, str], str]] = []
        for table in tables:
            columns = [entry[1] for entry in connection.execute(f"PRAGMA table_xinfo({quote(table)})")]
            exact = ", ".join(map(exactly, columns))
            own, held = roots.handed_out(table), [roots.of.get((table, column)) for column in columns]
            for values in connection.execute(f"SELECT {exact} FROM {quote(table)}"):
                plain = list(values)
                row = Row(table, ())
                for place, root in enumerate(held):
                    if root is None:
                        continue
                    if columns[place] == own:
                        numbers[table, values[place]] = len(rows)
                    else:
                        leading.append((row, place, (root, values[place]), values[place]))
                    plain[place] = NUMBER
                row.plain = tuple(plain)
                rows.append(row)
    for row, place, target, value in leading:
        if target in numbers:
            row.parents.append((place, numbers[target]))
        else:  # NULL, or what stands for no row: itself
            row.plain = (*row.plain[:place], value, *row.plain[place + 1 :])
    return Portrait(rows)
