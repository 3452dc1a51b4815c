"""Makes databases and lets the application work on them from another process."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from satchel.stores.base import Store
from satchel.stores.sqlite.store import SQLiteStore
from tests.stores.ferry import Site

_PROGRAM = """
import json, sqlite3, sys
wish = json.load(sys.stdin)
db = sqlite3.connect(wish["path"], isolation_level=None, timeout=wish["timeout"])
done = []
for statement in wish["statements"]:
    try:
        done.append(db.execute(statement).fetchall())
    except sqlite3.Error as problem:
        done.append(f"{type(problem).__name__}: {problem}")
json.dump(done, sys.stdout)
"""


class Refused(AssertionError):
    """The application's own statement failed."""


class Workshop(Protocol):
    """What the contract needs of a kind of database."""

    def database(self, name: str, *schema: str) -> str:
        """Makes a database with these statements; its URL."""

    def run(self, url: str, *statements: str) -> list[Any]:
        """Another process executes the statements, each its own transaction unless they say BEGIN and COMMIT. The rows
        that each gave; Refused if one fails."""

    def rows(self, url: str, query: str) -> list[tuple[Any, ...]]:
        """What the application reads."""

    def store(self, url: str, **options: Any) -> Store:
        """A store over the database."""


@dataclass
class SQLiteWorkshop:
    """SQLite files in one folder."""

    folder: Path
    journal: str = "wal"  # wal | delete
    pragmas: Sequence[str] = ()  # that the application sets
    timeout: float = 10.0  # of the application, seconds
    shell: bool = False  # write by the sqlite3 shell

    def database(self, name: str, *schema: str) -> str:
        path = self.folder / f"{name}.db"
        db = sqlite3.connect(path, isolation_level=None)
        for statement in schema:
            if statement.upper().startswith("PRAGMA"):  # the encoding comes before everything else
                db.execute(statement)
        db.execute(f"PRAGMA journal_mode = {self.journal}")
        for statement in schema:
            db.execute(statement)
        db.close()
        return str(path)

    def run(self, url: str, *statements: str) -> list[Any]:
        every = [*(f"PRAGMA {pragma}" for pragma in self.pragmas), *statements]
        done = self._by_shell(url, every) if self.shell else self.attempt(url, *every)
        for statement, result in zip(every, done, strict=False):
            if isinstance(result, str):
                raise Refused(f"{statement}: {result}")
        return [[tuple(row) for row in result] for result in done[len(self.pragmas) :]]

    def attempt(self, url: str, *statements: str) -> list[Any]:
        """The rows of each statement, or what it failed with."""
        wish = json.dumps({"path": url, "timeout": self.timeout, "statements": statements})
        ran = subprocess.run(
            [sys.executable, "-S", "-E", "-c", _PROGRAM], input=wish, capture_output=True, text=True, check=True
        )
        return list(json.loads(ran.stdout))

    def _by_shell(self, url: str, statements: Sequence[str]) -> list[Any]:
        shell = shutil.which("sqlite3")
        assert shell is not None
        text = ";\n".join(statements) + ";\n"
        ran = subprocess.run([shell, "-batch", "-bail", url], input=text, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise Refused(ran.stderr)
        return []

    def rows(self, url: str, query: str) -> list[tuple[Any, ...]]:
        db = sqlite3.connect(url, isolation_level=None)
        try:
            return db.execute(query).fetchall()
        finally:
            db.close()

    def store(self, url: str, **options: Any) -> Store:
        return SQLiteStore(Path(url), **options)

    # -- SQLite only

    def dump(self, url: str) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table of the application, bit for bit, generated columns included."""
        db = sqlite3.connect(url, isolation_level=None)
        try:
            names = db.execute(
                "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
                " AND name NOT GLOB '_satchel*' AND name NOT GLOB 'sqlite_*'"
            ).fetchall()
            return {name: self._rows_of(db, name) for (name,) in names}
        finally:
            db.close()

    def _rows_of(self, db: sqlite3.Connection, name: str) -> list[tuple[Any, ...]]:
        columns = [quote(row[1]) for row in db.execute(f"PRAGMA table_xinfo({quote(name)})")]
        exact = (
            f"typeof({c}) || ' ' || CASE typeof({c}) WHEN 'text' THEN hex(CAST({c} AS BLOB)) ELSE quote({c}) END"
            for c in columns
        )
        return sorted(db.execute(f"SELECT {', '.join(exact)} FROM {quote(name)}").fetchall())

    def master(self, url: str) -> list[tuple[Any, ...]]:
        """Everything that the schema holds."""
        return self.rows(url, "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid")


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def sites(workshop: Workshop, *urls: str) -> list[Site]:
    """Installed stores `a`, `b` ... over databases of one schema."""
    made = []
    tables: Any = None
    for name, url in zip("abcdefgh", urls, strict=False):
        store = workshop.store(url)
        tables = tables or [replace(table, scope="global") for table in store.inspect().tables]
        store.install(tables)
        made.append(Site(name, store))
    return made
