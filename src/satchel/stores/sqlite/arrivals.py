"""Own numbers for what arrives (PROTOCOL, Whose key is it?): the number of its birth where that is free, else the next.

References are translated twice: before anything is decided, to the rows that are here; and once the new rows have their
numbers, to those.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from satchel.stores.counts import Renumbered
from satchel.stores.sqlite import apart, numbers
from satchel.stores.sqlite.booking import classes
from satchel.stores.sqlite.cases import Case
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.stage import Stage
from satchel.stores.sqlite.undeclared import AWAY, Undeclared, is_spoken_for

_WANT = "temp._satchel_want"


def translate(db: sqlite3.Connection, layouts: Mapping[str, Layout], stage: Stage) -> None:
    """Puts own numbers beside the gids of a stage, as far as there are any."""
    for place, root in stage.layout.roots.items():
        slot = stage.layout.locals[place]
        value = numbers.own_value(layouts[root], f"{stage.name.partition('.')[2]}.{stage.layout.slots[place]}")
        db.execute(f"UPDATE {stage.name} SET {slot} = {value} WHERE {slot} IS NULL")
    _follow_twins(db, layouts, stage)


def _follow_twins(db: sqlite3.Connection, layouts: Mapping[str, Layout], stage: Stage) -> None:
    """A row that is shown under another key, because a twin stands for its parent, is found there."""
    layout = stage.layout
    if not layout.key_roots or layout.is_local or not apart.has_stands(db, layout):
        return
    for number, place in enumerate(layout.key_places):
        if place in layout.roots:
            value = numbers.own_value(layouts[layout.roots[place]], f"a.s{number}")
            db.execute(
                f"UPDATE {stage.name} AS s SET {layout.locals[place]} = {value} FROM {layout.apart} a"
                f" WHERE {layout.match('k:a', 'c:s')} AND a.s0 IS NOT NULL"
            )


def remember(db: sqlite3.Connection, stage: Stage) -> None:
    """Whose a number was, of rows that this database deleted under their children: rows that refer to one are looked
    for before its deletion is booked. Where foreign keys are off an application does such things."""
    layout = stage.layout
    if layout.is_local:
        here, slot = layout.locals[layout.key_places[0]], layout.key_slots[0]
        db.execute(
            f"INSERT OR IGNORE INTO {layout.numbers} SELECT s.{here}, s.{slot} FROM {stage.name} s"
            f" JOIN {classes(layout)} z USING (rn) WHERE z.odd AND s.op = 'delete' AND s.{here} IS NOT NULL"
        )


class Arrivals:
    """Gives numbers to the rows of a landing that have none."""

    def __init__(
        self,
        db: sqlite3.Connection,
        layouts: Mapping[str, Layout],
        stages: Mapping[str, Stage],
        undeclared: Undeclared,
        *,
        own: bool,
    ) -> None:
        self.db = db
        self.undeclared = undeclared
        self.layouts = layouts
        self.stages = stages
        self.own = own  # the staged rows are in the application's table already

    def give(self, cases: Iterable[Case]) -> list[Renumbered]:
        """Numbers for all that come; which of them did not get the number of their birth."""
        cases = list(cases)
        for name in self.undeclared.roots:
            self.undeclared.send_away(self.layouts[name], cases)
        by_table: dict[str, list[Case]] = {}
        for case in cases:
            if case.layout.is_local:
                by_table.setdefault(case.layout.table.name, []).append(case)
        found = []
        for name, layout in self.layouts.items():
            if layout.is_local and (name in by_table or (name in self.stages and not self.own)):
                found += self._give(layout, by_table.get(name, []))
                self._bring_back(layout, cases)
        if not self.own:
            for stage in self.stages.values():
                translate(self.db, self.layouts, stage)
        for name in self.undeclared.roots:
            self.undeclared.give_numbers(self.layouts[name], cases)
        return found

    def _bring_back(self, root: Layout, cases: list[Case]) -> None:
        """What refers to rows that had no place follows them to their numbers."""
        if root.table.name in self.undeclared.roots:
            moved = dict(self.db.execute(f"SELECT away, got FROM {_WANT} WHERE away IS NOT NULL").fetchall())
            self.undeclared.follow(root, moved, cases)

    def _give(self, layout: Layout, cases: list[Case]) -> list[Renumbered]:
        self.db.execute(f"DROP TABLE IF EXISTS {_WANT}")
        self.db.execute(
            f"CREATE TABLE {_WANT} (gid TEXT PRIMARY KEY, n INTEGER, birth INTEGER, got INTEGER, away INTEGER)"
        )
        birth = f"CAST({numbers.birth_number('{0}')} AS INTEGER)"
        had = numbers.number_of(layout, "{0}")
        away = f"CASE WHEN {had} <= {AWAY} THEN {had} END"
        wanted = f"CASE WHEN {had} > {AWAY} THEN {had} ELSE {birth} END"
        put = f"INSERT OR IGNORE INTO {_WANT} SELECT {{0}}, {wanted}, {birth}, NULL, {away}"
        stage = self.stages.get(layout.table.name)
        leaving = [
            case.before[layout.key_places[0]] for case in cases if case.before is not None and case.after is None
        ]
        self.db.execute("CREATE TABLE IF NOT EXISTS temp._satchel_leaving (n INTEGER PRIMARY KEY)")
        self.db.execute("DELETE FROM temp._satchel_leaving")
        self.db.executemany("INSERT OR IGNORE INTO temp._satchel_leaving VALUES (?)", [(n,) for n in leaving])
        if stage is not None and not self.own:
            slot, here = layout.key_slots[0], layout.locals[layout.key_places[0]]
            source = f"FROM {classes(layout)} z CROSS JOIN {stage.name} s USING (rn) WHERE NOT z.odd"
            self.db.execute(f"{put.format(f's.{slot}')} {source} AND NOT z.present AND NOT z.gone")
            self.db.execute(
                f"INSERT OR IGNORE INTO temp._satchel_leaving SELECT s.{here} {source} AND z.present AND z.gone"
            )
        for case in cases:
            if case.before is None and case.after is not None:
                self.db.execute(put.format("?1"), (case.key[0],))
        return self._decide(layout, stage)

    def _decide(self, layout: Layout, stage: Stage | None) -> list[Renumbered]:
        key = layout.key_names[0]
        taken = (
            f"EXISTS (SELECT 1 FROM main.{layout.user} t WHERE t.{key} = w.n)"
            " AND w.n NOT IN (SELECT n FROM temp._satchel_leaving)"
        )
        if layout.table.name in self.undeclared.roots:
            taken = f"({taken} OR {is_spoken_for(layout, 'w.n', 'w.gid')})"
        # of several that want one number the one with the lowest gid gets it, whatever came first
        first = f"w.gid = (SELECT min(o.gid) FROM {_WANT} o WHERE o.n = w.n)"
        self.db.execute(f"CREATE INDEX temp._satchel_want_n ON {_WANT.partition('.')[2]} (n)")
        self.db.execute(f"UPDATE {_WANT} AS w SET got = n WHERE {first} AND NOT ({taken})")
        late = self.db.execute(f"SELECT gid FROM {_WANT} WHERE got IS NULL ORDER BY gid").fetchall()
        given = numbers.unused(self.db, layout, len(late), _WANT) if late else []
        pairs = ((number, gid) for number, (gid,) in zip(given, late, strict=True))
        self.db.executemany(f"UPDATE {_WANT} SET got = ? WHERE gid = ?", pairs)
        born = numbers.gid_of_birth(layout, "w.got")
        implicit = f"(w.gid IS {born} AND NOT EXISTS (SELECT 1 FROM {layout.numbers} m WHERE m.n = w.got))"
        self.db.execute(f"DELETE FROM {layout.numbers} WHERE gid IN (SELECT gid FROM {_WANT} w WHERE NOT {implicit})")
        self.db.execute(
            f"INSERT OR REPLACE INTO {layout.numbers} SELECT w.got, w.gid FROM {_WANT} w WHERE NOT {implicit}"
        )
        if stage is not None and not self.own:
            slot, here = layout.key_slots[0], layout.locals[layout.key_places[0]]
            name = stage.name.partition(".")[2]
            # as text: under the affinity of a column for numbers no index would be used
            got = f"(SELECT w.got FROM {_WANT} w WHERE w.gid = CAST({name}.{slot} AS TEXT))"
            self.db.execute(
                f"UPDATE {stage.name} SET {here} = coalesce({got}, {here})"
                f" WHERE rn IN (SELECT rn FROM {classes(layout)} WHERE NOT present)"
            )
        rows = self.db.execute(f"SELECT gid, birth, got FROM {_WANT} WHERE got <> birth ORDER BY gid").fetchall()
        return [Renumbered(layout.table.name, gid, birth, got) for gid, birth, got in rows]
