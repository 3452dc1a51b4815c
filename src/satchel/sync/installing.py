"""Installing a snapshot: only where packets cannot be had, and only what fits what is known here (PROTOCOL, Snapshots
and pruning; ADR 21)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from satchel.errors import BadPacket
from satchel.model.ids import Dot, trunk_of
from satchel.model.vector import HASH_DIGITS, Mark, Vector
from satchel.packet.snapshot import snapshot_problems
from satchel.stores.packet_record import PacketRecord
from satchel.stores.records import Incoming
from satchel.stores.snapshot import IncomingState
from satchel.sync import sealing
from satchel.sync.branches import NOTE
from satchel.sync.quarantine import COPY, PACKET, Bad
from satchel.sync.site import Site
from satchel.sync.snapshots import Held, held_snapshots, reaches

if TYPE_CHECKING:
    from satchel.sync.incoming import Intake


def obstacle(site: Site, held: Held, mine: Vector) -> str:
    """Why a snapshot cannot be installed here now; empty: nothing is in the way."""
    manifest = held.signed.manifest
    if manifest.configuration > site.configuration.version:
        return f"version {manifest.configuration} of the configuration"
    if any(site.cuts.is_beyond(origin, mark.seq) for origin, mark in held.vector.items()):
        return "another one: it covers packets of a node that was revoked"
    theirs, ours = set(manifest.branches), set(json.loads(site.notes.get(NOTE, "{}")))
    trunks = {trunk_of(origin) for origin in mine}
    if any(trunk_of(name) in trunks for name in theirs ^ ours):
        return "the packets of a fork"
    for origin, mark in held.vector.items():
        record = site.store.packet(Dot(origin, mark.seq))
        if record is not None and not record.hash.startswith(mark.hash):
            return f"another one: it knows another packet {origin}/{mark.seq}"
    return ""


def state_of(site: Site, held: Held) -> IncomingState:
    """A snapshot as stores take it. BadPacket: its files are not what was signed, or do not fit what is known here."""
    from satchel.packet.snapshot_books import read_nodes_part, read_packets_part
    from satchel.packet.snapshot_rows import open_snapshot

    manifest = held.signed.manifest
    limits = held.signed.limits
    opened = open_snapshot(held.folder, manifest, limits)
    site.add_node_files(read_nodes_part(held.folder, manifest.nodes, limits))
    packets = [
        PacketRecord(p.dot, p.hash, p.suffix, p.group, p.kind, p.created, p.context, p.rows)
        for p in read_packets_part(held.folder, manifest.packets, held.vector, limits)
    ]
    hashes = {packet.dot: packet.hash for packet in packets}
    for origin, mark in site.store.vector().items():
        other = hashes.get(Dot(origin, mark.seq))
        if other is not None and not other.startswith(mark.hash):
            raise BadPacket(f"it knows another packet {origin}/{mark.seq}")
    known = json.loads(site.notes.get(NOTE, "{}"))
    branches = {name: list(entry) for name, entry in manifest.branches.items()} | known
    return IncomingState(
        held.vector,
        packets,
        {entry.name: entry.table() for entry in manifest.tables},
        opened.batches,
        {NOTE: json.dumps(branches)} if branches else {},
    )


def install_ready(intake: Intake) -> bool:
    """Installs the snapshot that covers most, if it covers packets that are not here: everything that is ready was
    applied before. Whether one was installed."""
    site, report = intake.site, intake.report
    mine = _after(site.store.vector(), report.applied if intake.dry_run else ())
    for held in held_snapshots(site, intake.archives):
        if reaches(mine, held.vector):
            continue
        needs = obstacle(site, held, mine)
        if needs:
            report.waiting.append({"packet": f"snapshots/{held.name}", "for": needs})
            continue
        report.installed.append(f"snapshots/{held.name}")
        if intake.dry_run:
            return False
        try:
            _install(intake, held)
        except BadPacket as bad:
            report.installed.pop()
            _refuse(intake, held, bad)
            continue
        return True
    return False


def _after(vector: Vector, applied: Sequence[str]) -> Vector:
    found = dict(vector)
    for packet in applied:
        origin, _, seq = packet.rpartition("/")
        found[origin] = max(found.get(origin, Mark(0, "")), Mark(int(seq), ""))
    return found


def _install(intake: Intake, held: Held) -> None:
    site = intake.site
    state = state_of(site, held)
    with site.store.applying() as applying:
        late = intake.seal_late(applying)
        intake.report.rows.add(applying.install(state, site.rules))
        applying.commit()
    site.notes.update(state.facts)
    site.untold = True
    sealing.publish(site, late)
    intake.report.sealed += [str(packet.dot) for packet in late]
    intake.look()


def _refuse(intake: Intake, held: Held, bad: BadPacket) -> None:
    """Its author made it so, or the copy went bad since it came: then another one is welcome."""
    kind = COPY if any(snapshot_problems(held.folder, held.signed.manifest)) else PACKET
    digest = hashlib.sha256(held.signed.envelope).hexdigest()
    entry = Bad(f"snapshots/{held.name}", str(bad), bad.file, digest, kind)
    intake.report.quarantined.append(intake.quarantine.put_folder(held.folder, entry).as_json())


def snapshot_for_joining(intake: Intake, wanted: Vector) -> tuple[Held, IncomingState] | None:
    """The snapshot with which a joining node can begin. None: there is none that it can trust and use."""
    site, report = intake.site, intake.report
    for held in held_snapshots(site, intake.archives):
        needs = obstacle(site, held, {})
        if needs:
            report.waiting.append({"packet": f"snapshots/{held.name}", "for": needs})
            continue
        try:
            state = state_of(site, held)
            _check_inviter(state, wanted)
        except BadPacket as bad:
            _refuse(intake, held, bad)
            continue
        return held, state
    return None


def _check_inviter(state: IncomingState, wanted: Vector) -> None:
    """The inviter's vector names packets by hash; the snapshot must be of the same network's past."""
    hashes = {packet.dot: packet.hash[:HASH_DIGITS] for packet in state.packets}
    for origin, mark in wanted.items():
        known = hashes.get(Dot(origin, mark.seq), mark.hash)
        if known != mark.hash:
            raise BadPacket(f"it knows another packet {origin}/{mark.seq} than the inviter")


def pruned_packets(site: Site, table: str, records: Sequence[PacketRecord]) -> Iterator[Incoming]:
    """What a snapshot still has of packets that were pruned: the versions of a table that stood when it was made."""
    from satchel.packet.snapshot_rows import by_packet

    held = next((held for held in held_snapshots(site) if any(held.covers(record.dot) for record in records)), None)
    if held is None:
        return
    try:
        state = state_of(site, held)
        by_dot = by_packet(state.batches(table)) if table in state.tables else {}
    except BadPacket as bad:
        site.warnings.append(f"the snapshot {held.name} is damaged: {bad}; run `satchel verify`")
        return
    for record in records:
        batches = by_dot.get(record.dot)
        if batches:
            yield Incoming(
                record.dot,
                record.hash,
                record.suffix,
                record.group,
                record.context,
                record.kind,
                record.created,
                {table: sum(batch.num_rows for batch in batches)},
                lambda name, batches=batches: batches,  # type: ignore[misc]
                state.tables,
            )
