"""The network's configuration: what is replicated and how, signed by an admin, one file a version (step T9)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Self

from pydantic import Field, ValidationInfo, model_validator

from satchel.model.gids import typed
from satchel.model.schema import ForeignKey, Table
from satchel.packet.document import Document, Model, Name, Network, NodeName, Number64, Text, limits_of, refused_models
from satchel.packet.options import Options
from satchel.packet.table import (
    Collation,
    ColumnEntry,
    ForeignKeyEntry,
    KeyedColumns,
    TableName,
    check_distinct,
)

DEFAULT_POLICY = "merge"


class TableRule(KeyedColumns):
    """One replicated table: its columns, and the constraints that the network keeps."""

    policy: Text | None = None  # None: the network's
    unique: tuple[Annotated[tuple[Name, ...], Field(min_length=1)], ...] = ()
    # beside `unique`, by place; empty or missing: the columns' own
    unique_collations: tuple[tuple[Collation, ...], ...] = ()
    foreign_keys: tuple[ForeignKeyEntry, ...] = ()

    @classmethod
    def of(cls, table: Table, policy: str | None = None) -> Self:
        """The rule for a table of the shared words."""
        return cls(
            key=table.key,
            scope="local" if table.scope == "local" else "global",
            columns=tuple(ColumnEntry.of(column) for column in table.columns),
            policy=policy,
            unique=table.unique,
            unique_collations=table.unique_collations,
            # the others stand in the configuration's references
            foreign_keys=tuple(ForeignKeyEntry.of(key) for key in table.foreign_keys if key.declared),
        )

    def table(self, name: str) -> Table:
        """The table as the rooms share it."""
        return Table(
            name,
            tuple(column.column() for column in self.columns),
            self.key,
            self.scope,
            self.unique,
            tuple(key.foreign_key() for key in self.foreign_keys),
            self.unique_collations,
        )

    @model_validator(mode="after")
    def _constraints_fit(self) -> Self:
        names = {column.name for column in self.columns}
        used = [*self.unique, *(key.columns for key in self.foreign_keys)]
        if not all(names.issuperset(columns) for columns in used):
            raise ValueError("a constraint names a column that is not there")
        if len(self.unique_collations) > len(self.unique):
            raise ValueError("there are more collations than unique keys")
        pairs = zip(self.unique, self.unique_collations, strict=False)
        if any(collations and len(collations) != len(columns) for columns, collations in pairs):
            raise ValueError("a unique key has as many collations as columns")
        return self


class Reference(Model):
    """A reference that no schema declares and that the configuration names."""

    table: Name
    columns: tuple[Name, ...] = Field(min_length=1)
    parent: Name
    parent_columns: tuple[Name, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _columns_meet(self) -> Self:
        if len(self.columns) != len(self.parent_columns):
            raise ValueError("a reference has as many columns as its parent")
        return self

    def foreign_key(self) -> ForeignKey:
        """The reference as the rooms share it: translated, and no constraint."""
        return ForeignKey(self.columns, self.parent, self.parent_columns, declared=False)


class Configuration(Document):
    """One version of it. Of several the highest by (version, stamp, signer) holds, on every node alike."""

    payload_type: ClassVar[str] = "application/vnd.satchel.configuration+json"

    network: Network
    version: int = Field(ge=1, le=2**31)
    stamp: Number64
    signer: NodeName
    policy: Text = DEFAULT_POLICY
    tables: dict[TableName, TableRule]
    references: tuple[Reference, ...] = ()
    options: Options = Options()

    @model_validator(mode="after")
    def _tables_fit(self, info: ValidationInfo) -> Self:
        if len(self.tables) > limits_of(info).tables:
            raise ValueError("there are too many tables")
        check_distinct(list(self.tables), "table")
        return self

    @classmethod
    def of(
        cls,
        network: Network,
        tables: Sequence[Table],
        *,
        signer: str,
        stamp: int,
        version: int = 1,
        policy: str = DEFAULT_POLICY,
        policies: Mapping[str, str] | None = None,
        references: Sequence[Reference] = (),
        options: Options | None = None,
    ) -> Self:
        """A configuration that replicates these tables; `policies` by table where it is not the network's. BadPacket if
        it is none, e.g. for too long a name."""
        tables = typed(with_references(tables, references))  # what it says of a column is what packets have
        with refused_models():
            return cls(
                network=network,
                version=version,
                stamp=str(stamp),
                signer=signer,
                policy=policy,
                tables={table.name: TableRule.of(table, (policies or {}).get(table.name)) for table in tables},
                references=tuple(references),
                options=options or Options(),
            )

    @property
    def rank(self) -> tuple[int, int, str, str]:
        """Total order; the content's hash only so that two files of one rank cannot divide the network."""
        content = hashlib.sha256(self.to_bytes()).hexdigest()
        return self.version, int(self.stamp), self.signer, content

    def shared_tables(self) -> tuple[Table, ...]:
        """The replicated tables, by name, with the references that the configuration names, as they are on the wire. A
        reference to columns that its parent does not have is none."""
        tables = {name: self.tables[name].table(name) for name in sorted(self.tables)}
        return typed(with_references(_led_somewhere(tables), self.references))

    def policy_of(self, table: str) -> str:
        """The policy of a table; the network's where it has none of its own or is not known."""
        rule = self.tables.get(table)
        return self.policy if rule is None or rule.policy is None else rule.policy

    @property
    def file_name(self) -> str:
        """Its name in `nodes/`."""
        return f"config-{self.version:010d}-{hashlib.sha256(self.to_bytes()).hexdigest()[:8]}.json"


def _led_somewhere(tables: Mapping[str, Table]) -> Iterator[Table]:
    """The tables without references to columns that are not there. Parents outside of the network are not judged."""
    parents = {name.lower(): table for name, table in tables.items()}
    for table in tables.values():
        lost = [
            key
            for key in table.foreign_keys
            if (parent := parents.get(key.parent.lower())) and not _has(parent, key.parent_columns)
        ]
        keys = tuple(key for key in table.foreign_keys if key not in lost)
        yield replace(table, foreign_keys=keys) if lost else table


def with_references(tables: Iterable[Table], references: Iterable[Reference]) -> tuple[Table, ...]:
    """The tables with references that no schema declares. One whose tables or columns are not there (yet), or that a
    schema declares as well, adds nothing."""
    found = {table.name.lower(): table for table in tables}
    for reference in references:
        child, parent = found.get(reference.table.lower()), found.get(reference.parent.lower())
        if child is None or parent is None or not _has(child, reference.columns):
            continue
        if _has(parent, reference.parent_columns) and not any(_same(key, reference) for key in child.foreign_keys):
            found[child.name.lower()] = replace(child, foreign_keys=(*child.foreign_keys, reference.foreign_key()))
    return tuple(found.values())


def _has(table: Table, columns: Sequence[str]) -> bool:
    return {name.lower() for name in table.names}.issuperset(column.lower() for column in columns)


def _same(key: ForeignKey, reference: Reference) -> bool:
    one = (key.columns, (key.parent,), key.parent_columns)
    other = (reference.columns, (reference.parent,), reference.parent_columns)
    return [[name.lower() for name in names] for names in one] == [[name.lower() for name in names] for names in other]
