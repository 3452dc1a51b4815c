"""Snapshots at a site: taking one, collecting and carrying them, and installing one where packets cannot be had
(PROTOCOL, Snapshots and pruning; ADR 21)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from satchel.errors import BadPacket, SatchelError
from satchel.exchange.names import MARKER
from satchel.exchange.snapshots import list_snapshots, snapshot_folder
from satchel.files import FileTrouble, read_limited, remove_folder
from satchel.model.ids import Dot, trunk_of
from satchel.model.progress import counting, stage
from satchel.packet.plain import digest_of
from satchel.packet.problem import Waiting
from satchel.packet.wire import from_wire, to_wire
from satchel.sync.acknowledged import had_by_all, marks_of
from satchel.sync.site import ENVELOPE_LIMIT, SOFTWARE, Site, now_ms

if TYPE_CHECKING:
    from pyarrow import RecordBatch

    from satchel.exchange.archive import Archive
    from satchel.exchange.folder import FolderExchange
    from satchel.exchange.listing import Listing, Place
    from satchel.model.vector import Vector
    from satchel.packet.snapshot import SignedSnapshot
    from satchel.packet.snapshot_books import CoveredPacket
    from satchel.stores.packet_record import PacketRecord
    from satchel.stores.snapshot import State
    from satchel.sync.quarantine import Quarantine
    from satchel.sync.report import Report

_TRIES = 20  # the application may write between the seal and the reading


@dataclass(frozen=True, slots=True)
class Covering:
    """What a snapshot says that was verified, now or by an earlier run: its folder, what it covers, when it was taken
    (ms since 1970 UTC)."""

    name: str
    vector: Vector
    created: int

    @staticmethod
    def of(signed: SignedSnapshot) -> Covering:
        """The same of a manifest."""
        return Covering(signed.manifest.folder, signed.vector, signed.manifest.created_ms)


@dataclass(frozen=True, slots=True)
class Held:
    """A snapshot of an archive that an admin vouches for."""

    folder: Path
    says: Covering
    read: Callable[[], SignedSnapshot]

    @property
    def signed(self) -> SignedSnapshot:
        """Its manifest."""
        return self.read()

    @property
    def name(self) -> str:
        """`<author>-<stamp>`."""
        return self.says.name

    @property
    def vector(self) -> Vector:
        """What it covers."""
        return self.says.vector

    def covers(self, dot: Dot) -> bool:
        """Whether it stands for a packet."""
        mark = self.vector.get(dot.origin)
        return mark is not None and dot.seq <= mark.seq


def known_snapshot(site: Site, data: bytes) -> Covering | None:
    """What a manifest says that was verified before, under the members that hold now."""
    known = site.memory.snapshots.get(digest_of(data)) if any(site.members.members) else None
    return None if known is None else Covering(known["name"], from_wire(known["vector"]), known["created"])


def _covering(site: Site, data: bytes) -> Covering | None:
    """The same; of one that was not, it is verified now. BadPacket: it is not to be trusted."""
    known = known_snapshot(site, data)
    if known is None:
        signed = _read(site, data)
        if isinstance(signed, Waiting):
            return None
        known = Covering.of(signed)
        site.memory.snapshots[digest_of(data)] = {
            "name": known.name,
            "vector": to_wire(known.vector),
            "created": known.created,
        }
    return known


def held_snapshots(site: Site, archives: Iterable[Archive] | None = None) -> list[Held]:
    """The snapshots that are here, the one that covers most first."""
    found: dict[str, Held] = {}
    for archive in [site.archive] if archives is None else archives:
        for place in list_snapshots(archive.root):
            try:
                data = read_limited(place.path / MARKER, ENVELOPE_LIMIT)
                says = _covering(site, data)
            except (BadPacket, FileTrouble) as bad:
                site.warnings.append(f"the snapshot {place.name} is not right and was passed over: {bad}")
                continue
            if says is not None and says.name == place.name:
                found[place.name] = Held(place.path, says, partial(_verified, site, data))
    return sorted(found.values(), key=lambda held: (-_size(held.vector), -held.says.created, held.name))


def _read(site: Site, data: bytes) -> SignedSnapshot | Waiting:
    from satchel.packet.snapshot import read_snapshot

    return read_snapshot(data, site.members, site.settings.limits)


def _verified(site: Site, data: bytes) -> SignedSnapshot:
    """All of a manifest that was verified. BadPacket: by the members that hold now it is not to be trusted."""
    signed = _read(site, data)
    if isinstance(signed, Waiting):
        raise BadPacket(f"it waits for {signed.needs}")
    return signed


def _size(vector: Vector) -> int:
    return sum(mark.seq for mark in vector.values())


def reaches(one: Vector, other: Vector) -> bool:
    """Whether one vector covers another."""
    return all(origin in one and one[origin].seq >= mark.seq for origin, mark in other.items())


# -- taking


def take(site: Site, report: Report) -> Held:
    """Seals, and makes a snapshot in the archive. SatchelError: this node is no admin, or the application never
    pauses."""
    from satchel.sync import sealing

    for _ in range(_TRIES):
        with site.store.applying() as applying:
            late = sealing.seal_late(site, applying, report.rows)
            applying.commit()
        with site.store.state() as state:
            sealing.publish(site, late)
            report.sealed += [str(packet.dot) for packet in late]
            if state is not None:
                return _write(site, state)
    raise SatchelError("the application writes all the time: no moment was quiet", "run the command again")


def _write(site: Site, state: State) -> Held:
    from satchel.exchange.snapshots import open_snapshot_folder, put_snapshot_marker
    from satchel.packet.snapshot import NODES_FILE, PACKETS_FILE
    from satchel.packet.snapshot_books import write_nodes_part, write_packets_part
    from satchel.packet.snapshot_rows import wrap_versions, write_tables

    root, node = site.archive.root, site.settings.node
    own = [int(place.name.rpartition("-")[2]) for place in list_snapshots(root) if place.name.startswith(f"{node}-")]
    stamp = max([now_ms(), *(used + 1 for used in own)])
    folder = open_snapshot_folder(root, f"{node}-{stamp}")

    def read(table: str) -> Iterator[RecordBatch]:
        return counting(state.batches(table), under_way, lambda batch: batch.num_rows)

    try:
        sources = {
            table: (lambda table=table: (wrap_versions(table, batch) for batch in read(table.name)))
            for table in state.tables
        }
        with stage("writing the snapshot", "versions of rows") as under_way:
            tables = write_tables(folder, sources)
        packets = write_packets_part(folder / PACKETS_FILE, map(_covered, state.packets()))
        nodes = write_nodes_part(folder / NODES_FILE, list(site.node_files().values()))
        signed = _sign(site, stamp, state.vector, {"tables": tuple(tables), "packets": packets, "nodes": nodes})
        put_snapshot_marker(root, f"{node}-{stamp}", signed.envelope, signed.manifest.sizes)
    except BaseException:
        remove_folder(folder)
        raise
    return Held(folder, Covering.of(signed), lambda: signed)


def _covered(record: PacketRecord) -> CoveredPacket:
    from satchel.packet.snapshot_books import CoveredPacket

    return CoveredPacket(
        record.dot,
        record.hash,
        record.suffix,
        record.group,
        record.kind,
        record.created,
        record.context,
        record.rows,
    )


def _sign(site: Site, stamp: int, vector: Vector, parts: Mapping[str, object]) -> SignedSnapshot:
    from satchel.packet.document import refused_models
    from satchel.packet.snapshot import SignedSnapshot, SnapshotManifest
    from satchel.packet.wire import time_text, to_wire
    from satchel.sync.branches import NOTE

    with refused_models():
        made = SnapshotManifest(
            network=site.network,
            configuration=site.configuration.version,
            author=site.settings.node,
            stamp=str(stamp),
            vector=to_wire(vector),
            created=time_text(stamp),
            software=SOFTWARE,
            branches={name: tuple(entry) for name, entry in json.loads(site.notes.get(NOTE, "{}")).items()},
            **parts,  # type: ignore[arg-type]
        )
    manifest = SnapshotManifest.parse(made.to_bytes())  # what no reader would take must not be signed
    return SignedSnapshot(manifest, made.seal(site.key))


# -- collecting and carrying


@dataclass
class SnapshotCollector:
    """Collects from exchanges into `archive` (a temporary one for a dry run)."""

    site: Site
    archive: Archive
    report: Report
    quarantine: Quarantine

    def collect(self, exchange: FolderExchange, listing: Listing) -> None:
        """Takes the snapshots of an exchange that cover more than those that are here, the newest first."""
        from satchel.sync.quarantine import Bad

        for place in sorted(listing.snapshots, key=lambda place: place.name.rpartition("-")[2], reverse=True):
            if (snapshot_folder(self.site.archive.root, place.name) / MARKER).is_file():
                continue
            marker, digest = b"", ""
            try:
                marker = exchange.read_marker(place, ENVELOPE_LIMIT) or b""
                digest = hashlib.sha256(marker).hexdigest()
                refused = self.quarantine.refuses(digest)
                if refused is not None:
                    self.report.quarantined.append(refused.as_json())
                elif marker:
                    self._take(exchange, place, _read(self.site, marker))
            except BadPacket as bad:
                entry = Bad(f"snapshots/{place.name}", str(bad), bad.file, digest)
                self.report.quarantined.append(self.quarantine.put(exchange, place, marker, entry).as_json())

    def _take(self, exchange: FolderExchange, place: Place, signed: SignedSnapshot | Waiting) -> None:
        from satchel.exchange.snapshots import open_snapshot_folder, put_snapshot_marker
        from satchel.packet.snapshot import snapshot_problems

        if isinstance(signed, Waiting):
            self._wait(place.name, signed.needs)
            return
        if any(reaches(held.vector, signed.vector) for held in held_snapshots(self.site, self._archives)):
            return
        name, sizes = signed.manifest.folder, signed.manifest.sizes
        folder = open_snapshot_folder(self.archive.root, name)
        try:
            missing = exchange.collect_packet(place, folder, sizes)
            if missing:
                self._wait(name, f"the rest of its files ({missing[0]})")
                remove_folder(folder)
                return
            for problem in snapshot_problems(folder, signed.manifest):
                raise BadPacket(problem.reason, problem.file)
            put_snapshot_marker(self.archive.root, name, signed.envelope, sizes)
        except BaseException:
            remove_folder(folder)
            raise
        self.quarantine.clear(f"snapshots/{name}")

    @property
    def _archives(self) -> list[Archive]:
        return [self.site.archive, self.archive]

    def _wait(self, name: str, needs: str) -> None:
        self.report.waiting.append({"packet": f"snapshots/{name}", "for": needs})


def lacking(site: Site) -> list[PacketRecord]:
    """Packets that some member lacks and that this archive does not have any more."""
    from satchel.sync.branches import naming_of

    naming = naming_of(site)
    known = [marks_of(site, peer, naming) for peer in site.peers]
    if not known:
        return []
    return [record for record in site.store.packets_after(had_by_all(site, known)) if not _has(site, record)]


def _has(site: Site, record: PacketRecord) -> bool:
    relative = site.archive.relative(trunk_of(record.dot.origin), record.dot.seq, record.suffix)
    return (site.archive.packet_folder(relative) / MARKER).is_file()


def for_members(site: Site, report: Report) -> Held | None:
    """The snapshot for members who lack packets that were pruned here; an admin makes one if there is none that covers
    them."""
    gone = lacking(site)
    if not gone:
        return None
    for held in held_snapshots(site):
        if all(held.covers(record.dot) for record in gone):
            return held
    if report.dry_run or site.joining or site.members.role(site.settings.node) != "admin":
        return None
    return take(site, report)


def carry(exchange: FolderExchange, held: Held, report: Report) -> None:
    """Puts a snapshot into an exchange that lacks it."""
    from satchel.exchange.snapshots import drop_snapshot

    sizes = held.signed.manifest.sizes
    if report.dry_run:
        there = snapshot_folder(exchange.path, held.name)
        new = not (there / MARKER).is_file()
    else:
        with exchange.reaching():
            new = drop_snapshot(exchange.path, held.name, held.folder, held.signed.envelope, sizes)
    if new:
        report.dropped.append(f"snapshots/{held.name}")
        report.bytes_dropped += sum(sizes.values()) + len(held.signed.envelope)
