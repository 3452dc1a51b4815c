"""Tables as manifests and configurations write them, and as the rooms share them (satchel.model.schema)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from satchel.model.schema import COLLATIONS, Column, ForeignKey, Table
from satchel.packet.document import Model, Name, Text, limits_of
from satchel.packet.json_text import dump_json
from satchel.packet.limits import DEFAULT_LIMITS

CHANGE_COLUMN = "_change"
# A file name of ours: it depends on no case, fits every file system, is no device of Windows and leads nowhere.
FILE_NAME = re.compile(r"(?=.{1,60}$)(?!(con|prn|aux|nul|com[0-9]|lpt[0-9])\.)[a-z0-9][a-z0-9._-]*\.parquet")


_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
# Databases keep their own books under these names, and so does satchel: no packet may write there.
_RESERVED = ("_satchel", "sqlite_")


def _table_name(name: str) -> str:
    if ascii_lower(name).startswith(_RESERVED):
        raise ValueError("a replicated table cannot have this name")
    return name


def _collation(text: str) -> str:
    if text not in COLLATIONS:  # it becomes SQL
        raise ValueError("not a collation that every database has")
    return text


TableName = Annotated[Name, AfterValidator(_table_name)]
Collation = Annotated[str, AfterValidator(_collation)]


class ColumnEntry(Model):
    """One column (satchel.model.schema.Column)."""

    name: Name
    type: Literal["int64", "float64", "string", "binary"]
    declared: Text = ""
    affinity: Literal["integer", "real", "numeric", "text", "blob"]
    collation: Collation = "BINARY"
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
                "default": default if default is None or len(default) <= DEFAULT_LIMITS.text_length else None,
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
    columns: tuple[ColumnEntry, ...] = Field(min_length=1)

    @field_validator("columns")
    @classmethod
    def _not_too_many(cls, columns: tuple[ColumnEntry, ...], info: ValidationInfo) -> tuple[ColumnEntry, ...]:
        if len(columns) > limits_of(info).columns:
            raise ValueError("there are too many columns")
        return columns

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

    @model_validator(mode="after")
    def _columns_meet(self) -> Self:
        if len(self.columns) != len(self.parent_columns):
            raise ValueError("a reference has as many columns as its parent")
        return self

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
    """ValueError if a name stands twice, in whatever case: databases take `ID` and `id` for one."""
    if len(set(map(ascii_lower, names))) != len(names):
        raise ValueError(f"a {what} stands twice")


def ascii_lower(name: str) -> str:
    """As SQLite compares names: letters beyond ASCII have no case."""
    return name.translate(_LOWER)


def fingerprint(table: Table) -> str:
    """First 16 hex digits of the sha256 of what a manifest says of a table's schema. For people and catalogues: equal
    fingerprints, equal columns. Readers compare the columns themselves."""
    columns = [ColumnEntry.of(column).model_dump(mode="json") for column in table.columns]
    schema = {"name": table.name, "key": list(table.key), "scope": table.scope, "columns": columns}
    return hashlib.sha256(dump_json(schema)).hexdigest()[:16]
