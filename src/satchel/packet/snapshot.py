"""Snapshots: the state of a network for whoever cannot have all packets (docs/spec/snapshot.md).

A snapshot stands outside every sequence. Its manifest is signed by an admin and names every part, as a packet's does;
no byte of a part is decoded before signature, sizes and hashes have passed.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, model_validator

from satchel.errors import BadPacket
from satchel.files import FileTrouble
from satchel.model.vector import Mark
from satchel.packet.document import (
    Document,
    Hash,
    Model,
    Network,
    NodeName,
    Number64,
    OriginName,
    Seq,
    Text,
    Time,
    WireVector,
)
from satchel.packet.envelope import Envelope
from satchel.packet.limits import DEFAULT_LIMITS, Limits
from satchel.packet.manifest import MANIFEST_NAME, TableEntry
from satchel.packet.members import Members
from satchel.packet.problem import Problem, Waiting
from satchel.packet.signers import Kind, read_signed, unknown_signer
from satchel.packet.table import FILE_NAME, check_distinct
from satchel.packet.verify import hash_file
from satchel.packet.wire import from_wire, time_value

PACKETS_FILE = "satchel-packets.parquet"
NODES_FILE = "satchel-nodes.parquet"
SNAPSHOT_FOLDER = re.compile(r"[a-z0-9][a-z0-9-]{0,30}-[0-9]{13,15}")


class BooksEntry(Model):
    """A part that is no table of the user: the packets that are covered, the signed files of `nodes/`."""

    file: str
    rows: int = Field(ge=0, le=DEFAULT_LIMITS.rows)
    bytes: int = Field(ge=1, le=DEFAULT_LIMITS.part_bytes)
    sha256: Hash

    @model_validator(mode="after")
    def _file_is_ours(self) -> Self:
        if not FILE_NAME.fullmatch(self.file):
            raise ValueError("not a file name of a part")
        return self


class SnapshotManifest(Document):
    """A snapshot's manifest. `tables`: a large table has several entries, its parts in order of the key."""

    payload_type: ClassVar[str] = "application/vnd.satchel.snapshot+json"

    network: Network
    configuration: int = Field(ge=1, le=2**31)
    author: NodeName
    stamp: Number64  # milliseconds since 1970 UTC, by the author's clock
    vector: WireVector
    created: Time
    software: Text
    tables: tuple[TableEntry, ...] = Field(max_length=DEFAULT_LIMITS.tables)
    packets: BooksEntry
    nodes: BooksEntry
    # of forks: the first packet of each branch, its hash, that of the one before
    branches: dict[OriginName, tuple[Seq, Hash, str]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_one_snapshot(self) -> Self:
        check_distinct([entry.file for entry in self.parts], "file name")
        if not SNAPSHOT_FOLDER.fullmatch(self.folder):
            raise ValueError("not a stamp of milliseconds")
        for name in {entry.name for entry in self.tables}:
            if len({(e.key, e.scope, e.columns) for e in self.tables if e.name == name}) > 1:
                raise ValueError("the parts of a table disagree about its columns")
        return self

    @property
    def folder(self) -> str:
        """Its folder in `snapshots/`."""
        return f"{self.author}-{self.stamp}"

    @property
    def created_ms(self) -> int:
        """When it was taken, milliseconds since 1970 UTC."""
        return time_value(self.created)

    @property
    def marks(self) -> dict[str, Mark]:
        """The vector as the rooms share it."""
        return from_wire(self.vector)

    @property
    def parts(self) -> tuple[TableEntry | BooksEntry, ...]:
        """Every file that it has beside its manifest."""
        return (*self.tables, self.packets, self.nodes)

    @property
    def sizes(self) -> dict[str, int]:
        """Bytes by file name, of every part."""
        return {entry.file: entry.bytes for entry in self.parts}

    @property
    def rows(self) -> dict[str, int]:
        """Versions of rows by table."""
        found: dict[str, int] = {}
        for entry in self.tables:
            found[entry.name] = found.get(entry.name, 0) + entry.rows
        return found


_SNAPSHOT = Kind(
    SnapshotManifest.payload_type, "a snapshot", SnapshotManifest.parse, lambda manifest: manifest.author, MANIFEST_NAME
)


@dataclass(frozen=True, slots=True)
class SignedSnapshot:
    """A snapshot's manifest whose signature holds: of this network, by an admin. `envelope`: the file it was read
    from."""

    manifest: SnapshotManifest
    envelope: bytes
    limits: Limits = DEFAULT_LIMITS  # under which it was read; its parts are read under the same

    @property
    def vector(self) -> dict[str, Mark]:
        """What it covers."""
        return self.manifest.marks


def read_snapshot(data: bytes, members: Members, limits: Limits = DEFAULT_LIMITS) -> SignedSnapshot | Waiting:
    """The manifest of a snapshot. Waiting: its signer has no accepted card yet, or its format is newer. BadPacket: it
    is not to be trusted; only an admin vouches for a state (PROTOCOL, Snapshots and pruning)."""

    def stranger(envelope: Envelope) -> Waiting:
        if (refused := members.refused(envelope.signatures[0].keyid)) is not None:
            raise BadPacket(f"the card of its signer was refused: {refused}", MANIFEST_NAME)
        return unknown_signer(_SNAPSHOT, envelope)

    read = read_signed(_SNAPSHOT, data, members, limits, stranger)
    if isinstance(read, Waiting):
        return read
    manifest, _ = read
    if members.role(manifest.author) != "admin":
        raise BadPacket(f"{manifest.author} is no admin: only an admin vouches for a snapshot", MANIFEST_NAME)
    return SignedSnapshot(manifest, data, limits)


def snapshot_problems(folder: Path, manifest: SnapshotManifest) -> Iterator[Problem]:
    """What is wrong with the files in a snapshot's folder: sizes first, then hashes, nothing decoded."""
    name = f"snapshots/{manifest.folder}"
    for entry in manifest.parts:
        path = folder / entry.file  # a plain name: the model refuses any other
        try:
            found = path.lstat()
            if not stat.S_ISREG(found.st_mode):
                yield Problem(name, entry.file, "no regular file")
            elif found.st_size != entry.bytes:
                yield Problem(name, entry.file, f"{found.st_size} of {entry.bytes} bytes")
            elif hash_file(path, entry.bytes) != entry.sha256:
                yield Problem(name, entry.file, "altered: its sha256 is not the manifest's")
        except FileNotFoundError:
            yield Problem(name, entry.file, "missing")
        except FileTrouble as trouble:
            yield Problem(name, entry.file, f"cannot be read: {trouble.message}")
