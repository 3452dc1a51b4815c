"""Rows with NULL in their key are left out, and said: at `init`, and in status as long as they are there."""

from __future__ import annotations

from pathlib import Path

import pytest

import satchel
from tests.sync.sites import make_database, opened


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("CREATE TABLE t (a TEXT PRIMARY KEY, v TEXT)", [(None, "x"), (None, "y"), ("k", "z")]),
        ("CREATE TABLE t (a TEXT, b TEXT, PRIMARY KEY (a, b))", [(None, "x"), ("k", None), ("k", "z")]),
    ],
)
def test_they_are_counted_and_named(tmp_path: Path, table: str, rows: list[tuple[str | None, ...]]) -> None:
    db = make_database(tmp_path / "a.db", table)
    with opened(db) as connection:
        connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
    report = satchel.init(tmp_path / "a", db=db, node="a", network="n")
    said = [{"table": "t", "reason": "2 rows with NULL in the key"}]
    assert (report.rows, report.left_out) == (1, said)
    assert satchel.open(tmp_path / "a").status()["left_out"] == said
    with opened(db) as connection:
        connection.execute(
            "DELETE FROM t WHERE a IS NULL OR v IS NULL"
            if "v TEXT" in table
            else "DELETE FROM t WHERE b IS NULL OR a IS NULL"
        )
    assert satchel.open(tmp_path / "a").status()["left_out"] == []


def test_a_key_that_cannot_be_null_costs_no_look(tmp_path: Path) -> None:
    db = make_database(tmp_path / "a.db", "CREATE TABLE t (a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID")
    assert satchel.init(tmp_path / "a", db=db, node="a", network="n").left_out == []
