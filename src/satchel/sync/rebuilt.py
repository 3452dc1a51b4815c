"""Tables that the application made anew: what nobody noted is found by comparing them with the archive (PROTOCOL,
Capture)."""

from __future__ import annotations

from collections.abc import Iterator

from satchel.errors import BadPacket
from satchel.exchange.listing import Place
from satchel.files import FileTrouble
from satchel.model.ids import trunk_of
from satchel.packet.verify import SignedManifest, read_manifest
from satchel.stores.packet_record import PacketRecord
from satchel.stores.records import Incoming
from satchel.sync.branches import naming_of
from satchel.sync.incoming import incoming_of
from satchel.sync.installing import pruned_packets
from satchel.sync.site import ENVELOPE_LIMIT, Site


def compare_rebuilt(site: Site) -> None:
    """Compares every table that has lost its triggers, a column or all of it; says in the warnings what was found."""
    for table in [] if site.joining else site.store.rebuilt():
        found = site.store.compare(table, _packets(site, table), site.rules)
        if found:
            rows = "1 row was" if found == 1 else f"{found:,} rows were"
            site.warnings.append(
                f"the table {table} was made anew: {rows} changed without being noted, and count from now"
            )


def _packets(site: Site, table: str) -> Iterator[Incoming]:
    """The applied packets with rows of a table."""
    naming = naming_of(site)
    pruned: list[PacketRecord] = []
    for record in site.store.packets_after({}):
        folder = site.archive.packet_folder(
            site.archive.relative(trunk_of(record.dot.origin), record.dot.seq, record.suffix)
        )
        try:
            data = site.archive.read_marker(Place(folder, folder.name), ENVELOPE_LIMIT)
            signed = read_manifest(data, site.members) if data is not None else None
        except (BadPacket, FileTrouble):
            continue  # `verify` names it; its rows count as unknown
        if signed is None:
            pruned.append(record)
        elif isinstance(signed, SignedManifest) and table in signed.manifest.rows:
            yield incoming_of(folder, signed, naming)
    if pruned:
        yield from pruned_packets(site, table, pruned)
