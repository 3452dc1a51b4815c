"""Applying groups of packets in one transaction (PROTOCOL, Apply)."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from satchel.model.renaming import Renaming
from satchel.model.vector import Mark, Vector
from satchel.stores.base import Rules
from satchel.stores.counts import RowCounts
from satchel.stores.records import Incoming, RowEdit
from satchel.stores.snapshot import IncomingState
from satchel.stores.sqlite import arrivals, baseline, bearings, books, branches
from satchel.stores.sqlite.booking import classify, make_odd
from satchel.stores.sqlite.by_hand import by_hand
from satchel.stores.sqlite.delta import SQLiteDelta, frozen_delta
from satchel.stores.sqlite.drift import meet
from satchel.stores.sqlite.landing import Landing
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.stage import Stage
from satchel.stores.sqlite.suspend import SuspendedTriggers
from satchel.stores.sqlite.taking_out import Maximal, TakingOut
from satchel.stores.sqlite.together import TwiceTold, told_once

_ROWS_AT_ONCE = 300_000  # packets of a group are staged together up to so many rows


class SQLiteApplying:
    """The write lock is held; see base.Applying."""

    def __init__(self, db: sqlite3.Connection, layouts: dict[str, Layout], author: str | None) -> None:
        self.db = db
        self.layouts = layouts
        self.author = author
        self.triggers = SuspendedTriggers(db, layouts)

    @contextmanager
    def delta(self, rules: Rules) -> Iterator[SQLiteDelta | None]:
        """What is pending under the lock; None: nothing."""
        with frozen_delta(self.db, self.layouts, rules, self.author, locked=True) as delta:
            yield delta

    @contextmanager
    def by_hand(self, edits: Sequence[RowEdit], rules: Rules) -> Iterator[SQLiteDelta]:
        """Edits of rows, whether the application sees them or not."""
        with by_hand(self.db, self.layouts, rules, edits) as delta:
            yield delta

    def retry(self, rules: Rules) -> RowCounts:
        """Looks once more at rows that this database did not take, and at those whose columns or table have come."""
        wanted = json.loads(books.read_notes(self.db).get(books.UNSETTLED, "[]"))
        again = [self.layouts[name] for name in wanted if name in self.layouts]
        landing = Landing(self.db, self.layouts, rules, self.triggers, 0, {}, time.time_ns() // 1_000_000)
        counts = landing.land({}, again)
        books.write_notes(self.db, {books.UNSETTLED: "[]"})
        return counts

    def take_out(
        self,
        cuts: Mapping[str, Mark],
        going: Iterable[Incoming],
        remaining: Iterable[Incoming],
        rules: Rules,
        maximal: Maximal,
        states: Iterable[IncomingState] = (),
    ) -> RowCounts:
        """Takes out what lies beyond these cuts; see base.Applying."""
        with self.triggers.attempt():
            return TakingOut(self.db, self.layouts, rules, self.triggers, cuts).run(going, remaining, states, maximal)

    def rename(self, renamings: Sequence[Renaming], facts: Mapping[str, str], rules: Rules) -> RowCounts:
        """Packets get the names of their branches; ties are broken by names, so what stands beside others is decided
        again."""
        branches.rename(self.db, self.layouts, renamings)
        books.write_notes(self.db, facts)
        landing = Landing(self.db, self.layouts, rules, self.triggers, 0, {}, time.time_ns() // 1_000_000)
        counts = landing.land({}, list(self.layouts.values()))
        branches.know_ids(self.db, self.layouts)
        return counts

    def apply_group(self, packets: Sequence[Incoming], rules: Rules, *, once: bool = False) -> RowCounts:
        """Applies the packets of one group whole, or raises and leaves everything as it was. `once`: they are of
        several groups; TwiceTold if some row is in two of them."""
        counts = RowCounts()
        with self._whole("satchel_group"):
            bearings.note(self.db, self.layouts, packets)
            for run in _runs(packets):
                counts.add(self._apply(run, rules, once=once))
        return counts

    def apply_groups(self, groups: Sequence[Sequence[Incoming]], rules: Rules) -> RowCounts:
        """Applies several groups of one origin, which follow each other, or raises and leaves everything as it was."""
        with suppress(TwiceTold):
            return self.apply_group([packet for packets in groups for packet in packets], rules, once=len(groups) > 1)
        counts = RowCounts()
        with self._whole("satchel_groups"):
            for packets in groups:
                counts.add(self.apply_group(packets, rules))
        return counts

    @contextmanager
    def _whole(self, savepoint: str) -> Iterator[None]:
        """All of it, or everything stays as it was: rows, triggers, and what is known of the tables, which packets may
        have added to."""
        known = dict(self.layouts)
        self.db.execute(f"SAVEPOINT {savepoint}")
        try:
            with self.triggers.attempt():
                yield
        except BaseException:
            self.layouts.clear()
            self.layouts.update(known)
            if self.db.in_transaction:
                self.db.execute(f"ROLLBACK TO {savepoint}")
                self.db.execute(f"RELEASE {savepoint}")
            raise
        self.db.execute(f"RELEASE {savepoint}")

    def install(self, state: IncomingState, rules: Rules) -> RowCounts:
        """Installs a snapshot, or raises and leaves everything as it was."""
        from satchel.stores.sqlite.snapshot_in import install

        return install(self, state, rules)

    def _apply(self, packets: Sequence[Incoming], rules: Rules, *, once: bool) -> RowCounts:
        counts = RowCounts()
        origin = books.origin_number(self.db, packets[0].dot.origin)
        note_context(self.db, packets[0].context)
        contexts: dict[int, Vector] = {packet.dot.seq: packet.context for packet in packets}
        now = time.time_ns() // 1_000_000
        stages: dict[str, Stage] = {}
        loaded: set[str] = set()
        for packet in packets:
            meet(self.db, self.layouts, packet.tables.values())
        for name in _touched(packets):
            layout = self.layouts[name]
            self.triggers.suspend(layout)
            if self._loads(layout, packets, stages, loaded) and self._load(layout, origin, packets, counts):
                loaded.add(name)
                self.noticed(f"main.{layout.user}", layout)
                continue
            stages[name] = self._stage(layout, packets, once=once)
            classify(self.db, stages[name], _odd(layout, self._base_seen(layout, packets[0].context)))
            make_odd(self.db, stages[name], [packet.dot.seq for packet in packets if packet.misled])
            self.noticed(stages[name].name, layout)
        landing = Landing(self.db, self.layouts, rules, self.triggers, origin, contexts, now)
        counts.add(landing.land(stages))
        for packet in packets:
            books.add_packet(self.db, packet)
        for stage in stages.values():
            stage.drop(self.db)
        return counts

    def _loads(
        self, layout: Layout, packets: Sequence[Incoming], stages: Collection[str], loaded: Collection[str]
    ) -> bool:
        """Whether a baseline's rows go in as they come: nothing else is in their table, nor in those that they refer
        to, whose rows might be parked or get other numbers."""
        names = {key.parent.lower() for key in layout.table.foreign_keys}
        near = [other for name, other in self.layouts.items() if name.lower() in names and other is not layout]
        if any(other.table.name in stages for other in near):
            return False
        others = [other for other in near if other.table.name not in loaded]
        return all(baseline.fits(self.db, other, self.layouts, packets) for other in (layout, *others))

    def _load(self, layout: Layout, origin: int, packets: Sequence[Incoming], counts: RowCounts) -> bool:
        """Loads a baseline's rows as they come; whether this database takes all of them."""
        self.db.execute("SAVEPOINT satchel_load")
        try:
            count = baseline.load(self.db, layout, self.layouts, origin, packets)
        except sqlite3.IntegrityError:
            self.db.execute("ROLLBACK TO satchel_load")
            self.db.execute("RELEASE satchel_load")
            return False
        self.db.execute("RELEASE satchel_load")
        counts.inserted += count
        return True

    def _stage(self, layout: Layout, packets: Sequence[Incoming], *, once: bool) -> Stage:
        stage = Stage(layout, "incoming", once=once)
        stage.create(self.db)
        with told_once(once):
            self._fill(stage, packets)
        arrivals.translate(self.db, self.layouts, stage)
        return stage

    def _fill(self, stage: Stage, packets: Sequence[Incoming]) -> None:
        for packet in packets:
            if packet.rows.get(stage.layout.table.name):
                stage.fill(self.db, packet.dot.seq, packet.batches(stage.layout.table.name))

    def noticed(self, source: str, layout: Layout) -> None:
        """Versions of a table's rows have just been applied; `source` holds them. Joining looks at them."""

    def _base_seen(self, layout: Layout, context: Vector) -> bool:
        """Whether the author had seen the baseline of this table: a group is applied whole, so one packet tells."""
        row = self.db.execute(
            f"SELECT n.name FROM {layout.base} b JOIN _satchel_origin n ON n.number = b.o LIMIT 1"
        ).fetchone()
        return row is None or row[0] in context

    def commit(self) -> None:
        """Makes it durable and gives the lock back."""
        self.triggers.resume()
        self.db.execute("COMMIT")


def note_context(db: sqlite3.Connection, context: Vector) -> None:
    """The context of the packets at hand as a table."""
    db.execute("CREATE TABLE IF NOT EXISTS temp._satchel_context (o INTEGER PRIMARY KEY, q INTEGER)")
    db.execute("DELETE FROM temp._satchel_context")
    numbers = [(books.origin_number(db, origin), mark.seq) for origin, mark in context.items()]
    db.executemany("INSERT INTO temp._satchel_context VALUES (?, ?)", numbers)


def _odd(layout: Layout, base_seen: bool) -> str:
    """SQL: whether the rules must decide a row: its versions are several, or the incoming one has not seen them."""
    absent = f"{layout.key_of('u:t')[0]} IS NULL"
    return (
        f"CASE WHEN r.many THEN 1 WHEN r.o IS NULL AND {absent} THEN 0 WHEN s.ctx IS NOT NULL THEN 1"
        f" WHEN r.o IS NULL THEN {int(not base_seen)} ELSE r.q > coalesce(c.q, 0) END"
    )


def _touched(packets: Sequence[Incoming]) -> list[str]:
    """Tables with rows in these packets, in the order of the manifests (parents first)."""
    return list(dict.fromkeys(name for packet in packets for name, count in packet.rows.items() if count))


def _runs(packets: Sequence[Incoming]) -> Iterator[list[Incoming]]:
    """Packets that are staged together: so many that memory and temporary space stay bounded."""
    run: list[Incoming] = []
    rows = 0
    for packet in packets:
        size = sum(packet.rows.values())
        if run and rows + size > _ROWS_AT_ONCE:
            yield run
            run, rows = [], 0
        run.append(packet)
        rows += size
    if run:
        yield run
