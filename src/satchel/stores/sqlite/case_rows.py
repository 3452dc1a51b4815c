"""The application's rows, made what was decided of the rows in question: one by one.

All of our writes say OR ABORT: a constraint that is declared ON CONFLICT REPLACE or IGNORE would otherwise take rows
away, or leave them out, without a word.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from satchel.model.default import default_value
from satchel.model.value import Value, same
from satchel.stores.counts import RowCounts
from satchel.stores.sqlite.cases import Case, Cases
from satchel.stores.sqlite.finder import Finder
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.schema import default_texts, table_columns
from satchel.stores.sqlite.stage import Stage, at_key, bindable, placeholder
from satchel.stores.sqlite.suspend import SuspendedTriggers


class CaseRows:
    """Writes rows in question. What this database does not take is kept aside here, with whatever refers to it."""

    def __init__(self, cases: Cases, finder: Finder, triggers: SuspendedTriggers, own: bool) -> None:
        self.cases = cases
        self.db = cases.db
        self.finder = finder
        self.triggers = triggers
        self.own = own
        self._known_defaults: dict[str, dict[int, Value]] = {}

    def is_right(self, case: Case) -> bool:
        """Whether the application's table holds what it is to hold."""
        return self._holds(case, self._after(case))

    @staticmethod
    def _holds(case: Case, after: Mapping[int, Value] | None) -> bool:
        if case.before is None or after is None:
            return case.before is None and after is None
        return all(same(case.before[place], value) for place, value in after.items())

    def take_out(self, cases: Iterable[Case], *, afresh: bool) -> None:
        """Removes the rows that leave, and those whose unique values may be in the way of others."""
        for case in cases:
            if case.before is None:
                continue
            after = self._after(case)
            if after is None or ((afresh or case.layout.table.unique) and not self._holds(case, after)):
                self.triggers.suspend(case.layout)
                self._remove(case)

    def put_in(
        self, cases: Sequence[Case], refused: Sequence[tuple[Stage, int, str]], counts: RowCounts, *, careful: bool
    ) -> list[Case]:
        """Makes all rows what they are to be; `refused` are staged rows that the database did not take. With `careful`
        a row that it does not take is kept aside, else sqlite3.IntegrityError. All cases, these among them."""
        every = list(cases)
        aside = []
        for stage, rn, words in refused:
            case = self.cases.at(stage, rn)
            case.refused = words
            self.cases.make_odd(case)
            aside.append(case)
        for case in cases:
            case.refused = ""
            try:
                self._put(case, counts)
            except sqlite3.IntegrityError as problem:
                if not careful:
                    raise
                case.refused = str(problem)
                aside.append(case)
        known = {case.id for case in every}
        every += [case for case in aside if case.id not in known]
        self._hide_children(aside, every, counts)
        return every

    def _put(self, case: Case, counts: RowCounts) -> None:
        after = self._after(case)
        if after is None:
            counts.deleted += case.before is not None
            return
        if self._holds(case, after):
            return
        layout = case.layout
        self._check_outward(case, after)
        self.triggers.suspend(layout)
        taken_out = case.before is not None and self.cases.here(layout, case.before) is None
        if case.before is not None and taken_out:
            self._insert(layout, {place: case.before[place] for place in layout.here} | after)
        elif case.before is None:
            self._insert(layout, after)
        else:
            self._update(case, after)
        counts.inserted += case.before is None
        counts.updated += case.before is not None

    def _check_outward(self, case: Case, after: Mapping[int, Value]) -> None:
        """sqlite3.IntegrityError if the row comes to refer to a row of a table that is not replicated and does not have
        it here: foreign keys are off while we write, so the database does not say it by itself."""
        for reference in self.finder.outward_of(case.layout):
            values = [after.get(place) for place in reference.places]
            old = None if case.before is None else [case.before[place] for place in reference.places]
            if None in values or values == old:
                continue
            where, bound = at_key(reference.columns, values)
            if self.db.execute(f"SELECT 1 FROM {reference.source} WHERE {where}", bound).fetchone() is None:
                raise sqlite3.IntegrityError(
                    f"FOREIGN KEY constraint failed: {reference.parent}, which is not replicated, has no such row here"
                )

    def _after(self, case: Case) -> dict[int, Value] | None:
        """The row that the application's table is to hold, by place. A column that it has and that was never written
        shows its default, whatever it showed of a version that lost."""
        row = case.after
        if row is None:
            return None
        layout, cells = case.layout, case.settled.resolved.cells
        names = layout.names
        whole = self.cases.numbers.to_local(layout, [row.get(name) for name in names])
        written = [p for p in layout.here if (name := names[p]) in cells and cells[name].dot.origin]
        after = {place: whole[place] for place in sorted({*written, *layout.key_places})}
        if case.before is not None and len(after) < len(layout.here):
            after |= {p: value for p, value in self._defaults(layout).items() if p not in after}
        return after

    def _defaults(self, layout: Layout) -> Mapping[int, Value]:
        """The defaults of a table's columns here, by place, as far as they are the same for every row."""
        name = layout.table.name
        if name not in self._known_defaults:
            texts = default_texts(self.db, name)
            required = {column for column, _, notnull, *_ in table_columns(self.db, name) if notnull}
            found = {}
            for place in layout.here:
                column = layout.table.columns[place]
                text = texts.get(column.name)
                value = default_value(replace(column, default=text))
                if value is not None or (text in (None, "NULL") and column.name not in required):
                    found[place] = value
            self._known_defaults[name] = found
        return self._known_defaults[name]

    def _insert(self, layout: Layout, row: Mapping[int, Value]) -> None:
        names, holders = ", ".join(layout.columns[place] for place in row), ", ".join(map(placeholder, row.values()))
        insert = f"INSERT OR ABORT INTO main.{layout.user} ({names}) VALUES ({holders})"
        self.db.execute(insert, list(map(bindable, row.values())))

    def _update(self, case: Case, after: Mapping[int, Value]) -> None:
        assert case.before is not None
        layout = case.layout
        changed = [place for place, value in after.items() if not same(case.before[place], value)]
        sets = ", ".join(f"{layout.columns[p]} = {placeholder(after[p])}" for p in changed)
        where, bound = self._at(case)
        update = f"UPDATE OR ABORT main.{layout.user} SET {sets} WHERE {where}"
        self.db.execute(update, [bindable(after[p]) for p in changed] + bound)

    def _remove(self, case: Case) -> None:
        where, bound = self._at(case)
        self.triggers.remove(case.layout, f"DELETE FROM main.{case.layout.user} WHERE {where}", bound)

    def _at(self, case: Case) -> tuple[str, list[Value]]:
        assert case.before is not None
        return at_key(case.layout.key_names, [case.before[place] for place in case.layout.key_places])

    def _hide_children(self, aside: Sequence[Case], every: list[Case], counts: RowCounts) -> None:
        """Rows that refer to one that is kept aside here are kept aside with it."""
        todo = list(aside)
        known = {case.id for case in every}
        while todo:
            parent = todo.pop()
            for child in self.finder.children(parent, parent.last_values):
                if child.refused or (child.after is None and child.id in known):
                    continue
                child.refused = f"its row in {parent.layout.table.name} is kept aside: {parent.refused}"
                self.cases.make_odd(child)
                before = self.cases.now(child)
                if before is not None:
                    self.triggers.suspend(child.layout)
                    at = [before[place] for place in child.layout.key_places]
                    where, bound = at_key(child.layout.key_names, at)
                    self.triggers.remove(child.layout, f"DELETE FROM main.{child.layout.user} WHERE {where}", bound)
                    counts.deleted += child.before is not None
                    counts.inserted -= child.before is None
                if child.id not in known:
                    known.add(child.id)
                    every.append(child)
                todo.append(child)
