"""Edits such as an application makes, the same in every run: updates, rows with fresh keys, leaves deleted."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.sync.sites import opened, quote, tables_of


@dataclass
class Shape:
    """What the edits must know of a table."""

    name: str
    columns: dict[str, str]  # name -> declared type
    key: list[str]
    references: dict[str, tuple[str, str]]  # column -> table and column that it refers to
    unique: set[str]  # columns of unique indexes that are not the key
    is_leaf: bool = True
    rows: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def free(self) -> list[str]:
        """Columns that may change without touching a constraint between sites."""
        bound = {*self.key, *self.references, *self.unique}
        return [name for name in self.columns if name not in bound]

    @property
    def where(self) -> str:
        return " AND ".join(f"{quote(name)} IS ?" for name in self.key)

    def key_of(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(row[list(self.columns).index(name)] for name in self.key)


def shapes_of(connection: sqlite3.Connection) -> dict[str, Shape]:
    found = {}
    for table in tables_of(connection):
        info = connection.execute(f"PRAGMA table_info({quote(table)})").fetchall()
        keys = [entry[1] for entry in sorted(info, key=lambda entry: entry[5]) if entry[5]]
        links = connection.execute(f"PRAGMA foreign_key_list({quote(table)})").fetchall()
        unique = set()
        for index in connection.execute(f"PRAGMA index_list({quote(table)})").fetchall():
            if index[2] and index[3] != "pk":
                unique |= {entry[2] for entry in connection.execute(f"PRAGMA index_info({quote(index[1])})")}
        references = {link[3]: (link[2], link[4] or link[3]) for link in links}
        found[table] = Shape(table, {entry[1]: entry[2].upper() for entry in info}, keys, references, unique)
    lower = {name.lower(): name for name in found}
    for shape in found.values():
        for parent, _ in shape.references.values():
            found[lower[parent.lower()]].is_leaf = False
        shape.rows = connection.execute(
            f"SELECT * FROM {quote(shape.name)} ORDER BY {', '.join(map(quote, shape.key)) or '1'}"
        ).fetchall()
    return found


@dataclass
class Editor:
    """Edits of one site: number `site` of `sites`, in round `turn`. Rows that two sites delete or bear never clash in a
    constraint; they may well update the same row, or one what the other deletes."""

    db: Path
    site: int
    sites: int
    turn: int
    done: dict[str, int] = field(default_factory=lambda: {"updated": 0, "inserted": 0, "deleted": 0, "refused": 0})

    def edit(self) -> dict[str, int]:
        """A day's work; how many statements did what."""
        self.random = random.Random(self.site * 1000 + self.turn)
        with opened(self.db) as connection:
            for shape in shapes_of(connection).values():
                if shape.key and shape.rows:
                    self._edit(connection, shape)
        return self.done

    def _edit(self, connection: sqlite3.Connection, shape: Shape) -> None:
        for row in self._some(shape.rows, 12):
            self._update(connection, shape, row)
        for number, row in enumerate(self._some(shape.rows, 6)):
            self._insert(connection, shape, row, number)
        if shape.is_leaf:
            for row in self._some(shape.rows, 8):
                statement = f"DELETE FROM {quote(shape.name)} WHERE {shape.where}"
                self._run(connection, "deleted", statement, shape.key_of(row))

    def _some(self, rows: list[tuple[Any, ...]], number: int) -> list[tuple[Any, ...]]:
        return self.random.sample(rows, min(number, max(1, len(rows) // 4)))

    def _run(self, connection: sqlite3.Connection, what: str, statement: str, values: tuple[Any, ...]) -> None:
        try:
            cursor = connection.execute(statement, values)
        except sqlite3.IntegrityError:
            self.done["refused"] += 1  # a CHECK of the application
        else:
            self.done[what] += max(cursor.rowcount, 0)

    def _update(self, connection: sqlite3.Connection, shape: Shape, row: tuple[Any, ...]) -> None:
        if not shape.free:
            return
        picked = self.random.sample(shape.free, min(len(shape.free), self.random.choice([1, 1, 2])))
        values = [self._other(shape, name, row) for name in picked]
        assignments = ", ".join(f"{quote(name)} = ?" for name in picked)
        statement = f"UPDATE {quote(shape.name)} SET {assignments} WHERE {shape.where}"
        self._run(connection, "updated", statement, (*values, *shape.key_of(row)))

    def _other(self, shape: Shape, column: str, row: tuple[Any, ...]) -> Any:
        value, declared = row[list(shape.columns).index(column)], shape.columns[column]
        mark = f"{self.site}.{self.turn}"
        if isinstance(value, int):
            return value + 1 + self.random.randrange(50)
        if isinstance(value, float):
            return round(value * 1.1 + self.site, 2)
        if isinstance(value, bytes) or "BLOB" in declared:
            return bytes([self.site, self.turn, *self.random.randbytes(20)])
        if value is None or self.random.random() < 0.8:
            return f"{(value or '')[:40]} \u2713{mark}"
        return value.upper()

    def _insert(self, connection: sqlite3.Connection, shape: Shape, row: tuple[Any, ...], number: int) -> None:
        """A copy of a row under a fresh key; where the key is made of references, another pair of the same parents."""
        values = dict(zip(shape.columns, row, strict=True))
        for column in shape.unique - shape.references.keys():
            values[column] = f"{values[column]} {self.site}.{self.turn}.{number}"
        own = [name for name in shape.key if name not in shape.references]
        for name in own:
            fresh = 1_000_000 + self.site * 10_000 + self.turn * 100 + number
            values[name] = fresh if isinstance(values[name], int) else f"S{fresh}"
        if not own:
            pair = self._pair(shape)
            if pair is None:
                return
            values |= dict(zip(shape.key, pair, strict=True))
        places = ", ".join("?" for _ in values)
        names = ", ".join(map(quote, values))
        self._run(
            connection,
            "inserted",
            f"INSERT INTO {quote(shape.name)} ({names}) VALUES ({places})",
            tuple(values.values()),
        )

    def _pair(self, shape: Shape) -> tuple[Any, ...] | None:
        """Parents that are not joined yet, of those that this site takes."""
        taken = {shape.key_of(row) for row in shape.rows}
        parts = [sorted({key[place] for key in taken}, key=str) for place in range(len(shape.key))]
        for _ in range(100):
            pair = tuple(self.random.choice(part) for part in parts)
            if pair not in taken and sum(map(len, map(str, pair))) % self.sites == self.site:
                shape.rows.append(tuple(dict(zip(shape.key, pair, strict=True)).get(name) for name in shape.columns))
                return pair
        return None
