"""Edits that the application made between `join` and the first import: ordinary changes, put on top of what arrived.

While a node is joining, every update notes its whole old row (capture.py), so the row as it was at the join is known.
If that row is what the network shows, the edit is one of somebody who had seen it. If not, its author saw an older
copy: the edit stands beside the network's row as a sibling (its log rows get a lower-case kind), and nothing is lost.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from satchel.model.change import Net
from satchel.model.stamp import milliseconds_of
from satchel.model.value import Value, same
from satchel.stores.base import Rules
from satchel.stores.sqlite import pending
from satchel.stores.sqlite.connection import tolerant
from satchel.stores.sqlite.layout import MASK_BITS, Layout
from satchel.stores.sqlite.stage import bindable, fetch, placeholder
from satchel.stores.sqlite.versions import VersionReader, VersionWriter, odd_time

Row = tuple[Value, ...]


class EditsSinceJoin:
    """The edits of one table: taken out of the way, then made again."""

    def __init__(self, db: sqlite3.Connection, layout: Layout) -> None:
        self.db = db
        self.layout = layout
        self._edits: list[tuple[Row, Row | None, Row | None, list[tuple[Any, ...]]]] = []

    def freeze(self) -> None:
        """Reads the log: (key, row at the join, row now, log lines) of every row that was touched."""
        top = pending.highest(self.db, self.layout)
        raw = pending.freeze(self.db, self.layout, 0, top)
        old = [f"o{p}" for p in self.layout.key_places]
        rank = f"dense_rank() OVER (ORDER BY {', '.join(old)})"
        query = f"SELECT {rank}, {pending.line_columns(self.layout)} FROM {raw} w ORDER BY 1, id"
        lines = [line for lines in fetch(self.db, query, 2 * self.layout.width) for line in lines]
        width = self.layout.width
        for _, group in groupby(lines, key=lambda line: line[0]):
            touched = list(group)
            first = touched[0]
            image = first[-2 * width : -width]
            before = image if first[8] in ("M", "D") else None
            now = touched[-1][-width:] if touched[-1][1] else None
            key = tuple(image[place] for place in self.layout.key_places)
            self._edits.append((key, before, now, touched))
        self.db.execute(f"DROP TABLE {raw}")

    def undo_in(self, table: str) -> None:
        """Makes the rows of a table what they were at the join."""
        names = ", ".join(self.layout.slots)
        for key, before, _, _ in self._edits:
            self._delete(table, self.layout.key_slots, key)
            if before is not None:
                holders = ", ".join(map(placeholder, before))
                self.db.execute(f"INSERT INTO {table} ({names}) VALUES ({holders})", list(map(bindable, before)))

    def _delete(self, table: str, columns: Sequence[str], key: Row) -> None:
        where = " AND ".join(f"{c} = {placeholder(v)}" for c, v in zip(columns, key, strict=True))
        self.db.execute(f"DELETE FROM {table} WHERE {where}", list(map(bindable, key)))

    def put_on_top(self, rules: Rules) -> None:
        """Makes the edits again, in the tables and in the log."""
        self.db.execute(f"DELETE FROM {self.layout.log} WHERE id < (SELECT max(id) FROM {self.layout.log})")
        self.db.execute(
            "UPDATE _satchel_table SET mark = ? WHERE number = ?",
            (pending.highest(self.db, self.layout), self.layout.number),
        )
        for key, before, now, lines in self._edits:
            current = dict(zip(self.layout.table.names, now, strict=True)) if now is not None else None
            entries = [pending.entry(self.layout, line) for line in lines]
            net = rules.coalesce(entries, current, before is not None, 0)
            if net is not None:
                self._put(key, before, now, net)

    def _put(self, key: Row, before: Row | None, now: Row | None, net: Net) -> None:
        there = self._shown(key)
        blind = self._is_known(key) and not _equal(before, there)
        if net.deleted or now is None:
            if there is not None:
                self._beside(key, there, blind)
                self._note("D", blind, net.clock, there)
                self._delete(f"main.{self.layout.user}", self._key_columns(), key)
        elif net.fresh or there is None:
            times = self._times(net) if net.fresh else [(net.clock, self.layout.full)]
            if there is not None:
                # the log has to say that the row was there: the new one's stamps are lifted over its
                self._beside(key, there, blind)
                self._note("D", blind, times[0][0], there)
                self._delete(f"main.{self.layout.user}", self._key_columns(), key)
            self._insert(now)
            self._note("I", blind, times[0][0], now)
            for clock, mask in times[1:]:
                self._note("U", blind, clock, now, mask)
        else:
            self._beside(key, there, blind)
            for clock, mask in self._times(net):
                self._note("U", blind, clock, there, mask)
            self._update(key, now, self.layout.mask_of(frozenset(net.written)))

    def _times(self, net: Net) -> list[tuple[int, int]]:
        """(stamp, mask of the columns that were last written then), in order: each column keeps its own time."""
        clocks = sorted(set(net.written.values()))
        masks = (self.layout.mask_of(tuple(n for n, c in net.written.items() if c == clock)) for clock in clocks)
        return list(zip(clocks, masks, strict=True))

    def _insert(self, row: Row) -> None:
        holders = ", ".join(map(placeholder, row))
        names = ", ".join(self.layout.columns)
        self.db.execute(
            f"INSERT OR ABORT INTO main.{self.layout.user} ({names}) VALUES ({holders})", list(map(bindable, row))
        )

    def _update(self, key: Row, now: Row, mask: int) -> None:
        places = [p for p in range(self.layout.width) if mask >> p & 1]
        sets = ", ".join(f"{self.layout.columns[p]} = {placeholder(now[p])}" for p in places)
        where = " AND ".join(f"{c} = {placeholder(v)}" for c, v in zip(self._key_columns(), key, strict=True))
        bound = [bindable(now[p]) for p in places] + list(map(bindable, key))
        self.db.execute(f"UPDATE OR ABORT main.{self.layout.user} SET {sets} WHERE {where}", bound)

    def _key_columns(self) -> list[str]:
        return [self.layout.columns[p] for p in self.layout.key_places]

    def _shown(self, key: Row) -> Row | None:
        where = " AND ".join(f"{c} = {placeholder(v)}" for c, v in zip(self._key_columns(), key, strict=True))
        query = f"SELECT {', '.join(self.layout.columns)} FROM main.{self.layout.user} WHERE {where}"
        with tolerant(self.db):
            row: Row | None = self.db.execute(query, list(map(bindable, key))).fetchone()
        return row

    def _version(self, key: Row) -> tuple[Any, ...] | None:
        where = " AND ".join(f"{c} = {placeholder(v)}" for c, v in zip(self.layout.keys, key, strict=True))
        query = f"SELECT o, q, s, d, many, x, a, b, l FROM {self.layout.rows} WHERE {where}"
        row: tuple[Any, ...] | None = self.db.execute(query, list(map(bindable, key))).fetchone()
        return row

    def _is_known(self, key: Row) -> bool:
        return self._shown(key) is not None or self._version(key) is not None

    def _note(self, kind: str, blind: bool, stamp: int, row: Row, mask: int = 0) -> None:
        """A log row of an edit that was made before, at the time of its stamp."""
        masks = [mask >> (MASK_BITS * i) & ((1 << MASK_BITS) - 1) for i in range(len(self.layout.masks))]
        names = ", ".join(("kind", "at", *self.layout.masks, *self.layout.slots))
        holders = ", ".join(["?", "? / 86400000.0 + 2440587.5", *("?" * len(masks)), *map(placeholder, row)])
        values = [kind.lower() if blind else kind, milliseconds_of(stamp), *masks, *map(bindable, row)]
        self.db.execute(f"INSERT INTO {self.layout.log} ({names}) VALUES ({holders})", values)

    def _beside(self, key: Row, there: Row | None, blind: bool) -> None:
        """Keeps the network's version whole, since the table is about to show the edit instead."""
        if not blind or there is None:
            return
        known = self._version(key)
        if known is not None and known[4]:
            return  # its siblings are kept already
        reader, writer = VersionReader(self.db), VersionWriter(self.db)
        if known is None:
            o, q, s = (self._base(key, column) for column in "oqs")
            version = reader.version(self.layout, (o, q), s, False, None, there)
        else:
            o, q, s, _, _, x, a, b, lin = known
            version = reader.version(self.layout, (o, q), s, False, lin, there, ctx=x, at=a, by=b)
        writer.image(self.layout, key, version, known[5] if known else None)
        lin = writer.explicit(self.layout, version.cells)
        holders = ", ".join([*map(placeholder, key), *("?" * 9)])
        values = (*map(bindable, key), o, q, s, 0, 1, None, odd_time(version), version.by, lin)
        self.db.execute(f"INSERT OR REPLACE INTO {self.layout.rows} VALUES ({holders})", values)

    def _base(self, key: Row, column: str) -> int:
        holders = tuple(map(placeholder, key))
        expression = pending.base_of(self.layout, holders, column)
        (found,) = self.db.execute(f"SELECT {expression}", list(map(bindable, key))).fetchone()
        return int(found or 0)


def _equal(one: Row | None, two: Row | None) -> bool:
    if one is None or two is None:
        return one is two
    return all(same(a, b) for a, b in zip(one, two, strict=True))
