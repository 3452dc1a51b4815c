"""Tables as the network replicates them: part of the signed configuration, and of every manifest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

# Arrow types that a column can have on the wire. What does not fit travels as a misfit, exactly.
ARROW_TYPES = ("int64", "float64", "string", "binary")
# How texts compare, on every node alike; any other collation only its application knows.
COLLATIONS = ("BINARY", "NOCASE", "RTRIM")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its Arrow type is fixed for the whole network, its declaration is the founder's. `default` and
    `notnull` are for a database that lacks the column and lets it follow."""

    name: str
    type: str  # one of ARROW_TYPES
    declared: str  # as in the founder's schema, e.g. "NUMERIC(10,2)"; may be empty
    affinity: str  # integer | real | numeric | text | blob (SQLite's affinity of the declaration)
    collation: str = "BINARY"
    default: str | None = None  # SQL text of the declared default; None: none is declared
    notnull: bool = False


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A reference: `columns` here point at `parent_columns` there. One that the configuration names and the schema does
    not (`declared` False) is translated, and no constraint."""

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"
    declared: bool = True


@dataclass(frozen=True, slots=True)
class UniqueKey:
    """Columns whose values no two rows share, and the collation by which each compares; none: the columns' own."""

    columns: tuple[str, ...]
    collations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """One replicated table. Columns keep their place for ever: new ones are appended (lineage refers to places)."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]  # key columns, in key order
    scope: str = "global"  # global | local
    unique: tuple[tuple[str, ...], ...] = ()  # network unique keys besides the key
    foreign_keys: tuple[ForeignKey, ...] = ()
    # Beside `unique`, by place; empty or missing: the columns' own. See `unique_keys` and `with_unique_keys`.
    unique_collations: tuple[tuple[str, ...], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in their order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def unique_keys(self) -> tuple[UniqueKey, ...]:
        """`unique`, each key with its collations where they are not the columns' own."""
        pairs = zip_longest(self.unique, self.unique_collations[: len(self.unique)], fillvalue=())
        return tuple(UniqueKey(columns, collations) for columns, collations in pairs)

    def with_unique_keys(self, keys: Iterable[UniqueKey]) -> Table:
        """The table with these unique keys instead, each once. Collations are left away where they are the columns'
        own, so that equal tables are equal. KeyError for a column that is not there."""
        bare = (k if k.collations != self.collations_of(k.columns) else UniqueKey(k.columns) for k in keys)
        kept = tuple(dict.fromkeys(bare))
        collations = tuple(key.collations for key in kept) if any(key.collations for key in kept) else ()
        return replace(self, unique=tuple(key.columns for key in kept), unique_collations=collations)

    def collations_of(self, names: Sequence[str]) -> tuple[str, ...]:
        """The collations of some columns; KeyError for one that is not there."""
        return tuple(self.column(name).collation for name in names)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A table, or some rows of it, that is not replicated, and why."""

    table: str
    reason: str


@dataclass(frozen=True, slots=True)
class Schema:
    """What a database holds that could be replicated, and what could not."""

    tables: tuple[Table, ...]
    left_out: tuple[LeftOut, ...]
