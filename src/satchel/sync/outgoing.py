"""Drop: what some member lacks goes to an exchange (PROTOCOL, Exchange folders: Drop)."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from satchel.errors import BadPacket
from satchel.files import FileTrouble, read_limited
from satchel.model.ids import Dot, node_of, parse_dot, trunk_of
from satchel.model.progress import counted
from satchel.packet.envelope import read_envelope
from satchel.packet.receipt import Receipt, newer
from satchel.sync.acknowledged import had_by_all, marks_of
from satchel.sync.site import ENVELOPE_LIMIT, Site, now_ms

if TYPE_CHECKING:
    from satchel.exchange.base import Exchange
    from satchel.exchange.listing import Place
    from satchel.model.vector import Mark
    from satchel.packet.manifest import Manifest
    from satchel.packet.verify import SignedManifest
    from satchel.replication.branches import Naming
    from satchel.stores.packet_record import PacketRecord
    from satchel.sync.quarantine import Quarantine
    from satchel.sync.report import Report
    from satchel.sync.snapshots import Held

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG} if hasattr(errno, "EDQUOT") else {errno.ENOSPC, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class Ware:
    """A packet of the archive that is to be dropped."""

    dot: Dot
    suffix: str


@dataclass
class Dropper:
    """Puts packets, cards and acknowledgements into exchanges."""

    site: Site
    report: Report
    dry_run: bool = False
    _listed: dict[int, dict[str, Place]] = field(default_factory=dict)

    @cached_property
    def quarantine(self) -> Quarantine:
        """Where a copy of the archive goes that went bad."""
        from satchel.sync.quarantine import Quarantine

        return Quarantine(self.site.home.quarantine, now_ms(), dry_run=self.dry_run)

    def wanted(self) -> list[Ware]:
        """Packets that some member lacks by the best acknowledgement known; none known means everything. A clone lacks
        what its own says: it has this node's name, so nobody else can tell. Causes first as far as each origin's order
        goes: whoever gets half of it can use that half."""
        from satchel.sync.branches import header_of

        known = [marks_of(self.site, peer, self.naming) for peer in self.site.peers]
        known += [self.naming.covered(twin.marks) for twin in self.site.twins]
        if not known:
            return []
        lowest = had_by_all(self.site, known)
        wares = [Ware(record.dot, record.suffix) for record in self._asked_for_again(lowest)]
        wares += [Ware(record.dot, record.suffix) for record in self.site.store.packets_after(lowest)]
        named = ((header_of(signed, self.naming).dot, signed.manifest.suffix) for signed in self._unapplied)
        wares += [Ware(dot, suffix) for dot, suffix in named]
        return wares

    @cached_property
    def _unapplied(self) -> Sequence[SignedManifest]:
        from satchel.sync.collecting import headers_of

        return headers_of(self.site, [self.site.archive])

    @cached_property
    def naming(self) -> Naming:
        """What the packets are called: others may call them otherwise."""
        from satchel.sync.branches import naming_of

        return naming_of(self.site, self._unapplied)

    def _asked_for_again(self, lowest: Mapping[str, Mark]) -> Iterator[PacketRecord]:
        """Packets that all had and somebody has no more: an archive can lose one, too."""
        wanted = [ack.wanted for ack in (*map(self.site.acks().get, self.site.peers), *self.site.twins) if ack]
        asked = {entry.packet: entry.hash for entries in wanted for entry in entries}
        for packet in sorted(asked):
            try:
                named = parse_dot(packet)
            except ValueError:
                continue  # what has no such name is nothing that anybody could send
            dot = self.naming.dot_of(named, asked[packet] or "")
            if dot.origin in lowest and dot.seq > lowest[dot.origin].seq:
                continue
            record = self.site.store.packet(dot)
            if record is not None and record.hash.startswith(asked[packet] or ""):
                yield record

    def drop(self, exchange: Exchange, wares: list[Ware]) -> None:
        """Drops what is not there yet, then cards and acknowledgements. What does not fit is said, and the rest stays
        for the next time."""
        with self._as_it_fits():
            for ware in counted(wares, "dropping", "packets", len(wares)):
                self._drop(exchange, ware)
        with self._as_it_fits():
            self.drop_side_files(exchange)

    @contextmanager
    def _as_it_fits(self) -> Iterator[None]:
        try:
            yield
        except FileTrouble as trouble:
            if trouble.errno not in _FULL:
                raise
            self.report.partial = True
            self.report.warnings.append(f"not everything fitted: {trouble.message}; {trouble.hint}")

    def _drop(self, exchange: Exchange, ware: Ware) -> None:
        relative = self.site.archive.relative(trunk_of(ware.dot.origin), ware.dot.seq, ware.suffix)
        folder = self.site.archive.packet_folder(relative)
        marker = marker_in(folder)
        if marker is None:
            if not any(held.covers(ware.dot) for held in self._snapshots):
                self.report.warnings.append(f"{ware.dot} is not in this archive; another node has to bring it")
            return
        payload = read_envelope(marker).payload
        named = f"{trunk_of(ware.dot.origin)}/{ware.dot.seq}"
        if named not in self._complained_of and exchange.has_packet(relative, marker, _sizes(payload)):
            return  # as nearly all are: whoever lacks them has not come by yet
        from satchel.packet.manifest import Manifest, manifest_hash
        from satchel.packet.verify import SignedManifest

        manifest = Manifest.parse(payload)
        signed, sizes = SignedManifest(manifest, manifest_hash(payload), marker), manifest.sizes
        if exchange.has_packet(relative, marker, sizes):
            if not self._is_spoilt(exchange, relative, manifest):
                return
            if not self._is_good_here(folder, signed):
                return
            if not self.dry_run:
                exchange.remove_packet(relative)
        elif self._is_anothers(exchange, relative, signed):
            return
        if not self.dry_run:
            exchange.publish_packet(relative, {name: folder / name for name in sizes}, marker)
        self.report.dropped.append(str(ware.dot))
        self.report.bytes_dropped += sum(sizes.values()) + len(marker)

    @cached_property
    def _complained_of(self) -> frozenset[str]:
        """Packets that somebody has in quarantine. Read once: every acknowledgement is verified for it."""
        return frozenset(entry.packet for ack in self.site.acks().values() for entry in ack.quarantined)

    @cached_property
    def _snapshots(self) -> list[Held]:
        """What stands for packets that were pruned."""
        from satchel.sync.snapshots import held_snapshots

        return held_snapshots(self.site)

    def _is_spoilt(self, exchange: Exchange, relative: str, manifest: Manifest) -> bool:
        """Whether a packet that somebody has in quarantine went bad at this exchange. Every other one that is whole by
        size is taken for good: reading all of it at each run would cost more than it finds."""
        from satchel.packet.verify import verify_parts

        if str(manifest.dot) not in self._complained_of:
            return False
        there = self._places(exchange).get(relative)
        if there is None:
            return False
        import tempfile

        with tempfile.TemporaryDirectory(prefix="satchel-") as scratch:
            exchange.collect_packet(there, Path(scratch), manifest.sizes)
            return bool(verify_parts(Path(scratch), manifest).invalid)

    def _is_anothers(self, exchange: Exchange, relative: str, signed: SignedManifest) -> bool:
        """Whether another good packet lies in that place: its author drew one suffix for two packets of one number, as
        only bad intent does. Nobody replaces the one by the other (PROTOCOL: nothing of others' is removed)."""
        from satchel.packet.verify import SignedManifest, read_manifest

        place = self._places(exchange).get(relative.lower())
        try:
            data = exchange.read_marker(place, ENVELOPE_LIMIT) if place is not None else None
            there = read_manifest(data, self.site.members) if data is not None else None
        except BadPacket:
            return False  # it is damaged: a good copy takes its place
        if not isinstance(there, SignedManifest) or there.hash == signed.hash:
            return False
        self.report.warnings.append(
            f"another {signed.manifest.dot} lies at {relative}: {node_of(signed.manifest.origin)} gave one name to two"
            " packets; see `satchel nodes revoke`"
        )
        return True

    def _places(self, exchange: Exchange) -> dict[str, Place]:
        """Where the packets of an exchange lie that are at their proper places: network/origin/name -> place."""
        if id(exchange) not in self._listed:
            places = exchange.listing().packets
            self._listed[id(exchange)] = {"/".join(p.path.parts[-3:]).lower(): p for p in places}
        return self._listed[id(exchange)]

    def _is_good_here(self, folder: Path, signed: SignedManifest) -> bool:
        """Whether the archive's own copy is whole. A bad one goes to quarantine, is asked for again by the next
        acknowledgement, and its place is free for a good one."""
        from satchel.packet.verify import verify_parts
        from satchel.sync.quarantine import Bad

        parts = verify_parts(folder, signed.manifest)
        for problem in (*parts.invalid, *parts.incomplete):
            words = f"the archive's own copy of {problem.packet} is damaged ({problem.file}: {problem.reason})"
            self.report.warnings.append(f"{words}; another node has to bring it")
            if not self.dry_run:
                bad = Bad(problem.packet, f"{problem.file}: {problem.reason}", problem.file, signed.hash)
                self.quarantine.put_folder(folder, bad)
            return False
        return True

    def drop_side_files(self, exchange: Exchange) -> None:
        """Cards, configurations, statements; the newest acknowledgements, own and others'."""
        if self.dry_run:
            return
        for name, data in self.site.node_files().items():
            if _side_file_there(exchange, f"nodes/{name}") != data:
                exchange.put_side_file(f"nodes/{name}", data)
        for name, data, ack in self._acks():
            there = _ack_there(self.site, exchange, name)
            if there is None or newer(ack, there):
                exchange.put_side_file(f"acks/{name}", data)

    def _acks(self) -> Iterator[tuple[str, bytes, Receipt]]:
        for ack in self.site.acks().values():
            data = self.site.archive.read_side_file(f"acks/{ack.file_name}", ENVELOPE_LIMIT)
            if data is not None:
                yield ack.file_name, data, ack

    def empty(self, exchange: Exchange) -> None:
        """Takes out of the own outbox what all members have acknowledged."""
        acks = self.site.acks()
        peers = self.site.peers
        if self.dry_run or not peers or any(peer not in acks for peer in peers):
            return
        marks = [marks_of(self.site, peer, self.naming) for peer in peers]
        for place in exchange.listing().packets:
            if all(self._covers(vector, place) for vector in marks):
                exchange.remove_packet(f"{self.site.archive.network}/{place.origin}/{place.name.lower()}")

    def _covers(self, marks: Mapping[str, Mark], place: Place) -> bool:
        """Whether a member has a packet of the outbox, whichever of the branches that have its number it is of."""
        seq, trunk = place.seq, place.origin
        origins = [trunk, *(name for name in self.naming.branches if trunk_of(name) == trunk)]
        spans = [origin for origin in origins if seq and self.naming.has_number(origin, seq)]
        return seq is not None and all(origin in marks and marks[origin].seq >= seq for origin in spans or [trunk])


def marker_in(folder: Path) -> bytes | None:
    """The marker of a packet of the archive; None: it is not there."""
    path = folder / "manifest.json"
    return read_limited(path, ENVELOPE_LIMIT) if path.is_file() else None


def _sizes(payload: bytes) -> dict[str, int]:
    """Bytes by file name, of every part that a manifest names which was verified when it came here."""
    return {table["file"]: table["bytes"] for table in json.loads(payload)["tables"]}


def _ack_there(site: Site, exchange: Exchange, name: str) -> Receipt | None:
    data = _side_file_there(exchange, f"acks/{name}")
    return site.read_ack(data) if data is not None else None


def _side_file_there(exchange: Exchange, relative: str) -> bytes | None:
    """What stands there; None also for what is too large or cannot be read: it is replaced."""
    try:
        return exchange.read_side_file(relative, ENVELOPE_LIMIT)
    except (BadPacket, FileTrouble):
        return None
