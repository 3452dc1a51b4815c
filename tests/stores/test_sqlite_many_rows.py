"""Many rows by few statements, and memory for the time of an import."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from satchel.stores.sqlite.many import insert
from satchel.stores.sqlite.roomy import MAIN_KIB, roomy


@pytest.mark.parametrize("rows", [1, 2, 333, 334, 1000])
def test_every_row_goes_in_once_and_in_order(rows: int) -> None:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c)")
    columns = [[f"a{n}" for n in range(rows)], list(range(rows)), [None if n % 2 else b"x" for n in range(rows)]]
    insert(db, "INTO t (a, b, c)", columns)
    assert db.execute("SELECT a, b, c FROM t ORDER BY id").fetchall() == list(zip(*columns, strict=True))


def test_a_wide_table_takes_a_row_to_a_statement() -> None:
    db = sqlite3.connect(":memory:")
    names = [f"c{n}" for n in range(1500)]
    db.execute(f"CREATE TABLE t ({', '.join(names)})")
    insert(db, f"INTO t ({', '.join(names)})", [[n, -n] for n in range(1500)])
    assert db.execute("SELECT c0, c1499 FROM t").fetchall() == [(0, 1499), (0, -1499)]


def test_temporary_tables_have_a_cache_afterwards(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "a.db")
    with roomy(db):
        db.execute("CREATE TABLE temp.t (a)")
    assert db.execute("PRAGMA temp.cache_size").fetchone() == (-2000,)


def test_the_memory_is_given_back() -> None:
    db = sqlite3.connect(":memory:")
    before = db.execute("PRAGMA cache_size").fetchone()
    with pytest.raises(ValueError, match="stop"), roomy(db):
        assert db.execute("PRAGMA cache_size").fetchone() == (-MAIN_KIB,)
        raise ValueError("stop")
    assert db.execute("PRAGMA cache_size").fetchone() == before
