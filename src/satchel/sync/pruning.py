"""`prune`: what everybody has leaves the archive (PROTOCOL, Snapshots and pruning; ADR 21).

Only a snapshot counts that is stable itself, all of it: then whatever superseded something that it leaves out is
stable, too, and nothing that is still to come can ask for what was there before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from satchel.errors import SatchelError, UsageError
from satchel.exchange.names import MARKER
from satchel.exchange.pruned import prune_packet
from satchel.exchange.snapshots import remove_snapshot
from satchel.model.ids import trunk_of
from satchel.model.progress import counted
from satchel.packet.snapshot import snapshot_problems
from satchel.replication.stable import Heard, Stability, covers, decide_stable
from satchel.stores.packet_record import PacketRecord
from satchel.sync.branches import header_of, naming_of
from satchel.sync.collecting import headers_of
from satchel.sync.installing import obstacle
from satchel.sync.report import Report
from satchel.sync.running import run
from satchel.sync.site import ENVELOPE_LIMIT, Site, now_ms
from satchel.sync.snapshots import Held, held_snapshots

_DAY_MS = 24 * 60 * 60 * 1000


@dataclass(slots=True)
class PruneReport:
    """What went. `stable`: the last stable packet of each origin; `tombstones` by table; `kept`: why more did not."""

    packets: list[str] = field(default_factory=list)
    bytes: int = 0
    snapshot: str = ""
    snapshots: list[str] = field(default_factory=list)
    tombstones: dict[str, int] = field(default_factory=dict)
    stable: dict[str, int] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    dry_run: bool = False
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Every field by name."""
        return {name: getattr(self, name) for name in self.__slots__}


def prune(site: Site, *, keep_days: int = 0, deleted: bool = False, dry_run: bool = False) -> PruneReport:
    """Removes stable packets that a snapshot stands for from the archive; with `deleted` stable tombstones from the
    database. UsageError: the node is still joining."""
    if site.joining:
        raise UsageError("this node is still joining", "import once from the exchange first")
    if keep_days < 0:
        raise UsageError("days cannot be less than none", "name --keep-days 0 or more")
    done = PruneReport(dry_run=dry_run)
    report = Report()
    with run(site, "prune", report, dry_run=dry_run):
        stability = stability_of(site)
        done.stable = dict(stability.upto)
        done.kept += [f"{blocker.node} {blocker.reason}" for blocker in stability.blockers]
        base = _base(site, stability, done)
        if base is not None:
            done.snapshot = f"snapshots/{base.name}"
            _prune_packets(site, base, now_ms() - keep_days * _DAY_MS, done)
            _prune_snapshots(site, base, done)
        if deleted:
            _forget_deleted(site, stability, done)
        report.warnings += done.warnings
    done.warnings = list(report.warnings)
    return done


def stability_of(site: Site) -> Stability:
    """What is stable here now, by the newest acknowledgements and all that was seen of others."""
    acks = site.acks()
    others = [member.name for member in site.members.awaited if member.name != site.settings.node]
    unapplied = headers_of(site, [site.archive])
    naming = naming_of(site, unapplied)
    said = {name: naming.covered(ack.marks) for name, ack in acks.items()}
    origins = {origin for marks in said.values() for origin in marks}
    origins |= {header_of(signed, naming).dot.origin for signed in unapplied}
    return decide_stable(naming.vector, [Heard(name, said.get(name)) for name in others], origins)


def _base(site: Site, stability: Stability, done: PruneReport) -> Held | None:
    """The newest snapshot that everybody's acknowledgements cover."""
    known = held_snapshots(site)
    mine = site.store.vector()
    for held in known:
        reach = {origin: mark.seq for origin, mark in held.vector.items()}
        if covers(stability.upto, reach) and not obstacle(site, held, mine):
            problem = next(snapshot_problems(held.folder, held.signed.manifest), None)
            if problem is None:
                return held
            done.warnings.append(f"the snapshot {held.name} is damaged ({problem.file}: {problem.reason})")
    if stability.blockers:
        return None
    done.kept.append(
        "no snapshot is here that all members have acknowledged"
        if known
        else "no snapshot is here: an admin makes one with `satchel snapshot DIR`"
    )
    return None


def _prune_packets(site: Site, base: Held, before: int, done: PruneReport) -> None:
    young = 0
    if not done.dry_run:
        site.note(pruning="1")  # a start after a kill goes on where it was
    for record, folder in counted(_whole(site, base), "pruning", "packets"):
        if record.created > before:
            young += 1
            continue
        done.packets.append(str(record.dot))
        if done.dry_run:
            done.bytes += sum(path.stat().st_size for path in folder.glob("*.parquet"))
        else:
            done.bytes += prune_packet(folder, ENVELOPE_LIMIT)
    if not done.dry_run:
        site.note(pruning="")
    if young:
        done.kept.append(f"{young:,} packets are younger than that")


def _whole(site: Site, base: Held) -> Iterator[tuple[PacketRecord, Path]]:
    """Packets of the archive that the snapshot stands for, groups whole."""
    for record in site.store.packets_after({}):
        mark = base.vector.get(record.dot.origin)
        if mark is None or record.group[1] > mark.seq:
            continue
        relative = site.archive.relative(trunk_of(record.dot.origin), record.dot.seq, record.suffix)
        folder = site.archive.packet_folder(relative)
        if (folder / MARKER).is_file():
            yield record, folder


def _prune_snapshots(site: Site, base: Held, done: PruneReport) -> None:
    """Older ones than the one that counts are of no use any more."""
    for held in held_snapshots(site):
        older = held.signed.manifest.created_ms < base.signed.manifest.created_ms
        if held.name != base.name and older and _within(held, base):
            done.snapshots.append(f"snapshots/{held.name}")
            if not done.dry_run:
                remove_snapshot(site.archive.root, held.name)


def _within(held: Held, base: Held) -> bool:
    return covers(_reach(base), _reach(held))


def _reach(held: Held) -> Mapping[str, int]:
    return {origin: mark.seq for origin, mark in held.vector.items()}


def _forget_deleted(site: Site, stability: Stability, done: PruneReport) -> None:
    """Who joins with a copy of a database brings what it knew: while somebody is invited, tombstones stay."""
    invited = [name for name, expires in site.invited().items() if expires >= now_ms()]
    waited = sorted(set(invited) - {member.name for member in site.members.members})
    if waited:
        done.kept.append(f"{', '.join(waited)} may join with an older copy: deleted rows stay known until then")
        return
    try:
        done.tombstones = dict(site.store.forget_deleted(stability.upto, dry_run=done.dry_run))
    except SatchelError as problem:
        done.warnings.append(problem.message)
        raise
