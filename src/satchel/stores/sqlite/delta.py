"""Changes on their way into packets: read from one snapshot, recorded in one durable transaction (PROTOCOL, Seal)."""

from __future__ import annotations

import secrets
import sqlite3
import time
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pyarrow as pa

from satchel.model.stamp import stamp_of
from satchel.model.value import Value, same
from satchel.model.vector import Vector
from satchel.stores.base import Rules
from satchel.stores.counts import RowCounts
from satchel.stores.records import Sealed
from satchel.stores.sqlite import baseline, births, books, pending
from satchel.stores.sqlite.booking import classify
from satchel.stores.sqlite.cases import Case
from satchel.stores.sqlite.connection import transaction
from satchel.stores.sqlite.freezing import look_at_events
from satchel.stores.sqlite.landing import Landing
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.numbers import Numbers
from satchel.stores.sqlite.plain import stage_events
from satchel.stores.sqlite.row import RowEditor
from satchel.stores.sqlite.stage import Stage, at_key
from satchel.stores.sqlite.suspend import SuspendedTriggers

# An own change has seen every version of its row but those of a row that it was written beside.
_ODD_OWN = "coalesce(r.many, 0) OR s.ctx IS NOT NULL"


class SQLiteDelta:
    """Net changes of all tables since the last seal; see base.Delta."""

    kind = "changes"
    odd = _ODD_OWN  # which rows are decided one by one

    def __init__(self, db: sqlite3.Connection, layouts: Mapping[str, Layout], *, locked: bool) -> None:
        self.db = db
        self.layouts = layouts
        self.locked = locked  # inside the transaction of an apply
        self.marks: dict[str, int] = {}
        self.stages: dict[str, Stage] = {}
        self.rows: dict[str, int] = {}
        self.counts = RowCounts()

    def add(self, layout: Layout, mark: int, stage: Stage) -> None:
        """One table's changes up to a log row."""
        name = layout.table.name
        self.marks[name] = mark
        self.stages[name] = stage
        (count,) = self.db.execute(f"SELECT count(*) FROM {stage.name}").fetchone()
        if count:
            self.rows[name] = count

    def batches(self, table: str) -> Iterator[pa.RecordBatch]:
        """Change batches of one table in key order."""
        return self.stages[table].batches(self.db)

    def record(self, packets: Sequence[Sealed], rules: Rules) -> None:
        """Manifests, versions and vector, in one durable transaction."""
        if self.locked:
            self._record(packets, rules)
        else:
            with transaction(self.db, durable=True):
                self._record(packets, rules)

    def _record(self, packets: Sequence[Sealed], rules: Rules) -> None:
        triggers = SuspendedTriggers(self.db, self.layouts)
        for name, mark in self.marks.items():
            self.db.execute("UPDATE _satchel_table SET mark = ? WHERE name = ?", (mark, name))
        self.keep_numbers()
        if packets:
            origin = books.origin_number(self.db, packets[0].dot.origin)
            contexts: dict[int, Vector] = {packet.dot.seq: packet.context for packet in packets}
            stages = {name: stage for name, stage in self.stages.items() if name in self.rows}
            for stage in stages.values():
                number_packets(self.db, stage, packets)
                classify(self.db, stage, self.odd)
            now = time.time_ns() // 1_000_000
            landing = Landing(self.db, self.layouts, rules, triggers, origin, contexts, now, own=True)
            if not self.locked:
                landing.edited, landing.claimed = self._is_edited_since, self._claim
                landing.overtaken = self._is_overtaken
            self.counts.add(landing.land(stages))
        for packet in packets:
            book_packet(self.db, packet)
        triggers.resume()

    def _is_edited_since(self, case: Case) -> bool:
        """Whether the application wrote the row after the mark, while the parts were written: then its edit stands in
        the table and is pending, and must not be overwritten. An M is an edit only where the row is gone."""
        layout = case.layout
        mark = self.marks.get(layout.table.name)
        if mark is None:
            return False
        where, bound = at_key(layout.key_slots, case.here)
        changed = " OR ".join(f"{mask} <> 0" for mask in layout.masks)
        query = (
            f"SELECT 1 FROM {layout.log} WHERE id > ? AND {where}"
            f" AND (kind IN ('I', 'D') OR (kind = 'U' AND ({changed})) OR (kind = 'M' AND ?)) LIMIT 1"
        )
        values = (mark, *bound, case.before is None)
        return self.db.execute(query, values).fetchone() is not None

    def _is_overtaken(self) -> bool:
        """Whether the application has inserted, deleted or renumbered rows after the mark in a table whose keys are
        numbers of this database: under one number stands another row now, or the row has none any more."""
        return any(self._changes_hands(layout) for layout in self.layouts.values() if layout.key_roots)

    def _changes_hands(self, layout: Layout) -> bool:
        mark = self.marks.get(layout.table.name)
        if mark is None:
            (mark,) = self.db.execute("SELECT mark FROM _satchel_table WHERE name = ?", (layout.table.name,)).fetchone()
        query = f"SELECT 1 FROM {layout.log} WHERE id > ? AND upper(kind) <> 'U' LIMIT 1"
        return self.db.execute(query, (mark,)).fetchone() is not None

    def keep_numbers(self) -> None:
        """What the log says of numbers is so from now on."""
        births.keep(self.db, self.layouts)

    def _claim(self, case: Case) -> None:
        """The application's row stays as it is. Where it was to become something else than the edit that was sealed,
        the values that stand there count as written with the edit that is pending: at the next seal, what that did not
        write is taken for what is shown."""
        after = case.after
        if case.before is None or after is None:
            return
        here = dict(
            zip(case.layout.table.names, Numbers(self.db, self.layouts).to_wire(case.layout, case.before), strict=True)
        )
        sealed = case.incoming.cells if case.incoming is not None else {}
        columns = [
            name
            for name, value in here.items()
            if not same(value, after.get(name)) and not (name in sealed and same(sealed[name].value, after.get(name)))
        ]
        if columns:
            RowEditor(self.db, case.layout, Numbers(self.db, self.layouts)).touch(case.key, columns)

    def release(self) -> None:
        """Lets go of the sealed log rows; the last one stays, so that its number is not used again."""
        with transaction(self.db):
            for name, mark in self.marks.items():
                log = self.layouts[name].log
                self.db.execute(f"DELETE FROM {log} WHERE id <= ? AND id < (SELECT max(id) FROM {log})", (mark,))

    def close(self) -> None:
        """Drops the staging tables."""
        for stage in self.stages.values():
            stage.drop(self.db)
        for layout in self.layouts.values():
            births.drop(self.db, layout)


def number_packets(db: sqlite3.Connection, stage: Stage, packets: Sequence[Sealed]) -> None:
    """Notes in which packet each staged row went. Most of them have been told before."""
    count, last = db.execute(f"SELECT count(*), max(rn) FROM {stage.name}").fetchone()
    for packet in packets:
        for stretch in packet.stretches:
            if stretch.table == stage.layout.table.name:
                first, stop = stretch.start + 1, stretch.stop
                if count != last:  # there are gaps between the numbers of the rows
                    first, stop = _number_at(db, stage, first), _number_at(db, stage, stop)
                seq = packet.dot.seq
                db.execute(f"UPDATE {stage.name} SET q = ?1 WHERE rn BETWEEN ?2 AND ?3 AND q <> ?1", (seq, first, stop))


def _number_at(db: sqlite3.Connection, stage: Stage, place: int) -> int:
    """The number of the row at a place, counted from 1."""
    query = f"SELECT rn FROM {stage.name} ORDER BY rn LIMIT 1 OFFSET ?"
    return int(db.execute(query, (place - 1,)).fetchone()[0])


@contextmanager
def frozen_delta(
    db: sqlite3.Connection, layouts: Mapping[str, Layout], rules: Rules, author: str | None, *, locked: bool
) -> Iterator[SQLiteDelta | None]:
    """What is pending at this instant; None: nothing. Outside an apply the store is read in one short transaction of
    its own, and no lock is held afterwards."""
    if not locked:
        db.execute("BEGIN")
    try:
        frozen = _freeze(db, layouts, author)
    finally:
        if not locked and db.in_transaction:
            db.execute("COMMIT")
    delta = SQLiteDelta(db, layouts, locked=locked)
    try:
        for layout, top, stage, raw in frozen:
            pending.coalesce(db, layout, stage, raw, rules, author)
            delta.add(layout, top, stage)
        yield delta if frozen else None
    finally:
        if not locked or db.in_transaction:
            delta.close()


def _freeze(
    db: sqlite3.Connection, layouts: Mapping[str, Layout], author: str | None
) -> list[tuple[Layout, int, Stage, str | None]]:
    """(table, highest log row, staged changes, what is left to be decided one by one) of what is pending."""
    origin = books.read_notes(db).get("origin", "")
    mark = books.read_vector(db).get(origin)
    stretches = pending.marks(db, dict(layouts))
    return [
        (layout, upto, *stage_events(db, seen, author, mark.seq + 1 if mark else 1))
        for layout, upto, seen in look_at_events(db, layouts, stretches, origin, secrets.token_hex(4))
    ]


class BaselineDelta:
    """Every row of every captured table, read from one snapshot; see base.Delta."""

    kind = "baseline"

    def __init__(
        self,
        db: sqlite3.Connection,
        reader: sqlite3.Connection,
        layouts: Mapping[str, Layout],
        at: int,
        author: str | None,
    ) -> None:
        self.db = db
        self.reader = reader
        self.layouts = layouts
        self.at = at
        self.author = author
        self.counts = RowCounts()
        self.begins: dict[str, list[tuple[int, list[Value]]]] = {}
        # What was written between the making of the triggers and the snapshot is in both: the snapshot counts.
        self.marks = {name: pending.highest(reader, layout) for name, layout in layouts.items()}
        counts = {name: baseline.count(reader, layout) for name, layout in layouts.items()}
        self.rows: dict[str, int] = {name: count for name, count in counts.items() if count}

    def batches(self, table: str) -> Iterator[pa.RecordBatch]:
        """Every row of a table in key order."""
        begins = self.begins[table] = []
        return baseline.batches(
            self.reader,
            self.layouts[table],
            self.layouts,
            self.at,
            self.author,
            lambda place, key: begins.append((place, key)),
        )

    def record(self, packets: Sequence[Sealed], rules: Rules) -> None:
        """The manifests, where each packet begins in each table, and the vector."""
        with transaction(self.db, durable=True):
            for name, mark in self.marks.items():
                self.db.execute("UPDATE _satchel_table SET mark = ? WHERE name = ?", (mark, name))
            for packet in packets:
                origin = books.origin_number(self.db, packet.dot.origin)
                for stretch in packet.stretches:
                    key = self._key_at(stretch.table, stretch.start)
                    layout = self.layouts[stretch.table]
                    baseline.note_key(self.db, layout, key, origin, packet.dot.seq, stamp_of(self.at))
                book_packet(self.db, packet)

    def _key_at(self, table: str, place: int) -> list[Value]:
        begins = self.begins[table]
        start, key = begins[bisect_right(begins, place, key=lambda begin: begin[0]) - 1]
        return (
            key
            if start == place
            else baseline.key_after(self.reader, self.layouts[table], self.layouts, key, place - start)
        )

    def release(self) -> None:
        """Nothing to let go of: no log row is older than the snapshot."""


def book_packet(db: sqlite3.Connection, packet: Sealed) -> None:
    """Books an own packet: applied, and its manifest kept until it is in the archive."""
    books.add_packet(db, packet)
    books.keep_envelope(db, packet)
