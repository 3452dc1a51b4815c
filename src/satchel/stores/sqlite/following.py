"""Additive schema changes that follow by themselves, where the network asks for it (`schema = "follow"`).

What a packet declares becomes SQL here, so only what is surely a type and a literal is taken over.
"""

from __future__ import annotations

import re
import sqlite3

from satchel.model.schema import Column, ForeignKey
from satchel.stores.sqlite import books
from satchel.stores.sqlite.connection import quote
from satchel.stores.sqlite.layout import Layout, compared
from satchel.stores.sqlite.schema import BUILT_IN_COLLATIONS

_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_ ]{0,40}(\(\s*[0-9]{1,6}\s*(,\s*[0-9]{1,6}\s*)?\))?")
_ACTIONS = ("RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT")
_LITERAL = re.compile(
    r"[-+]?[0-9]{1,30}(\.[0-9]{1,30})?|'([^'\0]|''){0,1000}'|NULL|TRUE|FALSE|CURRENT_(TIMESTAMP|DATE|TIME)"
)
# ADD COLUMN takes no clock as the default of rows that are there
_CLOCK = re.compile(r"CURRENT_(TIMESTAMP|DATE|TIME)")


def follow(db: sqlite3.Connection) -> list[str]:
    """Adds the columns and tables that others have; the caller's transaction. What was done, in words."""
    said = []
    for name, layout in books.layouts(db).items():
        if layout.away:
            if _make(db, layout):
                said.append(f"the table {name} was made as the other sites have it")
            continue
        for place in sorted(layout.absent):
            column = layout.table.columns[place]
            if column.name in layout.table.key:
                continue
            db.execute(f"ALTER TABLE main.{layout.user} ADD COLUMN {_definition(column, added=True)}")
            said.append(f"the column {column.name} was added to {name} as the other sites have it")
    return said


def _make(db: sqlite3.Connection, layout: Layout) -> bool:
    """Makes a table, unless something here has its name."""
    taken = db.execute("SELECT 1 FROM main.sqlite_master WHERE lower(name) = lower(?)", (layout.table.name,)).fetchone()
    if taken is not None:
        return False
    columns = [_definition(column, added=False) for column in layout.table.columns]
    columns.append(f"PRIMARY KEY ({', '.join(layout.key_names)})")
    for unique in layout.table.unique_keys:
        columns.append(f"UNIQUE ({', '.join(compared(list(map(quote, unique.columns)), unique.collations))})")
    columns += [_reference(key) for key in layout.table.foreign_keys if key.declared and "" not in key.parent_columns]
    db.execute(f"CREATE TABLE main.{quote(layout.table.name)} ({', '.join(columns)})")
    return True


def _reference(key: ForeignKey) -> str:
    here, there = (", ".join(map(quote, names)) for names in (key.columns, key.parent_columns))
    actions = "".join(
        f" ON {event} {action}"
        for event, action in (("DELETE", key.on_delete), ("UPDATE", key.on_update))
        if action in _ACTIONS
    )
    return f"FOREIGN KEY ({here}) REFERENCES {quote(key.parent)} ({there}){actions}"


def _definition(column: Column, *, added: bool) -> str:
    """A column's definition, of which nothing is taken over unseen."""
    words = [quote(column.name)]
    if _TYPE.fullmatch(column.declared):
        words.append(column.declared)
    default = column.default.strip() if column.default is not None else ""
    usable = _LITERAL.fullmatch(default.upper() if not default.startswith("'") else default) is not None
    usable = usable and not (added and _CLOCK.fullmatch(default.upper()))
    if usable:
        words.append(f"DEFAULT {default}")
    if column.notnull and (not added or (usable and default.upper() != "NULL")):
        words.append("NOT NULL")
    if column.collation in BUILT_IN_COLLATIONS and column.collation != "BINARY":
        words.append(f"COLLATE {column.collation}")
    return " ".join(words)
