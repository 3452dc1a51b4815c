"""The number of a gid is found by a step in an index, also from a column of numbers: on the wire gids stand there."""

from __future__ import annotations

import sqlite3

from satchel.model.schema import Column, Table
from satchel.stores.sqlite import numbers
from satchel.stores.sqlite.layout import Layout


def test_a_gid_in_a_column_of_numbers_is_looked_up_by_the_index_of_the_map() -> None:
    column = Column("id", "int64", "INTEGER", "integer")
    root = Layout(1, Table("customers", (column,), ("id",), "local"), "rowid")
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY)")
    for statement in numbers.ddl(root):
        db.execute(statement)
    db.execute("CREATE TABLE staged (c0 INTEGER, l0 INTEGER)")
    db.execute("INSERT INTO staged (c0) VALUES ('site-a:1:0a1b2c3d')")
    numbers.give(db, root, 7, "site-a:1:0a1b2c3d")
    update = f"UPDATE staged SET l0 = {numbers.own_value(root, 'staged.c0')}"
    plan = [line[3] for line in db.execute(f"EXPLAIN QUERY PLAN {update}")]
    assert any(line.startswith("SEARCH m USING") for line in plan), plan
    db.execute(update)
    assert db.execute("SELECT l0 FROM staged").fetchall() == [(7,)]
