"""Export, import and sync: the runs of a node (INTERFACE, Details: look, seal, collect, apply, drop, acknowledge)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from satchel.errors import SatchelError
from satchel.exchange.archive import Archive
from satchel.files import wall
from satchel.model.stamp import rfc3339
from satchel.packet.plain import digest_of
from satchel.stores.run import Run
from satchel.sync.acknowledging import acknowledge
from satchel.sync.agreeing import adopt, decide_again, follow
from satchel.sync.clocks import wrong_clocks
from satchel.sync.collecting import Collector
from satchel.sync.equality import certify
from satchel.sync.patience import remember
from satchel.sync.quarantine import Quarantine
from satchel.sync.report import Report
from satchel.sync.site import Site, now_ms
from satchel.sync.snapshots import held_snapshots, reaches
from satchel.sync.standing import refuse_revoked
from satchel.sync.status import standing_waits
from satchel.sync.visit import Tour, look, visit

REVIEWED = "reviewed"  # note: the statements that somebody has looked, and what was applied, when they were followed
Listener = Callable[[str, object], None]  # event, what it is about


def _nobody(event: str, about: object) -> None:
    """Hears nothing."""


@contextmanager
def run(site: Site, command: str, report: Report, *, dry_run: bool) -> Iterator[Report]:
    """Times a run and writes it into the log of runs, whatever becomes of it."""
    began, at = time.monotonic(), now_ms()
    report.dry_run = site.dry_run = dry_run
    trouble = ""
    try:
        with wall(site.home.path):
            yield report
        if report.rows.parked:
            from satchel.sync.identities import Identities

            in_words = Identities(site.store).in_words
            report.rows.parked = [replace(fate, reason=in_words(fate.reason)) for fate in report.rows.parked]
        report.warnings += wrong_clocks(site)
    except SatchelError as problem:
        trouble = problem.message
        raise
    finally:
        report.seconds = time.monotonic() - began
        report.warnings += [warning for warning in site.warnings if warning not in report.warnings]
        if not dry_run:
            entry = Run(at, command, ", ".join(report.exchange), report.seconds, report.as_json(), trouble)
            _record(site, entry)


def _record(site: Site, entry: Run) -> None:
    """Into the log of runs. A run that failed tells its own trouble, not that of the log."""
    try:
        site.store.record_run(entry)
    except SatchelError:
        if not entry.trouble:
            raise


def export(site: Site, directory: Path | None, *, dry_run: bool = False, report: Report | None = None) -> Report:
    """Seals; puts what others lack into the outbox or a folder. ExchangeUnreachable: it was sealed all the same."""
    report = report or Report()
    with run(site, "export", report, dry_run=dry_run):
        tour = _begin(site, [directory or site.home.outbox], report, dry_run=dry_run)
        if report.sealed or site.untold:  # no reader of the acknowledgement must think that this node lacks its own
            acknowledge(site, standing_waits(site, Quarantine(site.home.quarantine, now_ms())))
        collector = Collector(site, site.archive, report, Quarantine(site.home.quarantine, now_ms()))
        for stop in tour.visits:  # whom it serves is told by the cards and acknowledgements that lie there
            with tour.at(stop.exchange.path):
                collector.take_side_files(stop.exchange, stop.listing)
        if not dry_run:
            adopt(site)
        _obey(site, report, collector.quarantine, dry_run=dry_run)
        if report.taken_out and not dry_run:
            acknowledge(site, standing_waits(site, collector.quarantine))
        _drop(site, tour, report, dry_run, own=directory is None)
        tour.complain()
    return report


def import_(
    site: Site,
    paths: Sequence[Path],
    *,
    dry_run: bool = False,
    listener: Listener = _nobody,
    report: Report | None = None,
) -> Report:
    """Takes packets from the inbox or from paths, applies what is ready, writes the acknowledgement."""
    report = report or Report()
    with run(site, "import", report, dry_run=dry_run):
        tour = _begin(site, list(paths) or [site.home.inbox], report, create=False, dry_run=dry_run)
        _take_in(site, tour, report, dry_run, listener)
        tour.complain()
    return report


def sync(
    site: Site,
    places: Sequence[Path],
    *,
    dry_run: bool = False,
    listener: Listener = _nobody,
    report: Report | None = None,
) -> Report:
    """Exports to and imports from each exchange. One that cannot be reached does not stop the others; it is raised at
    the end."""
    report = report or Report()
    with run(site, "sync", report, dry_run=dry_run):
        tour = _begin(site, places, report, dry_run=dry_run)
        _take_in(site, tour, report, dry_run, listener)
        _drop(site, tour, report, dry_run)
        tour.complain()
    return report


def inbox_outbox(
    site: Site, *, dry_run: bool = False, listener: Listener = _nobody, report: Report | None = None
) -> Report:
    """A sync without an exchange: import from the inbox, then export to the outbox."""
    report = report or Report()
    with run(site, "sync", report, dry_run=dry_run):
        tour = _begin(site, [site.home.inbox], report, create=False, dry_run=dry_run)
        _take_in(site, tour, report, dry_run, listener)
        outwards = visit(site, [site.home.outbox], create=not dry_run)
        _drop(site, outwards, report, dry_run, own=True)
        tour.complain()
        outwards.complain()
    return report


def _begin(site: Site, places: Sequence[Path], report: Report, *, dry_run: bool, create: bool = True) -> Tour:
    """Look, then seal: also where no exchange can be reached, so that nothing waits for a stick to be sealed."""
    tour = visit(site, places, create=create and not dry_run)
    report.exchange += [str(stop.exchange.path) for stop in tour.visits]
    look(site, tour, dry_run=dry_run)
    if dry_run:
        report.pending = 0 if site.joining else site.store.pending()
    else:
        _seal(site, report)
        _try_again(site, report)
    return tour


def _seal(site: Site, report: Report) -> None:
    """Seals what is pending. SatchelError if this node was revoked, whether anything is or not."""
    if site.joining:
        return
    refuse_revoked(site)
    if site.store.has_noted():
        from satchel.sync import sealing

        report.sealed += [str(packet.dot) for packet in sealing.seal_pending(site, report.rows)]


def _try_again(site: Site, report: Report) -> None:
    """Rows that this database did not take, or lacked the columns for, may have a place now."""
    if not site.joining:
        report.rows.add(decide_again(site))


def _drop(site: Site, tour: Tour, report: Report, dry_run: bool, *, own: bool = False) -> None:
    from satchel.sync.outgoing import Dropper
    from satchel.sync.snapshots import carry, for_members

    dropper = Dropper(site, report, dry_run)
    wares = dropper.wanted() if tour.visits else []
    snapshot = for_members(site, report) if tour.visits else None
    for stop in tour.visits:
        with tour.at(stop.exchange.path):
            dropper.drop(stop.exchange, wares)
            if snapshot is not None:
                carry(stop.exchange, snapshot, report)
            if own:
                dropper.empty(stop.exchange)
    if not site.peers:
        report.warnings.append("nobody else is in the network yet; invite somebody with `satchel invite`")


def list_runs(site: Site, limit: int) -> list[dict[str, Any]]:
    """The newest runs first."""
    return [
        {
            "at": rfc3339(entry.at),
            "command": entry.command,
            "exchange": entry.exchange,
            "seconds": round(entry.seconds, 3),
            "trouble": entry.trouble,
            "report": entry.report,
        }
        for entry in site.store.runs(limit)
    ]


def _take_in(site: Site, tour: Tour, report: Report, dry_run: bool, listener: Listener) -> None:
    from satchel.sync.snapshots import SnapshotCollector

    def collect(collector: Collector) -> None:
        for stop in tour.visits:
            collector.visited.append(str(stop.exchange.path.absolute()))
            with tour.at(stop.exchange.path):
                collector.collect(stop.exchange, stop.listing)
                snapshots = SnapshotCollector(site, collector.archive, report, collector.quarantine)
                snapshots.collect(stop.exchange, stop.listing)

    if tour.visits:
        take_in(site, collect, report, dry_run, listener)


def again(site: Site, command: str, collect: Callable[[Collector], None], *, dry_run: bool = False) -> Report:
    """A run that visits no exchange: what `collect` brings comes from the home itself."""
    report = Report()
    with run(site, command, report, dry_run=dry_run):
        _begin(site, [], report, create=False, dry_run=dry_run)
        take_in(site, collect, report, dry_run)
    return report


def take_in(
    site: Site,
    collect: Callable[[Collector], None],
    report: Report,
    dry_run: bool,
    listener: Listener = _nobody,
) -> None:
    """Applies what `collect` brings into the archive and what was there before; then acknowledges."""
    with _archive(site, dry_run=dry_run) as archive:
        quarantine = Quarantine(site.home.quarantine, now_ms(), dry_run=dry_run)
        collector = Collector(site, archive, report, quarantine)
        collect(collector)
        collector.settle()
        if not dry_run:  # packets may have come that were sealed under a newer configuration
            adopt(site)
        _obey(site, report, quarantine, dry_run=dry_run)
        site.forget_shelf()
        if dry_run or site.joining or site.shelf.has_news() or _is_surpassed(site):
            from satchel.sync.incoming import Intake

            archives = [site.archive, archive] if dry_run else [site.archive]
            applied = partial(listener, "packet-applied")
            Intake(site, report, quarantine, archives, dry_run, applied).run()
    if not dry_run and not site.joining:
        follow(site)
        _try_again(site, report)
    _settle_waiting(report)
    if dry_run:
        return
    remember(collector, report)
    if report.joined is not None:  # what was edited since the join has its place in the order now
        _seal(site, report)
    certify(site)
    acknowledge(site, report.waiting)
    _review(site)
    if report.rows.conflicts:
        listener("conflict", report.rows.conflicts)


@contextmanager
def _archive(site: Site, *, dry_run: bool) -> Iterator[Archive]:
    """Where packets are collected: a dry run does it beside the archive, so that nothing of it stays."""
    if not dry_run:
        yield site.archive
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="satchel-", ignore_cleanup_errors=True) as scratch:
        yield Archive(Path(scratch), site.archive.network)


def _obey(site: Site, report: Report, quarantine: Quarantine, *, dry_run: bool) -> None:
    """Follows the revocations that are known."""
    if site.cuts:
        from satchel.sync.taking_out import obey

        obey(site, report, quarantine, dry_run=dry_run)


def _is_surpassed(site: Site) -> bool:
    """Whether a snapshot is here that covers what was not applied."""
    vector = site.store.vector()
    return any(not reaches(vector, held.vector) for held in held_snapshots(site))


def _settle_waiting(report: Report) -> None:
    """Each entry once; an incomplete packet that came whole from another place does not wait."""
    applied = set(report.applied)
    unique = {(entry["packet"], entry["for"]): entry for entry in report.waiting if entry["packet"] not in applied}
    report.waiting = list(unique.values())


def _review(site: Site) -> None:
    """Somebody, somewhere, has looked at conflicts that were passed over."""
    seen = site.members.seen
    if not seen:
        return
    known = f"{digest_of(repr((sorted(seen), site.store.vector())).encode())[:16]}"
    if site.notes.get(REVIEWED) == known:
        return
    for conflict in seen:
        # one that is not known here yet, or under another id: the statement stays in nodes/ and is tried again
        with suppress(SatchelError):
            site.store.review(conflict)
    site.note(**{REVIEWED: known})
