"""A small network and its packets, for the tests of this room."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from satchel.model.schema import Column, Table
from satchel.model.vector import Mark
from satchel.packet.card import make_founder_card
from satchel.packet.document import Network
from satchel.packet.invitation import make_card, make_invitation, read_invitation
from satchel.packet.keys import PrivateKey
from satchel.packet.manifest import MANIFEST_NAME, folder_name
from satchel.packet.members import Members
from satchel.packet.rows import STORE_CHANGE_TYPE, arrow_type
from satchel.packet.signing import SealFacts, SignedPacket, sign_packets
from satchel.packet.writer import write_packets
from satchel.packet.written import Written

NOW = 1_790_000_000_000
DAY = 86_400_000
CUSTOMERS = Table(
    "customers",
    (
        Column("id", "int64", "INTEGER", "integer"),
        Column("name", "string", "TEXT", "text", "NOCASE"),
        Column("credit", "float64", "REAL", "real"),
        Column("logo", "binary", "BLOB", "blob"),
    ),
    ("id",),
)


def change(**fields: Any) -> dict[str, Any]:
    """The `_change` of an insert, with some of its fields otherwise."""
    usual = dict.fromkeys(("at", "by", "columns", "lineage", "context", "gid", "misfit"))
    return {**usual, "op": "insert", "stamp": NOW << 16, **fields}


def batch(
    table: Table, columns: Mapping[str, Sequence[Any]], changes: Sequence[Mapping[str, Any]] | None = None
) -> pa.RecordBatch:
    """A store's change batch."""
    rows = len(next(iter(columns.values())))
    arrays = [pa.array(columns.get(c.name, [None] * rows), arrow_type(c)) for c in table.columns]
    arrays.append(pa.array(changes or [change()] * rows, STORE_CHANGE_TYPE))
    return pa.RecordBatch.from_arrays(arrays, names=[*table.names, "_change"])


def customers(count: int, first: int = 1, **fields: Any) -> pa.RecordBatch:
    """Rows of CUSTOMERS."""
    ids = range(first, first + count)
    return batch(CUSTOMERS, {"id": ids, "name": [f"name {i}" for i in ids]}, [change(**fields)] * count)


def streamed(*batches: pa.RecordBatch) -> Any:
    """Batches as `write_packets` asks for them."""

    def stream() -> Iterator[pa.RecordBatch]:
        return iter(batches)

    return stream


@dataclass
class Site:
    """A node with its key and what it sealed so far."""

    name: str
    key: PrivateKey
    network: Network
    folder: Path
    last: SignedPacket | None = None

    def write(self, *batches: pa.RecordBatch, table: Table = CUSTOMERS, **bounds: int) -> list[Written]:
        seq = 1 if self.last is None else self.last.manifest.seq + 1
        where = self.folder / self.name
        return write_packets(
            lambda seq, suffix: where / folder_name(seq, suffix), {table: streamed(*batches)}, self.name, seq, **bounds
        )

    def sign(self, written: Sequence[Written], **changed: Any) -> list[SignedPacket]:
        context = dict(changed.pop("context", {}))
        if self.last is not None:
            context[self.name] = Mark(self.last.manifest.seq, self.last.hash[:16])
        facts: dict[str, Any] = {
            "network": self.network,
            "configuration": 1,
            "kind": "changes",
            "context": context,
            "created": NOW,
            "software": "satchel test",
            **changed,
        }
        signed = sign_packets(written, SealFacts(**facts), self.key, self.last and self.last.hash)
        self.last = signed[-1]
        return signed

    def seal(self, *batches: pa.RecordBatch, **changed: Any) -> tuple[SignedPacket, Path]:
        """One packet, manifest written."""
        [written] = self.write(*batches)
        [signed] = self.sign([written], **changed)
        (written.folder / MANIFEST_NAME).write_bytes(signed.envelope)
        return signed, written.folder


@dataclass
class Acme:
    """A network that its founder, `office`, has just made."""

    folder: Path
    office: Site = field(init=False)
    network: Network = field(init=False)
    files: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.network = Network(id=str(uuid.uuid4()), name="acme")
        self.office = Site("office", PrivateKey.generate(), self.network, self.folder)
        self.files.append(make_founder_card(self.office.key, self.network, "office", NOW))

    @property
    def members(self) -> Members:
        return Members.from_files(self.office.key.public, self.files)

    def invite(self, name: str, role: str = "member", by: Site | None = None, **fields: Any) -> bytes:
        wish = {"now": NOW, "expires": NOW + DAY, "files": self.files, "vector": {}, **fields}
        return make_invitation((by or self.office).key, self.members, name, role, **wish)

    def card(self, invitation: bytes, key: PrivateKey, created: int = NOW) -> bytes:
        return make_card(read_invitation(invitation, NOW), key, created)

    def join(self, name: str, role: str = "member", by: Site | None = None) -> Site:
        """A new member whose card is on file."""
        site = Site(name, PrivateKey.generate(), self.network, self.folder)
        self.files.append(self.card(self.invite(name, role, by), site.key))
        return site
