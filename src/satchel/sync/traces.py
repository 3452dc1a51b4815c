"""Traces of this node's own packets: in its home, at exchanges, in what others say that they have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from satchel.errors import BadPacket
from satchel.exchange.listing import Place
from satchel.exchange.names import MARKER
from satchel.exchange.pruned import is_pruned
from satchel.files import FileTrouble
from satchel.model.ids import Dot, node_of, trunk_of
from satchel.model.vector import Vector, seen
from satchel.packet.problem import Waiting
from satchel.packet.receipt import Receipt
from satchel.sync.site import ENVELOPE_LIMIT, Site
from satchel.sync.snapshots import Covering, held_snapshots, known_snapshot

if TYPE_CHECKING:
    from satchel.exchange.folder import FolderExchange
    from satchel.packet.members import Members
    from satchel.packet.verify import SignedManifest
    from satchel.sync.visit import Visit

T = TypeVar("T")
_ReadMarker = Callable[[Place, int], bytes | None]
Packets = tuple[tuple[Dot, str], ...]  # with their hashes: all digits, the first 16, or none


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody knows of these packets. `sealer`: the origin of this node that would be ahead of the database if the
    database does not know them; `where`: in words."""

    sealer: str
    packets: Packets
    where: str


@dataclass(frozen=True, slots=True)
class Found:
    """An own packet that the database does not know, and where it lies; `exchange` None: in the archive."""

    place: Place
    signed: SignedManifest
    exchange: FolderExchange | None


@dataclass
class Traces:
    """What is known of this node's own packets. `lost`: those that were found and the database does not know;
    `predecessors`: origin -> the one before it, where somebody says it;
    `counter`: the highest of the own acknowledgements that were seen; `twins`: those at exchanges that this database
    did not write, of a clone or of the database before it was restored."""

    site: Site
    visits: Sequence[Visit]
    claims: list[Claim] = field(default_factory=list)
    predecessors: dict[str, str] = field(default_factory=dict)
    lost: list[Found] = field(default_factory=list)
    counter: int = 0
    twins: list[Receipt] = field(default_factory=list)
    _unread: set[Path] = field(default_factory=set)  # folders of the archive

    def __post_init__(self) -> None:
        self._node = self.site.settings.node
        for dot, digest in self.site.home.witness().items():
            if node_of(dot.origin) == self._node:
                self.claims.append(Claim(dot.origin, ((dot, digest),), "this home"))
        for ack in self.site.acks().values():
            self._hear_ack(ack, "this home")
        for place, signed in self._archived():
            self._hear_packet(signed, "this home", Found(place, signed, None))
        for held in held_snapshots(self.site):
            self._hear_vector(held.vector, f"this home (snapshots/{held.name})")
        for stop in self.visits:
            for place, signed in self._packets(stop):
                self._hear_packet(signed, str(stop.exchange.path), Found(place, signed, stop.exchange))
            for ack in self._acks(stop):
                self._hear_ack(ack, str(stop.exchange.path))
                if self._is_twins(ack):
                    self.twins.append(ack)
            for name, vector in self._snapshots(stop):
                self._hear_vector(vector, f"{stop.exchange.path} (snapshots/{name})")

    # -- what they say

    def _hear_packet(self, signed: SignedManifest, where: str, found: Found) -> None:
        """An own packet; another's packet tells by its context what its author had of this node."""
        manifest = signed.manifest
        if node_of(manifest.origin) == self._node:
            if manifest.predecessor is not None:
                self.predecessors[manifest.origin] = manifest.predecessor
            self.claims.append(Claim(manifest.origin, ((manifest.dot, signed.hash),), where))
            if not seen(manifest.dot, self.site.store.vector()):
                self.lost.append(found)
        else:
            self._hear_vector(manifest.vector, f"{where} ({manifest.dot})")

    def _hear_ack(self, ack: Receipt, where: str) -> None:
        if ack.node != self._node:
            self._hear_vector(ack.marks, f"{where} ({ack.node})")
            return
        self.counter = max(self.counter, ack.counter)
        if ack.predecessor is not None:
            self.predecessors[ack.origin] = ack.predecessor
        if self._is_twins(ack):
            packets = tuple((Dot(origin, mark.seq), mark.hash) for origin, mark in ack.marks.items())
            self.claims.append(Claim(ack.origin, packets, f"{where} (own acknowledgement)"))

    def _is_twins(self, ack: Receipt) -> bool:
        """Whether it is of this node, and this database did not write it."""
        return ack.node == self._node and ack.counter > int(self.site.notes.get("acknowledged", "0"))

    def _hear_vector(self, vector: Vector, where: str) -> None:
        for origin, mark in vector.items():
            if node_of(origin) == self._node:
                self.claims.append(Claim(origin, ((Dot(origin, mark.seq), mark.hash),), where))

    # -- where they stand

    def _archived(self) -> Iterator[tuple[Place, SignedManifest]]:
        """Packets of the archive that the database does not know."""
        newest: dict[str, int] = {}  # by folder: branches of a fork lie in that of their trunk
        for origin, mark in self.site.store.vector().items():
            newest[trunk_of(origin)] = max(mark.seq, newest.get(trunk_of(origin), 0))
        for folder in self.site.shelf.folders:
            for place in (Place(path, path.name) for path in self.site.shelf.after(folder, newest.get(folder, 0))):
                if place.seq:
                    read = list(self._read(self.site.archive.read_marker, place))
                    yield from read
                    if not read:
                        self._unread.add(place.path)

    def _packets(self, stop: Visit) -> Iterator[tuple[Place, SignedManifest]]:
        """Packets of an exchange that are not in the archive, or that its disk does not read. The folders they lie in
        may have any name."""
        root = self.site.home.packets / self.site.archive.network
        for place in stop.listing.packets:
            folder = root / place.origin / place.name.lower()
            if folder in self._unread or not ((folder / MARKER).is_file() or is_pruned(folder)):
                yield from self._read(stop.exchange.read_marker, place)

    def _read(self, read_marker: _ReadMarker, place: Place) -> Iterator[tuple[Place, SignedManifest]]:
        from satchel.packet.verify import read_manifest

        signed = self._trusted(partial(read_marker, place, ENVELOPE_LIMIT), read_manifest)
        if signed is not None:
            yield place, signed

    def _acks(self, stop: Visit) -> Iterator[Receipt]:
        for data in read_listed(stop, stop.listing.acks):
            ack = self.site.known_ack(data) or self._new_ack(data)
            if ack is not None:
                yield ack

    def _new_ack(self, data: bytes) -> Receipt | None:
        from satchel.packet.ack import open_ack
        from satchel.packet.envelope import read_envelope

        opened = self._trusted(lambda: data, open_ack)
        return None if opened is None else Receipt.of(read_envelope(data).payload)

    def _snapshots(self, stop: Visit) -> Iterator[tuple[str, Vector]]:
        """Name and vector: who vouches for a snapshot has applied what it covers."""
        for data in filter(None, (self._marker(stop, place) for place in stop.listing.snapshots)):
            known = known_snapshot(self.site, data) or self._new_snapshot(data)
            if known is not None:
                yield known.name, known.vector

    def _marker(self, stop: Visit, place: Place) -> bytes | None:
        try:
            return stop.exchange.read_marker(place, ENVELOPE_LIMIT)
        except (BadPacket, FileTrouble):
            return None

    def _new_snapshot(self, data: bytes) -> Covering | None:
        from satchel.packet.snapshot import read_snapshot

        signed = self._trusted(lambda: data, read_snapshot)
        return None if signed is None else Covering.of(signed)

    def _trusted(self, read: Callable[[], bytes | None], opened: Callable[[bytes, Members], T | Waiting]) -> T | None:
        """A signed file as it is opened. What is not to be trusted is no trace; it is quarantined when it is collected,
        or named where it lies."""
        try:
            data = read()
            if data is None:
                return None
            found = opened(data, self.site.members)
            if isinstance(found, Waiting):
                found = opened(data, self._introduced)
        except (BadPacket, FileTrouble):
            return None
        return None if isinstance(found, Waiting) else found

    @cached_property
    def _introduced(self) -> Members:
        """The members as they will be when the cards at the exchanges are taken: a home that was restored may lack the
        cards of those who say most. Nothing is taken before the seal."""
        from satchel.packet.keys import PublicKey
        from satchel.packet.members import Members

        files = [*self.site.node_files().values(), *self._node_files()]
        settings = self.site.settings
        return Members.from_files(PublicKey.parse(settings.root), files, settings.limits)

    def _node_files(self) -> Iterator[bytes]:
        for stop in self.visits:
            yield from read_listed(stop, stop.listing.nodes)


def read_listed(stop: Visit, paths: Iterable[Path]) -> Iterator[bytes]:
    """The side files of an exchange that can be read."""
    for path in paths:
        try:
            data = stop.exchange.read_listed(path, ENVELOPE_LIMIT)
        except (BadPacket, FileTrouble):
            continue
        if data is not None:
            yield data
