"""What an audit keeps of a packet that verified: enough for every view and report, and little of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from satchel.model.ids import Dot
from satchel.model.schema import Table
from satchel.model.vector import Mark
from satchel.packet.manifest import Manifest
from satchel.packet.verify import SignedManifest


class Finding(NamedTuple):
    """Something that is not as it should be. `packet` as `site-a/12`, `file` a name in `folder`; any may be empty."""

    packet: str
    file: str
    reason: str
    folder: str = ""


@dataclass(frozen=True, slots=True)
class HeldPart:
    """One table's file of a packet. `table` is as the manifest has it."""

    table: Table
    file: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Held:
    """A packet whose manifest is signed by a member. `signed` has no tables: ten thousand manifests must fit into
    memory; `parts` are all of them, verified or not."""

    folder: Path
    signed: SignedManifest
    keyid: str
    parts: tuple[HeldPart, ...]

    @property
    def manifest(self) -> Manifest:
        """The manifest without its tables."""
        return self.signed.manifest

    @property
    def dot(self) -> Dot:
        """The packet's name."""
        return self.signed.manifest.dot

    @property
    def hash(self) -> str:
        """sha256 of the manifest's bytes, hex."""
        return self.signed.hash

    @property
    def context(self) -> dict[str, Mark]:
        """What its author had applied."""
        return self.signed.manifest.vector

    @property
    def paths(self) -> dict[str, Path]:
        """Its files by table."""
        return {part.table.name: self.folder / part.file for part in self.parts}

    def of_table(self, table: str | None) -> Held | None:
        """The packet with its part of one table only; None if it has none. Without a table the packet as it is."""
        if table is None:
            return self
        parts = tuple(part for part in self.parts if part.table.name == table)
        return replace(self, parts=parts) if parts else None


class Slimmer:
    """Makes `Held` of manifests; tables that are equal are kept once."""

    def __init__(self) -> None:
        self._tables: dict[Table, Table] = {}

    def held(self, folder: Path, signed: SignedManifest, keyid: str) -> Held:
        """What is kept of a signed manifest."""
        parts = []
        for entry in signed.manifest.tables:
            table = entry.table()
            table = self._tables.setdefault(table, table)
            parts.append(HeldPart(table, entry.file, entry.rows, entry.bytes))
        slim = signed.manifest.model_copy(update={"tables": ()})
        return Held(folder, SignedManifest(slim, signed.hash, b""), keyid, tuple(parts))
