"""Tables as the network replicates them: part of the signed configuration, and of every manifest."""

from __future__ import annotations

from dataclasses import dataclass

# Arrow types that a column can have on the wire. What does not fit travels as a misfit, exactly.
ARROW_TYPES = ("int64", "float64", "string", "binary")


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
class Table:
    """One replicated table. Columns keep their place for ever: new ones are appended (lineage refers to places)."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]  # key columns, in key order
    scope: str = "global"  # global | local
    unique: tuple[tuple[str, ...], ...] = ()  # network unique keys besides the key
    foreign_keys: tuple[ForeignKey, ...] = ()

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
