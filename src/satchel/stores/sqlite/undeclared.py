"""References that only the configuration names, to rows that are not in their table.

No constraint keeps such a reference's row out together with its parent, so it needs a number that no other row has. A
row that is parked gets one far below those that applications hand out, and all references follow it there and back;
the number of a deleted one is not given to a row that arrives.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping

from satchel.model.value import Value
from satchel.stores.sqlite import numbers
from satchel.stores.sqlite.cases import Case
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.stage import Stage

AWAY = -(2**52)  # numbers up to this one are of rows that are not in their table; a float still holds them exactly

_MOVED = "temp._satchel_moved"


def roots_of(layouts: Mapping[str, Layout]) -> set[str]:
    """Tables with own numbers that are referred to without a declaration."""
    found = set()
    for layout in layouts.values():
        for key in layout.table.foreign_keys:
            places = () if key.declared else map(layout.place, key.columns)
            found |= {layout.roots[place] for place in places if place in layout.roots}
    return found


def is_spoken_for(root: Layout, number: str, gid: str) -> str:
    """SQL: whether a number is, or was, another row's."""
    entry = f"EXISTS (SELECT 1 FROM {root.numbers} o WHERE o.n = {number} AND o.gid <> {gid})"
    if root.bearing is None:
        return entry
    born = numbers.gid_of_birth(root, number)
    none = f"NOT EXISTS (SELECT 1 FROM {root.numbers} o WHERE o.n = {number})"
    known = f"EXISTS (SELECT 1 FROM {root.rows} v WHERE v.k0 = {born})"
    moved = f"EXISTS (SELECT 1 FROM {root.numbers} o WHERE o.gid = {born})"
    return f"({entry} OR ({none} AND {born} <> {gid} AND {known} AND NOT {moved}))"


class Undeclared:
    """The undeclared references of one landing."""

    def __init__(
        self,
        db: sqlite3.Connection,
        layouts: Mapping[str, Layout],
        stages: Mapping[str, Stage],
        suspend: Callable[[Layout], None],
        edited: Callable[[Case], bool],
    ) -> None:
        self.db = db
        self.layouts = layouts
        self.stages = stages
        self.suspend = suspend
        self.edited = edited  # whether an own row stays in its table, since the application has just written it
        self.roots = roots_of(layouts)

    def _columns(self, root: str) -> Iterator[tuple[Layout, int]]:
        """Whatever holds numbers of a table, but for its own key; declared references hang on undeclared ones."""
        for layout in self.layouts.values():
            for place, name in layout.roots.items():
                if name == root and not (layout.is_local and place in layout.key_places):
                    yield layout, place

    def follow(self, root: Layout, moved: Mapping[Value, int], cases: Iterable[Case]) -> None:
        """Rows of this table got other numbers, old -> new: so do all references to them, here and on their way."""
        if not moved:
            return
        self.db.execute(f"DROP TABLE IF EXISTS {_MOVED}")
        self.db.execute(f"CREATE TABLE {_MOVED} (old INTEGER PRIMARY KEY, new INTEGER)")
        self.db.executemany(f"INSERT INTO {_MOVED} VALUES (?, ?)", moved.items())
        for layout, place in self._columns(root.table.name):
            stage = self.stages.get(layout.table.name)
            if stage is not None:
                self._move(stage.name, layout.locals[place])
            if place in layout.here:
                self.suspend(layout)
                self._move(f"main.{layout.user}", layout.columns[place])
        for case in cases:
            self._follow_case(case, root.table.name, moved)
        self.db.execute(f"DROP TABLE {_MOVED}")

    def _move(self, table: str, column: str) -> None:
        # What a CHECK does not let follow keeps the old number: nothing but the reference would be lost with the row.
        self.db.execute(f"UPDATE OR IGNORE {table} AS t SET {column} = m.new FROM {_MOVED} m WHERE m.old = t.{column}")

    @staticmethod
    def _follow_case(case: Case, root: str, moved: Mapping[Value, int]) -> None:
        layout, row = case.layout, case.before
        if row is None:
            return
        changed: list[Value] = list(row)
        for place, name in layout.roots.items():
            number = row[place]
            own_key = layout.is_local and place in layout.key_places
            if name == root and not own_key and number in moved:
                changed[place] = moved[number]
        case.before = tuple(changed)

    def send_away(self, root: Layout, cases: list[Case]) -> None:
        """Rows that are parked let go of their numbers, and take what refers to them along."""
        moved: dict[Value, int] = {}
        for case in cases:
            parked = case.layout is root and case.after is None and case.values is not None
            if parked and case.before is not None and not self.edited(case):
                moved[case.before[root.key_places[0]]] = self._give_away(root, str(case.key[0]))
        self.follow(root, moved, cases)

    def give_numbers(self, root: Layout, cases: Iterable[Case]) -> None:
        """Rows that are referred to and have no number here get one; the staged references have it."""
        gids: dict[str, None] = {}
        for stage, place in self._staged(root):
            slot, here = stage.layout.slots[place], stage.layout.locals[place]
            query = f"SELECT DISTINCT {slot} FROM {stage.name} WHERE {here} IS NULL AND {numbers.is_gid(slot)}"
            gids |= dict.fromkeys(gid for (gid,) in self.db.execute(f"{query} ORDER BY {slot}"))
        translator = numbers.Numbers(self.db, self.layouts)
        for case in cases:
            for place, name in case.layout.roots.items():
                value = (case.after or {}).get(case.layout.table.names[place])
                if name == root.table.name and isinstance(value, str) and value.count(":") == 2:
                    gids |= {value: None} if translator.number(name, value) is None else {}
        for gid in gids:
            number = self._give_away(root, gid)
            for stage, place in self._staged(root):
                slot, here = stage.layout.slots[place], stage.layout.locals[place]
                self.db.execute(f"UPDATE {stage.name} SET {here} = ? WHERE {slot} = ?", (number, gid))

    def _staged(self, root: Layout) -> Iterator[tuple[Stage, int]]:
        for layout, place in self._columns(root.table.name):
            if layout.table.name in self.stages:
                yield self.stages[layout.table.name], place

    def _give_away(self, root: Layout, gid: str) -> int:
        """A number for a row that is not in its table."""
        (lowest,) = self.db.execute(f"SELECT min(n) FROM {root.numbers}").fetchone()
        number = min(lowest or 0, AWAY) - 1
        numbers.give(self.db, root, number, gid)
        return int(number)
