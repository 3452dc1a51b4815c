"""Tables as manifests and configurations write them, and as the rooms share them (satchel.model.schema)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from satchel.model.schema import Column, ForeignKey, Table
from satchel.packet.document import TEXT_LENGTH, Model, Name, Text
from satchel.packet.json_text import dump_json
from satchel.packet.limits import DEFAULT_LIMITS

CHANGE_COLUMN = "_change"
# A file name of ours: it depends on no case, fits every file system and leads nowhere.
FILE_NAME = re.compile(r"(?=.{1,60}$)[a-z0-9][a-z0-9._-]*\.parquet")


class ColumnEntry(Model):
    """One column (satchel.model.schema.Column)."""

    name: Name
    type: Literal["int64", "float64", "string", "binary"]
    declared: Text = ""
    affinity: Literal["integer", "real", "numeric", "text", "blob"]
    collation: Name = "BINARY"
    default: Text | None = None
    notnull: bool = False

    @classmethod
    def of(cls, column: Column) -> Self:
        """A column of the shared words. A default too long for a manifest is not announced: it only serves databases
        that lack the column."""
        default = column.default
        return cls.model_validate(
            {
                "name": column.name,
                "type": column.type,
                "declared": column.declared,
                "affinity": column.affinity,
                "collation": column.collation,
                "default": default if default is None or len(default) <= TEXT_LENGTH else None,
                "notnull": column.notnull,
            }
        )

    def column(self) -> Column:
        """The column as the rooms share it."""
        return Column(self.name, self.type, self.declared, self.affinity, self.collation, self.default, self.notnull)


class KeyedColumns(Model):
    """What a manifest and a configuration both say of a table: its key and its columns, in their places."""

    key: tuple[Name, ...] = Field(min_length=1)
    scope: Literal["global", "local"] = "global"
    columns: tuple[ColumnEntry, ...] = Field(min_length=1, max_length=DEFAULT_LIMITS.columns)

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        names = [column.name for column in self.columns]
        check_distinct(names, "column")
        check_distinct(self.key, "key column")
        if not set(self.key) <= set(names):
            raise ValueError("the key names a column that is not there")
        # Engines compare column names without case; ours would not be found beside such a one.
        if any(name.lower() == CHANGE_COLUMN for name in names):
            raise ValueError(f"a column cannot be called {CHANGE_COLUMN}")
        if self.scope == "local" and [c.type for c in self.columns if c.name in self.key] != ["int64"]:
            raise ValueError("a key of scope local is one number")
        return self


class ForeignKeyEntry(Model):
    """A reference (satchel.model.schema.ForeignKey)."""

    columns: tuple[Name, ...] = Field(min_length=1)
    parent: Name
    parent_columns: tuple[Name, ...] = Field(min_length=1)
    on_delete: Text = "NO ACTION"
    on_update: Text = "NO ACTION"

    @classmethod
    def of(cls, key: ForeignKey) -> Self:
        """A reference of the shared words."""
        return cls(
            columns=key.columns,
            parent=key.parent,
            parent_columns=key.parent_columns,
            on_delete=key.on_delete,
            on_update=key.on_update,
        )

    def foreign_key(self) -> ForeignKey:
        """The reference as the rooms share it."""
        return ForeignKey(self.columns, self.parent, self.parent_columns, self.on_delete, self.on_update)


def check_distinct(names: Sequence[str], what: str) -> None:
    """ValueError if a name stands twice."""
    if len(set(names)) != len(names):
        raise ValueError(f"a {what} stands twice")


def fingerprint(table: Table) -> str:
    """First 16 hex digits of the sha256 of what a manifest says of a table's schema. For people and catalogues: equal
    fingerprints, equal columns. Readers compare the columns themselves."""
    columns = [ColumnEntry.of(column).model_dump(mode="json") for column in table.columns]
    schema = {"name": table.name, "key": list(table.key), "scope": table.scope, "columns": columns}
    return hashlib.sha256(dump_json(schema)).hexdigest()[:16]
