"""Collect: from an exchange into the archive, verified on the copy (PROTOCOL, Exchange folders: Collect).

Nothing is decoded here. A packet is copied part by part into its final folder of the archive, verified there, and only
then gets its manifest; until then it does not exist. What is bad goes to quarantine and holds up nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from satchel.errors import BadPacket, SatchelError
from satchel.exchange.listing import Listing, Place
from satchel.exchange.names import MARKER
from satchel.exchange.pruned import is_pruned
from satchel.files import FileTrouble, remove_folder, stands
from satchel.model.ids import ORIGIN_NAME, trunk_of
from satchel.model.progress import counted
from satchel.packet.problem import Waiting
from satchel.sync.quarantine import COPY, PACKET, Bad, Quarantine
from satchel.sync.sightings import Sightings, in_words, is_here
from satchel.sync.site import ENVELOPE_LIMIT, Site

if TYPE_CHECKING:
    from satchel.exchange.archive import Archive
    from satchel.exchange.base import Exchange
    from satchel.packet.verify import SignedManifest
    from satchel.sync.report import Report


@dataclass
class Collector:
    """Collects from exchanges into `archive` (a temporary one for a dry run)."""

    site: Site
    archive: Archive
    report: Report
    quarantine: Quarantine
    taken: set[str] = field(default_factory=set)  # packets that came whole in this run
    names: set[str] = field(default_factory=set)  # of their folders
    visited: list[str] = field(default_factory=list)  # folders that were looked at

    @cached_property
    def sightings(self) -> Sightings:
        """What was seen earlier and could not be taken."""
        return Sightings.of(self.site)

    def collect(self, exchange: Exchange, listing: Listing) -> None:
        """Takes everything that is new and valid. ExchangeUnreachable if the place is gone."""
        for trouble in listing.unreadable:
            self.report.warnings.append(trouble.message)
        self.take_side_files(exchange, listing)
        news = [place for place in listing.packets if not self._is_here(place)]
        for place in counted(news, "collecting", "packets", len(news)):
            self._collect(exchange, place)
        for place in listing.incomplete:
            if not self._is_copy_of_ours(place):
                self._wait_for_rest(place, _label(place), "manifest.json is missing")
        self.report.warnings += self.quarantine.warnings
        self.quarantine.warnings.clear()

    def take_side_files(self, exchange: Exchange, listing: Listing) -> None:
        """Cards, configurations, statements and acknowledgements."""
        files = (self._read(exchange, path) for path in listing.nodes)
        self.site.add_node_files([data for data in files if data is not None])
        acks = (self._read(exchange, path) for path in listing.acks)
        self.site.add_acks([data for data in acks if data is not None])

    def settle(self) -> None:
        """What came whole from one place is no trouble at another: a bad copy is told, and holds up nothing."""
        known = is_here(self.site, self.taken)
        held = {entry.id for entry in self.quarantine.entries()}
        for entry in [e for e in self.report.quarantined if self._has_come(e) and e["id"] not in held]:
            words = f"a bad copy of {entry['packet']} lies at {entry['where']} ({entry['reason']}); a good one came"
            self.report.warnings.append(words)
            self.report.quarantined.remove(entry)
        self.report.waiting = [
            e for e in self.report.waiting if "where" not in e or not (self._has_come(e) or known(e["packet"]))
        ]

    def _has_come(self, entry: Mapping[str, str]) -> bool:
        """Whether that packet came whole in this run. Of a copy without a manifest only the folder's name is known."""
        return entry["packet"] in self.taken or Path(entry["where"]).name.lower() in self.names

    def _read(self, exchange: Exchange, path: Path) -> bytes | None:
        try:
            return exchange.read_listed(path, ENVELOPE_LIMIT)
        except BadPacket as bad:
            self.report.warnings.append(f"{path} was passed over: {bad.reason}")
            return None
        except FileTrouble as trouble:
            self._pass_over(trouble)
            return None

    def _is_here(self, place: Place) -> bool:
        """Whether a packet of that name is in the archive: then it was verified when it came. Another packet with its
        number has another suffix, and so another name."""
        folder = self.site.home.packets / self.site.archive.network / place.origin / place.name.lower()
        return (folder / MARKER).is_file() or is_pruned(folder)

    def _collect(self, exchange: Exchange, place: Place) -> None:
        packet, marker, digest = _label(place), b"", ""
        try:
            found = exchange.read_marker(place, ENVELOPE_LIMIT)
            if found is None:
                return  # gone meanwhile
            marker = found
            if _is_cut_off(marker) and self._may_be_arriving(place):
                self._wait_for_rest(place, packet, MARKER)
                return
            signed = _signed(self.site, marker)
            if isinstance(signed, Waiting):
                self._wait(place, packet, signed.needs)
                return
            packet, digest = str(signed.manifest.dot), signed.hash
            if self._set_aside(exchange, place, signed):
                return
            refused = self.quarantine.refuses(digest)
            if refused is not None:
                self.report.quarantined.append(refused.as_json())
                return
            missing = self.take(exchange, place, signed)
            if missing:
                self._wait_for_rest(place, packet, ", ".join(missing))
        except BadPacket as bad:
            self._refuse(exchange, place, marker, Bad(packet, str(bad), bad.file, digest))
        except FileTrouble as trouble:
            if not trouble.path.is_relative_to(place.path):
                raise  # the home's own disk
            self._pass_over(trouble)
            self._wait_for_rest(place, packet, f"{trouble.path.name} cannot be read")

    def _pass_over(self, trouble: FileTrouble) -> None:
        """A file of the exchange cannot be read, and the others can: they are not held up by it."""
        self.report.partial = True
        self.report.warnings.append(f"{trouble.message}; {trouble.hint}")

    def _set_aside(self, exchange: Exchange, place: Place, signed: SignedManifest) -> bool:
        """Whether a packet does not count any more because its author was revoked. It is told once."""
        reason = self.site.cuts.refuses(signed.manifest)
        if reason is None:
            return False
        dot = str(signed.manifest.dot)
        if not any(entry.packet == dot and entry.hash == signed.hash for entry in self.quarantine.entries()):
            bad = Bad(dot, reason, "", signed.hash, PACKET)
            self.report.quarantined.append(self.quarantine.put(exchange, place, signed.envelope, bad).as_json())
        return True

    def _refuse(self, exchange: Exchange, place: Place, marker: bytes, bad: Bad) -> None:
        if not bad.hash and self._is_copy_of_ours(place):
            self.report.warnings.append(f"a bad copy of a packet that is here lies at {place.path}: {bad.reason}")
            return
        if _where(place) in self.sightings.seen:  # a manifest that never came whole: its age counts on
            self.sightings.fresh.add(_where(place))
        entry = self.quarantine.put(exchange, place, marker, bad)
        self.report.quarantined.append(entry.as_json())

    def _is_copy_of_ours(self, place: Place) -> bool:
        """Whether the archive has a packet in a folder of that name, number and random suffix, whatever its origin."""
        root = self.site.home.packets / self.site.archive.network
        name = place.name.lower()
        if place.seq is None:
            return False
        folders = (origin / name for origin in _folders(root))
        return name in self.names or any((folder / MARKER).is_file() or is_pruned(folder) for folder in folders)

    def take(self, exchange: Exchange, place: Place, signed: SignedManifest) -> tuple[str, ...]:
        """Takes one packet into the archive, verified there. Returns files that are missing or short: then nothing was
        taken. BadPacket: one is altered."""
        from satchel.packet.manifest import folder_name
        from satchel.packet.verify import verify_parts

        manifest = signed.manifest
        relative = self.archive.relative(manifest.origin, manifest.seq, manifest.suffix)
        sizes = manifest.sizes
        if not self.archive.has_packet(relative, signed.envelope, sizes):
            self._make_way(self.archive.packet_folder(relative), signed)
            if self.archive is self.site.archive:
                self.site.unsettle(manifest.origin, manifest.seq)
            folder = self.archive.open_packet(relative)
            try:
                missing = exchange.collect_packet(place, folder, sizes)
                if missing:
                    remove_folder(folder)
                    return missing
                parts = verify_parts(folder, manifest)
                for problem in (*parts.invalid, *parts.incomplete):
                    raise BadPacket(problem.reason, problem.file)
                self.archive.flush_parts(relative, sizes)
                self.archive.put_marker(relative, signed.envelope, sizes)
            except (SatchelError, OSError):
                remove_folder(folder)
                raise
        self.taken.add(str(manifest.dot))
        name = folder_name(manifest.seq, manifest.suffix)
        self.names.add(name)
        self.quarantine.clear(str(manifest.dot), signed.hash, name, _where(place))
        return ()

    def _make_way(self, folder: Path, signed: SignedManifest) -> None:
        """A packet of that name that is in the archive and is not whole goes to quarantine. BadPacket: a good one is
        there and is another: its author used one name twice."""
        if not stands(folder / MARKER):
            return
        bad = Bad(str(signed.manifest.dot), "the archive's copy is damaged", MARKER, kind=COPY)
        try:
            marker = self.archive.read_marker(Place(folder, folder.name), ENVELOPE_LIMIT)
            here = _signed(self.site, marker or b"")
        except BadPacket:
            self.quarantine.put_folder(folder, bad)
            return
        if isinstance(here, Waiting) or here.hash != signed.hash:
            raise BadPacket("another packet of that name is in the archive", MARKER)
        self.quarantine.put_folder(folder, replace(bad, hash=here.hash))

    @property
    def _grace_ms(self) -> float:
        return self.site.settings.grace_minutes * 60_000

    def _may_be_arriving(self, place: Place) -> bool:
        return not self._is_copy_of_ours(place) and self.sightings.age(_where(place)) < self._grace_ms

    def _wait_for_rest(self, place: Place, packet: str, what: str) -> None:
        """It may still be arriving, in any order: it is left alone, and after a while somebody is told."""
        self._wait(place, packet, f"the rest of its files ({what})", incomplete=True)
        age = self.sightings.age(_where(place))
        if age and age >= self._grace_ms:
            words = f"{packet} at {_where(place)} has been incomplete for {in_words(age)} ({what})"
            self.report.warnings.append(f"{words}; copy it there once more, or remove the folder")

    def _wait(self, place: Place, packet: str, needs: str, *, incomplete: bool = False) -> None:
        self.sightings.see(packet, needs, _where(place), incomplete=incomplete)
        self.report.waiting.append({"packet": packet, "for": needs, "where": _where(place)})


def _where(place: Place) -> str:
    """Its path, the same from wherever a command was given."""
    return str(place.path.absolute())


def _label(place: Place) -> str:
    """What a packet is called whose manifest says nothing yet: as the folders suggest."""
    return f"{place.origin if ORIGIN_NAME.fullmatch(place.origin) else '?'}/{_seq(place)}"


def _seq(place: Place) -> str:
    return place.name if place.seq is None else str(place.seq)


def _is_cut_off(marker: bytes) -> bool:
    """Whether a manifest ends before its last bracket, or in the zeros of a file that is being filled: somebody may be
    copying it just now."""
    return not marker.rstrip(b"\0\t\r\n ").endswith(b"}")


def _signed(site: Site, marker: bytes) -> SignedManifest | Waiting:
    """The manifest; what is wrong with it is wrong in that file."""
    from satchel.packet.verify import read_manifest

    try:
        return read_manifest(marker, site.members, site.settings.limits)
    except BadPacket as bad:
        raise bad if bad.file else BadPacket(bad.reason, MARKER) from bad


def _folders(root: Path) -> list[Path]:
    return [path for path in root.iterdir() if path.is_dir()] if root.is_dir() else []


def headers_of(site: Site, archives: Sequence[Archive], broken: list[Path] | None = None) -> list[SignedManifest]:
    """Packets in the archives that are not applied, verified once more. Only names are looked at of all others.
    `broken` gets the folders of those that do not verify any more."""
    found: dict[str, SignedManifest] = {}
    for archive in archives:
        for name, paths in _unsettled(site, archive):
            # what is settled is settled of the home's archive only: another may hold another packet of such a number
            is_news = _is_news(site, name, site.shelf.settled(name) if archive is site.archive else 0)
            for place in (Place(path, path.name) for path in paths):
                if is_news(place) and (signed := _read(site, archive, place, broken)):
                    found[signed.hash] = signed
    return list(found.values())


def _unsettled(site: Site, archive: Archive) -> Iterator[tuple[str, list[Path]]]:
    """By folders of origins, the packets of an archive that are not known to be applied."""
    if archive is site.archive:
        site.forget_shelf()
        yield from ((name, paths) for name in site.shelf.folders if (paths := list(site.shelf.news(name))))
        return
    for folder in sorted(_folders(archive.packets / archive.network)):
        yield folder.name, sorted(folder.iterdir())


def _is_news(site: Site, trunk: str, after: int) -> Callable[[Place], bool]:
    """Tells whether a packet of an origin's folder with a number above `after` is not applied: it has another number,
    or is another of that number (a fork). What a snapshot brought is covered without its packets."""
    applied = site.store.suffixes(trunk, after)
    newest = max((mark.seq for origin, mark in site.store.vector().items() if trunk_of(origin) == trunk), default=0)

    def is_news(place: Place) -> bool:
        seq = place.seq or 0
        if seq not in applied:
            return seq > newest
        return place.name.lower().partition("-")[2] not in applied[seq]

    return is_news


def _read(site: Site, archive: Archive, place: Place, broken: list[Path] | None) -> SignedManifest | None:
    from satchel.packet.verify import SignedManifest, read_manifest

    try:
        data = archive.read_marker(place, ENVELOPE_LIMIT)
        signed = read_manifest(data, site.members, site.settings.limits) if data is not None else None
    except (BadPacket, FileTrouble) as bad:
        packet = f"{place.origin}/{place.name}"
        site.warnings.append(f"the archive's packet {packet} is not right: {bad}; run `satchel verify`")
        if isinstance(bad, BadPacket) and broken is not None:
            broken.append(place.path)
        return None
    return signed if isinstance(signed, SignedManifest) else None
