"""A constraint that is declared ON CONFLICT REPLACE or IGNORE takes no row away, and leaves none out, when satchel
writes: what has no room is parked, and listed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

import satchel
from satchel.api.node import Node
from tests.sync.sites import make_database, opened


def founded(root: Path, clause: str, *rows_of_b: str) -> tuple[Node, Path]:
    """A network of one, and a second site that has joined and imported nothing."""
    schema = f"CREATE TABLE t (id TEXT PRIMARY KEY, u TEXT UNIQUE ON CONFLICT {clause})"
    for name, rows in (("a", ("INSERT INTO t VALUES ('x', 'same')",)), ("b", rows_of_b)):
        make_database(root / f"{name}.db", schema, *rows)
    satchel.init(root / "a", db=root / "a.db", node="a", network="n")
    a = satchel.open(root / "a")
    a.invite("b", out=root / "b.invite")
    satchel.join(root / "b.invite", root / "b", db=root / "b.db")
    (root / "share").mkdir()
    a.sync(root / "share")
    return a, root / "b.db"


@pytest.mark.parametrize("clause", ["REPLACE", "IGNORE"])
def test_an_edit_made_before_the_first_import(tmp_path: Path, clause: str) -> None:
    a, db = founded(tmp_path, clause)
    with opened(db) as connection:
        connection.execute("INSERT INTO t VALUES ('y', 'same')")
    b = satchel.open(tmp_path / "b")
    b.sync(tmp_path / "share")
    a.sync(tmp_path / "share")
    for node, path in ((a, tmp_path / "a.db"), (b, db)):
        assert rows(path) == [("x", "same")]
        assert {key: kind for key, (kind, _) in parked(node).items()} == {("y",): "unique"}


def parked(node: Node) -> dict[tuple[Any, ...], tuple[str, str]]:
    """Key -> kind and reason of every row that a constraint keeps out."""
    return {tuple(entry["key"]): (entry["kind"], entry["reason"]) for entry in node.conflicts()}


@pytest.mark.parametrize("clause", ["REPLACE", "IGNORE"])
def test_a_row_that_was_there_before_the_join(tmp_path: Path, clause: str) -> None:
    a, db = founded(tmp_path, clause, "INSERT INTO t VALUES ('y', 'same')")
    b = satchel.open(tmp_path / "b")
    b.sync(tmp_path / "share")
    a.sync(tmp_path / "share")
    for node, path in ((a, tmp_path / "a.db"), (b, db)):
        assert rows(path) == [("x", "same")]
        assert {key: kind for key, (kind, _) in parked(node).items()} == {("y",): "unique"}
        (entry,) = node.conflicts()
        assert [version["row"] for version in entry["versions"]] == [{"id": "y", "u": "same"}]
        assert node.status()["conflicts"]["parked"] == 1
    with opened(tmp_path / "a.db") as connection:
        connection.execute("UPDATE t SET u = 'free' WHERE id = 'x'")
    a.sync(tmp_path / "share")
    b.sync(tmp_path / "share")
    assert rows(db) == rows(tmp_path / "a.db") == [("x", "free"), ("y", "same")]
    assert parked(a) == parked(b) == {}


@pytest.mark.parametrize("clause", ["REPLACE", "IGNORE"])
def test_an_arriving_row(tmp_path: Path, clause: str) -> None:
    a, db = founded(tmp_path, clause)
    b = satchel.open(tmp_path / "b")
    b.sync(tmp_path / "share")
    with opened(tmp_path / "a.db") as connection:
        connection.execute("INSERT INTO t VALUES ('one', 'late')")
    time.sleep(0.01)  # the earlier claim stands
    with opened(db) as connection:
        connection.execute("INSERT INTO t VALUES ('two', 'late')")
    a.sync(tmp_path / "share")
    report = b.sync(tmp_path / "share")
    a.sync(tmp_path / "share")
    assert list(report.waiting) == []
    assert rows(db) == rows(tmp_path / "a.db") == [("one", "late"), ("x", "same")]
    assert parked(a) == parked(b)
    assert {key: kind for key, (kind, _) in parked(a).items()} == {("two",): "unique"}


def rows(db: Path) -> list[tuple[Any, ...]]:
    with opened(db) as connection:
        return connection.execute("SELECT id, u FROM t ORDER BY id").fetchall()
