"""A visit to an exchange: what was found there, and whether it knows more of this node than the node itself does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from satchel.errors import BadPacket, ExchangeUnreachable, SatchelError
from satchel.exchange.folder import FolderExchange, open_exchange
from satchel.exchange.listing import Listing
from satchel.model.ids import Dot
from satchel.packet.limits import DEFAULT_LIMITS
from satchel.packet.verify import SignedManifest, read_manifest
from satchel.sync.site import Site

ENVELOPE_LIMIT = DEFAULT_LIMITS.manifest_bytes * 4 // 3 + 4096  # base64 and what is around it


@dataclass(frozen=True, slots=True)
class Visit:
    """An exchange and its listing, made once: listing is the truth of that moment."""

    exchange: FolderExchange
    listing: Listing


@dataclass(frozen=True, slots=True)
class Tour:
    """Several visits; `gone`: exchanges that could not be reached."""

    visits: Sequence[Visit]
    gone: Sequence[ExchangeUnreachable] = ()

    def complain(self) -> None:
        """Raises ExchangeUnreachable if one was gone; after everything else was done."""
        for away in self.gone:
            raise away


def visit(site: Site, places: Sequence[Path], *, create: bool) -> Tour:
    """Goes to every place; one that is gone does not stop the others. SatchelError: one belongs to another network."""
    visits: list[Visit] = []
    gone: list[ExchangeUnreachable] = []
    for place in places:
        try:
            exchange = open_exchange(place, site.settings.network_id, create=create)
            visits.append(Visit(exchange, exchange.listing()))
        except ExchangeUnreachable as away:
            gone.append(away)
    return Tour(visits, gone)


def look(site: Site, tour: Tour) -> None:
    """Own sequence first (PROTOCOL, Seal: look before sealing). SatchelError if the witness, an own packet or the own
    acknowledgement is ahead of the database: that is how a restored backup shows, and sealing on would use numbers
    twice."""
    vector = site.store.vector()
    for dot, digest, where in _traces(site, tour):
        mark = vector.get(dot.origin)
        other = bool(digest) and mark is not None and mark.seq == dot.seq and not digest.startswith(mark.hash)
        if mark is None or mark.seq < dot.seq or other:
            raise SatchelError(
                f"the database is older than what it has sent: {where} knows {dot}, the database does not",
                "a backup was restored; put the newer database back, or detach it and join again under a new name",
            )


def _traces(site: Site, tour: Tour) -> Iterator[tuple[Dot, str, str]]:
    """Own packets that were seen somewhere: (packet, its hash or empty, where)."""
    witness = site.home.witness()
    if witness is not None:
        yield *witness, "this home"
    for stop in tour.visits:
        yield from _packets(site, stop)
        yield from _acks(site, stop)


def _packets(site: Site, stop: Visit) -> Iterator[tuple[Dot, str, str]]:
    mark = site.store.vector().get(site.origin)
    for place in stop.listing.packets:
        if place.origin != site.origin or (place.seq or 0) <= (mark.seq if mark else 0):
            continue
        try:
            data = stop.exchange.read_marker(place, ENVELOPE_LIMIT)
            signed = read_manifest(data, site.members) if data is not None else None
        except BadPacket:
            continue  # a stranger's: it is quarantined when it is collected
        if isinstance(signed, SignedManifest) and signed.manifest.origin == site.origin:
            yield signed.manifest.dot, signed.hash, str(stop.exchange.path)


def _acks(site: Site, stop: Visit) -> Iterator[tuple[Dot, str, str]]:
    for path in stop.listing.acks:
        if path.name.lower() != f"{site.settings.node}.json":
            continue
        try:
            data = stop.exchange.read_listed(path, ENVELOPE_LIMIT)
        except BadPacket:
            continue
        ack = site.read_ack(data) if data is not None else None
        if ack is not None and ack.node == site.settings.node and site.origin in ack.marks:
            mark = ack.marks[site.origin]
            yield Dot(site.origin, mark.seq), "", str(stop.exchange.path)
