"""A narrow table of any size, on two nodes, for what should not grow with the size of a database."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random
from typing import Any

import satchel
from benchmarks.clock import timed
from benchmarks.orders import open_database, warm
from benchmarks.product import load


def create(path: str, rows: int) -> None:
    """`readings` with so many rows, made inside SQLite."""
    connection = open_database(path)
    connection.execute("CREATE TABLE readings(id INTEGER PRIMARY KEY, sensor INTEGER, value INTEGER)")
    connection.execute(
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " INSERT INTO readings SELECT i, i % 100, i * 7919 % 100003 FROM n",
        (rows,),
    )
    connection.close()


def found(folder: str, rows: int) -> None:
    """Two homes. The branch joins with a copy of the office's database, which carries satchel's tables and so the
    vector in it (PROTOCOL, Joining with rows): ten million rows need not travel for what is measured here."""
    office, branch, share = (Path(folder) / name for name in ("office", "branch", "share"))
    for place in (office, branch, share):
        place.mkdir()
    create(str(office / "data.db"), rows)
    satchel.init(office, db=office / "data.db", node="office", network="bench", key_scope={"readings": "global"})
    satchel.open(office).invite("branch", out=Path(folder) / "branch.invite")
    shutil.copyfile(office / "data.db", branch / "data.db")
    satchel.join(Path(folder) / "branch.invite", branch, db=branch / "data.db")
    for home in (office, branch, office, branch):
        satchel.open(home).sync(share)


def cycle(folder: str, rows: int, changes: int, seed: int) -> dict[str, Any]:
    """So many updates anywhere in the table, by the application; then export here and import there, which is timed."""
    load()
    office, branch, share = (Path(folder) / name for name in ("office", "branch", "share"))
    draw = Random(seed)
    connection = open_database(office / "data.db")
    connection.execute("BEGIN IMMEDIATE")
    some = [(draw.randrange(200_000, 900_000), draw.randrange(rows) + 1) for _ in range(changes)]
    connection.executemany("UPDATE readings SET value = ? WHERE id = ?", some)
    connection.execute("COMMIT")
    connection.close()
    for home in (office, branch):
        warm(home / "data.db")
    with timed() as span:
        sealed = satchel.open(office).export(share).sealed
        applied = satchel.open(branch).import_(share).applied
    assert sealed == applied, f"{sealed} was sealed, {applied} applied"
    return span.as_json()
