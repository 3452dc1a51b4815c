"""The workload "orders": a table of a million rows, and a day of changes to it, anywhere in the table.

Standard library only: whoever plays the application, with satchel or with an alternative, writes the same.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

ROWS = 1_000_000
CHANGES = 100_000
SMALL = 2_000  # transactions
TEXT, LOCAL = "text", "local"  # what the keys are: UUIDs, or numbers that each database hands out
COLUMNS = ("id", "order_no", "customer_id", "status", "qty", "amount", "note", "updated_at")
_WORDS = (
    "deliver", "to", "the", "back", "door", "ring", "twice", "fragile", "call", "before", "noon", "paid", "by",
    "card", "gift", "wrap", "leave", "with", "neighbour", "urgent", "second", "floor", "invoice", "by", "post",
    "partial", "shipment", "allowed", "no", "plastic", "pickup", "on",
)  # fmt: skip
_STATUS = ("new", "paid", "packed", "shipped", "delivered", "returned")
_NEXT = ("confirmed", "picked", "invoiced", "cancelled", "refunded", "closed")  # never what it was
_RIVAL = ("on hold", "disputed", "recalled")
_INSERT = f"INSERT INTO orders ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
_STATE = "UPDATE orders SET status = ? WHERE id = ?"
_AMOUNT = "UPDATE orders SET qty = ?, amount = ? WHERE id = ?"
_DELETE = "DELETE FROM orders WHERE id = ?"
Statement = tuple[str, list[tuple[Any, ...]]]


def schema(key: str = TEXT, *, unique: bool = False) -> str:
    """The table's CREATE statement."""
    kind = "TEXT PRIMARY KEY" if key == TEXT else "INTEGER PRIMARY KEY"
    number = "TEXT UNIQUE" if unique else "TEXT"
    return (
        f"CREATE TABLE orders(id {kind}, order_no {number}, customer_id INTEGER, status TEXT, qty INTEGER, amount REAL,"
        " note TEXT, updated_at TEXT)"
    )


def key_of(number: int, key: str = TEXT) -> str | int:
    """The key of the row with this number, counted from 0."""
    if key == LOCAL:
        return number + 1
    digits = hashlib.md5(b"%d" % number, usedforsecurity=False).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def rows(start: int, stop: int, key: str = TEXT) -> Iterator[tuple[Any, ...]]:
    """The rows with these numbers. The note has about 40 characters."""
    draw = Random(start + 1)
    for number in range(start, stop):
        bits = draw.getrandbits(64)
        words = (_WORDS[bits >> (5 * place) & 31] for place in range(7))
        qty = 1 + (bits >> 36) % 20
        yield (
            key_of(number, key),
            f"{'NBW'[bits % 3]}-{number:08d}",
            (bits >> 40) % 50_000,
            _STATUS[(bits >> 44) % 6],
            qty,
            qty * ((bits >> 48) % 20_000) / 100,
            " ".join(words),
            f"2026-{1 + bits % 9:02d}-{1 + (bits >> 8) % 28:02d}T{(bits >> 16) % 24:02d}:{(bits >> 24) % 60:02d}:00Z",
        )


def create(path: str | Path, count: int, key: str = TEXT, *, unique: bool = False) -> None:
    """Makes a database with so many rows, in WAL mode, in the order in which they came: keys are anywhere."""
    connection = open_database(path)
    connection.execute("PRAGMA cache_size = -262144")
    connection.execute(schema(key, unique=unique))
    connection.execute("BEGIN")
    connection.executemany(_INSERT, rows(0, count, key))
    connection.execute("COMMIT")
    connection.close()


def open_database(path: str | Path) -> sqlite3.Connection:
    """As the application opens it: WAL, synchronous=NORMAL, everything else as SQLite has it."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


class Delta(NamedTuple):
    """The application's statements, kind by kind, and the numbers of the rows that were there and are changed."""

    statements: list[Statement]
    touched: list[int]


def delta(count: int, changes: int, key: str = TEXT) -> Delta:
    """60 % updates of one or two columns, 30 % inserts, 10 % deletes, uniformly random, of a table of `count` rows."""
    draw = Random(20_261_120)
    updates, deletes = changes * 6 // 10, changes // 10
    touched = draw.sample(range(count), updates + deletes)
    half = updates // 2
    statements: list[Statement] = [
        (_STATE, [(draw.choice(_NEXT), key_of(n, key)) for n in touched[:half]]),
        (_AMOUNT, [(*_amount(draw), key_of(n, key)) for n in touched[half:updates]]),
        (_DELETE, [(key_of(n, key),) for n in touched[updates:]]),
        (_INSERT, list(rows(count, count + changes - updates - deletes, key))),
    ]
    return Delta(statements, touched)


def rival(count: int, changes: int, key: str = TEXT) -> list[Statement]:
    """What another site did to half as many of the same rows: each of one or two columns."""
    touched = delta(count, changes, key).touched
    draw = Random(7)
    mine = draw.sample(touched, min(changes // 2, len(touched)))
    half = len(mine) // 2
    return [
        (_STATE, [(draw.choice(_RIVAL), key_of(n, key)) for n in mine[:half]]),
        (_AMOUNT, [(*_amount(draw), key_of(n, key)) for n in mine[half:]]),
    ]


def _amount(draw: Random) -> tuple[int, float]:
    qty = draw.randrange(21, 99)  # never what it was
    return qty, qty * draw.randrange(20_000) / 100


def small_transactions(statements: Sequence[Statement], transactions: int) -> list[list[tuple[str, tuple[Any, ...]]]]:
    """The same statements, mixed, in so many transactions."""
    mixed = [(sql, values) for sql, many in statements for values in many]
    Random(3).shuffle(mixed)
    size = -(-len(mixed) // transactions)
    return [mixed[start : start + size] for start in range(0, len(mixed), size)]


def write_big(connection: Any, statements: Sequence[Statement]) -> None:
    """One transaction. `connection` of sqlite3 or of apsw."""
    connection.execute("BEGIN IMMEDIATE")
    for sql, many in statements:
        connection.executemany(sql, many)
    connection.execute("COMMIT")


def write_small(connection: Any, transactions: Sequence[Sequence[tuple[str, tuple[Any, ...]]]]) -> None:
    """Many transactions, statement by statement, as people work."""
    for statements in transactions:
        connection.execute("BEGIN IMMEDIATE")
        for sql, values in statements:
            connection.execute(sql, values)
        connection.execute("COMMIT")


def warm(path: str | Path) -> None:
    """Reads a file to its end, so that every run finds it in the system's cache."""
    with open(path, "rb") as file:
        while file.read(1 << 20):
            pass
