"""Staged changes become rows, versions and entries of the list of conflicts (PROTOCOL, Apply 1 to 4).

Rows that nothing is in question about are written and booked by a handful of SQL statements; the others, and whatever
hangs together with them by constraints, one by one. The same way for packets that arrive and for own ones, whose rows
are in the application's table already.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from satchel.errors import Overtaken
from satchel.model.vector import Vector
from satchel.stores.base import Rules
from satchel.stores.counts import RowCounts
from satchel.stores.sqlite.arrivals import Arrivals, remember
from satchel.stores.sqlite.booking import book
from satchel.stores.sqlite.case_books import CaseBooks
from satchel.stores.sqlite.case_rows import CaseRows
from satchel.stores.sqlite.cases import Case, Cases
from satchel.stores.sqlite.closure import Closure
from satchel.stores.sqlite.finder import Finder
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.rows import UserRows
from satchel.stores.sqlite.stage import Stage
from satchel.stores.sqlite.suspend import SuspendedTriggers
from satchel.stores.sqlite.trouble import Trouble
from satchel.stores.sqlite.undeclared import Undeclared


@dataclass
class Landing:
    """The staged and classified changes of some tables; one transaction's work. `contexts`: of the packets at hand, by
    seq. `own`: the rows are in the application's table already; `edited`: whether the application has written an own
    row since, which then stays as it is; `overtaken`: whether it has done something since that leaves open which rows
    are meant."""

    db: sqlite3.Connection
    layouts: Mapping[str, Layout]
    rules: Rules
    triggers: SuspendedTriggers
    origin: int
    contexts: Mapping[int, Vector]
    now: int
    own: bool = False
    edited: Callable[[Case], bool] = lambda case: False
    claimed: Callable[[Case], None] = lambda case: None
    overtaken: Callable[[], bool] = lambda: False
    counts: RowCounts = field(default_factory=RowCounts)

    def land(
        self,
        stages: Mapping[str, Stage],
        again: Sequence[Layout] = (),
        anew: Callable[[Cases], Iterable[Case]] = lambda cases: (),
    ) -> RowCounts:
        """Does all of it. `again`: tables whose rows that are kept whole are looked at once more; `anew`: rows whose
        siblings have become others without anything arriving. Overtaken where it is no longer clear which rows are in
        question."""
        cases = Cases(self.db, self.layouts, self.rules, self.origin, self.contexts, stages, own=self.own)
        finder = Finder(cases)
        trouble = Trouble(cases, finder)
        trouble.mark()
        if self.own:
            for stage in stages.values():
                remember(self.db, stage)
        seeds = [case for stage in stages.values() for case in cases.odd(stage)]
        seeds += [case for layout in again for case in cases.kept(layout)]
        others = list(anew(cases))
        seeds += others
        decided = Closure(cases, finder, self.rules).settle([*seeds, *trouble.others()])
        if decided and self.overtaken():
            raise Overtaken("the application changed rows while they were being sealed", "run the command again")
        undeclared = Undeclared(self.db, self.layouts, stages, self.triggers.suspend, self.edited)
        arrivals = Arrivals(self.db, self.layouts, stages, undeclared, own=self.own)
        self.counts.renumbered += arrivals.give(decided)
        decided = self._write(stages, decided, CaseRows(cases, finder, self.triggers, self.own))
        for stage in stages.values():
            book(self.db, stage, self.origin)
        anew_in = {case.layout.table.name for case in others}
        books = CaseBooks(cases, self.now, {layout.table.name for layout in again} | anew_in)
        for case in decided:
            self.counts.conflicts += books.book(case)
        books.flush()
        self.counts.add_fates(books.fates)
        return self.counts

    def _write(self, stages: Mapping[str, Stage], decided: list[Case], rows: CaseRows) -> list[Case]:
        """The application's rows. First in the plain way; where values swap, or the database does not take a row, with
        all touched rows taken out first, and row by row where it must be."""
        if self.own:
            return self._write_own(decided, rows)
        for afresh in (False, True):
            self.db.execute("SAVEPOINT satchel_rows")
            try:
                with self.triggers.attempt():
                    counts, every = self._attempt(stages, decided, rows, afresh=afresh)
            except sqlite3.IntegrityError:
                self.db.execute("ROLLBACK TO satchel_rows")
                self.db.execute("RELEASE satchel_rows")
                if afresh:
                    raise
                continue
            self.db.execute("RELEASE satchel_rows")
            self.counts.add(counts)
            return every
        raise AssertionError  # pragma: no cover

    def _attempt(
        self, stages: Mapping[str, Stage], decided: list[Case], rows: CaseRows, *, afresh: bool
    ) -> tuple[RowCounts, list[Case]]:
        counts = RowCounts()
        rows.take_out(decided, afresh=afresh)
        refused: list[tuple[Stage, int, str]] = []
        for stage in stages.values():
            counts.add(UserRows(self.db, stage, self.triggers).write(refused if afresh else None, afresh=afresh))
        members = rows.put_in(decided, refused, counts, careful=afresh)
        return counts, members

    def _write_own(self, decided: Sequence[Case], rows: CaseRows) -> list[Case]:
        """Own rows are there; the siblings or a constraint may have made something else of some."""
        todo = []
        for case in decided:
            if rows.is_right(case):
                continue
            if self.edited(case):
                self.claimed(case)
            else:
                todo.append(case)
        rows.take_out(todo, afresh=True)
        return [*decided, *(case for case in rows.put_in(todo, [], self.counts, careful=True) if case not in decided)]
