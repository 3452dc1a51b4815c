"""The specification's toy schema on real SQLite tables, and an application that writes to them."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.property.application import Application

Row = dict[str, Any]


def schema_of(spec: ModuleType) -> list[str]:
    """CREATE TABLE for every table of the model; keys are texts."""
    made = []
    for name, table in spec.SCHEMA.items():
        reference = f" REFERENCES {table.parent} ON DELETE {table.on_delete.upper()}" if table.parent else ""
        columns = [f"ref{reference}" if column == "ref" else column for column in spec.COLUMNS]
        unique = [f"UNIQUE ({', '.join(columns)})" for columns in table.unique]
        made.append(f"CREATE TABLE {name} ({', '.join(['key TEXT NOT NULL PRIMARY KEY', *columns, *unique])})")
    return made


class ToyApplication(Application):
    """A program whose connection keeps foreign keys."""

    def __init__(self, path: Path, rng: random.Random, schema: list[str], columns: tuple[str, ...]) -> None:
        self.path = path
        self.columns = columns
        self.db = sqlite3.connect(path, isolation_level=None, timeout=0)
        self.db.execute(f"PRAGMA journal_mode = {rng.choice(('wal', 'delete'))}")
        self.db.execute("PRAGMA synchronous = OFF")
        self.db.execute("PRAGMA foreign_keys = ON")
        self.db.execute(f"PRAGMA recursive_triggers = {rng.choice(('on', 'off'))}")
        for statement in schema:
            self.db.execute(statement)
        self.tables = [name for (name,) in self.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]

    def rows(self) -> dict[str, Row]:
        names = ", ".join(("key", *self.columns))
        lines = [line for table in self.tables for line in self.db.execute(f"SELECT {names} FROM {table}")]
        return {line[0]: dict(zip(self.columns, line[1:], strict=True)) for line in lines}

    def attempt(self, clock: int, statement: Callable[[], None]) -> bool:
        """Runs a statement with the node's clock at `clock` milliseconds; False where the database refuses it."""
        newest = self.newest()
        try:
            statement()
        except sqlite3.IntegrityError:
            return False
        finally:
            self.date(newest, clock)
        return True

    def write(self, key: str, values: Mapping[str, Any], clock: int) -> bool:
        """An insert or an update."""
        table = key.split("/", maxsplit=1)[0]
        there = self.db.execute(f"SELECT 1 FROM {table} WHERE key = ?", (key,)).fetchone()
        names = ", ".join(("key", *values))
        text = f"INSERT INTO {table} ({names}) VALUES (?{', ?' * len(values)})"
        if there:
            sets = ", ".join(f"{name} = ?{place}" for place, name in enumerate(values, 2))
            text = f"UPDATE {table} SET {sets} WHERE key = ?1"
        return self.attempt(clock, lambda: self._execute(text, (key, *values.values())))

    def replace(self, key: str, values: Mapping[str, Any], clock: int) -> bool:
        """INSERT OR REPLACE: whatever has the key or one of the unique values makes room."""
        table = key.split("/", maxsplit=1)[0]
        names = ", ".join(("key", *values))
        text = f"INSERT OR REPLACE INTO {table} ({names}) VALUES (?{', ?' * len(values)})"
        return self.attempt(clock, lambda: self._execute(text, (key, *values.values())))

    def delete(self, key: str, clock: int) -> bool:
        text = f"DELETE FROM {key.split('/', maxsplit=1)[0]} WHERE key = ?"
        return self.attempt(clock, lambda: self._execute(text, (key,)))

    def _execute(self, text: str, values: tuple[Any, ...]) -> None:
        self.db.execute(text, values)

    def check(self) -> None:
        """The database finds nothing wrong with itself."""
        assert self.db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert self.db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
