"""Manifests: what a packet is and what it holds (docs/spec/packet.md, The manifest)."""

from __future__ import annotations

import hashlib
from typing import ClassVar, Literal, Self

from pydantic import Field, ValidationInfo, model_validator

from satchel.model.ids import Dot, trunk_of
from satchel.model.schema import Table
from satchel.model.vector import HASH_DIGITS, Mark
from satchel.packet.document import (
    Document,
    Hash,
    Network,
    OriginName,
    Seq,
    ShortHash,
    Suffix,
    Text,
    Time,
    WireVector,
    limits_of,
)
from satchel.packet.table import FILE_NAME, ColumnEntry, KeyedColumns, TableName, check_distinct, fingerprint
from satchel.packet.wire import from_wire, time_value
from satchel.packet.written import Part

MANIFEST_NAME = "manifest.json"
PRUNED_NAME = "pruned.json"  # its name in an archive whose parts of the packet were removed


class TableEntry(KeyedColumns):
    """One table's part of a packet: a Parquet file in the packet's folder."""

    name: TableName
    file: str
    rows: int = Field(ge=1)
    bytes: int = Field(ge=1)
    sha256: Hash
    fingerprint: ShortHash

    @model_validator(mode="after")
    def _file_is_ours(self, info: ValidationInfo) -> Self:
        limits = limits_of(info)
        if self.rows > limits.rows:
            raise ValueError("the part has too many rows")
        if self.bytes > limits.part_bytes:
            raise ValueError("the part is too large")
        if not FILE_NAME.fullmatch(self.file):
            raise ValueError("not a file name of a packet's part")
        return self

    @classmethod
    def of(cls, part: Part) -> Self:
        """The entry of a part that was written."""
        table = part.table
        return cls(
            name=table.name,
            file=part.file,
            rows=part.rows,
            bytes=part.size,
            sha256=part.sha256,
            key=table.key,
            scope="local" if table.scope == "local" else "global",
            columns=tuple(ColumnEntry.of(column) for column in table.columns),
            fingerprint=fingerprint(table),
        )

    def table(self) -> Table:
        """The table as the rooms share it; its constraints stand in the configuration only."""
        return Table(self.name, tuple(column.column() for column in self.columns), self.key, self.scope)


class Manifest(Document):
    """A packet's manifest. Its bytes, not this object, are what is signed and hashed."""

    payload_type: ClassVar[str] = "application/vnd.satchel.manifest+json"

    network: Network
    configuration: int = Field(ge=1, le=2**31)
    origin: OriginName
    seq: Seq
    suffix: Suffix
    group: tuple[Seq, Seq]
    kind: Literal["baseline", "changes", "join"]
    context: WireVector
    previous: Hash | None
    created: Time
    software: Text
    predecessor: OriginName | None = None  # of an origin that is an epoch: the one that its node wrote under before
    tables: tuple[TableEntry, ...]

    @model_validator(mode="after")
    def _is_one_packet(self, info: ValidationInfo) -> Self:
        limits = limits_of(info)
        first, last = self.group
        if not first <= self.seq <= last:
            raise ValueError("the packet does not belong to its group")
        if last - first >= limits.group_packets:
            raise ValueError("the group is too large")
        if sum(table.rows for table in self.tables) > limits.rows:
            raise ValueError("the packet has too many rows")
        if len(self.tables) > limits.tables:
            raise ValueError("the packet has too many tables")
        check_distinct([table.name for table in self.tables], "table")
        check_distinct([table.file for table in self.tables], "file name")
        return self

    @model_validator(mode="after")
    def _follows_its_own(self) -> Self:
        """An author has applied its own packets: the one before stands in `previous` and in the context."""
        if trunk_of(self.origin) != self.origin:
            raise ValueError("a packet is sealed under the name of its sequence, not of a branch")
        own = self.context.get(self.origin)
        if self.seq == 1 and (self.previous is not None or own is not None):
            raise ValueError("a first packet has none before it")
        if self.seq > 1 and (self.previous is None or own != (self.seq - 1, self.previous[:HASH_DIGITS])):
            raise ValueError("the context does not name the packet before")
        return self

    @property
    def dot(self) -> Dot:
        """The packet's name."""
        return Dot(self.origin, self.seq)

    @property
    def vector(self) -> dict[str, Mark]:
        """The context as the rooms share it."""
        return from_wire(self.context)

    @property
    def created_ms(self) -> int:
        """When it was sealed, milliseconds since 1970 UTC, by its author's clock."""
        return time_value(self.created)

    @property
    def rows(self) -> dict[str, int]:
        """Rows by table, in the order of the manifest."""
        return {table.name: table.rows for table in self.tables}

    @property
    def sizes(self) -> dict[str, int]:
        """Bytes by file name, of every part."""
        return {table.file: table.bytes for table in self.tables}

    def entry(self, name: str) -> TableEntry:
        """The entry of a table; KeyError if the packet has none."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)


def manifest_hash(manifest_bytes: bytes) -> str:
    """What a packet is known by everywhere: sha256 of the exact manifest bytes, hex."""
    return hashlib.sha256(manifest_bytes).hexdigest()


def folder_name(seq: int, suffix: str) -> str:
    """A packet's folder, sortable by name: `0000000012-5f0c9a17`."""
    return f"{seq:010d}-{suffix}"
