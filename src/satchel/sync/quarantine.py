"""Quarantine: what is not to be trusted, kept with its reason, out of the way (PROTOCOL, promise 6; ADR 22).

An entry is a folder of `quarantine/`: the files as they were found, and `reason.json`. There are two kinds. A bad
*copy* says nothing of the packet: as soon as a good copy comes, the entry goes. A bad *packet* was signed as it is by
a member and cannot be applied: no other copy is better, only a newer satchel or `quarantine release` tries it again.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from satchel import __version__
from satchel.errors import BadPacket, SatchelError
from satchel.exchange.listing import Place, read_sizes
from satchel.files import copy_new, make_folders, read_limited, remove_file, remove_folder
from satchel.files import replace as replace_file
from satchel.model.stamp import rfc3339

if TYPE_CHECKING:
    from satchel.exchange.base import Exchange

REASON = "reason.json"
COPY, PACKET = "copy", "packet"
MOST_BYTES = 512 << 20  # of files kept of bad copies; beyond that the oldest ones' files go, never their reasons
MOST_ENTRIES = 1000  # beyond that further bad copies are told of by every run that meets them, and not kept
_PART_LIMIT = 64 << 20  # larger parts of a bad copy stay where they were found
_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Bad:
    """Why a packet is refused: `file` the culprit in its folder, `hash` of its manifest (empty: that is bad)."""

    packet: str
    reason: str
    file: str = ""
    hash: str = ""
    kind: str = COPY


@dataclass(frozen=True, slots=True)
class Entry:
    """One packet in quarantine. `where` it was found, `name` of the folder there, `since` RFC 3339; `software` that
    refused it; `files`: whether its files are kept."""

    id: str
    packet: str
    reason: str
    file: str = ""
    where: str = ""
    since: str = ""
    kind: str = COPY
    hash: str = ""
    name: str = ""
    software: str = ""
    files: bool = True

    def as_json(self) -> dict[str, str]:
        """The fields that lists and reports have."""
        return {name: getattr(self, name) for name in ("packet", "reason", "id", "file", "since", "where")}


class Quarantine:
    """A home's `quarantine/`. `now`: ms since 1970 UTC. `warnings`: what it could not keep."""

    def __init__(
        self,
        folder: Path,
        now: int,
        *,
        dry_run: bool = False,
        most_bytes: int = MOST_BYTES,
        most_entries: int = MOST_ENTRIES,
    ) -> None:
        self.folder = folder
        self.now = now
        self.dry_run = dry_run
        self.most_bytes = most_bytes
        self.most_entries = most_entries
        self.warnings: list[str] = []
        self._cleared: dict[str, str] = {}  # id -> since: what is tried again and fails again is not new
        self._known: dict[str, Entry] | None = None  # read once: every packet that is collected asks
        self._bytes: dict[str, int] = {}  # of the files of bad copies, by id

    # -- putting in

    def put(self, exchange: Exchange, place: Place, marker: bytes, bad: Bad) -> Entry:
        """Keeps a copy that was found at `place`. The same one again changes nothing."""
        identity = marker or place.name.encode("utf-8", "surrogateescape")
        entry = self._entry(bad, identity, str(place.path.absolute()), place.name)
        before = self._all().get(entry.id)
        if self.dry_run or (before is not None and before.reason == entry.reason):
            return before or entry
        if before is None and self._is_full():
            return entry
        folder = self.folder / entry.id
        if before is None:
            remove_folder(folder)  # of a kill while it was filled
        make_folders(folder)
        if marker:
            replace_file(folder / "manifest.json", marker)
        return self._write(replace(entry, files=self._keep_files(exchange, place, folder)))

    def put_folder(self, source: Path, bad: Bad) -> Entry:
        """Keeps a packet of the archive that turned out to be bad; it leaves the archive. All of it is kept, whatever
        its size: it may be the only copy here."""
        marker = read_limited(source / "manifest.json", 64 << 20)
        entry = self._entry(bad, marker, str(source), source.name)
        if self.dry_run:
            return entry
        folder = self.folder / entry.id
        remove_folder(folder)
        make_folders(folder)
        for name, _ in read_sizes(source).values():
            copy_new(source / name, folder / name)
        self._write(entry)
        remove_file(source / "manifest.json")  # first: a kill must not leave a marker over missing parts
        remove_folder(source)
        return entry

    def _entry(self, bad: Bad, identity: bytes, where: str, name: str) -> Entry:
        safe = "".join(c if c.isascii() and (c.isalnum() or c in "-.~") else "_" for c in bad.packet)[:60]
        id_ = f"{safe}-{hashlib.sha256(identity).hexdigest()[:8]}"
        before = self._all().get(id_)
        since = before.since if before is not None else self._cleared.get(id_, rfc3339(self.now))
        return Entry(id_, bad.packet, bad.reason, bad.file, where, since, bad.kind, bad.hash, name.lower(), __version__)

    def _is_full(self) -> bool:
        if len(self._all()) < self.most_entries:
            return False
        words = (
            f"the quarantine is full ({self.most_entries:,} packets): further bad packets stay where they were found"
        )
        if words not in self.warnings:
            self.warnings.append(words)
        return True

    def _keep_files(self, exchange: Exchange, place: Place, folder: Path) -> bool:
        """Copies the parts: evidence that is welcome, while the reason is what counts."""
        sizes: dict[str, int] = {}
        with suppress(SatchelError):
            sizes = {name: size for name, size in exchange.part_sizes(place).items() if size <= _PART_LIMIT}
            if self._make_room(sum(sizes.values()), folder.name):
                exchange.collect_packet(place, folder, sizes)
                return True
        with suppress(SatchelError):  # no room on the disk: half of it is worth nothing
            for name in sizes:
                remove_file(folder / name)
        return False

    def _make_room(self, wanted: int, for_whom: str) -> bool:
        """Lets the files of the oldest bad copies go until there is room. Their reasons stay."""
        held = {entry: self._size(entry.id) for entry in self.entries() if entry.kind == COPY and entry.files}
        excess = sum(held.values()) + wanted - self.most_bytes
        if wanted > self.most_bytes:
            return False
        for entry in sorted(held, key=lambda entry: entry.since):
            if excess <= 0:
                break
            if entry.id == for_whom:
                continue
            excess -= held[entry]
            for name, _ in read_sizes(self.folder / entry.id).values():
                if name != REASON:
                    remove_file(self.folder / entry.id / name)
            self._write(replace(entry, files=False))
            self.warnings.append(f"the files of {entry.packet} left the quarantine to make room; its reason stays")
        return True

    def _write(self, entry: Entry) -> Entry:
        text = json.dumps(asdict(entry), indent=1)
        replace_file(self.folder / entry.id / REASON, text.encode("utf-8", "backslashreplace"))
        self._all()[entry.id] = entry
        self._bytes.pop(entry.id, None)
        return entry

    # -- looking

    def entries(self) -> list[Entry]:
        """Everything in quarantine, in order of its names."""
        return [entry for _, entry in sorted(self._all().items())]

    def _all(self) -> dict[str, Entry]:
        if self._known is None:
            paths = self.folder.glob(f"*/{REASON}") if self.folder.is_dir() else ()
            self._known = {path.parent.name: _parsed(path) for path in paths}
        return self._known

    def _size(self, id_: str) -> int:
        if id_ not in self._bytes:
            self._bytes[id_] = sum(size for _, size in read_sizes(self.folder / id_).values())
        return self._bytes[id_]

    def refuses(self, manifest_hash: str) -> Entry | None:
        """The entry of a packet that this version of satchel could not apply: another copy of it is no better."""
        for entry in self._all().values():
            if entry.kind == PACKET and entry.hash == manifest_hash and entry.software == __version__:
                return entry
        return None

    # -- taking out

    def clear(self, packet: str, manifest_hash: str = "", name: str = "", where: str = "") -> None:
        """A good copy of that packet came: bad ones are of no interest any more. A bad copy whose manifest was good is
        known by its hash (another packet may have the same number); of others only the name is known that the folders
        suggest, `name` of the folder, and `where` it lay."""
        for entry in () if self.dry_run else self.entries():
            if manifest_hash and entry.hash:
                same = manifest_hash == entry.hash
            else:
                same = packet == entry.packet or entry.name == name != "" or entry.where == where != ""
            if same:
                self.remove(entry)

    def remove(self, entry: Entry) -> None:
        """Takes one out, for good. The reason first: what has none is no entry."""
        self._cleared[entry.id] = entry.since
        remove_file(self.folder / entry.id / REASON)
        remove_folder(self.folder / entry.id)
        self._all().pop(entry.id, None)


def _parsed(path: Path) -> Entry:
    """What a reason file says; one that somebody damaged must not stop anything."""
    try:
        raw = json.loads(read_limited(path, _LIMIT))
        texts = {f.name: str(raw.get(f.name) or "") for f in fields(Entry) if f.name not in ("id", "files", "kind")}
        texts |= {"packet": str(raw["packet"]), "reason": str(raw["reason"])}
        kind = PACKET if raw.get("kind") == PACKET else COPY
        return Entry(path.parent.name, kind=kind, files=raw.get("files") is not False, **texts)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, BadPacket):
        return Entry(path.parent.name, path.parent.name, f"unknown: {REASON} is damaged")
