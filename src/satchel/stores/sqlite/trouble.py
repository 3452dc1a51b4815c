"""Staged rows that may meet a constraint, found by set queries, so that all others are applied by SQL alone.

A staged row is in trouble if it claims a value that another row has or waits for, if its parent is not there, if it
goes or changes and others refer to it. What is found is marked as odd; whether anything comes of it the rules decide.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence

from satchel.model.schema import ForeignKey, UniqueKey
from satchel.stores.sqlite import apart
from satchel.stores.sqlite.booking import classes
from satchel.stores.sqlite.cases import Case, Cases
from satchel.stores.sqlite.finder import Finder, Outward
from satchel.stores.sqlite.layout import Layout, compared
from satchel.stores.sqlite.stage import Stage, at_key


class Trouble:
    """Looks at the stages of one landing."""

    def __init__(self, cases: Cases, finder: Finder) -> None:
        self.db: sqlite3.Connection = cases.db
        self.cases = cases
        self.finder = finder
        self.stages: Mapping[str, Stage] = cases.stages
        self.apart = [layout for layout in cases.layouts.values() if not apart.is_empty(self.db, layout)]

    def mark(self) -> None:
        """Marks staged rows as odd."""
        for stage in self.stages.values():
            layout = stage.layout
            for unique in layout.table.unique_keys:
                self._claims(stage, unique)
            for parent, key in self.finder.parents_of(layout):
                self._orphans(stage, parent, key)
            for reference in self.finder.outward_of(layout):
                self._lost(stage, reference)
            for child, key in self.finder.children_of(layout):
                self._left_behind(stage, child, key)
                self._awaited(stage, child, key)

    def others(self) -> Iterator[Case]:
        """Rows set apart that what is staged may bring back, or change once more."""
        for layout in self.apart:
            for key, why in list(apart.every(self.db, layout)):
                if self._concerns(layout, why):
                    case = self.cases.find(layout, key)
                    if case is not None:
                        yield case

    def _concerns(self, layout: Layout, why: apart.Apart) -> bool:
        if why.status == apart.REFUSED:
            return True  # tried again at every apply
        if why.moved or why.status == apart.NOTED:
            near = {layout.table.name, *(other.table.name for other, _ in self.finder.parents_of(layout))}
            near |= {other.table.name for other, _ in self.finder.children_of(layout)}
            if near & self.stages.keys():
                return True
        return any(self._is_staged(table, key) for table, key in why.blockers)

    def _is_staged(self, table: str, key: Sequence[object]) -> bool:
        stage = self.stages.get(table)
        if stage is None:
            return False
        self.cases.index(stage, stage.layout.key_slots)
        where, bound = at_key(stage.layout.key_slots, key)  # type: ignore[arg-type]
        return self.db.execute(f"SELECT 1 FROM {stage.name} WHERE {where}", bound).fetchone() is not None

    # -- claims

    def _claims(self, stage: Stage, unique: UniqueKey) -> None:
        layout, collations = stage.layout, unique.collations
        slots, here = layout.slots_of(unique.columns), layout.slots_of(unique.columns, local=True)
        names = [layout.columns[layout.place(name)] for name in unique.columns]
        written = f"{self._writes(stage, unique.columns)} AND {_whole('s', slots)}"
        if not self.cases.own:  # in an own row the database has seen to it itself
            held = f"{layout.source} t ON {_equal('t', names, 's', here, collations)}"
            other = f"({layout.match('u:t', 'l:s')}) IS NOT TRUE"  # what comes may have no number here yet
            self._mark_rivals(stage, unique, f"JOIN {held} WHERE {written} AND {other}")
            alike = ", ".join(compared([f"s.{slot}" for slot in slots], collations))
            twice = (
                f"SELECT {layout.list_of('s', slots)} FROM {stage.name} s JOIN {classes(layout)} z USING (rn)"
                f" WHERE NOT z.odd AND {written} GROUP BY {alike} HAVING count(*) > 1"
            )
            if self.db.execute(f"{twice} LIMIT 1").fetchone():
                self._mark(stage, f"JOIN ({twice}) d ON {_equal('d', slots, 's', slots, collations)} WHERE {written}")
        if layout in self.apart:
            self._mark(stage, f"JOIN {layout.apart} a ON {_equal('a', slots, 's', slots, collations)} WHERE {written}")

    def _mark_rivals(self, stage: Stage, unique: UniqueKey, rest: str) -> None:
        """Marks rows that claim what another row of the table has, unless that one goes or gives it away."""
        if self._any(stage, rest):
            layout = stage.layout
            self.cases.index(stage, tuple(layout.locals[place] for place in layout.key_places))
            names = [f"t.{layout.columns[layout.place(name)]}" for name in unique.columns]
            pairs = zip(layout.slots_of(unique.columns, local=True), compared(names, unique.collations), strict=True)
            gives_away = " OR ".join(f"g.{slot} IS NOT {name}" for slot, name in pairs)
            self._mark(
                stage,
                f"{rest} AND NOT EXISTS (SELECT 1 FROM {stage.name} g JOIN {classes(layout)} y USING (rn)"
                f" WHERE {layout.match('u:t', 'l:g')} AND NOT y.odd AND (g.op = 'delete' OR {gives_away}))",
            )

    def _writes(self, stage: Stage, columns: Sequence[str]) -> str:
        """SQL: whether a staged row is there afterwards, and writes one of these columns."""
        layout = stage.layout
        wanted = layout.mask_of(tuple(layout.table.names[layout.place(name)] for name in columns))
        masks = self.db.execute(f"SELECT DISTINCT mask FROM {stage.name} WHERE mask IS NOT NULL").fetchall()
        touching = ", ".join(f"'{mask}'" for (mask,) in masks if int(mask, 16) & wanted)
        return f"s.op <> 'delete' AND (NOT z.present OR s.mask IS NULL OR s.mask IN ({touching}))"

    # -- references

    def _orphans(self, stage: Stage, parent: Layout, key: ForeignKey) -> None:
        """Rows whose parent is not in its table, and does not come with a row that nothing is in question about."""
        layout = stage.layout
        here, slots = layout.slots_of(key.columns, local=True), layout.slots_of(key.columns)
        there = [parent.columns[parent.place(name)] for name in key.parent_columns]
        absent = f"NOT EXISTS (SELECT 1 FROM {parent.source} p WHERE {_equal('p', there, 's', here)})"
        source = f"WHERE {self._writes(stage, key.columns)} AND {_whole('s', slots)} AND {absent}"
        arriving = self.stages.get(parent.table.name)
        if arriving is not None and not self.cases.own and self._any(stage, source):
            theirs = parent.slots_of(key.parent_columns)
            self.cases.index(arriving, theirs)
            source += (
                f" AND NOT EXISTS (SELECT 1 FROM {arriving.name} p JOIN {classes(parent)} y USING (rn)"
                f" WHERE {_equal('p', theirs, 's', slots)} AND NOT y.odd AND p.op <> 'delete')"
            )
        self._mark(stage, source)

    def _lost(self, stage: Stage, reference: Outward) -> None:
        """Rows that refer to a row of a table that is not replicated, which is not here."""
        layout = stage.layout
        if self.cases.own:
            return
        here = tuple(layout.locals[place] for place in reference.places)
        names = tuple(layout.table.names[place] for place in reference.places)
        absent = f"NOT EXISTS (SELECT 1 FROM {reference.source} p WHERE {_equal('p', reference.columns, 's', here)})"
        self._mark(stage, f"WHERE {self._writes(stage, names)} AND {_whole('s', here)} AND {absent}")

    def _left_behind(self, stage: Stage, child: Layout, key: ForeignKey) -> None:
        """Rows that go, or change what is referred to, while others refer to them."""
        layout = stage.layout
        theirs = [child.columns[child.place(name)] for name in key.columns]
        here = layout.slots_of(key.parent_columns, local=True)
        gone = "s.op = 'delete'"
        if not self._any(stage, f"WHERE {gone}") and self._is_key(layout, key):
            return
        self._mark_parents(stage, child, f"JOIN {child.source} c ON {_equal('c', theirs, 's', here)}", gone)
        if not self._is_key(layout, key):
            names = [layout.columns[layout.place(name)] for name in key.parent_columns]
            old = f"JOIN {layout.source} t ON {layout.match('u:t', 'l:s')} JOIN {child.source} c ON "
            changed = " OR ".join(f"t.{name} IS NOT s.{slot}" for name, slot in zip(names, here, strict=True))
            self._mark_parents(stage, child, old + _equal("c", theirs, "t", names), f"z.present AND ({changed})")

    def _mark_parents(self, stage: Stage, child: Layout, source: str, condition: str) -> None:
        """Marks them unless all of their children go with the same packets."""
        if not self._any(stage, f"{source} WHERE {condition}"):
            return
        going = self.stages.get(child.table.name)
        if going is not None and not self.cases.own:
            self.cases.index(going, child.key_slots)
            condition += (
                f" AND NOT EXISTS (SELECT 1 FROM {going.name} g JOIN {classes(child)} y USING (rn)"
                f" WHERE {child.match('u:c', 'l:g')} AND NOT y.odd AND g.op = 'delete')"
            )
        self._mark(stage, f"{source} WHERE {condition}")

    def _awaited(self, stage: Stage, child: Layout, key: ForeignKey) -> None:
        """Rows that one set apart refers to."""
        if child in self.apart:
            theirs, here = child.slots_of(key.columns), stage.layout.slots_of(key.parent_columns)
            self._mark(stage, f"JOIN {child.apart} a ON {_equal('a', theirs, 's', here)} WHERE 1")

    @staticmethod
    def _is_key(layout: Layout, key: ForeignKey) -> bool:
        return sorted(map(layout.place, key.parent_columns)) == sorted(layout.key_places)

    # -- marking

    def _any(self, stage: Stage, rest: str) -> bool:
        query = f"SELECT 1 FROM {stage.name} s JOIN {classes(stage.layout)} z USING (rn) {rest} LIMIT 1"
        return self.db.execute(query).fetchone() is not None

    def _mark(self, stage: Stage, rest: str) -> None:
        chosen = f"SELECT s.rn FROM {stage.name} s JOIN {classes(stage.layout)} z USING (rn) {rest}"
        self.db.execute(f"UPDATE {classes(stage.layout)} SET odd = 1 WHERE NOT odd AND rn IN ({chosen})")


def _equal(one: str, ones: Sequence[str], two: str, twos: Sequence[str], collations: Sequence[str] = ()) -> str:
    return " AND ".join(f"{one}.{a} = {two}.{b}" for a, b in zip(ones, compared(twos, collations), strict=True))


def _whole(alias: str, slots: Sequence[str]) -> str:
    return " AND ".join(f"{alias}.{slot} IS NOT NULL" for slot in slots)
