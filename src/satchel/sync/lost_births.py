"""Rows that this database is about to bear a second time (ADR 18).

What was pending when a backup was made is pending again after it was restored, and may have been sealed meanwhile. A
row with a global key falls together with itself then; one with a number that the database hands out would stand there
twice. So the own packets that the database has lost are read before the seal: what they bore keeps its gid.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from satchel.errors import BadPacket
from satchel.files import FileTrouble
from satchel.stores.records import Incoming
from satchel.sync.site import Site
from satchel.sync.traces import Found, Traces


def expect_lost_births(site: Site, traces: Traces) -> None:
    """Tells the store of the births in own packets that it does not know. What cannot be read now is no reason to
    wait: its rows come, as other rows, when the packet does."""
    if not any(table.scope == "local" for table in site.store.tables()):
        return
    with ExitStack() as scratch:
        site.store.expect_births(_packets(traces, scratch))


def _packets(traces: Traces, scratch: ExitStack) -> Iterator[Incoming]:
    seen: set[str] = set()
    for found in traces.lost:
        for copy in _copies(found, traces):
            if found.signed.hash in seen:
                break
            try:
                packet = _packet(copy, scratch)
            except (BadPacket, FileTrouble):
                continue  # what is not right is told when it is collected, or by `satchel verify`
            seen.add(found.signed.hash)
            yield packet


def _copies(found: Found, traces: Traces) -> Iterator[Found]:
    """Where a packet was found, and where at an exchange a folder of its name lies: the disk of the home may not read
    any more."""
    yield found
    for stop in traces.visits:
        for place in stop.listing.packets:
            if place.name.lower() == found.place.name.lower():
                yield Found(place, found.signed, stop.exchange)


def _packet(found: Found, scratch: ExitStack) -> Incoming:
    from satchel.packet.reader import open_packet

    manifest = found.signed.manifest
    folder = found.place.path
    if found.exchange is not None:  # nothing is decoded where others can change it
        folder = Path(scratch.enter_context(tempfile.TemporaryDirectory(prefix="satchel-", ignore_cleanup_errors=True)))
        found.exchange.collect_packet(found.place, folder, manifest.sizes)
    packet = open_packet(folder, manifest)
    packet.check()
    return Incoming(
        dot=manifest.dot,
        hash=found.signed.hash,
        suffix=manifest.suffix,
        group=manifest.group,
        context=manifest.vector,
        kind=manifest.kind,
        created=manifest.created_ms,
        rows=manifest.rows,
        batches=packet.batches,
        tables={table.name: table.table() for table in manifest.tables},
    )
