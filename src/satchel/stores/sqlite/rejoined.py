"""Edits that the application made between `join` and the first import: ordinary changes, put on top of what arrived.

While a node is joining, every update notes its whole old row (capture.py), so the row as it was at the join is known.
If that row is what the network shows, the edit is one of somebody who had seen it. If not, its author saw an older
copy: the edit stands beside the network's row as a sibling (its log rows get a lower-case kind), and nothing is lost.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any

from satchel.model.change import Net
from satchel.model.stamp import milliseconds_of
from satchel.model.value import Value, same
from satchel.stores.base import Rules
from satchel.stores.records import RowEdit
from satchel.stores.sqlite import pending
from satchel.stores.sqlite.homecoming import keep_whole
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.numbers import Numbers
from satchel.stores.sqlite.row import RowEditor
from satchel.stores.sqlite.stage import at_key, bindable, fetch, placeholder

Row = tuple[Value, ...]


class EditsSinceJoin:
    """The edits of one table: taken out of the way, then made again."""

    def __init__(self, db: sqlite3.Connection, layout: Layout, numbers: Numbers) -> None:
        self.db = db
        self.layout = layout
        self.rows = RowEditor(db, layout, numbers)
        self._edits: list[tuple[Row, Row | None, Row | None, list[tuple[Any, ...]]]] = []

    def read(self, raw: str) -> None:
        """Reads what was frozen: (key, row at the join, row now, log lines) of every row that was touched."""
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
            where, bound = at_key(self.layout.key_slots, key)
            self.db.execute(f"DELETE FROM {table} WHERE {where}", bound)
            if before is not None:
                holders = ", ".join(map(placeholder, before))
                self.db.execute(f"INSERT INTO {table} ({names}) VALUES ({holders})", list(map(bindable, before)))

    def follow(self, same_rows: Callable[[Layout], str]) -> None:
        """Puts the gids of recognised rows in the place of own ones, and gives numbers to rows that are new."""
        self._edits = [
            (self._key(same_rows, key), self._row(same_rows, before), self._row(same_rows, now), lines)
            for key, before, now, lines in self._edits
        ]
        if self.layout.is_local:
            self.rows.give_numbers(key for key, _, now, _ in self._edits if now is not None)

    def _row(self, same_rows: Callable[[Layout], str], row: Row | None) -> Row | None:
        return None if row is None else self._followed(same_rows, self.layout.roots, row)

    def _key(self, same_rows: Callable[[Layout], str], key: Row) -> Row:
        return self._followed(same_rows, self.layout.key_roots, key)

    def _followed(self, same_rows: Callable[[Layout], str], roots: Mapping[int, str], values: Row) -> Row:
        found = list(values)
        for place, root in roots.items():
            query = f"SELECT gid FROM {same_rows(self.rows.numbers.layouts[root])} WHERE own = ?"
            same_row = self.db.execute(query, (found[place],)).fetchone()
            found[place] = found[place] if same_row is None else same_row[0]
        return tuple(found)

    def clear_log(self) -> None:
        """What was noted is read."""
        self.db.execute(f"DELETE FROM {self.layout.log} WHERE id < (SELECT max(id) FROM {self.layout.log})")
        self.db.execute(
            "UPDATE _satchel_table SET mark = ? WHERE number = ?",
            (pending.highest(self.db, self.layout), self.layout.number),
        )

    def put_on_top(self, rules: Rules) -> None:
        """Makes the edits again, in the tables and in the log. sqlite3.IntegrityError: there is no room for one."""
        for key, before, now, net in self._nets(rules):
            self._put(key, before, now, net)

    def _put(self, key: Row, before: Row | None, now: Row | None, net: Net) -> None:
        there = self._shown(key)
        known = there is not None or bool(self.rows.standing(key))
        blind = known and not _equal(before, there)
        if net.deleted or now is None:
            if there is not None:
                self._beside(key, blind)
                self._note("D", blind, net.clock, there)
                self.rows.write(key, None)
        elif net.fresh or there is None:
            times = self._times(net) if net.fresh else [(net.clock, self.layout.full)]
            if there is not None:
                # the log has to say that the row was there: the new one's stamps are lifted over its
                self._beside(key, blind)
                self._note("D", blind, times[0][0], there)
                self.rows.write(key, None)
            self.rows.write(key, self._values(now, self.layout.full))
            self._note("I", blind, times[0][0], now)
            for clock, mask in times[1:]:
                self._note("U", blind, clock, now, mask)
        else:
            self._beside(key, blind)
            for clock, mask in self._times(net):
                self._note("U", blind, clock, there, mask)
            self.rows.write(key, self._values(now, self.layout.mask_of(frozenset(net.written))))

    def by_hand(self, rules: Rules) -> list[RowEdit]:
        """The same edits, where the database has no room for one of them: to be sealed at once."""
        return [edit for key, before, now, net in self._nets(rules) for edit in self._edit(key, before, now, net)]

    def _nets(self, rules: Rules) -> Iterator[tuple[Row, Row | None, Row | None, Net]]:
        for key, before, now, lines in self._edits:
            current = dict(zip(self.layout.table.names, now, strict=True)) if now is not None else None
            entries = [pending.entry(self.layout, line) for line in lines]
            net = rules.coalesce(entries, current, before is not None, 0)
            if net is not None:
                yield key, before, now, net

    def _edit(self, key: Row, before: Row | None, now: Row | None, net: Net) -> list[RowEdit]:
        there = self._shown(key)
        standing = self.rows.standing(key)
        known = there is not None or bool(standing)
        # whoever wrote a new row had not seen either that the network has given its values away
        blind = not known or not _equal(before, there)
        values: dict[str, Value] | None = None
        if not (net.deleted or now is None):
            whole = net.fresh or not standing
            values = self._values(now, self.layout.full if whole else self.layout.mask_of(frozenset(net.written)))
        elif there is None:
            return []
        stamp = max([net.clock, *net.written.values()])
        return [RowEdit(self.layout.table.name, key, values, stamp, blind)]

    def _times(self, net: Net) -> list[tuple[int, int]]:
        """(stamp, mask of the columns that were last written then), in order: each column keeps its own time."""
        clocks = sorted(set(net.written.values()))
        masks = (self.layout.mask_of(tuple(n for n, c in net.written.items() if c == clock)) for clock in clocks)
        return list(zip(clocks, masks, strict=True))

    def _values(self, row: Row, mask: int) -> dict[str, Value]:
        """The columns of a mask, with their values."""
        return {name: row[self.layout.table.names.index(name)] for name in self.layout.names_of(mask)}

    def _shown(self, key: Row) -> Row | None:
        row = self.rows.read(key)
        return None if row is None else tuple(row.values())

    def _note(self, kind: str, blind: bool, stamp: int, row: Row, mask: int = 0) -> None:
        """A log row of an edit that was made before, at the time of its stamp."""
        own = self.rows.numbers.to_local(self.layout, row)
        self.rows.note(kind.lower() if blind else kind, own, mask, milliseconds_of(stamp))

    def _beside(self, key: Row, blind: bool) -> None:
        """Keeps the network's version whole, since the table is about to show the edit instead."""
        if blind:
            keep_whole(self.db, self.layout, self.rows, tuple(key))


def _equal(one: Row | None, two: Row | None) -> bool:
    if one is None or two is None:
        return one is two
    return all(same(a, b) for a, b in zip(one, two, strict=True))
