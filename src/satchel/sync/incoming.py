"""Apply: what is ready, causes before effects, one transaction for several groups (PROTOCOL, Apply)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from satchel.errors import BadPacket
from satchel.model.ids import Dot
from satchel.model.progress import Stage, counting, stage
from satchel.packet.verify import SignedManifest, verify_parts
from satchel.replication.order import Header, ready_groups, waiting
from satchel.stores.records import Incoming, Sealed
from satchel.sync import sealing
from satchel.sync.branches import facts_of, fork_alarms, header_of, naming_of
from satchel.sync.chained import check_chain
from satchel.sync.collecting import headers_of
from satchel.sync.epochs import with_own_past
from satchel.sync.installing import install_ready, snapshot_for_joining
from satchel.sync.named_tables import check_tables
from satchel.sync.quarantine import COPY, PACKET, Bad, Quarantine
from satchel.sync.site import ACTIVE, Site
from satchel.sync.standing import refuse_rows_of_reader

if TYPE_CHECKING:
    from pyarrow import RecordBatch

    from satchel.exchange.archive import Archive
    from satchel.model.vector import Vector
    from satchel.packet.reader import VerifiedPacket
    from satchel.replication.branches import Branch, Naming
    from satchel.stores.base import Applying, Delta
    from satchel.sync.report import Report

_ROWS_AT_ONCE = 100_000  # of groups that are applied in one go
_SECONDS_AT_ONCE = 4.0  # groups share a transaction up to so much work: the application waits meanwhile


@dataclass
class Intake:
    """Unapplied packets of a site, and what becomes of them."""

    site: Site
    report: Report
    quarantine: Quarantine
    archives: Sequence[Archive]
    dry_run: bool = False
    applied: Callable[[str], None] = lambda packet: None  # hears of every packet that was applied
    headers: dict[Dot, SignedManifest] = field(default_factory=dict)  # by the names that hold here
    named: dict[Dot, Header] = field(default_factory=dict)
    known: list[SignedManifest] = field(default_factory=list)
    broken: list[Path] = field(default_factory=list)  # folders of the archive that do not verify any more
    naming: Naming = field(init=False)
    progress: Stage | None = None  # rows that were read

    def run(self) -> None:
        """Applies everything that is ready; the rest is reported as waiting."""
        self.look()
        self._set_broken_aside()
        with stage("applying", "rows", sum(sum(signed.manifest.rows.values()) for signed in self.known)) as progress:
            self.progress = progress
            if self.site.joining:
                self._join()
            if not self.site.joining:
                self._apply_all()
        self.report.waiting += self.waiting()

    def _apply_all(self) -> None:
        """Packets first; a snapshot only for what they leave open."""
        while True:
            while self._some():
                pass
            if not install_ready(self):
                return

    def _set_broken_aside(self) -> None:
        """A packet of the archive that does not verify any more leaves it: then the next good copy is taken."""
        for folder in () if self.dry_run else self.broken:
            seq = folder.name.partition("-")[0].lstrip("0")
            bad = Bad(f"{folder.parent.name}/{seq}", "the archive's copy is damaged", "manifest.json")
            self.report.quarantined.append(self.quarantine.put_folder(folder, bad).as_json())

    def look(self) -> None:
        """Reads which packets of the archive are not applied."""
        self.broken.clear()
        self.known = headers_of(self.site, self.archives, self.broken)
        self._name()

    def _name(self, known: Iterable[Branch] | None = None) -> None:
        """Gives the packets the names that hold now; `known`: the branches that the database tells apart."""
        self.naming = naming_of(self.site, self.known, known)
        self.site.cuts.read_with(self.naming.resolve)
        pairs = [(header_of(signed, self.naming), signed) for signed in self.known]
        self.named = {header.dot: header for header, _ in pairs}
        self.headers = {header.dot: signed for header, signed in pairs}

    def _order(self) -> list[Header]:
        """What the causal order needs: two packets of one number are of two branches."""
        return self.site.cuts.headers(self.named[dot] for dot, signed in self.headers.items() if self._may(signed))

    def _may(self, signed: SignedManifest) -> bool:
        """A packet waits for the configuration that it was sealed under."""
        return signed.manifest.configuration <= self.site.configuration.version

    def _ready(self) -> list[list[Dot]]:
        return [list(group) for group in ready_groups(self._order(), self.naming.vector, self.naming.applied_hash)]

    def _incoming(self, group: Sequence[Dot]) -> list[Incoming]:
        packets = [self._packet(self.headers[dot]) for dot in group]
        if self.progress is not None:
            packets = [_counted(packet, self.progress) for packet in packets]
        return self.site.cuts.marked(packets)

    def _hash_of(self, dot: Dot) -> str | None:
        if dot in self.headers:
            return self.headers[dot].hash
        record = self.site.store.packet(dot)
        return None if record is None else record.hash

    def _packet(self, signed: SignedManifest) -> Incoming:
        check_tables(signed.manifest, self.site.configuration)
        check_chain(signed, header_of(signed, self.naming), self._hash_of)
        return incoming_of(self._folder(signed), signed, self.naming)

    def _folder(self, signed: SignedManifest) -> Path:
        manifest = signed.manifest
        for archive in self.archives:
            folder = archive.packet_folder(archive.relative(manifest.origin, manifest.seq, manifest.suffix))
            if folder.is_dir():
                return folder
        raise BadPacket("it is not in the archive any more")

    # -- ordinary applies

    def _some(self) -> bool:
        """One transaction; whether there may be more."""
        self._name()
        ready = self._ready()
        if not ready and not self.naming.news:
            return False
        began = time.monotonic()
        done: list[Dot] = []
        late: list[Sealed] = []
        with self.site.store.applying() as applying:
            late = self.seal_late(applying)
            facts: dict[str, str] = {}
            while self.naming.news:
                facts |= self._rename(applying)
                ready = self._ready()
            vector = {origin: mark.seq for origin, mark in self.site.store.vector().items()}
            for run in self._runs(ready):
                if time.monotonic() - began > _SECONDS_AT_ONCE:
                    break
                done += self._apply_run(applying, run, vector)
            if self.dry_run:
                self.report.applied += map(str, done)
                return False
            applying.commit()
        self.site.notes.update(facts)
        if facts:
            self.report.warnings += fork_alarms(self.site)
        own = self.site.own_origin
        self._after(done, [replace(packet, dot=Dot(own, packet.dot.seq)) for packet in late])
        return True

    def _runs(self, ready: Sequence[list[Dot]]) -> Iterator[list[list[Dot]]]:
        """Groups that may be applied in one go: they follow each other, and are of one origin."""
        run: list[list[Dot]] = []
        rows = 0
        for group in ready:
            manifests = [self.headers[dot].manifest for dot in group]
            size = sum(count for manifest in manifests for count in manifest.rows.values())
            alike = bool(run) and run[-1][0].origin == group[0].origin and manifests[0].kind == "changes"
            if run and (not alike or rows + size > _ROWS_AT_ONCE):
                yield run
                run, rows = [], 0
            run.append(group)
            rows += size
        if run:
            yield run

    def _apply_run(self, applying: Applying, run: Sequence[list[Dot]], vector: dict[str, int]) -> list[Dot]:
        """Applies a run in one go; where something is wrong with one of its packets, group by group. Which packets were
        applied."""
        ahead = dict(vector)
        whole = len(run) > 1
        for group in run:
            whole = whole and self._in_order(group, ahead)
            ahead[group[-1].origin] = group[-1].seq
        if whole and self._apply_whole(applying, run):
            vector.update(ahead)
            return [dot for group in run for dot in group]
        done: list[Dot] = []
        for group in run:
            if self._in_order(group, vector) and self._apply(applying, group):
                vector[group[-1].origin] = group[-1].seq
                done += group
        return done

    def _apply_whole(self, applying: Applying, run: Sequence[list[Dot]]) -> bool:
        try:
            self.report.rows.add(applying.apply_groups([self._incoming(group) for group in run], self.site.rules))
        except BadPacket:
            return False  # which one it is shows when they are applied one by one
        return True

    def _rename(self, applying: Applying) -> dict[str, str]:
        """The database learns of a fork: its packets get the names of their branches. What is noted of it."""
        facts = facts_of(self.site, self.naming)
        self.report.rows.add(applying.rename(self.naming.renamings, facts, self.site.rules))
        self._name(list(self.naming.branches.values()))
        return facts

    def seal_late(self, applying: Applying) -> list[Sealed]:
        """What the application wrote since the last seal was written under the vector before this apply."""
        write = sealing.pretend if self.dry_run else sealing.write_parts
        return sealing.seal_late(self.site, applying, self.report.rows, write)

    def _in_order(self, group: Sequence[Dot], vector: Mapping[str, int]) -> bool:
        """Whether everything that the group needs was applied before it: a bad packet before it was not."""
        context = self.site.cuts.clamp(self.named[group[0]].context)
        return all(mark.seq <= vector.get(origin, 0) for origin, mark in context.items())

    def _apply(self, applying: Applying, group: Sequence[Dot]) -> bool:
        try:
            self.report.rows.add(applying.apply_group(self._incoming(group), self.site.rules))
        except BadPacket as bad:
            self._discard(group, bad)
            return False
        return True

    def _discard(self, group: Sequence[Dot], bad: BadPacket) -> None:
        """A packet that verified when it came and cannot be applied: its author made it so, or the archive's copy went
        bad since; then another copy is welcome."""
        signed, bad = self._culprit([self.headers[dot] for dot in group], bad)
        dot, folder = signed.manifest.dot, self._folder(signed)
        # A disk that could not read it a moment ago says nothing of its author, even if it can now.
        kind = COPY if bad.copy or not verify_parts(folder, signed.manifest).valid else PACKET
        entry = self.quarantine.put_folder(folder, Bad(str(dot), str(bad), bad.file, signed.hash, kind))
        self.report.quarantined.append(entry.as_json())
        self._forget(signed)

    def _culprit(self, group: Sequence[SignedManifest], bad: BadPacket) -> tuple[SignedManifest, BadPacket]:
        """Which packet of a group it was. Parts of one table stand in many of them: each is decoded once more."""
        from satchel.packet.reader import open_packet

        named = [s for s in group if not bad.file or any(table.file == bad.file for table in s.manifest.tables)]
        for signed in named if len(named) > 1 else ():
            try:
                open_packet(self._folder(signed), signed.manifest, signed.limits).check()
            except BadPacket as found:
                return signed, found
        return (named or group)[0], bad

    def _after(self, done: Sequence[Dot], late: Sequence[Sealed]) -> None:
        sealing.publish(self.site, late)
        self.report.sealed += [str(sealed.dot) for sealed in late]
        self._forget(*(self.headers[dot] for dot in done))
        for dot in done:
            self.report.applied.append(str(dot))
            self.applied(str(dot))

    def _forget(self, *packets: SignedManifest) -> None:
        gone = {signed.hash for signed in packets}
        self.known = [signed for signed in self.known if signed.hash not in gone]
        self.headers = {dot: signed for dot, signed in self.headers.items() if signed.hash not in gone}

    # -- the first import of a node that joined

    def _join(self) -> None:
        """Everything up to the inviter's vector at once, then the comparison with the own rows."""
        wanted = self.site.cuts.clamp(self.naming.resolve(self.site.inviter_vector()))
        wanted = with_own_past(self.site, wanted, (self.named[dot] for group in self._ready() for dot in group))
        groups = [group for group in self._ready() if self._is_within(group, wanted)]
        missing = self._missing(groups, wanted, self.site.store.vector())
        begin = snapshot_for_joining(self, wanted) if missing else None
        if begin is not None:
            order = ready_groups(self._order(), begin[0].vector, begin[1].applied_hash)
            groups = [list(group) for group in order if self._is_within(group, wanted)]
            missing = self._missing(groups, wanted, begin[0].vector)
        if missing:
            self.report.waiting += [{"packet": self.site.settings.node, "for": packet} for packet in missing[:1000]]
            return
        sealed: list[Sealed] = []

        def seal(delta: Delta) -> list[Sealed]:
            refuse_rows_of_reader(self.site)
            new = sealing.write_parts(self.site, delta)
            sealed.extend(new)
            return new

        incoming = (self._incoming(group) for group in groups)
        facts = {"state": ACTIVE, "fingerprint": ""}  # tables that only this database has are looked at next
        if self.naming.branches:
            facts |= facts_of(self.site, self.naming)
        counts, joined = self.site.store.join_rows(
            incoming, self.site.rules, seal, facts, self.dry_run, None if begin is None else begin[1]
        )
        self.report.rows.add(counts)
        self.report.joined = joined
        if begin is not None:
            facts |= begin[1].facts
            self.report.installed.append(f"snapshots/{begin[0].name}")
            if joined.beside:
                self.report.warnings.append(
                    "joined with a snapshot, which has no values of the past: rows that are old copies of what others"
                    " changed since stand beside theirs, and change nothing"
                )
        dots = [dot for group in groups for dot in group]
        if self.dry_run:
            sealing.discard(self.site, sealed)
            self.report.sealed += [str(packet.dot) for packet in sealed]
            self.report.applied += map(str, dots)
            return
        self.site.notes |= facts
        sealing.publish(self.site, sealed)
        self.report.sealed += [str(packet.dot) for packet in sealed]
        self._after(dots, [])

    def _missing(self, groups: Sequence[Sequence[Dot]], wanted: Vector, vector: Vector) -> list[str]:
        """What is wanted and neither applied nor among these groups."""
        have = {origin: mark.seq for origin, mark in vector.items()}
        for group in groups:
            have[group[-1].origin] = group[-1].seq
        first = self.naming.first_of
        return [f"{o}/{q}" for o, mark in wanted.items() for q in range(have.get(o, first(o) - 1) + 1, mark.seq + 1)]

    def _is_within(self, group: Sequence[Dot], wanted: Vector) -> bool:
        last = group[-1]
        return last.origin in wanted and last.seq <= wanted[last.origin].seq

    # -- what waits

    def waiting(self) -> list[dict[str, str]]:
        """[{packet, for}]: the packets that are here and not applied, and what each waits for."""
        return list(self._waiting())

    def _waiting(self) -> Iterator[dict[str, str]]:
        if self.site.joining:
            return
        self._name()
        for dot, signed in self.headers.items():
            if not self._may(signed):
                needs = f"version {signed.manifest.configuration} of the configuration"
                yield {"packet": str(dot), "for": needs}
        for entry in waiting(self._order(), self.naming.vector, self.naming.applied_hash):
            for want in entry.wants:
                if want.hash:
                    self.site.wants[str(want)] = want.hash
                yield {"packet": str(entry.group[0]), "for": str(want)}


def _counted(packet: Incoming, progress: Stage) -> Incoming:
    def batches(table: str) -> Iterator[RecordBatch]:
        return counting(packet.batches(table), progress, lambda batch: batch.num_rows)

    return replace(packet, batches=batches)


def incoming_of(folder: Path, signed: SignedManifest, naming: Naming) -> Incoming:
    """A packet of the archive as stores take it, in the names that hold here. BadPacket: it is not what was signed."""
    from satchel.packet.reader import open_packet

    manifest, header = signed.manifest, header_of(signed, naming)
    packet = open_packet(folder, manifest, signed.limits)
    return Incoming(
        dot=header.dot,
        hash=signed.hash,
        suffix=manifest.suffix,
        group=header.group,
        context=header.context,
        kind=manifest.kind,
        created=manifest.created_ms,
        rows=manifest.rows,
        batches=packet.batches if naming.knows(manifest.vector) else _renamed_batches(packet, manifest.vector, naming),
        tables={table.name: table.table() for table in manifest.tables},
    )


def _renamed_batches(packet: VerifiedPacket, context: Vector, naming: Naming) -> Callable[[str], Iterator[RecordBatch]]:
    """The rows with the dots that their author wrote under the names that hold here."""
    from satchel.packet.renamed import renamed

    def name_dot(origin: str, seq: int) -> str:
        return naming.origin_in(context, origin, seq)

    return lambda table: renamed(packet.batches(table), name_dot, naming.resolve)
