"""A resolution is an ordinary edit: what the schema declares for it happens, and travels like everything else."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import satchel
from satchel.api.node import Node
from satchel.cli import main
from satchel.errors import ConstraintRefused
from tests.sync.sites import dump, make_database, opened

PARENTS = "CREATE TABLE parents (id TEXT PRIMARY KEY, v TEXT)"


def quarrel(root: Path, action: str) -> tuple[Node, Node]:
    """Two sites with a conflict about a row that another one refers to."""
    children = f"CREATE TABLE children (id TEXT PRIMARY KEY, parent TEXT REFERENCES parents (id) {action})"
    rows = ("INSERT INTO parents VALUES ('p', '0')", "INSERT INTO children VALUES ('c', 'p')")
    for name in "ab":
        make_database(root / f"{name}.db", PARENTS, children, *rows)
    satchel.init(root / "a", db=root / "a.db", node="a", network="n")
    a = satchel.open(root / "a")
    a.invite("b", out=root / "b.invite")
    satchel.join(root / "b.invite", root / "b", db=root / "b.db")
    b = satchel.open(root / "b")
    (root / "share").mkdir()
    a.sync(root / "share")
    b.sync(root / "share")
    for name in "ab":
        with opened(root / f"{name}.db") as db:
            db.execute("UPDATE parents SET v = ?", (name,))
    a.sync(root / "share")
    b.sync(root / "share")
    a.sync(root / "share")
    return a, b


def test_deleting_a_parent_takes_its_children_along_where_that_is_declared(tmp_path: Path) -> None:
    a, b = quarrel(tmp_path, "ON DELETE CASCADE")
    a.resolve(a.conflicts()[0]["id"], delete=True)
    a.sync(tmp_path / "share")
    b.sync(tmp_path / "share")
    assert dump(tmp_path / "a.db") == dump(tmp_path / "b.db") == {"parents": [], "children": []}


def test_deleting_a_parent_that_must_stay_is_refused_and_the_conflict_stays_open(tmp_path: Path) -> None:
    a, _ = quarrel(tmp_path, "ON DELETE RESTRICT")
    before = dump(tmp_path / "a.db")
    with pytest.raises(ConstraintRefused, match="FOREIGN KEY"):
        a.resolve(a.conflicts()[0]["id"], delete=True)
    assert dump(tmp_path / "a.db") == before
    assert len(a.conflicts()) == 1


def test_of_many_those_that_the_database_refuses_stay_open_and_are_named(tmp_path: Path) -> None:
    a, b = quarrel(tmp_path, "ON DELETE RESTRICT")
    with opened(tmp_path / "a.db") as db:
        db.execute("INSERT INTO parents VALUES ('q', '0')")
    a.sync(tmp_path / "share")
    b.sync(tmp_path / "share")
    with opened(tmp_path / "b.db") as db:
        db.execute("DELETE FROM children")
        db.execute("DELETE FROM parents")
    with opened(tmp_path / "a.db") as db:
        db.execute("UPDATE parents SET v = 'again'")
        db.execute("INSERT INTO children VALUES ('new', 'p')")
    b.sync(tmp_path / "share")
    a.sync(tmp_path / "share")
    found = a.resolve(all=True, take="b")
    assert (len(found["resolved"]), len(found["refused"])) == (1, 1)
    assert "FOREIGN KEY" in found["refused"][0]["reason"]
    assert [conflict["id"] for conflict in a.conflicts()] == [found["refused"][0]["id"]]


def test_an_open_conflict_cannot_be_seen_away(tmp_path: Path) -> None:
    a, b = quarrel(tmp_path, "")
    (conflict,) = a.conflicts()
    before = a.status()["vector"]
    result = CliRunner().invoke(main, ["--home", str(tmp_path / "a"), "resolve", conflict["id"], "--seen"])
    assert (result.exit_code, "is open" in result.stderr) == (2, True)
    assert a.status()["vector"] == before
    assert len(b.conflicts()) == 1
