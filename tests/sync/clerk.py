"""An application at work on a database with own numbers: it writes, renumbers, deletes and takes numbers again, moves
lines between invoices, and remembers what it has done.

Run as a program, `python -m tests.sync.clerk DATABASE NAME SEED STOP`, it works until the file STOP is there and prints
what it remembers as JSON: a process of its own, that knows nothing of satchel.
"""

from __future__ import annotations

import json
import random
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

SCHEMA = (
    "CREATE TABLE customers (id INTEGER PRIMARY KEY, label TEXT)",
    "CREATE TABLE invoices (id INTEGER PRIMARY KEY, label TEXT, code TEXT UNIQUE, total INTEGER,"
    " customer INTEGER REFERENCES customers(id))",
    "CREATE TABLE lines (id INTEGER PRIMARY KEY, label TEXT,"
    " invoice INTEGER NOT NULL REFERENCES invoices(id) ON DELETE CASCADE ON UPDATE CASCADE)",
    "CREATE TABLE tags (invoice INTEGER REFERENCES invoices(id) ON DELETE CASCADE ON UPDATE CASCADE, word TEXT,"
    " label TEXT, PRIMARY KEY (invoice, word))",
)
ROWS = ("INSERT INTO customers VALUES (1, 'c1'), (2, 'c2'), (3, 'c3')",)
TIMEOUT = 20.0  # seconds that the application waits for the lock


@dataclass
class Ledger:
    """What an application has done, by labels; no label is ever used again."""

    invoices: dict[str, int] = field(default_factory=dict)  # label -> total
    gone: list[str] = field(default_factory=list)  # invoices that it deleted
    lines: dict[str, str] = field(default_factory=dict)  # label -> label of the invoice
    lines_gone: list[str] = field(default_factory=list)  # deleted for themselves
    writes: int = 0
    longest: float = 0.0  # seconds that a transaction took, waiting included
    surprises: list[str] = field(default_factory=list)  # a number changed under its hands


class Clerk:
    """Writes to one database; the others' rows it leaves alone, but puts lines under their invoices."""

    def __init__(self, path: Path, name: str, seed: int) -> None:
        self.db = sqlite3.connect(path, isolation_level=None, timeout=TIMEOUT)
        self.db.execute("PRAGMA foreign_keys = ON")
        self.db.execute("PRAGMA synchronous = OFF")
        self.name = name
        self.random = random.Random(seed)
        self.ledger = Ledger()
        self.count = 0
        self.numbers: dict[str, int] = {}  # of the own invoices, as they were seen last

    def close(self) -> None:
        self.db.close()

    def work(self) -> None:
        """One transaction."""
        kinds: list[Callable[[], None]] = [
            self.write,
            self.write,
            self.renumber,
            self.delete,
            self.take_again,
            self.move,
            self.bill,
        ]
        what = self.random.choice([*kinds, self.tag, self.line_again, self.swap, self.line_for_another])
        began = time.monotonic()
        self.db.execute("BEGIN IMMEDIATE")
        self.look()
        what()
        self.db.execute("COMMIT")
        self.remember()
        self.ledger.writes += 1
        self.ledger.longest = max(self.ledger.longest, time.monotonic() - began)

    def shown(self) -> dict[str, int]:
        found = self.db.execute("SELECT label, id FROM invoices WHERE label LIKE ?", (f"{self.name}-%",)).fetchall()
        return dict(found)

    def look(self) -> None:
        """Own numbers are as they were left; a row that was parked meanwhile may come back with another."""
        now = self.shown()
        for label, number in self.numbers.items():
            if now.get(label, number) != number:
                self.ledger.surprises.append(f"{label} was {number} and is {now[label]}")

    def remember(self) -> None:
        self.numbers = self.shown()

    def label(self) -> str:
        self.count += 1
        return f"{self.name}-{self.count}"

    def any(self) -> tuple[str, int] | None:
        """An own invoice that is in the table."""
        now = sorted(self.shown().items())
        return self.random.choice(now) if now else None

    # -- what it does

    def write(self, number: int | None = None) -> None:
        label, code = self.label(), f"code {self.random.randrange(1, 9)}"
        taken = self.db.execute("SELECT 1 FROM invoices WHERE code = ?", (code,)).fetchone()
        values = (number, label, None if taken or self.random.random() < 0.6 else code, self.count)
        new = self.db.execute("INSERT INTO invoices VALUES (?, ?, ?, ?, 1 + abs(random()) % 3)", values).lastrowid
        self.ledger.invoices[label] = self.count
        for _ in range(self.random.randrange(3)):
            self.line(label, int(new or 0))

    def line(self, invoice: str, number: int, own: int | None = None) -> None:
        label = self.label()
        self.db.execute("INSERT INTO lines VALUES (?, ?, ?)", (own, label, number))
        self.ledger.lines[label] = invoice

    def renumber(self) -> None:
        if invoice := self.any():
            up = self.random.randrange(1, 4)
            self.db.execute(
                "UPDATE invoices SET id = (SELECT max(id) + ? FROM invoices) WHERE id = ?", (up, invoice[1])
            )

    def delete(self) -> None:
        if invoice := self.any():
            self._delete(*invoice)

    def _delete(self, label: str, number: int) -> None:
        self.db.execute("DELETE FROM invoices WHERE id = ?", (number,))
        del self.ledger.invoices[label]
        self.ledger.gone.append(label)

    def take_again(self) -> None:
        if invoice := self.any():
            self._delete(*invoice)
            self.write(invoice[1])

    def swap(self) -> None:
        one, other = self.any(), self.any()
        if one and other and one != other:
            for before, after in ((one[1], -1), (other[1], one[1]), (-1, other[1])):
                self.db.execute("UPDATE invoices SET id = ? WHERE id = ?", (after, before))

    def move(self) -> None:
        invoice = self.any()
        mine = self.db.execute("SELECT id, label FROM lines WHERE label LIKE ?", (f"{self.name}-%",)).fetchall()
        if invoice and mine:
            number, label = self.random.choice(mine)
            self.db.execute("UPDATE lines SET invoice = ? WHERE id = ?", (invoice[1], number))
            self.ledger.lines[label] = invoice[0]

    def bill(self) -> None:
        if invoice := self.any():
            total = self.random.randrange(1000)
            self.db.execute("UPDATE invoices SET total = ? WHERE id = ?", (total, invoice[1]))
            self.ledger.invoices[invoice[0]] = total

    def tag(self) -> None:
        if invoice := self.any():
            word = self.random.choice(["red", "blue"])
            self.db.execute("INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", (invoice[1], word, invoice[0]))

    def line_again(self) -> None:
        """A line is deleted, and its number taken by another of the same invoice."""
        mine = self.db.execute(
            "SELECT l.id, l.label, i.label, i.id FROM lines l JOIN invoices i ON i.id = l.invoice WHERE l.label LIKE ?",
            (f"{self.name}-%",),
        ).fetchall()
        if mine:
            number, label, invoice, of = self.random.choice(mine)
            self.db.execute("DELETE FROM lines WHERE id = ?", (number,))
            del self.ledger.lines[label]
            self.ledger.lines_gone.append(label)
            self.line(invoice, of, number)

    def line_for_another(self) -> None:
        others = self.db.execute(
            "SELECT label, id FROM invoices WHERE label NOT LIKE ? ORDER BY label", (f"{self.name}-%",)
        ).fetchall()
        if others:
            self.line(*self.random.choice(others))


def main(path: str, name: str, seed: str, stop: str) -> None:
    clerk = Clerk(Path(path), name, int(seed))
    with closing(clerk):
        while not Path(stop).exists() or clerk.ledger.writes < 10:
            clerk.work()
            time.sleep(clerk.random.random() * 0.01)
    json.dump(asdict(clerk.ledger), sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
