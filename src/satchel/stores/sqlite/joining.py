"""Joining with rows: what an own, older or edited copy has that the network does not (PROTOCOL, Joining with rows).

The joiner's rows, as they were when it joined, are set aside; the network's packets are applied to empty tables; then
the two are compared. What is left becomes the joiner's first packet. Edits made between `join` and now are put on top
and stay in the log, as ordinary changes. All of it is one transaction.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from satchel.model.vector import Vector
from satchel.stores.base import Delta, Incoming, Joining, RowCounts, Rules, Sealed
from satchel.stores.sqlite import books, install, pending
from satchel.stores.sqlite.apply import SQLiteApplying
from satchel.stores.sqlite.booking import classify
from satchel.stores.sqlite.capture import differs, mask_terms
from satchel.stores.sqlite.delta import SQLiteDelta, book_packet, number_packets
from satchel.stores.sqlite.freezing import freeze
from satchel.stores.sqlite.landing import Landing
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.numbers import Numbers
from satchel.stores.sqlite.rejoined import EditsSinceJoin
from satchel.stores.sqlite.stage import FIXED, Stage
from satchel.stores.sqlite.suspend import SuspendedTriggers

_ODD_JOIN = "coalesce(r.many, 0) OR r.o IS NOT NULL OR {present}"


def mine(layout: Layout) -> str:
    """Name of the table that holds the joiner's own rows."""
    return f"temp._satchel_mine_{layout.number}"


class JoiningApply(SQLiteApplying):
    """Applies the network's packets and notes which of the own values they bring."""

    def noticed(self, source: str, layout: Layout) -> None:
        """An own value that was once written to that column of that row is an old copy, not an edit."""
        kind = "u" if source.startswith("main.") else "c"
        theirs = [f"s.{name}" for name in (layout.columns if kind == "u" else layout.slots)]
        different = mask_terms(layout, [f"m.{slot}" for slot in layout.slots], theirs)
        parts = zip(layout.masks, layout.mask_parts(layout.full), different, strict=True)
        sets = ", ".join(f"{mask} = m.{mask} | ({part} & ~({term}))" for mask, part, term in parts)
        match = layout.match(f"{kind}:s", "c:m")
        self.db.execute(f"UPDATE {mine(layout)} AS m SET {sets} FROM {source} AS s WHERE {match}")


def join_rows(
    db: sqlite3.Connection,
    layouts: Mapping[str, Layout],
    author: str | None,
    groups: Iterable[Sequence[Incoming]],
    rules: Rules,
    seal: Callable[[Delta], Sequence[Sealed]],
) -> tuple[RowCounts, Joining]:
    """See base.Store.join_rows; the caller's transaction."""
    applying = JoiningApply(db, layouts, author)
    edits = {name: EditsSinceJoin(db, layout, Numbers(db, layouts)) for name, layout in layouts.items()}
    stretches = [(layout, 0, pending.highest(db, layout)) for layout in layouts.values()]
    for layout, _, raw in freeze(db, layouts, stretches, books.read_notes(db)["origin"]):
        edits[layout.table.name].read(raw)
    for name, layout in layouts.items():
        applying.triggers.suspend(layout)
        _set_aside(db, layout, edits[name])
    counts = RowCounts()
    for group in groups:
        counts.add(applying.apply_group(group, rules))
    joined, delta = _leftovers(db, layouts, applying.triggers)
    if delta.rows:
        delta.record(seal(delta), rules)
        counts.add(delta.counts)
    delta.close()
    for name, layout in layouts.items():
        edits[name].put_on_top(rules)
        db.execute(f"DROP TABLE {mine(layout)}")
    applying.triggers.resume()
    for layout in layouts.values():
        install.drop_triggers(db, layout)
        install.make_triggers(db, layout, whole_rows=False)
    return counts, joined


def _set_aside(db: sqlite3.Connection, layout: Layout, edits: EditsSinceJoin) -> None:
    """Moves the rows, as they were at the join, out of the application's table."""
    masks = ", ".join(f"{mask} INTEGER DEFAULT 0" for mask in layout.masks)
    keys = ", ".join(layout.key_slots)
    db.execute(f"DROP TABLE IF EXISTS {mine(layout)}")
    db.execute(f"CREATE TABLE {mine(layout)} ({layout.slot_list()}, {masks}, PRIMARY KEY ({keys})) WITHOUT ROWID")
    whole = layout.whole_key("u:t")
    slots = ", ".join(layout.slots)
    db.execute(
        f"INSERT INTO {mine(layout)} ({slots}) SELECT {', '.join(layout.columns)} FROM main.{layout.user} AS t"
        f" WHERE {whole}"
    )
    edits.undo_in(mine(layout))
    db.execute(f"DELETE FROM main.{layout.user} AS t WHERE {whole}")


def _leftovers(
    db: sqlite3.Connection, layouts: Mapping[str, Layout], triggers: SuspendedTriggers
) -> tuple[Joining, JoinDelta]:
    """Compares, and stages what the network has not."""
    delta = JoinDelta(db, layouts, triggers)
    same_rows = added = beside = 0
    for layout in layouts.values():
        parts = zip(layout.masks, layout.mask_parts(layout.full), strict=True)
        known = " AND ".join(f"m.{mask} = {part}" for mask, part in parts)
        equal = " AND ".join(
            f"NOT {differs(column, f'm.{slot}', f't.{name}')}"
            for column, slot, name in zip(layout.table.columns, layout.slots, layout.columns, strict=True)
        )
        source = (
            f"FROM {mine(layout)} m LEFT JOIN main.{layout.user} t ON {layout.match('u:t', 'c:m')}"
            f" LEFT JOIN {layout.rows} r ON {layout.match('k:r', 'c:m')}"
        )
        present = f"{layout.key_of('u:t')[0]} IS NOT NULL"
        there = f"({present} OR r.o IS NOT NULL)"
        left = f"NOT (({known}) OR ({present} AND {equal}))"
        stage = Stage(layout, "delta")
        stage.create(db)
        names = ", ".join((*FIXED[1:], *layout.slots))
        fixed = f"0, 'insert', NULL, NULL, 0, NULL, NULL, '{pending.BLIND}'"
        order = ", ".join(f"m.{slot}" for slot in layout.key_slots)
        db.execute(
            f"INSERT INTO {stage.name} ({names}) SELECT {fixed}, {layout.list_of('m')} {source}"
            f" WHERE {left} ORDER BY {order}"
        )
        delta.stages[layout.table.name] = stage
        total, new, other = db.execute(
            f"SELECT count(*), coalesce(sum({left} AND NOT {there}), 0), coalesce(sum({left} AND {there}), 0) {source}"
        ).fetchone()
        if new or other:
            delta.rows[layout.table.name] = new + other
        same_rows, added, beside = same_rows + total - new - other, added + new, beside + other
    return Joining(same_rows, added, beside), delta


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
