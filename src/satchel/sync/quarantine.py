"""Quarantine: what is not to be trusted, kept with its reason, out of the way (PROTOCOL, promise 6)."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from satchel.errors import BadPacket, SatchelError
from satchel.exchange.base import Exchange
from satchel.exchange.listing import Place
from satchel.files import make_folders, read_limited, remove_folder, replace, write_new
from satchel.model.stamp import rfc3339

REASON = "reason.json"
_PART_LIMIT = 64 << 20  # larger parts stay where they were found
_LIMIT = 1 << 20


class Quarantine:
    """A home's `quarantine/`: a folder for each bad packet as it was found."""

    def __init__(self, folder: Path, now: int, *, dry_run: bool = False) -> None:
        self.folder = folder
        self.now = now
        self.dry_run = dry_run

    def put(self, exchange: Exchange, place: Place, marker: bytes, packet: str, reason: str) -> None:
        """Keeps a packet that was found at `place`. The same one again changes nothing."""
        if self.dry_run:
            return
        digest = hashlib.sha256(marker + reason.encode("utf-8", "surrogateescape")).hexdigest()[:8]
        safe = "".join(c if c.isascii() and (c.isalnum() or c in "-.~") else "_" for c in packet)[:60]
        folder = self.folder / f"{safe}-{digest}"
        if (folder / REASON).is_file():
            return
        make_folders(folder)
        if marker:
            replace(folder / "manifest.json", marker)
        with suppress(SatchelError, BadPacket):  # the evidence is welcome, the reason is what counts
            sizes = {name: size for name, size in exchange.part_sizes(place).items() if size <= _PART_LIMIT}
            exchange.collect_packet(place, folder, sizes)
        self._reason(folder, packet, reason, str(place.path))

    def put_folder(self, source: Path, packet: str, reason: str) -> None:
        """Keeps a packet that turned out to be bad when it was decoded; it leaves the archive."""
        if self.dry_run:
            return
        folder = self.folder / f"{packet.replace('/', '_')}-{source.name.rpartition('-')[2]}"
        make_folders(folder)
        for path in sorted(source.iterdir()):
            if not (folder / path.name).exists() and path.stat().st_size <= _PART_LIMIT:
                write_new(folder / path.name, read_limited(path, _PART_LIMIT))
        self._reason(folder, packet, reason, str(source))
        remove_folder(source)

    def _reason(self, folder: Path, packet: str, reason: str, found: str) -> None:
        text = json.dumps({"packet": packet, "reason": reason, "found": found, "at": rfc3339(self.now)}, indent=1)
        replace(folder / REASON, text.encode("utf-8", "backslashreplace"))

    def entries(self) -> list[dict[str, str]]:
        """{packet, reason} of everything in quarantine."""
        found = []
        for path in sorted(self.folder.glob(f"*/{REASON}")) if self.folder.is_dir() else []:
            found.append(_entry(path))
        return found

    def release(self, packet: str) -> None:
        """A good copy of that packet came: the bad one is of no interest any more."""
        if self.dry_run or not self.folder.is_dir():
            return
        for path in list(self.folder.glob(f"*/{REASON}")):
            if _entry(path)["packet"] == packet:
                remove_folder(path.parent)


def _entry(path: Path) -> dict[str, str]:
    """What a reason file says; one that somebody damaged must not stop anything."""
    try:
        raw = json.loads(read_limited(path, _LIMIT))
        return {"packet": str(raw["packet"]), "reason": str(raw["reason"])}
    except (ValueError, KeyError, TypeError, RecursionError):
        return {"packet": path.parent.name, "reason": f"unknown: {REASON} is damaged"}
