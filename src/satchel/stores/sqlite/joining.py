"""Joining with rows: what an own, older or edited copy has that the network does not (PROTOCOL, Joining with rows).

The joiner's rows, as they were when it joined, are set aside; the network's packets are applied to empty tables; then
the two are compared. What is left becomes the joiner's first packet. Edits made between `join` and now are put on top
and stay in the log, as ordinary changes. All of it is one transaction.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from satchel.model.vector import Vector
from satchel.stores.base import Delta, Rules
from satchel.stores.counts import RowCounts
from satchel.stores.records import Incoming, Joining, Sealed
from satchel.stores.snapshot import IncomingState
from satchel.stores.sqlite import births, books, install, pending
from satchel.stores.sqlite.apply import SQLiteApplying
from satchel.stores.sqlite.booking import classify
from satchel.stores.sqlite.by_hand import by_hand
from satchel.stores.sqlite.capture import differs
from satchel.stores.sqlite.delta import SQLiteDelta, book_packet, number_packets
from satchel.stores.sqlite.drift import meet
from satchel.stores.sqlite.freezing import freeze
from satchel.stores.sqlite.landing import Landing
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.numbers import Numbers
from satchel.stores.sqlite.own_rows import OwnRows, same_rows
from satchel.stores.sqlite.rejoined import EditsSinceJoin
from satchel.stores.sqlite.sight import own_slots
from satchel.stores.sqlite.stage import FIXED, Stage
from satchel.stores.sqlite.suspend import SuspendedTriggers
from satchel.stores.sqlite.together import runs

_ODD_JOIN = "coalesce(r.many, 0) OR r.o IS NOT NULL OR {present}"


class JoiningApply(SQLiteApplying):
    """Applies the network's packets and notes which of the own values they bring."""

    def __init__(
        self, db: sqlite3.Connection, layouts: dict[str, Layout], author: str | None, own: Mapping[str, OwnRows]
    ) -> None:
        super().__init__(db, layouts, author)
        self.own = own

    def noticed(self, source: str, layout: Layout) -> None:
        """Compares."""
        if layout.table.name in self.own:  # else it is a table that is not here
            self.own[layout.table.name].compare(source, staged=not source.startswith("main."))


def join_rows(
    db: sqlite3.Connection,
    layouts: dict[str, Layout],
    author: str | None,
    groups: Iterable[Sequence[Incoming]],
    rules: Rules,
    seal: Callable[[Delta], Sequence[Sealed]],
    state: IncomingState | None = None,
) -> tuple[RowCounts, Joining]:
    """See base.Store.join_rows; the caller's transaction."""
    groups = list(groups)
    for packets in groups:  # before the own rows are set aside: what they are compared with has all of these columns
        for packet in packets:
            meet(db, layouts, packet.tables.values())
    if state is not None:
        meet(db, layouts, state.tables.values())
    own = {name: OwnRows(db, layout, layouts) for name, layout in layouts.items()}
    edits = {name: EditsSinceJoin(db, layout, Numbers(db, layouts)) for name, layout in layouts.items()}
    applying = JoiningApply(db, layouts, author, own)
    _read_edits(db, layouts, edits)
    for name, layout in layouts.items():
        applying.triggers.suspend(layout)
        own[name].set_aside(edits[name])
    for mine in own.values():
        mine.clear()
    _bear(db, layouts, None)
    counts = RowCounts() if state is None else applying.install(state, rules)
    for run in runs(groups):
        counts.add(applying.apply_groups(run, rules))
    for name, layout in layouts.items():
        if layout.is_local:
            own[name].recognise()
    for mine in own.values():
        mine.follow()
    joined, delta = _leftovers(db, layouts, own, applying.triggers)
    if delta.rows:
        delta.record(seal(delta), rules)
        counts.add(delta.counts)
    delta.close()
    for edited in edits.values():
        edited.follow(same_rows)
    _edit_again(db, layouts, edits.values(), rules, seal, counts)
    for mine in own.values():
        mine.drop()
    applying.triggers.resume()
    for layout in layouts.values():
        install.drop_triggers(db, layout)
        install.make_triggers(db, layout, whole_rows=False)
    return counts, joined


def _edit_again(
    db: sqlite3.Connection,
    layouts: Mapping[str, Layout],
    edits: Collection[EditsSinceJoin],
    rules: Rules,
    seal: Callable[[Delta], Sequence[Sealed]],
    counts: RowCounts,
) -> None:
    """Puts the edits on top. Where one meets what the network has (a unique value that is taken), all of them become
    a packet at once, and the constraints are kept over them as over what arrives."""
    for edited in edits:
        edited.clear_log()
    db.execute("SAVEPOINT _satchel_edits")
    try:
        for edited in edits:
            edited.put_on_top(rules)
    except sqlite3.IntegrityError:
        db.execute("ROLLBACK TO _satchel_edits")
        with by_hand(db, layouts, rules, [edit for edited in edits for edit in edited.by_hand(rules)]) as delta:
            delta.record(seal(delta), rules)
            counts.add(delta.counts)
    db.execute("RELEASE _satchel_edits")


def _read_edits(db: sqlite3.Connection, layouts: Mapping[str, Layout], edits: Mapping[str, EditsSinceJoin]) -> None:
    """What was edited since the join. Until they are compared, own numbers stand for rows that were born here."""
    origin = books.read_notes(db).get("origin", "")
    nonce = secrets.token_hex(4)
    _bear(db, layouts, (origin, nonce))
    stretches = [(layout, 0, pending.highest(db, layout)) for layout in layouts.values()]
    for layout, _, raw in freeze(db, layouts, stretches, origin, nonce):
        edits[layout.table.name].read(raw)
    for layout in layouts.values():
        births.drop(db, layout)


def _bear(db: sqlite3.Connection, layouts: Mapping[str, Layout], bearing: tuple[str, str] | None) -> None:
    """Says whose births the numbers without an entry are."""
    for layout in layouts.values():
        if layout.is_local:
            books.bear(db, layout, bearing)


def _leftovers(
    db: sqlite3.Connection,
    layouts: Mapping[str, Layout],
    own: Mapping[str, OwnRows],
    triggers: SuspendedTriggers,
) -> tuple[Joining, JoinDelta]:
    """Compares, and stages what the network has not."""
    delta = JoinDelta(db, layouts, triggers)
    same_count = added = beside = 0
    for name, layout in layouts.items():
        parts = zip(layout.masks, layout.mask_parts(layout.full), strict=True)
        known = " AND ".join(f"m.{mask} = {part}" for mask, part in parts)
        equal = " AND ".join(
            f"NOT {differs(column, f'm.{slot}', f't.{column_name}')}"
            for column, slot, column_name in zip(layout.table.columns, layout.locals, layout.columns, strict=True)
        )
        source = (
            f"FROM {own[name].table} m LEFT JOIN {layout.source} t ON {layout.match('u:t', 'l:m')}"
            f" LEFT JOIN {layout.rows} r ON {layout.match('k:r', 'c:m')}"
        )
        present = f"{layout.key_of('u:t')[0]} IS NOT NULL"
        there = f"({present} OR r.o IS NOT NULL)"
        left = f"NOT (({known}) OR ({present} AND {equal}))"
        stage = Stage(layout, "delta")
        stage.create(db)
        slots = (*layout.slots, *own_slots(layout))
        fixed = f"0, 'insert', NULL, NULL, 0, {', '.join(pending.born(layout))}, '{pending.BLIND}'"
        order = ", ".join(layout.key_of("c:m"))
        db.execute(
            f"INSERT INTO {stage.name} ({', '.join((*FIXED[1:], *slots))}) SELECT {fixed}, {layout.list_of('m', slots)}"
            f" {source} WHERE {left} ORDER BY {order}"
        )
        delta.stages[name] = stage
        total, new, other = db.execute(
            f"SELECT count(*), coalesce(sum({left} AND NOT {there}), 0), coalesce(sum({left} AND {there}), 0) {source}"
        ).fetchone()
        if new or other:
            delta.rows[name] = new + other
        same_count, added, beside = same_count + total - new - other, added + new, beside + other
    return Joining(same_count, added, beside), delta


class JoinDelta(SQLiteDelta):
    """Rows that stand beside the network's: empty row context, time unknown."""

    kind = "join"

    def __init__(self, db: sqlite3.Connection, layouts: Mapping[str, Layout], triggers: SuspendedTriggers) -> None:
        super().__init__(db, layouts, locked=True)
        self.triggers = triggers
        self.counts = RowCounts()

    def keep_numbers(self) -> None:
        """These rows have theirs."""

    def record(self, packets: Sequence[Sealed], rules: Rules) -> None:
        """Applies them like anyone's packet: they are not in the application's tables now."""
        origin = books.origin_number(self.db, packets[0].dot.origin)
        contexts: dict[int, Vector] = {packet.dot.seq: packet.context for packet in packets}
        stages = {name: self.stages[name] for name in self.rows}
        for stage in stages.values():
            number_packets(self.db, stage, packets)
            classify(self.db, stage, _ODD_JOIN.format(present=f"{stage.layout.key_of('u:t')[0]} IS NOT NULL"))
        landing = Landing(self.db, self.layouts, rules, self.triggers, origin, contexts, time.time_ns() // 1_000_000)
        self.counts.add(landing.land(stages))
        for packet in packets:
            book_packet(self.db, packet)
