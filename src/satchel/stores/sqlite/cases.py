"""Rows that SQL alone cannot decide: several versions stand side by side or are about to, or a constraint is in
question (PROTOCOL, Apply 1 to 3).

They are read, decided one by one by the rules that the caller brings, and written one by one: a Python loop, because
each of them is a set of versions and not a row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from satchel.model.admission import Outcome, RowId
from satchel.model.key import canonical
from satchel.model.value import Value
from satchel.model.vector import Vector
from satchel.model.version import Version
from satchel.stores.base import Rules
from satchel.stores.records import Contested, Settled, Standing
from satchel.stores.sqlite import apart
from satchel.stores.sqlite.apart import Apart
from satchel.stores.sqlite.booking import classes
from satchel.stores.sqlite.connection import tolerant
from satchel.stores.sqlite.layout import Layout, compared
from satchel.stores.sqlite.numbers import Numbers
from satchel.stores.sqlite.row import RowEditor
from satchel.stores.sqlite.sight import base_lineage, base_of
from satchel.stores.sqlite.stage import Stage, at_key, fetch
from satchel.stores.sqlite.versions import VersionReader


@dataclass(slots=True, eq=False)
class Case:
    """One row in question, and what it comes to. Rows are whole and by place."""

    layout: Layout
    key: tuple[Value, ...]  # as on the wire
    before: tuple[Value, ...] | None  # what the application's table holds, with its own numbers; None: nothing
    standing: Sequence[Version]  # the siblings before
    incoming: Version | None
    settled: Settled
    apart: Apart | None  # why it was apart before
    rn: int | None = None  # its line in the stage
    outcome: Outcome | None = None
    refused: str = ""  # the words of the database that does not take it

    @property
    def id(self) -> RowId:
        """One id for all spellings of a key that are equal."""
        return row_id(self.layout, self.key)

    @property
    def here(self) -> tuple[Value, ...]:
        """The key under which it stands in the application's table, if it does."""
        if self.before is None:
            return self.key
        return tuple(self.before[place] for place in self.layout.key_places)

    def shown_key(self, row: Mapping[str, Value]) -> tuple[Value, ...] | None:
        """The key of a row as it is to be shown, if it is another than the row's own."""
        key = tuple(row.get(name) for name in self.layout.table.key)
        return None if row_id(self.layout, key) == self.id else key

    @property
    def is_plainly_shown(self) -> bool:
        """Whether it was in the table as it was written, and nothing happens to it."""
        return self.before is not None and self.apart is None and self.incoming is None

    @property
    def values(self) -> dict[str, Value] | None:
        """The living row as the policy shows it; None: deleted."""
        resolved = self.settled.resolved
        return None if resolved.deleted else {name: cell.value for name, cell in resolved.cells.items()}

    @property
    def last_values(self) -> dict[str, Value]:
        """The living row, or a deleted one's last image."""
        return {name: cell.value for name, cell in self.settled.resolved.cells.items()}

    @property
    def after(self) -> Mapping[str, Value] | None:
        """The row that the application's table is to hold, as on the wire."""
        if self.refused:
            return None
        return self.values if self.outcome is None else self.outcome.row

    def standing_row(self, *, fixed: bool) -> Standing:
        """The row as the constraints look at it."""
        return Standing(*self.id, self.settled.siblings, self.settled.resolved, fixed)


def row_id(layout: Layout, key: Sequence[Value]) -> RowId:
    """Table and key, the same for all spellings of a key that are equal."""
    pairs = zip(layout.key_columns, key, strict=True)
    return layout.table.name, tuple(canonical(column, value) for column, value in pairs)


class Cases:
    """The rows in question of one landing, by their ids."""

    def __init__(
        self,
        db: sqlite3.Connection,
        layouts: Mapping[str, Layout],
        rules: Rules,
        origin: int,
        contexts: Mapping[int, Vector],
        stages: Mapping[str, Stage],
        *,
        own: bool,
    ) -> None:
        self.db = db
        self.layouts = layouts
        self.rules = rules
        self.origin = origin
        self.contexts = contexts  # of the packets at hand, by seq
        self.stages = stages
        self.own = own  # the staged rows are this node's: they are in the application's table already
        self.numbers = Numbers(db, layouts)
        self.reader = VersionReader(db)
        self._found: dict[RowId, Case | None] = {}
        self._apart = {name: not apart.is_empty(db, layout) for name, layout in layouts.items()}
        self._indexed: set[str] = set()

    def odd(self, stage: Stage) -> Iterator[Case]:
        """Every staged row that is classed as odd."""
        if self.db.execute(f"SELECT 1 FROM {classes(stage.layout)} WHERE odd LIMIT 1").fetchone() is None:
            return
        for line in list(self._lines(stage, "z.odd", ())):
            case = self._decide(stage.layout, line)
            yield self._found.setdefault(case.id, case) or case

    def kept(self, layout: Layout) -> Iterator[Case]:
        """Every row whose versions are kept whole."""
        with tolerant(self.db):
            keys = self.db.execute(f"SELECT {', '.join(layout.keys)} FROM {layout.rows} WHERE many").fetchall()
        for key in keys:
            if (case := self.find(layout, key)) is not None:
                yield case

    def find(self, layout: Layout, key: Sequence[Value]) -> Case | None:
        """The row with this key, whether it is staged or not; None: the network never had it."""
        id_ = row_id(layout, key)
        if id_ not in self._found:
            self._found[id_] = self._staged(layout, key) or self._from_books(layout, key)
        return self._found[id_]

    def make_odd(self, case: Case) -> None:
        """The row is written and booked by itself, not with the plain ones of its stage."""
        if case.rn is not None:
            self.db.execute(f"UPDATE {classes(case.layout)} SET odd = 1 WHERE rn = ?", (case.rn,))

    def is_odd(self, case: Case) -> bool:
        """Whether a staged row is decided by itself."""
        query = f"SELECT odd FROM {classes(case.layout)} WHERE rn = ?"
        return case.rn is not None and bool(self.db.execute(query, (case.rn,)).fetchone()[0])

    # -- staged rows

    def _staged(self, layout: Layout, key: Sequence[Value]) -> Case | None:
        stage = self.stages.get(layout.table.name)
        if stage is None:
            return None
        self.index(stage, layout.key_slots)
        where, bound = at_key(layout.key_of("c:s"), key)
        line = next(self._lines(stage, where, bound), None)
        return None if line is None else self._decide(layout, line)

    def index(self, stage: Stage, slots: tuple[str, ...], collations: tuple[str, ...] = ()) -> None:
        """Makes an index on a stage that is about to be asked row by row; by the slots' own collations if none."""
        name = "_".join((stage.name, *slots, *collations))
        if name not in self._indexed:
            self._indexed.add(name)
            terms = ", ".join(compared(slots, collations))
            self.db.execute(f"CREATE INDEX {name} ON {stage.name.removeprefix('temp.')} ({terms})")

    def _lines(self, stage: Stage, where: str, bound: Sequence[Value]) -> Iterator[tuple[Any, ...]]:
        layout = stage.layout
        booked = "r.o IS NOT NULL, r.many, r.d"
        fields = ("q", "op", "at", "by", "stamp", "lin", "ctx")
        staged = ", ".join(("s.rn", stage.origin_of(self.origin), *(f"s.{c}" for c in fields)))
        known = ", ".join(f"coalesce(r.{c}, {base_of(layout, layout.key_of('c:s'), c)})" for c in "oqs")
        query = (
            f"SELECT {layout.key_of('u:t')[0]} IS NOT NULL, {booked}, {known}, r.x, r.a, r.b, r.l, {staged},"
            f" {layout.list_of('s')}, {layout.list_of('t', layout.columns)} FROM {stage.name} s"
            f" JOIN {classes(layout)} z USING (rn)"
            f" LEFT JOIN {layout.source} t ON {layout.match('u:t', 'l:s')}"
            f" LEFT JOIN {layout.rows} r ON {layout.match('k:r', 'c:s')} WHERE {where} ORDER BY s.rn"
        )
        for lines in fetch(self.db, query, 2 * layout.width, bound):
            yield from lines

    def _decide(self, layout: Layout, line: tuple[Any, ...]) -> Case:
        present, booked, many, gone, o, q, s, x, a, b, lin, rn, origin, seq, op, at, by, stamp, *rest = line
        new_lin, ctx, *rest = rest
        new, old = rest[: layout.width], tuple(rest[layout.width :]) if present else None
        key = tuple(new[place] for place in layout.key_places)
        standing: Sequence[Version] = []
        if many or gone:
            standing = self.reader.images(layout, key)
        elif old is not None and o is not None and not (self.own and op == "insert"):
            row = self.numbers.to_wire(layout, old)
            lin = lin if booked else base_lineage(layout)
            standing = [self.reader.version(layout, (o, q), s, False, lin, row, ctx=x, at=a, by=b)]
        saw = None if ctx is not None else self.contexts.get(seq)
        place = (origin, seq)
        incoming = self.reader.version(
            layout, place, stamp, op == "delete", new_lin, new, saw=saw, ctx=ctx, at=at, by=by
        )
        settled = self.rules.settle(Contested(layout.table.name, key, standing, incoming))
        return Case(layout, key, old, standing, incoming, settled, self._why_apart(layout, key), rn)

    def at(self, stage: Stage, rn: int) -> Case:
        """The row at a line of a stage."""
        case = self._decide(stage.layout, next(self._lines(stage, "s.rn = ?", (rn,))))
        return self._found.setdefault(case.id, case) or case

    # -- rows that are not staged

    def here(self, layout: Layout, row: Sequence[Value]) -> tuple[Value, ...] | None:
        """What the application's table holds now under the key of a row of its own."""
        where, bound = at_key(layout.key_names, [row[place] for place in layout.key_places])
        with tolerant(self.db):
            found = self.db.execute(
                f"SELECT {', '.join(layout.columns)} FROM {layout.source} WHERE {where}", bound
            ).fetchone()
        return None if found is None else tuple(found)

    def now(self, case: Case) -> tuple[Value, ...] | None:
        """What the application's table holds of a row now."""
        return RowEditor(self.db, case.layout, self.numbers).here(case.key)

    def _from_books(self, layout: Layout, key: Sequence[Value]) -> Case | None:
        rows = RowEditor(self.db, layout, self.numbers)
        standing = rows.standing(key)
        if not standing:
            return None
        settled = self.rules.settle(Contested(layout.table.name, tuple(key), standing, None))
        before = rows.here(key)
        return Case(layout, tuple(key), before, standing, None, settled, self._why_apart(layout, key))

    def _why_apart(self, layout: Layout, key: Sequence[Value]) -> Apart | None:
        return apart.read(self.db, layout, key) if self._apart[layout.table.name] else None
