"""The application of a simulated site. Every value that it writes is a token that is written once in the whole
simulation, so that each can be asked for in the end."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.simulation.clock import set_clock

SCHEMA = (
    "CREATE TABLE customers (id TEXT PRIMARY KEY, name TEXT, town TEXT)",
    "CREATE TABLE quotes (id INTEGER PRIMARY KEY, label TEXT, number INTEGER UNIQUE, total TEXT,"
    " customer TEXT REFERENCES customers(id) ON DELETE RESTRICT)",
    "CREATE TABLE lines (id INTEGER PRIMARY KEY AUTOINCREMENT, label TEXT, text TEXT,"
    " quote INTEGER NOT NULL REFERENCES quotes(id) ON DELETE CASCADE ON UPDATE CASCADE)",
    "CREATE TABLE memos (id INTEGER PRIMARY KEY, label TEXT, text TEXT,"
    " quote INTEGER REFERENCES quotes(id) ON DELETE SET NULL ON UPDATE CASCADE)",
)
# table -> the column that names a row, the columns that hold tokens. A row that was not sealed when its database was
# copied becomes two of one name.
TOKENS = {
    "customers": ("id", ("name", "town")),
    "quotes": ("label", ("total",)),
    "lines": ("label", ("text",)),
    "memos": ("label", ("text",)),
}
Place = tuple[str, str, str]  # table, row, column
Cells = frozenset[tuple[Place, str]]  # the tokens that a database shows


def cells_of(db: sqlite3.Connection) -> Cells:
    """The tokens in the application's tables."""
    found: set[tuple[Place, str]] = set()
    for table, (name, columns) in TOKENS.items():
        for row, *values in db.execute(f"SELECT {name}, {', '.join(columns)} FROM {table}"):
            found |= {((table, row, c), v) for c, v in zip(columns, values, strict=True) if v is not None}
    return frozenset(found)


@dataclass(frozen=True)
class Write:
    """A token that was committed."""

    token: str
    node: str  # the home of the machine
    place: Place
    number: int  # in the order of commits of the simulation


@dataclass
class Ledger:
    """What every application committed, and what each of them then replaced itself."""

    writes: dict[str, Write] = field(default_factory=dict)
    replaced: dict[str, list[tuple[str, int]]] = field(default_factory=dict)  # token -> home, when
    count: int = 0

    def note(self, node: str, before: Cells, after: Cells) -> None:
        """One committed transaction."""
        self.count += 1
        for place, token in after - before:
            if token not in self.writes:
                self.writes[token] = Write(token, node, place, self.count)
        for _, token in before - after:
            self.replaced.setdefault(token, []).append((node, self.count))


class Till:
    """Writes to one database, in transactions of a few statements."""

    def __init__(self, path: Path, node: str, rng: random.Random, ledger: Ledger) -> None:
        self.path, self.node, self.rng, self.ledger = path, node, rng, ledger
        self.made = 0

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, isolation_level=None, timeout=10)) as db:
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("PRAGMA synchronous = OFF")
            yield db

    def create(self) -> None:
        with self.opened() as db:
            db.execute(f"PRAGMA journal_mode = {self.rng.choice(('wal', 'delete'))}")
            for statement in SCHEMA:
                db.execute(statement)

    def cells(self) -> Cells:
        with self.opened() as db:
            return cells_of(db)

    def work(self, at: int, what: str | None = None) -> str:
        """One transaction, at this time on the clock of its machine; what it was."""
        acts: dict[str, Callable[[sqlite3.Connection], Any]] = {
            "customer": self._customer, "quote": self._quote, "line": self._line, "memo": self._memo,
            "change": self._change, "change again": self._change, "number": self._number, "remove": self._remove,
            "renumber": self._renumber, "customer gone": self._customer_gone,
        }  # fmt: skip
        what = what or self.rng.choice(list(acts))
        with self.opened() as db:
            set_clock(db, at)
            before = cells_of(db)
            db.execute("BEGIN IMMEDIATE")
            try:
                acts[what](db)
            except sqlite3.IntegrityError:
                db.execute("ROLLBACK")
                return f"{what}: refused"
            after = cells_of(db)
            db.execute("COMMIT")
        self.ledger.note(self.node, before, after)
        return what

    def _token(self) -> str:
        self.made += 1
        return f"{self.node}:{self.ledger.count}:{self.made}:{self.rng.getrandbits(32):08x}"

    def _one(self, db: sqlite3.Connection, query: str) -> Any:
        found = db.execute(query).fetchall()
        return self.rng.choice(found)[0] if found else None

    def _customer(self, db: sqlite3.Connection) -> None:
        """Some are entered at several sites under one key."""
        key = f"c{self.rng.randrange(6)}" if self.rng.random() < 0.4 else self._token()
        db.execute("INSERT INTO customers VALUES (?, ?, ?)", (key, self._token(), self._token()))

    def _quote(self, db: sqlite3.Connection) -> None:
        customer = self._one(db, "SELECT id FROM customers")
        number = self.rng.choice((None, self.rng.randrange(12)))
        row = (self._token(), number, self._token(), customer)
        new = db.execute("INSERT INTO quotes (label, number, total, customer) VALUES (?, ?, ?, ?)", row).lastrowid
        for _ in range(self.rng.randrange(3)):
            self._add(db, "lines", new)

    def _add(self, db: sqlite3.Connection, table: str, quote: int | None) -> None:
        db.execute(f"INSERT INTO {table} (label, text, quote) VALUES (?, ?, ?)", (self._token(), self._token(), quote))

    def _line(self, db: sqlite3.Connection) -> None:
        if (quote := self._one(db, "SELECT id FROM quotes")) is not None:
            self._add(db, "lines", quote)

    def _memo(self, db: sqlite3.Connection) -> None:
        self._add(db, "memos", self._one(db, "SELECT id FROM quotes"))

    def _change(self, db: sqlite3.Connection) -> None:
        table = self.rng.choice(list(TOKENS))
        columns: Iterable[str] = TOKENS[table][1]
        if (row := self._one(db, f"SELECT rowid FROM {table}")) is not None:
            column = self.rng.choice(list(columns))
            db.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (self._token(), row))

    def _number(self, db: sqlite3.Connection) -> None:
        if (row := self._one(db, "SELECT id FROM quotes")) is not None:
            number = self.rng.choice((None, self.rng.randrange(12)))
            db.execute("UPDATE quotes SET number = ? WHERE id = ?", (number, row))

    def _remove(self, db: sqlite3.Connection) -> None:
        table = self.rng.choice(("quotes", "lines", "memos"))
        if (row := self._one(db, f"SELECT id FROM {table}")) is not None:
            db.execute(f"DELETE FROM {table} WHERE id = ?", (row,))

    def _customer_gone(self, db: sqlite3.Connection) -> None:
        if (key := self._one(db, "SELECT id FROM customers")) is not None:
            db.execute("DELETE FROM customers WHERE id = ?", (key,))

    def _renumber(self, db: sqlite3.Connection) -> None:
        if (row := self._one(db, "SELECT id FROM quotes")) is not None:
            db.execute("UPDATE quotes SET id = (SELECT max(id) + 1 FROM quotes) WHERE id = ?", (row,))
