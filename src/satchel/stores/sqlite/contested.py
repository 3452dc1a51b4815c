"""Rows that SQL alone cannot decide: several versions stand side by side, or are about to (PROTOCOL, Apply 1 and 2).

They are read in one query, decided one by one by the rules that the caller brings, and written one by one: a Python
loop, because each of them is a set of versions and not a row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from satchel.model.value import Value, same
from satchel.model.vector import Vector
from satchel.model.version import Version
from satchel.stores.base import Contested, Rules, Settled
from satchel.stores.sqlite import conflicts
from satchel.stores.sqlite.booking import classes
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.pending import base_of
from satchel.stores.sqlite.stage import Stage, at_key, bindable, fetch, placeholder
from satchel.stores.sqlite.versions import VersionReader, VersionWriter, odd_time


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a contested row came to: what the application's table holds now and what it is to hold."""

    layout: Layout
    key: tuple[Value, ...]  # as the application's table has it
    staged_key: tuple[Value, ...]
    before: tuple[Value, ...] | None
    after: tuple[Value, ...] | None
    settled: Settled
    standing: Sequence[Version]
    incoming: Version


class ContestedRows:
    """The odd rows of a staging table."""

    def __init__(
        self, db: sqlite3.Connection, rules: Rules, origin: int, contexts: dict[int, Vector], now: int
    ) -> None:
        self.db = db
        self.rules = rules
        self.origin = origin
        self.contexts = contexts  # of the packets that are being applied, by seq
        self.now = now
        self.reader = VersionReader(db)
        self.writer = VersionWriter(db)

    def decide(self, stage: Stage) -> list[Outcome]:
        """Every odd row with what it comes to; nothing is written yet."""
        return [self._decide(stage.layout, line) for line in list(self._lines(stage))]

    def _lines(self, stage: Stage) -> Iterator[tuple[Any, ...]]:
        layout = stage.layout
        staged = ", ".join(f"s.{c}" for c in ("q", "op", "at", "by", "stamp", "lin", "ctx"))
        known = ", ".join(f"coalesce(r.{c}, {base_of(layout, layout.key_of('u:t'), c)})" for c in "oqs")
        query = (
            f"SELECT z.present, r.many, r.d, {known}, r.x, r.a, r.b, r.l, {staged}, {layout.list_of('s')},"
            f" {layout.list_of('t', layout.columns)} FROM {classes(layout)} z JOIN {stage.name} s USING (rn)"
            f" LEFT JOIN main.{layout.user} t ON {layout.match('u:t', 'c:s')}"
            f" LEFT JOIN {layout.rows} r ON {layout.match('k:r', 'c:s')} WHERE z.odd ORDER BY s.rn"
        )
        for lines in fetch(self.db, query, 2 * layout.width):
            yield from lines

    def _decide(self, layout: Layout, line: tuple[Any, ...]) -> Outcome:
        present, many, gone, o, q, s, x, a, b, lin, seq, op, at, by, stamp, new_lin, ctx, *rest = line
        new, old = rest[: layout.width], rest[layout.width :]
        key = tuple(new[place] for place in layout.key_places)
        if many or gone:
            standing = self.reader.images(layout, key)
        elif present and o is not None:
            standing = [self.reader.version(layout, (o, q), s, False, lin, old, ctx=x, at=a, by=b)]
        else:
            standing = []
        saw = None if ctx is not None else self.contexts[seq]
        place = (self.origin, seq)
        incoming = self.reader.version(
            layout, place, stamp, op == "delete", new_lin, new, saw=saw, ctx=ctx, at=at, by=by
        )
        settled = self.rules.settle(Contested(layout.table.name, key, standing, incoming))
        cells = settled.resolved.cells
        after = tuple(cells[name].value if name in cells else None for name in layout.table.names)
        return Outcome(
            layout=layout,
            key=tuple(old[p] for p in layout.key_places) if present else key,
            staged_key=key,
            before=tuple(old) if present else None,
            after=None if settled.resolved.deleted else after,
            settled=settled,
            standing=standing,
            incoming=incoming,
        )

    def book(self, outcome: Outcome) -> bool:
        """Writes versions and the list of conflicts. Whether a conflict was opened."""
        layout, key = outcome.layout, outcome.staged_key
        siblings, resolved = outcome.settled.siblings, outcome.settled.resolved
        where, bound = at_key(layout.keys, key)
        self.db.execute(f"DELETE FROM {layout.images} WHERE {where}", bound)
        many = len(siblings) > 1
        top = max(siblings, key=lambda version: version.rank)
        lin = self.writer.explicit(layout, resolved.cells) if many else self.writer.lineage(layout, top)
        values: list[Any] = [
            self.writer.number(top.dot.origin),
            top.dot.seq,
            top.stamp,
            int(resolved.deleted),
            int(many),
        ]
        values += [None if many else self._row_context(top), odd_time(top), top.by, lin]
        holders = ", ".join([*map(placeholder, key), *("?" * len(values))])
        self.db.execute(f"INSERT OR REPLACE INTO {layout.rows} VALUES ({holders})", (*bound, *values))
        if many or top.deleted:
            for version in siblings:
                self.writer.image(layout, key, version, self._row_context(version))
        return conflicts.keep(self.db, layout, key, outcome.standing, outcome.incoming, outcome.settled, self.now)

    def _row_context(self, version: Version) -> str | None:
        number = self.writer.number(version.dot.origin)
        if number == self.origin and version.dot.seq in self.contexts:
            packet = self.contexts[version.dot.seq]
        else:
            packet = self.reader.context(number, version.dot.seq)
        return self.writer.row_context(version, packet)


def write_user_row(db: sqlite3.Connection, outcome: Outcome, *, afresh: bool) -> str:
    """Makes the application's row what it is to be: inserted | updated | deleted, or empty for nothing. `afresh`: the
    old row was taken out before, so that unique values can swap."""
    layout, before, after = outcome.layout, outcome.before, outcome.after
    if after is None:
        if before is not None and not afresh:
            remove_user_row(db, outcome)
        return "deleted" if before is not None else ""
    if before is None or afresh:
        holders = ", ".join(map(placeholder, after))
        names = ", ".join(layout.columns)
        insert = f"INSERT OR ABORT INTO main.{layout.user} ({names}) VALUES ({holders})"
        db.execute(insert, [bindable(v) for v in after])
        return "inserted" if before is None else "updated"
    changed = [p for p in range(layout.width) if not same(before[p], after[p])]
    if not changed:
        return ""
    sets = ", ".join(f"{layout.columns[p]} = {placeholder(after[p])}" for p in changed)
    where, bound = _at_key(outcome)
    update = f"UPDATE OR ABORT main.{layout.user} SET {sets} WHERE {where}"
    db.execute(update, [bindable(after[p]) for p in changed] + bound)
    return "updated"


def remove_user_row(db: sqlite3.Connection, outcome: Outcome) -> None:
    """Takes the row out of the application's table."""
    where, bound = _at_key(outcome)
    db.execute(f"DELETE FROM main.{outcome.layout.user} WHERE {where}", bound)


def _at_key(outcome: Outcome) -> tuple[str, list[Value]]:
    return at_key(outcome.layout.key_names, outcome.key)
