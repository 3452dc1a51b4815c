"""`satchel revert`: an ordinary new change that restores earlier values (ADR 32).

What is undone becomes a packet of its own, sealed in the transaction that looks at what stands, so that nothing comes
in between. It goes the way of packets that arrive: triggers of the application do not run a second time, and what a
constraint does not allow shows before the commit. Then nothing of it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from satchel.errors import ConstraintRefused, SatchelError, UsageError
from satchel.model.ids import Dot, node_of, parse_dot
from satchel.model.key import key_text
from satchel.model.schema import Table
from satchel.model.value import Value, to_json
from satchel.model.version import Version
from satchel.packet.versions import Wanted, Written
from satchel.replication.siblings import maximal
from satchel.stores.base import Applying
from satchel.stores.counts import RowCounts
from satchel.stores.packet_record import PacketRecord
from satchel.stores.records import Contested, Sealed
from satchel.sync import sealing
from satchel.sync.earlier import Packets, Row, RowName, find_earlier
from satchel.sync.identities import Identities
from satchel.sync.report import MOST, Report
from satchel.sync.running import run
from satchel.sync.site import Site
from satchel.sync.standing import READER, refuse_revoked
from satchel.sync.undoing import Before, Left, Now, Undoing, decide_return, decide_undoing
from satchel.sync.visit import Tour, look

Plan = Callable[[], list[Undoing]]
_NAMED = 3  # rows in the words of an error
_COMMAND_LENGTH = 80  # of a key in the log of runs


@dataclass(slots=True)
class Revert:
    """What was undone, or would be. `rows`: {table, key, gid, does, columns, before, after}; `left`: {table, key, gid,
    columns, why, packet}; the first thousand of each, all in `counts`. `same`: rows that are so already."""

    reverts: list[str]
    rows: list[dict[str, Any]] = field(default_factory=list)
    left: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("update", "insert", "delete", "same"), 0))
    left_rows: int = 0
    sealed: list[str] = field(default_factory=list)
    dry_run: bool = False
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The document of `satchel revert --json`."""
        return {
            "reverts": self.reverts,
            "rows": self.rows,
            "left": self.left,
            "counts": {**self.counts, "left": self.left_rows},
            "sealed": self.sealed,
            "dry_run": self.dry_run,
            "warnings": self.warnings,
        }


def revert(
    site: Site, what: str, key: Sequence[Value], to: str | None, *, force: bool = False, dry_run: bool = False
) -> Revert:
    """Undoes the packet `what`, or makes a row of the table `what` what it was in the version `to`."""
    if key and to is None:
        raise UsageError("which version of the row?", "name one with --to, as `satchel history` shows it")
    if to is not None and not key:
        raise UsageError("--to goes with a row", "name its table and its key")
    if to is not None:
        return revert_row(site, what, key, to, dry_run=dry_run)
    return revert_packet(site, what, force=force, dry_run=dry_run)


def revert_packet(site: Site, packet: str, *, force: bool = False, dry_run: bool = False) -> Revert:
    """Undoes what a packet changed, with the others of its group: they were one transaction for everybody. UsageError:
    no such packet was applied here, or it is where history begins; ConstraintRefused: rows do not allow it, and nothing
    was changed; SatchelError: the archive cannot tell what was before."""
    with _running(site, f"revert {packet}", dry_run=dry_run) as report:
        group = _group_of(site, packet)
        before = _before(site, group)
        dots = frozenset(record.dot for record in group)

        def plan() -> list[Undoing]:
            return [decide_undoing(row, _now(site, row.table, row.written), dots, force=force) for row in before]

        return _carry_out(site, Revert([str(record.dot) for record in group]), plan, report, dry_run=dry_run)


def revert_row(site: Site, table_name: str, key: Sequence[Value], to: str, *, dry_run: bool = False) -> Revert:
    """Makes a row what it was in one of its versions. UsageError: it has no such version."""
    words = " ".join(map(str, key))[:_COMMAND_LENGTH]
    with _running(site, f"revert {table_name} {words} to {to}", dry_run=dry_run) as report:
        identities = Identities(site.store)
        table = identities.table(table_name)
        written = _version_of(site, table, identities.on_wire(table, key), to)

        def plan() -> list[Undoing]:
            return [decide_return(table, written, _now(site, table, written))]

        return _carry_out(site, Revert([]), plan, report, dry_run=dry_run)


@contextmanager
def _running(site: Site, command: str, *, dry_run: bool) -> Iterator[Report]:
    """A run in the log, after a look whether this database is behind what it has sent."""
    if site.joining:
        raise UsageError("this node is still joining", "import once from the exchange first")
    refuse_revoked(site)
    if site.members.role(site.settings.node) == READER:
        raise SatchelError(f"{site.settings.node} is a reader and seals nothing", "revert it at a member")
    report = Report()
    with run(site, command, report, dry_run=dry_run):
        look(site, Tour(()), dry_run=dry_run)
        yield report


def _group_of(site: Site, name: str) -> list[PacketRecord]:
    """The applied packets of one seal."""
    try:
        dot = parse_dot(name)
    except ValueError:
        raise UsageError(f"{name!r} is no packet", "write it as in site-a/12; `satchel log` lists packets") from None
    record = site.store.packet(dot)
    if record is None or not _is_applied(site, dot):
        raise UsageError(f"{name} is not applied here", "`satchel status` says what is, and what waits")
    first, last = record.group
    group = [site.store.packet(Dot(dot.origin, seq)) for seq in range(first, last + 1)]
    found = [entry for entry in group if entry is not None]
    if record.kind == "baseline":
        hint = "nothing stood before it; what is not wanted is deleted in the application"
        raise UsageError(f"{name} holds the rows that were there when it began", hint)
    return found


def _is_applied(site: Site, dot: Dot) -> bool:
    mark = site.store.vector().get(dot.origin)
    return mark is not None and dot.seq <= mark.seq


def _before(site: Site, group: Sequence[PacketRecord]) -> list[Before]:
    """Every row of the packets, and what it was before."""
    packets, tables = Packets(site), {table.name: table for table in site.store.tables()}
    found: dict[RowName, Written] = {}
    for record in group:
        packet = packets.read(record)
        if packet is None:
            raise UsageError(f"{record.dot} was pruned: what it changed is not known any more", "`satchel history`")
        for name in packet.rows:
            if name not in tables:
                site.warnings.append(f"{name} is not replicated any more: its rows stay as they are")
                continue
            found |= {(name, text): written for text, written in packets.rows(packet, tables[name])}
    rows = {name: Row(tables[name[0]], written.key, written.version.saw) for name, written in found.items()}
    find_earlier(site, rows, [record.dot for record in group])
    return [_as_it_was(site, written, rows[name]) for name, written in found.items()]


def _as_it_was(site: Site, written: Written, row: Row) -> Before:
    """An update of a row of which nothing older is found is one whose past was pruned."""
    siblings = maximal(row.versions)
    if not siblings:
        return Before(row.table, written, None, certain=row.certain and written.op == "insert")
    was = site.rules.settle(Contested(row.table.name, row.key, siblings, None)).resolved
    return Before(row.table, written, was, row.certain)


def _now(site: Site, table: Table, written: Written) -> Now:
    standing = site.store.standing(table.name, written.key)
    if not standing:
        return Now(None)
    resolved = site.rules.settle(Contested(table.name, written.key, standing, None)).resolved
    return Now(resolved, tuple(version.dot for version in standing))


def _version_of(site: Site, table: Table, key: tuple[Value, ...], to: str) -> Written:
    words = ", ".join(str(value) for value in key)
    unknown = UsageError(f"{table.name} {words} has no version {to}", "`satchel history` lists them")
    try:
        dot = parse_dot(to)
    except ValueError:
        raise unknown from None
    for version in site.store.standing(table.name, key):
        if version.dot == dot:
            return _standing_version(key, version)
    record = site.store.packet(dot)
    packets = Packets(site)
    packet = packets.read(record) if record is not None and _is_applied(site, dot) else None
    if packet is None or not packet.rows.get(table.name):
        raise unknown
    wanted = Wanted(table, {key_text(table, key): key})
    for _, written in packets.rows(packet, table, wanted):
        return written
    raise unknown


def _standing_version(key: tuple[Value, ...], version: Version) -> Written:
    return Written(key, version, "delete" if version.deleted else "update", frozenset(version.cells))


def _carry_out(site: Site, revert: Revert, plan: Plan, report: Report, *, dry_run: bool) -> Revert:
    """Seals what is pending, and the edits; all of it or nothing. A dry run tries the same and takes it back."""
    write = sealing.pretend if dry_run else sealing.write_parts
    early = [] if dry_run else sealing.seal_pending(site, report.rows)
    late: list[Sealed] = []
    made: list[Sealed] = []
    try:
        with site.store.applying() as applying:
            late += sealing.seal_late(site, applying, report.rows, write)
            undoings = plan()
            made += _write(site, applying, revert, undoings, write, report)
            if not dry_run:
                applying.commit()
    except SatchelError:
        if not dry_run:
            sealing.discard(site, [*late, *made])
        raise
    if not dry_run:
        sealing.publish(site, [*late, *made])
        revert.sealed = [str(packet.dot) for packet in made]
        report.sealed = [str(packet.dot) for packet in (*early, *late, *made)]
    revert.dry_run, revert.warnings = dry_run, site.warnings
    return revert


def _write(
    site: Site,
    applying: Applying,
    revert: Revert,
    undoings: Sequence[Undoing],
    write: sealing.Write,
    report: Report,
) -> list[Sealed]:
    """The edits as packets, inside the transaction. ConstraintRefused: a row would not be what it is to be."""
    edits = [undoing.edit for undoing in undoings if undoing.edit is not None]
    telling = _Telling(site, revert)
    telling.before(undoings)
    made: list[Sealed] = []
    if edits:
        known = {record.number for record in site.store.conflicts()}
        with applying.by_hand(edits, site.rules) as delta:
            made = write(site, delta)
            try:
                delta.record(made, site.rules)
                _refuse_misfits(site, known, delta.counts)
            except SatchelError:
                if write is not sealing.pretend:
                    sealing.discard(site, made)
                raise
            report.rows.add(delta.counts)
    telling.after()
    return made


def _refuse_misfits(site: Site, known: set[int], counts: RowCounts) -> None:
    """ConstraintRefused if a constraint makes something else of a row, of these or of those that hang on them."""
    identities = Identities(site.store)
    names = [_words(fate.table, fate.key, fate.reason) for fate in counts.parked]
    said = {(fate.table, fate.gid) if fate.gid else (fate.table, fate.key) for fate in counts.parked}
    for record in site.store.conflicts():
        new = record.number not in known and record.apart
        if new and (record.table, record.key) not in said and (record.table, record.key[0]) not in said:
            names.append(_words(record.table, record.key, record.reason))
    if names:
        shown = "; ".join(identities.in_words(name) for name in names[:_NAMED])
        more = f"; and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        raise ConstraintRefused(
            f"rows do not allow it: {shown}{more}",
            "nothing was changed; revert or change those rows first",
        )


def _words(table: str, key: Iterable[Value], reason: str) -> str:
    return f"{table} {', '.join(map(str, key))} ({reason})"


class _Telling:
    """What a person is told of each row, in the words of this database."""

    def __init__(self, site: Site, revert: Revert) -> None:
        self.site = site
        self.revert = revert
        self.identities = Identities(site.store)
        self._told: list[tuple[Undoing, dict[str, Any]]] = []

    def before(self, undoings: Sequence[Undoing]) -> None:
        """Counts, and names the first thousand as they are before."""
        revert = self.revert
        for undoing in undoings:
            revert.counts[undoing.does or "same"] += bool(undoing.does or not undoing.left)
            revert.left_rows += bool(undoing.left)
            if undoing.does and len(self._told) < MOST:
                self._told.append((undoing, self._entry(undoing)))
            if undoing.left and len(revert.left) < MOST:
                names = self.identities.names(undoing.table.name, undoing.key)
                revert.left += [{"table": undoing.table.name, **names, **_left(left)} for left in undoing.left]

    def _entry(self, undoing: Undoing) -> dict[str, Any]:
        table = undoing.table.name
        row = self.site.store.read_row(table, undoing.key)
        names = [*undoing.values] if undoing.values else list(undoing.table.names)
        shown = None if row is None else {name: to_json(row[name]) for name in names if name in row}
        return {
            "table": table,
            **self.identities.names(table, undoing.key),
            "does": undoing.does,
            "columns": [] if undoing.does == "delete" else names,
            "before": None if undoing.does == "insert" else shown,
            "after": None,
        }

    def after(self) -> None:
        """Adds what the rows are now: a row that is back has a number only now."""
        for undoing, entry in self._told:
            if undoing.does != "delete":
                table = undoing.table.name
                entry.update(self.identities.names(table, undoing.key))
                row = self.site.store.read_row(table, undoing.key) or {}
                entry["after"] = {name: to_json(row[name]) for name in entry["columns"] if name in row}
        self.revert.rows = [entry for _, entry in self._told]


def _left(left: Left) -> dict[str, Any]:
    return {"columns": list(left.columns), "why": left.why, "packet": left.packet or None,
            "node": node_of(left.packet.partition("/")[0]) or None}  # fmt: skip
