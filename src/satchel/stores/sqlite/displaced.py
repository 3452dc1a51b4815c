"""Rows that a REPLACE may displace: which rows hold a value that NEW is about to take (PROTOCOL, Capture).

`OR REPLACE`, and constraints declared ON CONFLICT REPLACE, remove rows that are in the way by their key, by a unique
index or by their rowid without firing a delete trigger, so BEFORE triggers note them first. What is noted is only a
maybe. Conditions are SQL over `x` (a row of the table), NEW and OLD; they must neither fail where the application's
statement would not, nor look at the whole table. Columns that are no key may be gone (gap.py).
"""

from __future__ import annotations

import sqlite3

from satchel.stores.sqlite.connection import quote, text_literal
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.schema import UniqueIndex, defaults, key_is_rowid, table_columns, unique_indexes

_CLOCKS = ("CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP")
_QUOTES = frozenset("\"'`[]")


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
        columns = table_columns(db, layout.table.name)
        self._every = [name for name, *_ in columns]  # generated ones, too
        # Columns that change by an update of others: generated ones, and a key that is set as the rowid.
        self._derived = {name for name, _, _, pk, hidden in columns if hidden or (pk and not self.rowid)}

    def _new(self, column: str) -> str:
        """What a column is about to hold; to stand in a query without FROM."""
        default = self._defaults.get(column)
        return f"NEW.{column}" if default is None else f"ifnull(NEW.{column}, {default})"

    def source(self) -> str:
        """Rows x, whose columns are named without it: of the two that a natural join has in common the left one counts,
        and the gap's where it is the only one."""
        return f"FROM {self.layout.user} AS x NATURAL LEFT JOIN {self.layout.gap}"

    def by_key(self) -> str:
        """Rows with the key of NEW."""
        return " AND ".join(f"x.{key} = {self._new(key)}" for key in self.keys)

    def by_rowid(self) -> str:
        """The row with the rowid of NEW."""
        return f"x.{self.rowid} = NEW.{self.rowid}"

    def key_changes(self) -> str:
        """Whether an update changes the key."""
        return " OR ".join(f"OLD.{key} IS NOT {self._new(key)}" for key in self.keys)

    def others(self) -> str:
        """Rows but the one that is updated."""
        return "NOT (" + " AND ".join(f"x.{key} IS OLD.{key}" for key in self.keys) + ")"

    def by_index(self, index: UniqueIndex) -> str:
        """The row that holds the values of NEW in a unique index: one at most."""
        identity = [self.layout.rowid] if self.layout.rowid else self.keys
        holder = self._holder(index)
        return " AND ".join(f"x.{c} = (SELECT (SELECT {c} {holder}) FROM {self.layout.gap} AS NEW)" for c in identity)

    def found(self, condition: str) -> str:
        """Whether there is a row x."""
        return f"EXISTS (SELECT 1 FROM {self.layout.user} AS x WHERE {condition})"

    def found_by_index(self, index: UniqueIndex) -> str:
        """Whether a row holds the values of NEW in a unique index."""
        return f"(SELECT EXISTS (SELECT 1 {self._holder(index)}) FROM {self.layout.gap} AS NEW)"

    def _holder(self, index: UniqueIndex) -> str:
        if index.columns:
            pairs = zip(map(quote, index.columns), index.collations, strict=True)
            terms = [f"{c} = (SELECT {self._new(c)}) COLLATE {coll}" for c, coll in pairs]
        else:
            terms = [f"({e}) = ({self._of_new(e, index)})" for e in index.expressions]
        if index.where:
            # First the row of the table, so that an expression is not asked of rows that the index does not hold.
            terms = [f"({index.where})", f"EXISTS ({self._of_new('1', index)})", *terms]
        return f"FROM {self.layout.user} WHERE {' AND '.join(terms)}"

    def changes_of(self, index: UniqueIndex) -> str:
        """Whether an update changes what a unique index over plain columns looks at; empty: cannot be told."""
        if index.where or not index.columns:
            return ""
        changes = " OR ".join(f"OLD.{quote(c)} IS NOT {self._new(quote(c))}" for c in index.columns)
        return f"(SELECT (SELECT {changes}) FROM {self.layout.gap} AS OLD CROSS JOIN {self.layout.gap} AS NEW)"

    def columns_of(self, index: UniqueIndex) -> list[str]:
        """The columns whose update may change what a unique index looks at; empty: that of every column."""
        named = self._named_in(index)
        return [] if self._derived.intersection(named) else named

    def _named_in(self, index: UniqueIndex) -> list[str]:
        """Columns that an index names, and maybe some that only look so."""
        if index.columns and not index.where:
            return list(index.columns)
        text = " ".join((*index.expressions, index.where)).lower()
        return [name for name in self._every if name.lower() in text or _QUOTES.intersection(name)]

    def _of_new(self, expression: str, index: UniqueIndex) -> str:
        # An expression finds its columns in the innermost scope, under the table's own name or under none.
        image = ", ".join(f"(SELECT {self._new(c)}) AS {c}" for c in map(quote, self._named_in(index))) or "1"
        query = f"SELECT {expression} FROM (SELECT {image}) AS {self.layout.user}"
        return f"{query} WHERE {index.where}" if index.where else query


def default_literal(db: sqlite3.Connection, text: str) -> str:
    """A column's default as an SQL literal. It is evaluated here: a name in it means another thing in a trigger."""
    if text.upper() in _CLOCKS:
        return text
    try:
        (literal,) = db.execute(f"SELECT quote(({text}))").fetchone()
    except sqlite3.OperationalError:  # a bare word stands for itself
        return text_literal(text.strip('"'))
    return str(literal)
