"""What a stick must carry from here, to whom, and what it brings: for the courier, before anything is written."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from satchel.exchange.listing import Place
from satchel.exchange.names import MARKER
from satchel.exchange.pruned import is_pruned
from satchel.model.ids import trunk_of
from satchel.model.stamp import rfc3339
from satchel.model.vector import behind
from satchel.packet.envelope import read_envelope
from satchel.packet.manifest import Manifest
from satchel.sync.acknowledged import marks_of
from satchel.sync.collecting import Collector
from satchel.sync.outgoing import Dropper, Ware, marker_in
from satchel.sync.quarantine import Quarantine
from satchel.sync.report import Report
from satchel.sync.site import Site, now_ms
from satchel.sync.visit import Visit, visit

_CARDS = 256 << 10  # bytes that cards and acknowledgements may need beside the packets


@dataclass(frozen=True, slots=True)
class Load:
    """A packet for the stick: `lacking` the members who have not acknowledged it, `there` whether it lies there whole,
    `fits` whether there is room when everything before it went first."""

    packet: str
    bytes: int
    lacking: tuple[str, ...]
    there: bool
    fits: bool

    def as_json(self) -> dict[str, Any]:
        """{packet, bytes, for, there, fits}."""
        return {
            "packet": self.packet,
            "bytes": self.bytes,
            "for": list(self.lacking),
            "there": self.there,
            "fits": self.fits,
        }


@dataclass(slots=True)
class Plan:
    """`carries` in the order in which they go; `brings` origin -> (packets, bytes) that this node has not; `free`
    bytes on the medium, None: it does not say; `peers` as in `status`, with what of it the stick has for each."""

    place: Path
    node: str
    network: str
    made: str
    pending: int
    free: int | None
    carries: list[Load] = field(default_factory=list)
    brings: dict[str, tuple[int, int]] = field(default_factory=dict)
    peers: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Every field by name, and `bytes` that are still to be written and whether all of it `fits`."""
        new = [load for load in self.carries if not load.there]
        return {
            "place": str(self.place),
            "node": self.node,
            "network": self.network,
            "made": self.made,
            "pending": self.pending,
            "free": self.free,
            "bytes": sum(load.bytes for load in new),
            "fits": all(load.fits for load in new),
            "carries": [load.as_json() for load in self.carries],
            "brings": [{"origin": o, "packets": n, "bytes": size} for o, (n, size) in sorted(self.brings.items())],
            "peers": self.peers,
            "warnings": self.warnings,
        }


def plan(site: Site, place: Path) -> Plan:
    """Looks at a stick or share as `export` would, and writes nothing, here or there. ExchangeUnreachable,
    SatchelError: it belongs to another network."""
    site.dry_run = True
    tour = visit(site, [place], create=False)
    tour.complain()
    (stop,) = tour.visits
    report = Report()
    Collector(site, site.archive, report, Quarantine(site.home.quarantine, now_ms(), dry_run=True)).take_side_files(
        stop.exchange, stop.listing
    )
    dropper = Dropper(site, report, dry_run=True)
    free = _free(place)
    found = Plan(
        place, site.settings.node, site.settings.network, rfc3339(now_ms()), _pending(site), free,
        warnings=report.warnings,
    )  # fmt: skip
    marks = {peer: marks_of(site, peer, dropper.naming) for peer in site.peers}
    found.carries = list(_loads(site, stop, dropper.wanted(), marks, free))
    found.brings = _brings(site, stop)
    found.peers = list(_peers(site, found.carries, dropper, marks))
    return found


def _pending(site: Site) -> int:
    return 0 if site.joining else site.store.pending()


def _free(place: Path) -> int | None:
    try:
        return shutil.disk_usage(place).free
    except OSError:
        return None


def _loads(
    site: Site, stop: Visit, wares: Sequence[Ware], marks: Mapping[str, Mapping[str, Any]], free: int | None
) -> Iterator[Load]:
    left = None if free is None else free - _CARDS
    for ware in wares:
        relative = site.archive.relative(trunk_of(ware.dot.origin), ware.dot.seq, ware.suffix)
        marker = marker_in(site.archive.packet_folder(relative))
        if marker is None:
            continue  # pruned, or lost: another node brings it, or a snapshot does
        sizes = Manifest.parse(read_envelope(marker).payload).sizes
        size = sum(sizes.values()) + len(marker)
        there = stop.exchange.has_packet(relative, marker, sizes)
        if not there and left is not None:
            left -= size
        lacking = tuple(peer for peer, has in marks.items() if not _has(has, ware))
        yield Load(str(ware.dot), size, lacking, there, there or left is None or left >= 0)


def _has(marks: Mapping[str, Any], ware: Ware) -> bool:
    mark = marks.get(ware.dot.origin)
    return mark is not None and bool(mark.seq >= ware.dot.seq)


def _brings(site: Site, stop: Visit) -> dict[str, tuple[int, int]]:
    """By names alone: what is not in the archive. Whether it is valid is seen when it is imported."""
    found: dict[str, tuple[int, int]] = {}
    for place in stop.listing.packets:
        if not _is_here(site, place):
            size = sum(stop.exchange.part_sizes(place).values())
            count, total = found.get(place.origin, (0, 0))
            found[place.origin] = (count + 1, total + size)
    return found


def _is_here(site: Site, place: Place) -> bool:
    folder = site.home.packets / site.archive.network / place.origin / place.name.lower()
    return (folder / MARKER).is_file() or is_pruned(folder)


def _peers(
    site: Site, loads: Sequence[Load], dropper: Dropper, marks: Mapping[str, Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """How old the news of each site is, and what the stick has for it."""
    acks, vector = site.acks(), site.store.vector()
    for peer in site.peers:
        mine = [load for load in loads if peer in load.lacking and (load.there or load.fits)]
        ack = acks.get(peer)
        yield {
            "node": peer,
            "heard": ack.clock if ack else None,
            "behind": behind(vector, marks[peer], dropper.naming.first_of),
            "packets": len(mine),
            "bytes": sum(load.bytes for load in mine),
        }
