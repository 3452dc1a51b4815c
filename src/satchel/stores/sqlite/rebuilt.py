"""A table whose triggers were lost: an ORM made it anew, or a copy of it came back (PROTOCOL, Capture: the user's
schema changes between two runs).

Nobody knows what was written since. The store remembers of each row which version it shows; what that version says is
read from the packets once more, and where the table says something else, the log is told of it, as of now.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from satchel.model.value import Value, same
from satchel.stores.base import Rules
from satchel.stores.records import Contested, Incoming
from satchel.stores.sqlite import apart, arrivals, books, lineage
from satchel.stores.sqlite.booking import ODD_TIME
from satchel.stores.sqlite.connection import tolerant
from satchel.stores.sqlite.displaced import default_literal
from satchel.stores.sqlite.homecoming import arriving
from satchel.stores.sqlite.layout import MASK_BITS, Layout
from satchel.stores.sqlite.numbers import Numbers
from satchel.stores.sqlite.row import RowEditor
from satchel.stores.sqlite.schema import default_texts
from satchel.stores.sqlite.sight import base_of
from satchel.stores.sqlite.stage import Stage, at_key, bindable, fetch, placeholder

_KEPT = 1  # among what is expected: a row that is kept whole


class Rebuilt:
    """Compares one table with the packets."""

    def __init__(self, db: sqlite3.Connection, layout: Layout, layouts: Mapping[str, Layout], rules: Rules) -> None:
        self.db = db
        self.layout = layout
        self.layouts = layouts
        self.rules = rules
        self.numbers = Numbers(db, layouts)
        self.rows = RowEditor(db, layout, self.numbers)
        self.expected = Stage(layout, "expected")

    def compare(self, packets: Iterable[Incoming]) -> int:
        """Notes what was written unseen; how many rows. What was lost with a column or with the whole table is kept."""
        self.expected.create(self.db)
        lineage.know_missing(self.db)
        for packet in packets:
            self._expect(packet)
        self._expect_whole()
        arrivals.translate(self.db, self.layouts, self.expected)
        if self.layout.away:
            self._stand_in()
        changes = [] if self.layout.away else list(self._differences())
        for key, kind, row, mask in changes:
            self._note(key, kind, row, mask)
        self.expected.drop(self.db)
        return len(changes)

    def _expect(self, packet: Incoming) -> None:
        """The rows of a packet that are shown."""
        layout = self.layout
        stage = Stage(layout, "arrived")
        stage.create(self.db)
        stage.fill(self.db, packet.dot.seq, packet.batches(layout.table.name))
        origin = books.origin_number(self.db, packet.dot.origin)
        key = layout.key_of("c:s")
        shown = f"coalesce(r.o, {base_of(layout, key, 'o')}) = ? AND coalesce(r.q, {base_of(layout, key, 'q')}) = ?"
        source = (
            f"FROM {stage.name} s LEFT JOIN {layout.rows} r ON {layout.match('k:r', 'c:s')}"
            f" WHERE {shown} AND coalesce(r.many, 0) = 0 AND s.op <> 'delete'"
        )
        dot = (origin, packet.dot.seq)
        columns = ", ".join(("op", "lin", *layout.slots))
        if layout.absent:
            self._keep(stage, source, dot)  # those are not among the others any more
        self.db.execute(
            f"INSERT INTO {self.expected.name} ({columns}) SELECT s.op, s.lin, {layout.list_of('s')} {source}", dot
        )
        self.expected.lacks.update(stage.lacks)
        stage.drop(self.db)

    def _keep(self, stage: Stage, source: str, dot: tuple[int, int]) -> None:
        """Keeps rows whole that have values in columns which the application's table has lost."""
        layout = self.layout
        unwritten = [mask for mask in stage.lacks if not layout.absent_mask & ~mask]
        if unwritten:
            source += f" AND satchel_missing(s.lin) NOT IN ({', '.join(repr(f'{mask:x}') for mask in unwritten)})"
        keys, slots = ", ".join(layout.keys), layout.list_of("s", layout.key_slots)
        own = f"{dot[0]}, s.q, s.stamp, 0"
        rest = f"s.ctx, {ODD_TIME}, s.by, s.lin"
        self.db.execute(
            f"INSERT OR REPLACE INTO {layout.images} ({keys}, o, q, s, d, x, a, b, l, {', '.join(layout.slots)})"
            f" SELECT {slots}, {own}, {rest}, {layout.list_of('s')} {source}",
            dot,
        )
        self.db.execute(
            f"INSERT OR REPLACE INTO {layout.rows} ({keys}, o, q, s, d, many, x, a, b, l)"
            f" SELECT {slots}, {own}, 1, {rest} {source}",
            dot,
        )

    def _stand_in(self) -> None:
        """Puts the rows of a table that is gone into ours."""
        layout = self.layout
        values = layout.list_of("s", layout.locals)
        self.db.execute(
            f"INSERT OR IGNORE INTO main.{layout.user} ({', '.join(layout.columns)})"
            f" SELECT {values} FROM {self.expected.name} s WHERE {layout.whole_key('l:s')}"
        )

    def _not_shown(self) -> None:
        """What is kept of columns that have just come is not shown yet: that is no difference."""
        layout = self.layout
        for name in arriving(self.db, layout.table.name):
            place = layout.place(name)
            if place in layout.here and place not in layout.key_places:
                self.db.execute(
                    f"UPDATE {self.expected.name} AS s SET {layout.locals[place]} = t.{layout.columns[place]}"
                    f" FROM main.{layout.user} t WHERE {layout.match('u:t', 'l:s')} AND s.q = {_KEPT}"
                    f" AND satchel_has(s.lin, {place})"
                )

    def _default(self) -> None:
        """A column that was never written is expected to show its default: to add one is no edit of its rows."""
        layout = self.layout
        texts = default_texts(self.db, layout.table.name)
        for lacks in self.expected.lacks:
            for place in layout.here:
                text = texts.get(layout.table.names[place])
                if lacks >> place & 1 and text is not None:
                    self.db.execute(
                        f"UPDATE {self.expected.name} SET {layout.locals[place]} = {default_literal(self.db, text)}"
                        f" WHERE satchel_missing(lin) = '{lacks:x}'"
                    )

    def _expect_whole(self) -> None:
        """Rows whose versions are kept whole: what the policy shows of them."""
        layout = self.layout
        with tolerant(self.db):
            keys = self.db.execute(f"SELECT {', '.join(layout.keys)} FROM {layout.rows} WHERE many").fetchall()
        for key in keys:
            why = apart.read(self.db, layout, key)
            settled = self.rules.settle(Contested(layout.table.name, key, self.rows.standing(key), None))
            if why is not None or settled.resolved.deleted:
                continue
            cells = settled.resolved.cells
            row = [self._cell(cells, name) for name in layout.table.names]
            lacks = sum(
                1 << place for place, name in enumerate(layout.table.names) if not self._is_written(cells, name)
            )
            if lacks:
                self.expected.lacks.add(lacks)
            holders = ", ".join(map(placeholder, row))
            names = ", ".join(("q", "op", "lin", *layout.slots))
            insert = f"INSERT INTO {self.expected.name} ({names}) VALUES ({_KEPT}, 'insert', ?, {holders})"
            self.db.execute(insert, [lineage.lacking(lacks), *map(bindable, row)])

    @staticmethod
    def _cell(cells: Mapping[str, Any], name: str) -> Value:
        return cells[name].value if name in cells else None

    @staticmethod
    def _is_written(cells: Mapping[str, Any], name: str) -> bool:
        return name in cells and bool(cells[name].dot.origin)

    def _differences(self) -> Iterable[tuple[tuple[Value, ...], str, Sequence[Value], int]]:
        """(own key, kind, old row, mask of the columns) of the rows that are not as expected."""
        layout = self.layout
        width = layout.width
        self._default()
        self._not_shown()
        self.db.execute(
            f"CREATE INDEX {self.expected.name}_k ON {self.expected.name.partition('.')[2]}"
            f" ({', '.join(layout.locals[place] for place in layout.key_places)})"
        )
        there, here = layout.key_of("l:s")[0], layout.key_of("u:t")[0]
        columns = f"{layout.list_of('s', layout.locals)}, {layout.list_of('t', layout.columns)}"
        gone = (
            f"SELECT {there} IS NOT NULL, {here} IS NOT NULL, {columns} FROM {self.expected.name} s"
            f" LEFT JOIN {layout.source} t ON {layout.match('u:t', 'l:s')}"
        )
        new = (
            f"SELECT 0, 1, {columns} FROM {layout.source} t LEFT JOIN {self.expected.name} s"
            f" ON {layout.match('u:t', 'l:s')} WHERE {there} IS NULL AND {layout.whole_key('u:t')}"
        )
        for query in (gone, new):
            # every row is looked at: nothing tells which were written
            for lines in fetch(self.db, query, 2 * width):
                for expected, present, *values in lines:
                    old, now = values[:width], values[width:]
                    yield from self._difference(bool(expected), bool(present), old, now)

    def _difference(
        self, expected: bool, present: bool, old: Sequence[Value], now: Sequence[Value]
    ) -> Iterable[tuple[tuple[Value, ...], str, Sequence[Value], int]]:
        places = self.layout.key_places
        if expected and present:
            written = (p for p in self.layout.here if p not in places and not same(old[p], now[p]))
            if mask := sum(1 << place for place in written):
                yield tuple(now[p] for p in places), "U", old, mask
        elif expected:
            yield tuple(old[p] for p in places), "D", old, 0
        elif present and not self._is_known(tuple(now[p] for p in places)):
            yield tuple(now[p] for p in places), "I", now, 0

    def _is_known(self, own_key: tuple[Value, ...]) -> bool:
        """Whether the network has a version of the row that no packet here has."""
        where, bound = at_key(self.layout.keys, self.numbers.key_to_wire(self.layout, own_key))
        return self.db.execute(f"SELECT 1 FROM {self.layout.rows} WHERE {where}", bound).fetchone() is not None

    def _note(self, key: tuple[Value, ...], kind: str, row: Sequence[Value], mask: int) -> None:
        """One log row, unless a trigger has seen it before it was lost."""
        layout = self.layout
        where, bound = at_key(layout.key_slots, key)
        pending = f"FROM {layout.log} WHERE {where} AND id > (SELECT mark FROM _satchel_table WHERE number = ?)"
        lines = self.db.execute(
            f"SELECT upper(kind), {', '.join(layout.masks)} {pending} ORDER BY id", [*bound, layout.number]
        ).fetchall()
        if kind in "ID" and lines and lines[-1][0] == kind:
            return
        if kind == "U":
            for line in lines:
                mask &= ~sum((part or 0) << (MASK_BITS * i) for i, part in enumerate(line[1:]))
            if not mask or any(line[0] == "I" for line in lines):
                return
        self.rows.note(kind, row, mask)
