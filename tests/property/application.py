"""The application of a node under test: two small tables, and statements of every kind that a program may run.

Each statement's capture is given the wall clock that the test wants, by rewriting the `at` of the log rows that it
appended: the triggers ask the database for the time, and a test must decide it.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COLUMNS = ("a", "b", "c", "d")
VALUES: dict[str, tuple[Any, ...]] = {
    "a": (None, "", "x", "y", "X"),
    "b": (None, 0, 1, 2),
    "c": (None, 0, "0", "x", b"x", 1.5),
    "d": (None, 0.5, 1, "z"),
}
TABLES = {"alpha": ("k",), "beta": ("p", "q")}
KEYS = [("alpha", ("k0",)), ("alpha", ("k1",)), ("alpha", ("k2",)), ("beta", ("p", "q0")), ("beta", ("p", "q1"))]
KINDS = ("insert", "update", "delete", "replace", "upsert", "ignore", "twice", "again", "rename", "undone", "sweep")
_TYPES = {"a": "TEXT", "b": "INTEGER", "c": "", "d": "NUMERIC"}
_JULIAN_1970, _DAY_MS = 2440587.5, 86400000.0

Key = tuple[str, tuple[str, ...]]
Row = dict[str, Any]
Writes = list[tuple[str, Row | None]]  # in order; None: deleted


def name_of(key: Key) -> str:
    """The key as the reference model has it."""
    return "/".join((key[0], *key[1]))


def key_of(name: str) -> Key:
    table, *parts = name.split("/")
    return table, tuple(parts)


@dataclass(frozen=True)
class Statement:
    """What a program does to one row; `values` what it writes."""

    kind: str
    key: Key
    values: Mapping[str, Any]
    other: Key | None = None  # rename: the new key

    @staticmethod
    def draw(rng: random.Random) -> Statement:
        key = rng.choice(KEYS)
        some = rng.sample(COLUMNS, rng.choice((1, 1, 2)))
        kind = rng.choice(KINDS)
        names = COLUMNS if kind in ("insert", "replace", "upsert", "ignore", "again") else some
        values = {name: rng.choice(VALUES[name]) for name in names}
        other = rng.choice([k for k in KEYS if k[0] == key[0]]) if kind == "rename" else None
        return Statement(kind, key, values, other)


class Application:
    """A program with an open connection to its database."""

    def __init__(self, path: Path, rng: random.Random, copy_of: Application | None = None) -> None:
        self.path = path
        self.db = sqlite3.connect(path, isolation_level=None, timeout=0)
        self.db.execute(f"PRAGMA journal_mode = {rng.choice(('wal', 'delete'))}")
        self.db.execute("PRAGMA synchronous = OFF")
        self.db.execute(f"PRAGMA recursive_triggers = {rng.choice(('on', 'off'))}")
        if copy_of is not None:
            copy_of.db.backup(self.db)
            return
        for table, keys in TABLES.items():
            columns = [f"{name} {_TYPES[name]}" for name in rng.sample(COLUMNS, len(COLUMNS))]
            columns[rng.randrange(5) : 0] = [f"{key} TEXT NOT NULL" for key in keys]
            rest = " WITHOUT ROWID" if table == "beta" else ""
            self.db.execute(f"CREATE TABLE {table} ({', '.join(columns)}, PRIMARY KEY ({', '.join(keys)})){rest}")

    def close(self) -> None:
        self.db.close()

    def rows(self) -> dict[str, Row]:
        """Every row, under the names of the reference model."""
        found = {}
        for table, keys in TABLES.items():
            for line in self.db.execute(f"SELECT {', '.join((*keys, *COLUMNS))} FROM {table}"):
                key = (table, tuple(line[: len(keys)]))
                found[name_of(key)] = dict(zip(COLUMNS, line[len(keys) :], strict=True))
        return found

    def fill(self, rows: Mapping[str, Row]) -> None:
        """Inserts rows."""
        for name, row in rows.items():
            self._add("INSERT", key_of(name), row)

    def run(self, statement: Statement, clock: int) -> Writes:
        """Runs a statement with the node's clock at `clock` milliseconds; what it wrote."""
        newest = self.newest()
        wrote: Writes = getattr(self, f"_{statement.kind}")(statement)
        self.date(newest, clock)
        return wrote

    def newest(self) -> dict[str, int]:
        """The last row of each log."""
        return {log: self._newest(log) for log in self._logs()}

    def date(self, newest: Mapping[str, int], clock: int) -> None:
        """Gives the log rows behind these the time `clock`."""
        for log, last in newest.items():
            at = clock / _DAY_MS + _JULIAN_1970
            self.db.execute(f"UPDATE {log} SET at = ? WHERE id > ?", (at, last))

    def _logs(self) -> list[str]:
        query = "SELECT name FROM sqlite_master WHERE name LIKE '\\_satchel\\_log\\_%' ESCAPE '\\' AND type = 'table'"
        return [name for (name,) in self.db.execute(query)]

    def _newest(self, log: str) -> int:
        (number,) = self.db.execute(f"SELECT coalesce(max(id), 0) FROM {log}").fetchone()
        return int(number)

    # -- statements; each is written as programs write it

    def _where(self, key: Key) -> str:
        return " AND ".join(f"{name} = '{part}'" for name, part in zip(TABLES[key[0]], key[1], strict=True))

    def _is_there(self, key: Key) -> bool:
        query = f"SELECT 1 FROM {key[0]} WHERE {self._where(key)}"
        return self.db.execute(query).fetchone() is not None

    def _add(self, verb: str, key: Key, row: Mapping[str, Any], rest: str = "") -> None:
        names = (*TABLES[key[0]], *row)
        marks = ", ".join("?" * len(names))
        text = f"{verb} INTO {key[0]} ({', '.join(names)}) VALUES ({marks}) {rest}"
        self.db.execute(text, (*key[1], *row.values()))

    def _set(self, key: Key, values: Mapping[str, Any]) -> None:
        sets = ", ".join(f"{name} = ?" for name in values)
        self.db.execute(f"UPDATE {key[0]} SET {sets} WHERE {self._where(key)}", tuple(values.values()))

    def _update(self, s: Statement) -> Writes:
        self._set(s.key, s.values)
        return [(name_of(s.key), dict(s.values))] if self._is_there(s.key) else []

    def _insert(self, s: Statement) -> Writes:
        return self._update(s) if self._is_there(s.key) else self._insert_new(s)

    def _insert_new(self, s: Statement) -> Writes:
        self._add("INSERT", s.key, s.values)
        return [(name_of(s.key), dict(s.values))]

    def _delete(self, s: Statement) -> Writes:
        there = self._is_there(s.key)
        self.db.execute(f"DELETE FROM {s.key[0]} WHERE {self._where(s.key)}")
        return [(name_of(s.key), None)] if there else []

    def _twice(self, s: Statement) -> Writes:
        """There and back: what a person changed and changed back was written all the same."""
        before = self.rows().get(name_of(s.key))
        there = self._update(s)
        if before is None:
            return there
        back = Statement("update", s.key, {name: before[name] for name in s.values})
        return there + self._update(back)

    def _again(self, s: Statement) -> Writes:
        """Deleted and inserted in one transaction: a fresh row."""
        self.db.execute("BEGIN")
        wrote = self._delete(s) + self._insert_new(s)
        self.db.execute("COMMIT")
        return wrote

    def _replace(self, s: Statement) -> Writes:
        self._add("INSERT OR REPLACE", s.key, s.values)
        return [(name_of(s.key), dict(s.values))]

    def _upsert(self, s: Statement) -> Writes:
        there = self._is_there(s.key)
        self._add("INSERT", s.key, s.values, "ON CONFLICT DO UPDATE SET a = excluded.a, b = excluded.b")
        return [(name_of(s.key), {n: v for n, v in s.values.items() if n in "ab" or not there})]

    def _ignore(self, s: Statement) -> Writes:
        there = self._is_there(s.key)
        self._add("INSERT OR IGNORE", s.key, s.values)
        return [] if there else [(name_of(s.key), dict(s.values))]

    def _undone(self, s: Statement) -> Writes:
        self.db.execute("BEGIN")
        self._delete(s)
        self._insert_new(s)
        self.db.execute("ROLLBACK")
        return []

    def _rename(self, s: Statement) -> Writes:
        """Takes the place of whatever has the new key."""
        assert s.other is not None
        row = self.rows().get(name_of(s.key))
        if row is None or s.other == s.key:
            return []
        names = zip(TABLES[s.key[0]], s.other[1], strict=True)
        sets = ", ".join(f"{name} = '{part}'" for name, part in names)
        self.db.execute(f"UPDATE OR REPLACE {s.key[0]} SET {sets} WHERE {self._where(s.key)}")
        return [(name_of(s.key), None), (name_of(s.other), row)]

    def _sweep(self, s: Statement) -> Writes:
        """One statement for all rows of a table."""
        column, value = next(iter(s.values.items()))
        self.db.execute(f"UPDATE {s.key[0]} SET {column} = ?", (value,))
        return [(name, {column: value}) for name in self.rows() if key_of(name)[0] == s.key[0]]
