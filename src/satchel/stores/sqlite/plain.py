"""Rows with one event, which are nearly all: staged by one statement, in key order (PROTOCOL, Capture; Seal).

The narrow columns of the events are sorted first, so that the application's rows, which are wide and many, are looked
up in the order of their keys, and written once. What one event does not settle is left to pending.py.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from satchel.stores.sqlite import lineage, numbers
from satchel.stores.sqlite.events import changed
from satchel.stores.sqlite.freezing import copy_beside
from satchel.stores.sqlite.layout import MASK_BITS, Layout, typed
from satchel.stores.sqlite.pending import BLIND, author_of, born, know_authors
from satchel.stores.sqlite.sight import HIDDEN, Sight, own_slots
from satchel.stores.sqlite.stage import FIXED, Stage


def stage_events(db: sqlite3.Connection, seen: Sight, author: str | None, seq: int) -> tuple[Stage, str | None]:
    """The staged changes of the rows with one event, and the name of the table of all other events beside their rows
    (freezing.copy_beside); None: there are none. `seq`: of the packet in which the changes will most likely be."""
    return _Plain(db, seen, author).stage(seq)


class _Plain:
    """The events of one table on their way into its stage."""

    def __init__(self, db: sqlite3.Connection, seen: Sight, author: str | None) -> None:
        self.db = db
        self.seen = seen
        self.layout = seen.layout
        self.author = author
        self.order = f"temp._satchel_order_{self.layout.number}"
        self.rest = f"temp._satchel_rest_{self.layout.number}"

    def stage(self, seq: int) -> tuple[Stage, str | None]:
        """Does all of it."""
        stage = Stage(self.layout, "delta")
        stage.create(self.db)
        know_authors(self.db)
        self.db.create_function("satchel_carry", 6, lineage.carry, deterministic=True)
        self._sort()
        several = self._find_several()
        names = ", ".join((*FIXED, *self.layout.slots, *own_slots(self.layout)))
        self.db.execute(f"INSERT INTO {stage.name} ({names}) {self._changes(seq, several)}")
        if self.db.execute(f"SELECT 1 FROM {stage.name} WHERE op IS NULL LIMIT 1").fetchone():
            odd = f"SELECT o.id, o.rn FROM {stage.name} s JOIN {self.order} o ON o.rn = s.rn WHERE s.op IS NULL"
            several = self.db.execute(f"INSERT INTO {self.rest} {odd}").rowcount > 0
            self.db.execute(f"DELETE FROM {stage.name} WHERE op IS NULL")
        raw = copy_beside(self.db, self.seen, self.rest) if several else None
        self.db.execute(f"DROP TABLE {self.order}")
        self.db.execute(f"DROP TABLE {self.rest}")
        return stage, raw

    def _sort(self) -> None:
        """Numbers the events in the order of the keys, which for own numbers is that of the numbers."""
        layout, seen = self.layout, self.seen
        key = seen.key("e")
        here = seen.here("e") if layout.key_roots else ()
        masks = ", ".join(f"{mask} INTEGER" for mask in layout.masks)
        ours = [typed(name, column) for name, column in zip(layout.keys, layout.key_columns, strict=True)]
        ours += [typed(name, column) for name, column in zip(self._here, layout.key_columns, strict=False)]
        self.db.execute(f"DROP TABLE IF EXISTS {self.order}")
        self.db.execute(
            f"CREATE TABLE {self.order} (rn INTEGER PRIMARY KEY, id INTEGER, kind TEXT, blind INTEGER, at INTEGER,"
            f" {masks}, {', '.join(ours)})"
        )
        names = ", ".join(("id", "kind", "blind", "at", *layout.masks, *layout.keys, *self._here))
        # Of two rows that had one number, the one that is gone comes first.
        number = f"coalesce(e.now_n, CAST({numbers.birth_number(key[0])} AS INTEGER)), e.now_n IS NOT NULL"
        by = [number] if layout.is_local else []
        self.db.execute(
            f"INSERT INTO {self.order} ({names}) SELECT e.id, upper(e.kind), e.kind <> upper(e.kind), e.at,"
            f" {', '.join([layout.list_of('e', layout.masks), *key, *here])} FROM {seen.source} e"
            f" WHERE e.kind <> 'R' ORDER BY {', '.join([*by, *key, 'e.id'])}"
        )

    @property
    def _here(self) -> tuple[str, ...]:
        """h0 ...: the key that the application has, where that is not the one on the wire."""
        return tuple(f"h{place}" for place in range(len(self.layout.keys))) if self.layout.key_roots else ()

    def _find_several(self) -> bool:
        """Notes the events of rows that have several, which stand one behind the other; whether there are any."""
        same = " AND ".join(f"n.{key} IS o.{key}" for key in self.layout.keys)
        self.db.execute(f"DROP TABLE IF EXISTS {self.rest}")
        self.db.execute(f"CREATE TABLE {self.rest} (id INTEGER PRIMARY KEY, place INTEGER)")
        pairs = f"SELECT o.id, o.rn, n.id, n.rn FROM {self.order} o JOIN {self.order} n ON n.rn = o.rn + 1 WHERE {same}"
        self.db.execute(
            f"INSERT OR IGNORE INTO {self.rest} WITH p (a, b, c, d) AS MATERIALIZED ({pairs})"
            " SELECT a, b FROM p UNION ALL SELECT c, d FROM p"
        )
        return self.db.execute(f"SELECT 1 FROM {self.rest} LIMIT 1").fetchone() is not None

    def _changes(self, seq: int, several: bool) -> str:
        """SQL: the rows of the stage. Without an op where one event does not say what became of the row."""
        layout, seen = self.layout, self.seen
        key = layout.key_of("k:o")
        here = tuple(f"o.{name}" for name in self._here) or key
        whole, new = born(layout)
        op = "CASE o.kind WHEN 'I' THEN 'insert' WHEN 'U' THEN 'update' ELSE 'delete' END"
        values = [
            "o.rn",
            str(seq),
            f"CASE WHEN {self._is_plain()} THEN {op} END",
            "o.at",
            self._author(),
            f"max(o.at << 16, coalesce({seen.past[2]}, 0) + 1)",
            f"CASE o.kind WHEN 'I' THEN {whole} WHEN 'U' THEN {mask_hex(layout, 'o')} ELSE '0' END",
            f"CASE o.kind WHEN 'I' THEN {new} ELSE {self._carried()} END",
            f"CASE WHEN o.blind THEN '{BLIND}' END",
            *self._row(),
        ]
        # What a row was is needed of deleted ones only.
        deleted = f"LEFT JOIN {seen.source} e ON e.id = CASE o.kind WHEN 'D' THEN o.id END"
        wanted = f" WHERE o.rn NOT IN (SELECT place FROM {self.rest})" if several else ""
        joins = seen.beside(key, here, "o.kind")
        return f"SELECT {', '.join(values)} FROM {self.order} o {deleted}{joins}{wanted} ORDER BY o.rn"

    def _is_plain(self) -> str:
        """SQL: whether the event says what became of its row."""
        present, known = self.seen.present, f"{self.seen.past[0]} IS NOT NULL AND NOT {self.seen.gone}"
        return (
            f"CASE o.kind WHEN 'I' THEN {present} AND {self.seen.gone} <> {HIDDEN}"
            f" WHEN 'U' THEN {present} AND {known} AND {changed(self.layout, 'o')}"
            f" WHEN 'D' THEN NOT ({present}) AND {known} END"
        )

    def _author(self) -> str:
        """SQL: who says to have written the row."""
        if self.author not in self.layout.table.names:
            return "NULL"
        name = author_of(self.seen.now(self.layout.key_of("k:o"))[self.layout.table.names.index(self.author)])
        return f"CASE o.kind WHEN 'D' THEN NULL ELSE {name} END"

    def _carried(self) -> str:
        """SQL: lineage of the cells that the change did not write. Most rows have been written as a whole before; their
        lineage is one group, see lineage.py."""
        layout = self.layout
        o, q, s, lin = self.seen.past
        written = f"CASE o.kind WHEN 'U' THEN {mask_hex(layout, 'o')} ELSE '0' END"
        carried = f"satchel_carry({o}, {q}, {s}, {lin}, {written}, '{layout.full:x}')"
        if len(layout.masks) > 1:
            return f"CASE WHEN {o} IS NOT NULL THEN {carried} END"
        rest = f"{layout.full} & ~CASE o.kind WHEN 'U' THEN o.{layout.masks[0]} ELSE 0 END"
        group = f"CASE WHEN {rest} THEN printf('%d.%d@%d:%x', {o}, {q}, {s}, {rest}) END"
        return f"CASE WHEN {lin} IS NULL THEN {group} WHEN {o} IS NOT NULL THEN {carried} END"

    def _row(self) -> Iterator[str]:
        """SQL: the row on the wire, then own numbers: a deleted row's last image, else what it is now."""
        for place, value in enumerate(self.seen.now(self.layout.key_of("k:o"))):
            yield f"CASE o.kind WHEN 'D' THEN e.{self.seen.old(place)} ELSE {value} END"
        for place in self.layout.roots:
            number = f"t.{self.layout.columns[place]}"
            yield f"CASE o.kind WHEN 'D' THEN {self.seen.old_number(place, 'e')} ELSE {number} END"


def mask_hex(layout: Layout, alias: str) -> str:
    """SQL: the mask columns of the log as one hex text."""
    *low, top = layout.masks
    digits = MASK_BITS // 4
    text = f"printf('%x', {alias}.{top})"
    for mask in reversed(low):
        text += f" || printf('%0{digits}x', {alias}.{mask})"
    return f"ltrim({text}, '0')" if low else text
