"""Following a revocation: what was applied beyond a cut is taken out of the database and lies in quarantine (PROTOCOL,
Members; ADR 20).

One transaction takes it out of the database. Only then the packets leave the archive, one by one: a start in between
goes on with that, so a kill leaves nothing half done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from satchel.errors import BadPacket
from satchel.exchange.listing import Place
from satchel.exchange.names import MARKER
from satchel.files import FileTrouble, remove_folder
from satchel.model.ids import node_of, trunk_of
from satchel.packet.verify import SignedManifest, read_manifest
from satchel.replication.siblings import maximal
from satchel.sync import sealing
from satchel.sync.branches import naming_of
from satchel.sync.incoming import incoming_of
from satchel.sync.installing import state_of
from satchel.sync.quarantine import PACKET, Bad, Quarantine
from satchel.sync.site import ENVELOPE_LIMIT, Site
from satchel.sync.snapshots import held_snapshots, reaches
from satchel.sync.standing import refuse_revoked

if TYPE_CHECKING:
    from satchel.model.vector import Mark
    from satchel.stores.base import Applying
    from satchel.stores.packet_record import PacketRecord
    from satchel.stores.records import Incoming, Sealed
    from satchel.stores.snapshot import IncomingState
    from satchel.sync.cuts import Cuts
    from satchel.sync.report import Report


def obey(site: Site, report: Report, quarantine: Quarantine, *, dry_run: bool = False) -> None:
    """Makes database and archive follow the revocations that are known. SatchelError: this node was revoked itself."""
    cuts = site.cuts
    if not cuts:
        return
    refuse_revoked(site)
    if not dry_run and not site.notes.get("cuts"):
        site.note(cuts="1")  # the store looks at what it seals from now on
    cuts.read_with(naming_of(site).resolve)
    ahead = dict(cuts.ahead()) if not site.joining else {}
    if ahead:
        _take_out(site, ahead, report, dry_run=dry_run)
    if not dry_run:
        _sweep(site, cuts, quarantine)


def _take_out(site: Site, ahead: dict[str, Mark], report: Report, *, dry_run: bool) -> None:
    records = list(site.store.packets_after({}))
    beyond = [r for r in records if r.dot.origin in ahead and r.dot.seq > ahead[r.dot.origin].seq]
    gone = {record.dot for record in beyond}
    rest = [record for record in records if record.dot not in gone]
    states = _states(site, rest, ahead, report)
    with site.store.applying() as applying:
        late = _seal_late(site, applying, report, dry_run=dry_run)
        remaining = chain(_packets(site, rest), _just_sealed(site, [] if dry_run else late))
        going = _packets(site, beyond)
        report.rows.add(applying.take_out(ahead, going, remaining, site.rules, maximal, states))
        if not dry_run:
            applying.commit()
    report.taken_out += [str(record.dot) for record in beyond]
    report.warnings += [_words(origin, beyond, dry_run=dry_run) for origin in sorted(ahead)]
    if not dry_run:
        site.untold = True
        sealing.publish(site, late)
        report.sealed += [str(sealed.dot) for sealed in late]


def _states(site: Site, rest: Iterable[PacketRecord], ahead: Mapping[str, Mark], report: Report) -> list[IncomingState]:
    """Snapshots that stand for packets which were pruned here: those that cover nothing beyond a cut."""
    lacking = [record for record in rest if not (_folder(site, record) / MARKER).is_file()]
    if not lacking:
        return []
    reduced = {**site.store.vector(), **ahead}
    held = [each for each in held_snapshots(site) if reaches(reduced, each.vector)]
    lost = [str(record.dot) for record in lacking if not any(each.covers(record.dot) for each in held)]
    if lost:
        more = f" and {len(lost) - 1:,} more" if len(lost) > 1 else ""
        report.warnings.append(
            f"{lost[0]}{more} is not in this archive: older versions of rows that were taken out may be missing; sync"
            " with a site that has it, and compare with `satchel history`"
        )
    return [state_of(site, each) for each in held]


def _folder(site: Site, record: PacketRecord) -> Path:
    relative = site.archive.relative(trunk_of(record.dot.origin), record.dot.seq, record.suffix)
    return site.archive.packet_folder(relative)


def _words(origin: str, beyond: Iterable[PacketRecord], *, dry_run: bool) -> str:
    names = [str(record.dot) for record in beyond if record.dot.origin == origin]
    which = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
    done = "would be taken out of this database" if dry_run else "was taken out of this database and lies in quarantine"
    return f"{node_of(origin)} was revoked: {which} {done}"


def _seal_late(site: Site, applying: Applying, report: Report, *, dry_run: bool) -> list[Sealed]:
    """What the application wrote since the last seal was written in sight of what is taken out."""
    write = sealing.pretend if dry_run else sealing.write_parts
    return sealing.seal_late(site, applying, report.rows, write)


def _packets(site: Site, records: Iterable[PacketRecord]) -> Iterator[Incoming]:
    """Those that the archive has. One that it lacks was pruned; what stands of it in the database counts."""
    naming = naming_of(site)
    for record in records:
        folder = _folder(site, record)
        signed = _read(site, folder)
        if signed is not None and signed.hash == record.hash:
            # under the names that this database has for origins
            incoming = incoming_of(folder, signed, naming)
            yield replace(incoming, dot=record.dot, group=record.group, context=record.context)


def _just_sealed(site: Site, late: Iterable[Sealed]) -> Iterator[Incoming]:
    """Own packets whose manifests are not in the archive yet; their parts are."""
    naming = naming_of(site)
    for sealed in late:
        signed = read_manifest(sealed.envelope, site.members)
        relative = site.archive.relative(trunk_of(sealed.dot.origin), sealed.dot.seq, sealed.suffix)
        if isinstance(signed, SignedManifest):
            yield incoming_of(site.archive.packet_folder(relative), signed, naming)


def _read(site: Site, folder: Path) -> SignedManifest | None:
    try:
        data = site.archive.read_marker(Place(folder, folder.name), ENVELOPE_LIMIT)
        signed = read_manifest(data, site.members) if data is not None else None
    except (BadPacket, FileTrouble):
        return None  # `verify` names it
    return signed if isinstance(signed, SignedManifest) else None


def _sweep(site: Site, cuts: Cuts, quarantine: Quarantine) -> None:
    """Packets of the archive that do not count any more go to quarantine, whole."""
    root = site.archive.packets / site.archive.network
    revoked = [
        folder
        for folder in (sorted(root.iterdir()) if root.is_dir() else [])
        if site.members.is_revoked(node_of(folder.name)) and node_of(folder.name) != site.settings.node
    ]
    applied = {record.suffix for record in site.store.packets_after({})} if revoked else set()
    for place in (Place(path, path.name) for folder in revoked for path in sorted(folder.iterdir())):
        if place.name.rpartition("-")[2] not in applied and place.path.is_dir():
            _set_aside(site, cuts, quarantine, place)


def _set_aside(site: Site, cuts: Cuts, quarantine: Quarantine, place: Place) -> None:
    if not (place.path / MARKER).exists():
        if cuts.is_beyond(place.path.parent.name, place.seq or 0):
            remove_folder(place.path)  # what a kill left of one that is in quarantine
        return
    signed = _read(site, place.path)
    reason = cuts.refuses(signed.manifest) if signed is not None else None
    if signed is not None and reason is not None:
        quarantine.put_folder(place.path, Bad(str(signed.manifest.dot), reason, "", signed.hash, PACKET))
