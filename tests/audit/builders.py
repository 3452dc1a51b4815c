"""Small archives made by the packet room's writer: a network, its nodes, what they sealed and acknowledged."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from satchel.model.schema import Column, Table
from satchel.model.vector import Mark
from satchel.packet.ack import Ack, sign_ack
from satchel.packet.card import make_founder_card
from satchel.packet.configuration import Configuration
from satchel.packet.deciding import node_file_name
from satchel.packet.document import Network
from satchel.packet.invitation import make_card, make_invitation, read_invitation
from satchel.packet.keys import PrivateKey
from satchel.packet.manifest import MANIFEST_NAME, folder_name
from satchel.packet.members import Members
from satchel.packet.rows import STORE_CHANGE_TYPE, arrow_type
from satchel.packet.signing import SealFacts, SignedPacket, sign_packets
from satchel.packet.wire import time_text, to_wire
from satchel.packet.writer import write_packets

NOW = 1_790_000_000_000
DAY = 86_400_000
CUSTOMERS = Table(
    "customers",
    (
        Column("id", "int64", "INTEGER", "integer"),
        Column("name", "string", "TEXT", "text"),
        Column("credit", "float64", "REAL", "real"),
        Column("logo", "binary", "BLOB", "blob"),
    ),
    ("id",),
)
CODES = Table(
    "codes", (Column("code", "string", "TEXT", "text", "NOCASE"), Column("n", "int64", "", "blob")), ("code", "n")
)

Row = Mapping[str, Any]


def row(values: Row, op: str = "insert", at: int = NOW, **change: Any) -> tuple[Row, Row]:
    """One version: values, and its `_change`. `at` in milliseconds since 1970 UTC, also the stamp; 0: unknown."""
    usual = dict.fromkeys(("by", "columns", "lineage", "context", "gid", "misfit"))
    moment = datetime.fromtimestamp(at / 1000, UTC) if at else None
    return values, {**usual, "op": op, "at": moment, "stamp": at << 16, **change}


def misfit(column: str, kind: str, value: bytes) -> dict[str, Any]:
    return {"column": column, "class": kind, "value": value}


def batch(table: Table, rows: Sequence[tuple[Row, Row]]) -> pa.RecordBatch:
    """A store's change batch."""
    arrays = [pa.array([values.get(c.name) for values, _ in rows], arrow_type(c)) for c in table.columns]
    arrays.append(pa.array([change for _, change in rows], STORE_CHANGE_TYPE))
    return pa.RecordBatch.from_arrays(arrays, names=[*table.names, "_change"])


def _streamed(found: pa.RecordBatch) -> Any:
    def stream() -> Iterator[pa.RecordBatch]:
        yield found

    return stream


@dataclass
class Node:
    """A member with what it sealed so far; its vector is what `sees` and `seal` make of it."""

    archive: Archive
    name: str
    key: PrivateKey
    vector: dict[str, Mark] = field(default_factory=dict)
    last: SignedPacket | None = None

    def seal(
        self, rows: Mapping[Table, Sequence[tuple[Row, Row]]], *, created: int = NOW, kind: str = "changes"
    ) -> Path:
        """One packet, in the archive; returns its folder."""
        seq = 1 if self.last is None else self.last.manifest.seq + 1
        where = self.archive.root / "acme" / self.name
        tables = {table: _streamed(batch(table, versions)) for table, versions in rows.items()}
        written = write_packets(lambda seq, suffix: where / folder_name(seq, suffix), tables, self.name, seq)
        facts = SealFacts(self.archive.network, 1, kind, self.vector, created, "satchel test")  # type: ignore[arg-type]
        [signed] = sign_packets(written, facts, self.key, self.last and self.last.hash)
        (written[0].folder / MANIFEST_NAME).write_bytes(signed.envelope)
        self.last = signed
        self.vector = {**self.vector, self.name: Mark(seq, signed.hash[:16])}
        return written[0].folder

    def write(self, *versions: tuple[Row, Row], table: Table = CUSTOMERS) -> Path:
        """One packet of one table."""
        return self.seal({table: versions})

    def sees(self, *others: Node) -> Node:
        """Applies everything of the others."""
        for other in others:
            for origin, mark in other.vector.items():
                if origin not in self.vector or self.vector[origin].seq < mark.seq:
                    self.vector[origin] = mark
        return self

    def acknowledge(self, counter: int = NOW, **fields: Any) -> Path:
        """Writes the acknowledgement of what it has."""
        usual = {"network": self.archive.network, "node": self.name, "origin": self.name, "counter": str(counter)}
        clock = time_text(counter)
        ack = Ack.model_validate(
            {**usual, "vector": to_wire(self.vector), "configuration": 1, "clock": clock, **fields}
        )
        path = self.archive.root / "acks" / ack.file_name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(sign_ack(ack, self.key))
        return path


@dataclass
class Archive:
    """An archive of the network `acme` that its founder, `office`, has just made."""

    root: Path
    tables: Sequence[Table] = (CUSTOMERS, CODES)
    policy: str = "merge"
    network: Network = field(init=False)
    office: Node = field(init=False)
    files: list[bytes] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)  # those that joined

    def __post_init__(self) -> None:
        self.network = Network(id=str(uuid.uuid4()), name="acme")
        self.office = Node(self, "office", PrivateKey.generate())
        self._introduce(make_founder_card(self.office.key, self.network, "office", NOW))
        words = {"signer": "office", "stamp": NOW << 16, "policy": self.policy}
        configuration = Configuration.of(self.network, self.tables, **words)  # type: ignore[arg-type]
        self._introduce(configuration.seal(self.office.key))

    def join(self, name: str, role: str = "member", *, known: bool = True) -> Node:
        """A new node; `known`: its card is in the archive."""
        key = PrivateKey.generate()
        members = Members.from_files(self.office.key.public, self.files)
        wish: dict[str, Any] = {"now": NOW, "expires": NOW + DAY, "files": self.files, "vector": {}}
        invitation = make_invitation(self.office.key, members, name, role, **wish)
        card = make_card(read_invitation(invitation, NOW), key, NOW)
        if known:
            self._introduce(card)
        self.nodes[name] = Node(self, name, key)
        return self.nodes[name]

    def _introduce(self, data: bytes) -> None:
        self.files.append(data)
        folder = self.root / "nodes"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / node_file_name(data)).write_bytes(data)


def alter(path: Path, place: int | None = None) -> None:
    """Flips one bit of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if place is None else place] ^= 1
    path.write_bytes(data)
