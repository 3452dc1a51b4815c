"""Tables whose keys the database hands out, and an application that writes to them with a *mark* in every row.

The mark is drawn when a row is born and stands in each of its data columns, so that a row that mixes two births shows.
`under` says under which parent a row was put, by the parent's mark. A mark that begins with `cat` is of a catalogue
that every site enters for itself.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.property.application import Application

_PARENT = "REFERENCES {} ON UPDATE CASCADE ON DELETE {}"
SCHEMA = (
    "CREATE TABLE customer (id INTEGER PRIMARY KEY, mark, a, b, number UNIQUE)",
    "CREATE TABLE quote (id INTEGER PRIMARY KEY, mark, a, b, number UNIQUE, under,"
    f" ref INTEGER {_PARENT.format('customer', 'RESTRICT')})",
    "CREATE TABLE line (id INTEGER PRIMARY KEY AUTOINCREMENT, mark, a, b, under, code,"
    f" ref INTEGER NOT NULL {_PARENT.format('quote', 'CASCADE')}, UNIQUE (ref, code))",
    "CREATE TABLE memo (id INTEGER PRIMARY KEY, mark, a, b, under,"
    f" ref INT UNIQUE {_PARENT.format('quote', 'SET NULL')})",
    f"CREATE TABLE staff (id INTEGER PRIMARY KEY, mark, a, b, under, ref INT {_PARENT.format('staff', 'RESTRICT')})",
    "CREATE TABLE tag (id INTEGER PRIMARY KEY, mark, a, b, number UNIQUE)",
    f"CREATE TABLE quote_tag (ref INTEGER {_PARENT.format('quote', 'CASCADE')}, under,"
    f" tag INTEGER {_PARENT.format('tag', 'CASCADE')}, under_tag, a, PRIMARY KEY (ref, tag))",
    f"CREATE TABLE detail (ref INTEGER PRIMARY KEY {_PARENT.format('quote', 'CASCADE')}, under, a)",
)
# table -> its key
KEYS = {
    **dict.fromkeys(("customer", "quote", "line", "memo", "staff", "tag"), ("id",)),
    "quote_tag": ("ref", "tag"),
    "detail": ("ref",),
}
LOCAL = [name for name, key in KEYS.items() if key == ("id",)]
PARENTS = {"quote": "customer", "line": "quote", "memo": "quote", "staff": "staff", "quote_tag": "quote"}
PARENTS["detail"] = "quote"
COLUMNS = {
    "customer": ("id", "mark", "a", "b", "number"),
    "quote": ("id", "mark", "a", "b", "number", "under", "ref"),
    "line": ("id", "mark", "a", "b", "under", "code", "ref"),
    "memo": ("id", "mark", "a", "b", "under", "ref"),
    "staff": ("id", "mark", "a", "b", "under", "ref"),
    "tag": ("id", "mark", "a", "b", "number"),
    "quote_tag": ("ref", "under", "tag", "under_tag", "a"),
    "detail": ("ref", "under", "a"),
}
Row = dict[str, Any]
Rows = dict[str, dict[tuple[Any, ...], Row]]  # table -> key -> row


def mark_of(text: str) -> str:
    """The mark in a value."""
    return text.partition("|")[0]


@dataclass
class OwnApplication(Application):
    """A program with a connection that keeps foreign keys. `made` and `gone`: marks of rows that it inserted and
    deleted; `back`: of those that it deleted and put back; `had`: numbers that rows once had here."""

    path: Path
    name: str
    rng: random.Random
    born: int = 0
    made: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    back: set[str] = field(default_factory=set)
    had: set[tuple[str, str, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.db = sqlite3.connect(self.path, isolation_level=None, timeout=0)
        self.db.execute(f"PRAGMA journal_mode = {self.rng.choice(('wal', 'delete'))}")
        self.db.execute("PRAGMA synchronous = OFF")
        self.db.execute("PRAGMA foreign_keys = ON")
        self.db.execute(f"PRAGMA recursive_triggers = {self.rng.choice(('on', 'off'))}")
        for statement in SCHEMA:
            self.db.execute(statement)

    # -- looking

    def tables(self) -> Rows:
        found: Rows = {}
        for name, columns in COLUMNS.items():
            lines = self.db.execute(f"SELECT {', '.join(columns)} FROM {name}")
            rows = [dict(zip(columns, line, strict=True)) for line in lines]
            found[name] = {tuple(row[part] for part in KEYS[name]): row for row in rows}
        return found

    def marks(self) -> dict[tuple[str, str], int]:
        """(table, mark) -> number; of a catalogue's rows too."""
        return {(name, row["mark"]): row["id"] for name in LOCAL for row in self.tables()[name].values()}

    def new_mark(self, table: str) -> str:
        self.born += 1
        if table in ("tag", "customer") and self.rng.random() < 0.25:
            return f"cat-{self.rng.randrange(3)}"
        return f"{self.name}.{self.born}"

    # -- writing

    def attempt(self, clocks: Iterator[int], statements: list[tuple[str, tuple[Any, ...]]]) -> bool:
        """Runs statements in one transaction, each at a time of its own; False where the database refuses one."""
        before = self.marks()
        self.db.execute("BEGIN")
        try:
            for text, values in statements:
                newest = self.newest()
                self.db.execute(text, values)
                self.date(newest, next(clocks))
        except sqlite3.IntegrityError:
            self.db.execute("ROLLBACK")
            return False
        self.db.execute("COMMIT")
        after = self.marks()
        self.gone |= {mark for _, mark in before.keys() - after.keys()}
        self.made |= {mark for _, mark in after.keys() - before.keys()}
        self.had |= {(*place, number) for place, number in [*before.items(), *after.items()]}
        self.gone -= {mark for _, mark in after.keys() - before.keys()}
        return True

    def fresh(self, table: str, mark: str, clock: int) -> Row:
        """A new row's values, without its number."""
        rng = self.rng
        word = mark if mark.startswith("cat") else f"{mark}|{clock}"
        row: Row = {"mark": mark, "a": word, "b": word}
        if table in ("customer", "quote", "tag"):
            row["number"] = int(mark[4:]) if mark.startswith("cat") else rng.choice((None, None, *range(8)))
        if table == "line":
            row["code"] = rng.choice((None, 0, 1, 2))
        if table in PARENTS:
            row |= self.put_under(table, clock) or {}
        return row

    def put_under(self, table: str, clock: int) -> Row | None:
        """A parent for a row; None where there is none."""
        parents = list(self.tables()[PARENTS[table]].values())
        if not parents or (table in ("memo", "staff") and self.rng.random() < 0.3):
            return None
        parent = self.rng.choice(parents)
        return {"ref": parent["id"], "under": f"{parent['mark']}|{clock}"}


def insert(table: str, row: Mapping[str, Any], verb: str = "INSERT") -> tuple[str, tuple[Any, ...]]:
    names = ", ".join(row)
    return f"{verb} INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})", tuple(row.values())


def update(table: str, key: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[str, tuple[Any, ...]]:
    sets = ", ".join(f"{name} = ?" for name in values)
    where = " AND ".join(f"{name} = ?" for name in key)
    return f"UPDATE {table} SET {sets} WHERE {where}", (*values.values(), *key.values())


def delete(table: str, key: Mapping[str, Any]) -> tuple[str, tuple[Any, ...]]:
    return f"DELETE FROM {table} WHERE {' AND '.join(f'{name} = ?' for name in key)}", tuple(key.values())
