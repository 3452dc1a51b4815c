"""Collect: from an exchange into the archive, verified on the copy (PROTOCOL, Exchange folders: Collect).

Nothing is decoded here. A packet is copied part by part into its final folder of the archive, verified there, and only
then gets its manifest; until then it does not exist. What is bad goes to quarantine and holds up nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from satchel.errors import BadPacket, SatchelError
from satchel.exchange.archive import Archive
from satchel.exchange.base import Exchange
from satchel.exchange.listing import Listing, Place
from satchel.files import FileTrouble, remove_folder
from satchel.packet.problem import Waiting
from satchel.packet.verify import SignedManifest, read_manifest, verify_parts
from satchel.sync.quarantine import Quarantine
from satchel.sync.report import Report
from satchel.sync.site import Site
from satchel.sync.visit import ENVELOPE_LIMIT


@dataclass
class Collector:
    """Collects from exchanges into `archive` (a temporary one for a dry run)."""

    site: Site
    archive: Archive
    report: Report
    quarantine: Quarantine

    def collect(self, exchange: Exchange, listing: Listing) -> None:
        """Takes everything that is new and valid. ExchangeUnreachable if the place is gone."""
        for trouble in listing.unreadable:
            self.report.warnings.append(trouble.message)
        self.take_side_files(exchange, listing)
        for place in listing.packets:
            if not self._is_here(place):
                self._collect(exchange, place)
        for place in listing.incomplete:
            if not self._is_here(place):
                self._wait(f"{place.origin}/{_seq(place)}", f"the rest of its files ({place.path} has no manifest)")

    def take_side_files(self, exchange: Exchange, listing: Listing) -> None:
        """Cards, configurations, statements and acknowledgements."""
        files = (self._read(exchange, path) for path in listing.nodes)
        self.site.add_node_files([data for data in files if data is not None])
        acks = (self._read(exchange, path) for path in listing.acks)
        self.site.add_acks([data for data in acks if data is not None])

    def _read(self, exchange: Exchange, path: object) -> bytes | None:
        try:
            return exchange.read_listed(path, ENVELOPE_LIMIT)  # type: ignore[arg-type]
        except BadPacket as bad:
            self.report.warnings.append(f"{path} was passed over: {bad.reason}")
            return None

    def _is_here(self, place: Place) -> bool:
        """Whether a packet of that name is in the archive: then it was verified when it came. Another packet with its
        number has another suffix, and so another name."""
        folder = self.site.home.packets / self.site.archive.network / place.origin / place.name
        return (folder / "manifest.json").is_file()

    def _collect(self, exchange: Exchange, place: Place) -> None:
        packet = f"{place.origin}/{_seq(place)}"
        marker = b""
        try:
            found = exchange.read_marker(place, ENVELOPE_LIMIT)
            if found is None:
                return  # gone meanwhile
            marker = found
            signed = read_manifest(marker, self.site.members)
            if isinstance(signed, Waiting):
                self._wait(packet, signed.needs)
                return
            packet = str(signed.manifest.dot)
            self._take(exchange, place, signed)
        except BadPacket as bad:
            entry = {"packet": packet, "reason": str(bad)}
            self.quarantine.put(exchange, place, marker, packet, str(bad))
            self.report.quarantined.append(entry)

    def _take(self, exchange: Exchange, place: Place, signed: SignedManifest) -> None:
        manifest = signed.manifest
        relative = self.archive.relative(manifest.origin, manifest.seq, manifest.suffix)
        sizes = manifest.sizes
        if self.archive.has_packet(relative, signed.envelope, sizes):
            return
        folder = self.archive.open_packet(relative)
        try:
            missing = exchange.collect_packet(place, folder, sizes)
            if missing:
                remove_folder(folder)
                self._wait(str(manifest.dot), f"the rest of its files ({', '.join(missing)})")
                return
            parts = verify_parts(folder, manifest)
            for problem in (*parts.invalid, *parts.incomplete):
                raise BadPacket(problem.reason, problem.file)
            self.archive.flush_parts(relative, sizes)
            self.archive.put_marker(relative, signed.envelope, sizes)
        except (SatchelError, OSError):
            remove_folder(folder)
            raise
        self.quarantine.release(str(manifest.dot))

    def _wait(self, packet: str, needs: str) -> None:
        self.report.waiting.append({"packet": packet, "for": needs})


def _seq(place: Place) -> str:
    return place.name if place.seq is None else str(place.seq)


def headers_of(site: Site, archives: Sequence[Archive]) -> list[SignedManifest]:
    """Packets in the archives that are not applied, verified once more. Only names are looked at of all others."""
    vector = site.store.vector()
    found: dict[str, SignedManifest] = {}
    for archive in archives:
        root = archive.packets / archive.network
        for origin in sorted(root.iterdir()) if root.is_dir() else []:
            known = vector[origin.name].seq if origin.name in vector else 0
            for place in (Place(folder, folder.name) for folder in sorted(origin.iterdir())):
                if (place.seq or 0) > known and (signed := _read(site, archive, place)):
                    found[signed.hash] = signed
    return list(found.values())


def _read(site: Site, archive: Archive, place: Place) -> SignedManifest | None:
    try:
        data = archive.read_marker(place, ENVELOPE_LIMIT)
        signed = read_manifest(data, site.members) if data is not None else None
    except (BadPacket, FileTrouble) as bad:
        packet = f"{place.origin}/{place.name}"
        site.warnings.append(f"the archive's packet {packet} is not right: {bad}; run `satchel verify`")
        return None
    return signed if isinstance(signed, SignedManifest) else None
