"""Rows that a REPLACE may displace: which rows hold a value that NEW is about to take (PROTOCOL, Capture).

`OR REPLACE`, and constraints declared ON CONFLICT REPLACE, remove rows that are in the way by their key, by a unique
index or by their rowid without firing a delete trigger, so BEFORE triggers note them first. What is noted is only a
maybe. Conditions are SQL over `t` (a row of the table) and NEW; they must neither fail where the application's
statement would not, nor look at the whole table.
"""

from __future__ import annotations

import re
import sqlite3

from satchel.stores.sqlite.connection import quote, text_literal
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.schema import UniqueIndex, defaults, key_is_rowid, table_columns, unique_indexes

# A condition that may name its table (`t.a`) cannot stand as it is where the table has another name.
_QUALIFIED = re.compile(r"""["\]`\w]\s*\.\s*["\[`A-Za-z_\x80-\U0010ffff]""")
_CLOCKS = ("CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP")


class Displaced:
    """The conditions for one table."""

    def __init__(self, db: sqlite3.Connection, layout: Layout) -> None:
        self.layout = layout
        self.indexes = unique_indexes(db, layout.table.name)
        self.keys = [layout.columns[p] for p in layout.key_places]
        # The rowid is in the way by itself only where it is not the key. In a BEFORE INSERT, -1 is one not given yet.
        self.rowid = "" if key_is_rowid(db, layout.table.name) else layout.rowid
        # OR REPLACE puts the default where NOT NULL finds a null, after the BEFORE triggers.
        found = {name: default_literal(db, text) for name, text in defaults(db, layout.table.name).items()}
        self._defaults = {quote(name): literal for name, literal in found.items() if literal != "NULL"}
        self._every = [quote(name) for name, *_ in table_columns(db, layout.table.name)]  # generated ones, too

    def _new(self, column: str) -> str:
        """What a column is about to hold."""
        default = self._defaults.get(column)
        return f"NEW.{column}" if default is None else f"ifnull(NEW.{column}, {default})"

    def by_key(self) -> str:
        """Rows with the key of NEW."""
        return " AND ".join(f"t.{key} = {self._new(key)}" for key in self.keys)

    def key_changes(self) -> str:
        """Whether an update changes the key."""
        return " OR ".join(f"OLD.{key} IS NOT {self._new(key)}" for key in self.keys)

    def others(self) -> str:
        """Rows but the one that is updated."""
        return "NOT (" + " AND ".join(f"t.{key} IS OLD.{key}" for key in self.keys) + ")"

    def by_index(self, index: UniqueIndex) -> str:
        """Rows that hold the values of NEW in a unique index."""
        if index.columns:
            pairs = zip(map(quote, index.columns), index.collations, strict=True)
            terms = [f"t.{c} = {self._new(c)} COLLATE {coll}" for c, coll in pairs]
        else:
            terms = [f"({e}) = ({self._of_new(e, index.where)})" for e in index.expressions]
        if index.where:
            # First the row of the table, so that an expression is not asked of rows that the index does not hold.
            here = index.where if not _QUALIFIED.search(index.where) else self._of_row(index.where)
            terms = [f"({here})", f"EXISTS ({self._of_new('1', index.where)})", *terms]
        return " AND ".join(terms)

    def changes_of(self, index: UniqueIndex) -> str:
        """Whether an update changes what a unique index over plain columns looks at; empty: cannot be told."""
        if index.where or not index.columns:
            return ""
        return " OR ".join(f"OLD.{quote(c)} IS NOT {self._new(quote(c))}" for c in index.columns)

    def _of_new(self, expression: str, where: str) -> str:
        # An expression finds its columns in the innermost scope, under the table's own name or under none.
        query = f"SELECT {expression} FROM ({self._image('NEW')}) AS {self.layout.user}"
        return f"{query} WHERE {where}" if where else query

    def _of_row(self, where: str) -> str:
        return f"SELECT {where} FROM ({self._image('t')}) AS {self.layout.user}"

    def _image(self, alias: str) -> str:
        values = (self._new(c) if alias == "NEW" else f"{alias}.{c}" for c in self._every)
        return "SELECT " + ", ".join(f"{value} AS {c}" for value, c in zip(values, self._every, strict=True))


def default_literal(db: sqlite3.Connection, text: str) -> str:
    """A column's default as an SQL literal. It is evaluated here: a name in it means another thing in a trigger."""
    if text.upper() in _CLOCKS:
        return text
    try:
        (literal,) = db.execute(f"SELECT quote(({text}))").fetchone()
    except sqlite3.OperationalError:  # a bare word stands for itself
        return text_literal(text.strip('"'))
    return str(literal)
