"""What rows were before a packet: the versions that its author had seen, out of the archive (PROTOCOL, Words: context).

The store keeps what stands now; what was superseded is in the packets. They are read from the newest back, and only as
far as some row still needs it: a version's context says which older ones it has superseded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from satchel.errors import BadPacket, SatchelError
from satchel.exchange.listing import Place
from satchel.files import FileTrouble
from satchel.model.ids import Dot, trunk_of
from satchel.model.schema import Table
from satchel.model.vector import Vector, seen
from satchel.model.version import Version
from satchel.packet.verify import SignedManifest, read_manifest
from satchel.packet.versions import Key, Wanted, Written, written_in
from satchel.replication.siblings import maximal
from satchel.stores.packet_record import PacketRecord
from satchel.stores.records import Incoming
from satchel.sync.branches import naming_of
from satchel.sync.incoming import incoming_of
from satchel.sync.installing import state_of
from satchel.sync.site import ENVELOPE_LIMIT, Site
from satchel.sync.snapshots import held_snapshots

RowName = tuple[str, str]  # table, text of the key


@dataclass(slots=True)
class Row:
    """One row, and what is found of it. `saw`: only what this covers counts; `certain`: nothing can be missing."""

    table: Table
    key: Key
    saw: Vector
    versions: list[Version] = field(default_factory=list)
    certain: bool = True

    def needs(self, dot: Dot) -> bool:
        """Whether a version of this packet would count: the author had seen it, and nobody whom he had seen has."""
        return seen(dot, self.saw) and not any(seen(dot, version.saw) for version in self.versions)

    @property
    def siblings(self) -> list[Version]:
        """The versions that the author had seen side by side; none: there was no such row."""
        return maximal(self.versions)


class Packets:
    """The applied packets of a site, with their rows."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._naming = naming_of(site)

    def read(self, record: PacketRecord) -> Incoming | None:
        """A packet of the archive; None: it was pruned. SatchelError: it is not here, or not as it was signed."""
        site, dot = self.site, record.dot
        folder = site.archive.packet_folder(site.archive.relative(trunk_of(dot.origin), dot.seq, record.suffix))
        hint = "run `satchel verify`, then sync with somebody who has it"
        try:
            data = site.archive.read_marker(Place(folder, folder.name), ENVELOPE_LIMIT)
            if data is None:
                return None
            signed = read_manifest(data, site.members)
            if not isinstance(signed, SignedManifest) or signed.hash != record.hash:
                raise SatchelError(f"the archive's copy of {dot} is another packet", hint)
            return incoming_of(folder, signed, self._naming)
        except (BadPacket, FileTrouble) as problem:
            raise SatchelError(f"the archive's copy of {dot} cannot be read: {problem}", hint) from problem

    def rows(self, packet: Incoming, table: Table, wanted: Wanted | None = None) -> Iterator[tuple[str, Written]]:
        """The rows of a packet, all or those that are wanted. SatchelError: its files are not as they were signed."""
        try:
            yield from written_in(packet.batches(table.name), table, packet.context, wanted, packet.dot)
        except (BadPacket, FileTrouble) as problem:
            hint = "run `satchel verify`, then sync with somebody who has it"
            raise SatchelError(f"the archive's copy of {packet.dot} cannot be read: {problem}", hint) from problem


def find_earlier(site: Site, rows: Mapping[RowName, Row], leave_out: Iterable[Dot] = ()) -> None:
    """Puts into every row the versions that its author had seen; `leave_out`: packets that do not count."""
    packets, out, pruned = Packets(site), set(leave_out), list[PacketRecord]()
    alike = _alike(rows)
    for record in sorted(site.store.packets_after({}), key=_age, reverse=True):
        needing = {name: row for group in alike if group[0][1].needs(record.dot) for name, row in group}
        if not needing or record.dot in out:
            continue
        packet = packets.read(record)
        if packet is None:
            pruned.append(record)
            continue
        for table, wanted in _by_table(needing):
            if packet.rows.get(table.name):
                for text, written in packets.rows(packet, table, wanted):
                    rows[table.name, text].versions.append(written.version)
        if any(row.versions and row.versions[-1].dot == record.dot for row in needing.values()):
            alike = _alike(rows)
    if pruned:
        _from_snapshot(site, rows, pruned)


def _alike(rows: Mapping[RowName, Row]) -> list[list[tuple[RowName, Row]]]:
    """Rows that need the same packets: one of each group is asked for all."""
    found: dict[tuple[int, ...], list[tuple[RowName, Row]]] = defaultdict(list)
    for name, row in rows.items():
        found[(id(row.saw), *(id(version.saw) for version in row.versions))].append((name, row))
    return list(found.values())


def _age(record: PacketRecord) -> tuple[int, Dot]:
    """Grows along causality: who has seen a packet has seen more than its author had."""
    return sum(mark.seq for mark in record.context.values()), record.dot


def _by_table(rows: Mapping[RowName, Row]) -> Iterator[tuple[Table, Wanted]]:
    found: dict[str, dict[str, Key]] = defaultdict(dict)
    tables: dict[str, Table] = {}
    for (name, text), row in rows.items():
        found[name][text] = row.key
        tables[name] = row.table
    for name, keys in found.items():
        yield tables[name], Wanted(tables[name], keys)


def _from_snapshot(site: Site, rows: Mapping[RowName, Row], pruned: Sequence[PacketRecord]) -> None:
    """What a snapshot still has of packets that were pruned. It has the siblings of its own moment: where one of them
    is newer than what the author had seen, what that one has superseded is not known any more."""
    lacking = {name: row for name, row in rows.items() if any(row.needs(record.dot) for record in pruned)}
    held = next((held for held in held_snapshots(site) if any(held.covers(record.dot) for record in pruned)), None)
    if held is None:
        for row in lacking.values():
            row.certain = False
        return
    try:
        state = state_of(site, held)
        for table, wanted in _by_table(lacking):
            read = partial(state.batches, table.name)
            for text, written in written_in(read(), table, {}, wanted) if table.name in state.tables else ():
                row, version = rows[table.name, text], written.version
                if not seen(version.dot, row.saw):
                    row.certain = False
                elif row.needs(version.dot):
                    row.versions.append(version)
    except BadPacket as bad:
        raise SatchelError(f"the snapshot {held.name} is damaged: {bad}", "run `satchel verify`") from bad
