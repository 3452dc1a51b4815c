"""What capture costs an application does not grow with its tables: counted in SQLite's instructions, not in seconds."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from satchel.stores.sqlite.store import SQLiteStore

PLAIN = "CREATE TABLE t (id TEXT PRIMARY KEY, a, b)"
SCHEMAS = {
    "a plain key": PLAIN,
    "an integer key": "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)",
    "without rowid": "CREATE TABLE t (id TEXT PRIMARY KEY, a, b) WITHOUT ROWID",
    "a key without case": "CREATE TABLE t (id TEXT COLLATE NOCASE PRIMARY KEY, a, b)",
    "a composite key": "CREATE TABLE t (id, a, b, PRIMARY KEY (b, id))",
    "a unique column": "CREATE TABLE t (id TEXT PRIMARY KEY, a UNIQUE, b)",
    "a default": "CREATE TABLE t (id TEXT PRIMARY KEY, a NOT NULL DEFAULT 5 UNIQUE, b)",
    "a unique index without case": f"{PLAIN}; CREATE UNIQUE INDEX i ON t (a COLLATE NOCASE)",
    "an expression index": f"{PLAIN}; CREATE UNIQUE INDEX i ON t (lower(a))",
    "a partial index": f"{PLAIN}; CREATE UNIQUE INDEX i ON t (a) WHERE b > 0",
    "a partial index over not null": f"{PLAIN}; CREATE UNIQUE INDEX i ON t (a) WHERE a IS NOT NULL",
    "a partial index over a flag": f"{PLAIN}; CREATE UNIQUE INDEX i ON t (a) WHERE b",
}


def instructions(db: sqlite3.Connection, statement: str, rows: list[tuple[object, ...]]) -> int:
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    db.set_progress_handler(step, 1)
    db.executemany(statement, rows)
    db.set_progress_handler(None, 0)
    return count


@pytest.mark.parametrize("case", SCHEMAS)
def test_a_write_costs_the_same_in_a_large_table(case: str, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    db = sqlite3.connect(path)
    db.executescript(SCHEMAS[case])
    store = SQLiteStore(path)
    store.install(store.inspect().tables)
    key = (lambda n: n) if "INTEGER" in SCHEMAS[case] else (lambda n: f"key {n}")
    costs = []
    for size in (20, 2000):
        db.executemany("INSERT OR IGNORE INTO t VALUES (?, ?, ?)", [(key(n), f"a{n}", n + 1) for n in range(size)])
        new = [(key(n + 10_000 * size), f"n{n}-{size}", n + 1) for n in range(10)]
        inserting = instructions(db, "INSERT INTO t VALUES (?, ?, ?)", new)
        updating = instructions(
            db, "UPDATE t SET a = a || 'x' WHERE b = ? AND id = ?", [(row[2], row[0]) for row in new]
        )
        costs.append((inserting, updating))
    store.close()
    db.close()
    (small_insert, small_update), (large_insert, large_update) = costs
    assert large_insert < small_insert * 1.5
    assert large_update < small_update * 1.5
