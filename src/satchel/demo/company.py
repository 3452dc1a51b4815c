"""The application of the demo: a maker of prostheses with a head office, a branch and a clinic. Six tables, and rows
that are the same at every run."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

TABLES = ("customers", "components", "quotes", "quote_lines", "orders", "stock")
SITES = ("office", "branch", "clinic")
Row = tuple[str | int | float | None, ...]

CUSTOMERS, COMPONENTS, QUOTES = 480, 120, 900

SCHEMA = """
CREATE TABLE customers (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, city TEXT NOT NULL, phone TEXT, discount REAL NOT NULL DEFAULT 0
);
CREATE TABLE components (
  code TEXT PRIMARY KEY, name TEXT NOT NULL, price NUMERIC NOT NULL, weight_g INTEGER, active INTEGER NOT NULL DEFAULT 1
);
CREATE TABLE quotes (
  quote_no TEXT PRIMARY KEY, customer_id TEXT NOT NULL REFERENCES customers (id),
  status TEXT NOT NULL, written TEXT NOT NULL, note TEXT
);
CREATE TABLE quote_lines (
  quote_no TEXT NOT NULL REFERENCES quotes (quote_no), line_no INTEGER NOT NULL,
  component_code TEXT NOT NULL REFERENCES components (code), qty INTEGER NOT NULL, price NUMERIC NOT NULL,
  PRIMARY KEY (quote_no, line_no)
) WITHOUT ROWID;
CREATE TABLE orders (
  order_no TEXT PRIMARY KEY, quote_no TEXT NOT NULL REFERENCES quotes (quote_no),
  status TEXT NOT NULL, ordered TEXT NOT NULL, due TEXT
);
CREATE TABLE stock (
  component_code TEXT NOT NULL REFERENCES components (code), site TEXT NOT NULL, on_hand INTEGER NOT NULL,
  PRIMARY KEY (component_code, site)
) WITHOUT ROWID;
CREATE INDEX quotes_of_customer ON quotes (customer_id);
"""

_FIRST = ("Ada", "Ben", "Chidi", "Dora", "Emre", "Freya", "Goran", "Hanna", "Ines", "Jonas", "Kofi", "Lena", "Mila")
_LAST = ("Acker", "Brandt", "Costa", "Dietz", "Ek", "Farkas", "Greve", "Holm", "Iwata", "Jung", "Keller", "Lund")
_CITIES = ("Lindau", "Bregenz", "Dornbirn", "Feldkirch", "Konstanz", "Ravensburg", "Wangen")
_PARTS = ("ankle joint", "knee joint", "liner", "socket adapter", "foot shell", "tube clamp", "valve", "hip hinge")
_SIZES = ("XS", "S", "M", "L", "XL")


def make_application(path: Path) -> None:
    """A database with the application's empty tables, in WAL mode."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(SCHEMA)


def fill(path: Path) -> int:
    """The rows with which the head office begins; returns how many."""
    dice = random.Random(20260301)  # every run the same company
    rows: dict[str, list[Row]] = {
        "customers": list(_customers(dice)),
        "components": list(_components(dice)),
        "quotes": list(_quotes(dice)),
        "quote_lines": list(_lines(dice)),
        "orders": list(_orders(dice)),
        "stock": [(code(c), site, dice.randrange(40)) for c in range(1, COMPONENTS + 1) for site in SITES],
    }
    with closing(sqlite3.connect(path)) as db, db:
        for table, values in rows.items():
            db.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values[0]))})", values)
    return sum(map(len, rows.values()))


def write(path: Path, *statements: str | tuple[str, Sequence[str | int | float | None]]) -> int:
    """The application writes, in one transaction: it knows nothing of satchel. Returns the number of rows written."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA foreign_keys = ON")
        return sum(db.execute(*((entry,) if isinstance(entry, str) else entry)).rowcount for entry in statements)


def read(path: Path, query: str) -> list[Row]:
    """The application reads."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


def customer(number: int) -> str:
    """A customer's id."""
    return f"C-{number:04d}"


def code(number: int) -> str:
    """A component's code."""
    return f"K{number:03d}"


def _customers(dice: random.Random) -> Iterator[Row]:
    for number in range(1, CUSTOMERS + 1):
        phone = f"0555-{dice.randrange(10_000):04d}" if dice.random() < 0.9 else None
        name = f"{dice.choice(_FIRST)} {dice.choice(_LAST)}"
        yield customer(number), name, dice.choice(_CITIES), phone, dice.choice((0.0, 0.0, 2.5, 5.0))


def _components(dice: random.Random) -> Iterator[Row]:
    for number in range(1, COMPONENTS + 1):
        name = f"{dice.choice(_PARTS)} {dice.choice(_SIZES)}"
        yield code(number), name, dice.randrange(900, 99_000) / 100, dice.choice((None, dice.randrange(30, 900))), 1


def _quotes(dice: random.Random) -> Iterator[Row]:
    for number in range(1, QUOTES + 1):
        day = f"2026-{dice.randrange(1, 3):02d}-{dice.randrange(1, 29):02d}"
        status = dice.choice(("open", "accepted", "accepted", "declined"))
        yield f"Q-{number:04d}", customer(dice.randrange(1, CUSTOMERS + 1)), status, day, None


def _lines(dice: random.Random) -> Iterator[Row]:
    for number in range(1, QUOTES + 1):
        for line in range(1, dice.randrange(2, 6)):
            price = dice.randrange(900, 99_000) / 100
            yield f"Q-{number:04d}", line, code(dice.randrange(1, COMPONENTS + 1)), dice.randrange(1, 4), price


def _orders(dice: random.Random) -> Iterator[Row]:
    for number in range(1, QUOTES + 1, 3):
        day = f"2026-03-{dice.randrange(1, 29):02d}"
        yield f"O-{number:04d}", f"Q-{number:04d}", dice.choice(("new", "in work", "delivered")), day, None
