"""Foreign keys after an apply, checked by set queries over the rows that were touched.

Foreign keys are off while satchel applies (actions would fire that already arrived as changes of their own), so what
the declaration promises the application is looked at here. Only the touched rows: the rest is as it was before.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from satchel.errors import ConstraintRefused
from satchel.model.schema import ForeignKey
from satchel.stores.sqlite.connection import quote, tolerant
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.schema import foreign_keys, user_tables
from satchel.stores.sqlite.stage import Stage


def references(db: sqlite3.Connection) -> list[tuple[str, ForeignKey]]:
    """(child table, reference) of every declared reference in the database, of tables left out too."""
    tables = [name for name, _ in user_tables(db)]
    return [(name, key) for name in tables for key in foreign_keys(db, name)]


def check(db: sqlite3.Connection, known: Sequence[tuple[str, ForeignKey]], stages: Mapping[str, Stage]) -> None:
    """Raises ConstraintRefused if a touched row refers to nothing, or something refers to a row that is gone."""
    by_table = {name.lower(): stage for name, stage in stages.items()}
    for child, key in known:
        if "" in key.parent_columns:
            continue
        if child.lower() in by_table:
            _children(db, by_table[child.lower()].layout, by_table[child.lower()], key)
        if key.parent.lower() in by_table:
            stage = by_table[key.parent.lower()]
            _parents(db, stage.layout, stage, child, key)


def _has_parent(key: ForeignKey) -> str:
    pairs = zip(key.columns, key.parent_columns, strict=True)
    condition = " AND ".join(f"p.{quote(there)} = c.{quote(here)}" for here, there in pairs)
    return f"EXISTS (SELECT 1 FROM main.{quote(key.parent)} p WHERE {condition})"


def _not_null(key: ForeignKey) -> str:
    return " AND ".join(f"c.{quote(column)} IS NOT NULL" for column in key.columns)


def _children(db: sqlite3.Connection, layout: Layout, stage: Stage, key: ForeignKey) -> None:
    query = (
        f"SELECT {', '.join(f'c.{quote(c)}' for c in key.columns)} FROM {stage.name} s JOIN main.{layout.user} c"
        f" ON {layout.match('u:c', 'c:s')} WHERE {_not_null(key)} AND NOT {_has_parent(key)} LIMIT 1"
    )
    with tolerant(db):
        row = db.execute(query).fetchone()
    if row is not None:
        _refuse(layout.table.name, key, row)


def _parents(db: sqlite3.Connection, layout: Layout, stage: Stage, child: str, key: ForeignKey) -> None:
    """Children of rows that were deleted, or whose values referred to were changed."""
    names = {name.lower(): slot for name, slot in zip(layout.table.names, layout.slots, strict=True)}
    if not all(column.lower() in names for column in key.parent_columns):
        return
    if {column.lower() for column in key.parent_columns} == {column.lower() for column in layout.table.key}:
        # key values: the staged row has them, whether it is there or gone
        pairs = zip(key.columns, key.parent_columns, strict=True)
        condition = " AND ".join(f"c.{quote(here)} = s.{names[there.lower()]}" for here, there in pairs)
        source = f"{stage.name} s JOIN main.{quote(child)} c ON {condition}"
    else:
        # the old values are not at hand: every child is looked at
        source = f"main.{quote(child)} c"
    query = (
        f"SELECT {', '.join(f'c.{quote(c)}' for c in key.columns)} FROM {source}"
        f" WHERE {_not_null(key)} AND NOT {_has_parent(key)} LIMIT 1"
    )
    with tolerant(db):
        row = db.execute(query).fetchone()
    if row is not None:
        _refuse(child, key, row)


def _refuse(child: str, key: ForeignKey, row: Sequence[object]) -> None:
    values = ", ".join(map(repr, row))
    raise ConstraintRefused(
        f"FOREIGN KEY constraint failed: {child} ({', '.join(key.columns)}) = {values} has no row in {key.parent}",
        "settle it at the sites that made the two changes; it is tried again at every import",
    )
