"""What was verified once and has not been touched since, so that it need not be hashed at every question (ADR 31).

A memory belongs to whoever keeps it: it stands in a lake, never in an archive, and `satchel verify` does not ask it. A
packet is remembered by its folder, by size, times and number of each of its files, and by the members under whom it
verified; where any of it differs, it is verified anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from satchel.audit.held import Held, HeldPart
from satchel.audit.places import Place
from satchel.errors import SatchelError
from satchel.files import read_limited, replace
from satchel.model.schema import Column, Table
from satchel.packet.document import Format, Network
from satchel.packet.manifest import Manifest
from satchel.packet.verify import SignedManifest

_FORMAT = 1
_MAX_BYTES = 1 << 30
SETTLED_NS = 2_000_000_000
_FORMAT_1 = Format()
_FIELDS = ("configuration", "origin", "seq", "suffix", "group", "kind", "context", "previous", "created", "software",
           "predecessor")  # fmt: skip


@dataclass(slots=True)
class Memory:
    """`members`: digest of the files that introduce them. `entries`: by folder, as `_entry` makes them."""

    members: str = ""
    network: Network | None = None
    tables: list[Table] = field(default_factory=list)
    entries: dict[str, list[Any]] = field(default_factory=dict)
    changed: bool = False

    @classmethod
    def load(cls, path: Path) -> Self:
        """The memory in a file; an empty one where there is none, or none that can be read."""
        try:
            document = json.loads(read_limited(path, _MAX_BYTES))
            if document["satchel_memory"] != _FORMAT:
                return cls()
            tables = [_table(entry) for entry in document["tables"]]
            network = document["network"] and Network(**document["network"])
            return cls(str(document["members"]), network, tables, dict(document["entries"]))
        except (SatchelError, ValueError, LookupError, TypeError):
            return cls()  # nothing is lost but time

    def begin(self, files: Iterable[bytes], root: str) -> None:
        """What was verified under other members is forgotten. `root`: fingerprint of the founder's key."""
        digests = sorted(hashlib.sha256(data).hexdigest() for data in files)
        members = hashlib.sha256("\n".join([root, *digests]).encode()).hexdigest()
        if members != self.members:
            self.members, self.entries, self.changed = members, {}, True

    def recall(self, place: Place) -> Held | None:
        """The packet of a folder where nobody has touched it since it verified."""
        folder = os.path.abspath(place.folder)
        entry = self.entries.get(folder)
        if entry is None or self.network is None:
            return None
        digest, keyid, fields, parts, marks = entry
        if any(_mark(f"{folder}{os.sep}{name}") != mark for name, mark in marks.items()):
            del self.entries[folder]
            return None
        values = dict(zip(_FIELDS, fields, strict=True))
        values["group"] = tuple(values["group"])
        values["context"] = {origin: tuple(mark) for origin, mark in values["context"].items()}
        manifest = Manifest.model_construct(format=_FORMAT_1, network=self.network, tables=(), **values)
        found = tuple(HeldPart(self.tables[place], file, rows, size) for place, file, rows, size in parts)
        return Held(place.folder, SignedManifest(manifest, digest, b""), keyid, found)

    def marks(self, place: Place, files: Iterable[str]) -> dict[str, list[int]]:
        """How the files of a packet look now. To be asked before they are read."""
        folder = os.path.abspath(place.folder)
        return {name: mark for name in (place.marker, *files) if (mark := _mark(f"{folder}{os.sep}{name}")) is not None}

    def learn(self, packet: Held, marks: dict[str, list[int]]) -> None:
        """A packet whose files verified after they looked like that. What was written a moment ago is not remembered:
        written again within the same tick of the clock, it would look the same."""
        moment = time.time_ns() - SETTLED_NS
        if len(marks) != len(packet.parts) + 1 or any(max(mark[1:3]) > moment for mark in marks.values()):
            return
        parts = [[self._place(part.table), part.file, part.rows, part.bytes] for part in packet.parts]
        manifest = packet.manifest
        self.network = manifest.network
        fields = [getattr(manifest, name) for name in _FIELDS]
        self.entries[os.path.abspath(packet.folder)] = [packet.hash, packet.keyid, fields, parts, marks]
        self.changed = True

    def save(self, path: Path) -> None:
        """Writes down what is known. FileTrouble."""
        if not self.changed:
            return
        network = self.network
        document = {
            "satchel_memory": _FORMAT,
            "members": self.members,
            "network": None if network is None else {"id": network.id, "name": network.name},
            "tables": [asdict(table) for table in self.tables],
            "entries": self.entries,
        }
        replace(path, json.dumps(document, ensure_ascii=False).encode("utf-8"))

    def _place(self, table: Table) -> int:
        if table not in self.tables:
            self.tables.append(table)
        return self.tables.index(table)


def _mark(path: str) -> list[int] | None:
    """What changes when a file does: size, the times of its content and of its entry, its number on the disk."""
    try:
        found = os.stat(path, follow_symlinks=False)
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def _table(entry: dict[str, Any]) -> Table:
    columns = tuple(Column(**column) for column in entry["columns"])
    return Table(str(entry["name"]), columns, tuple(entry["key"]), str(entry["scope"]))
