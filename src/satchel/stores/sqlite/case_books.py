"""Versions, rows set apart and the list of conflicts, for the rows in question."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from satchel.model.admission import ABSENT, TWIN, UNIQUE
from satchel.model.value import same
from satchel.model.version import Version
from satchel.stores.counts import Fate, RowCounts
from satchel.stores.sqlite import apart, conflicts
from satchel.stores.sqlite.apart import Apart
from satchel.stores.sqlite.cases import Case, Cases
from satchel.stores.sqlite.stage import at_key, placeholder
from satchel.stores.sqlite.versions import VersionWriter, odd_time

CONSTRAINT = "constraint"
_MOST_CASES = 500  # whose versions are written together


class CaseBooks:
    """Books the rows in question of one landing."""

    def __init__(self, cases: Cases, now: int, again: Collection[str] = ()) -> None:
        self.db = cases.db
        self.cases = cases
        self.now = now
        self.again = again  # tables whose rows are booked anew, whether anything arrived or not
        self.writer = VersionWriter(cases.db)
        self.fates = RowCounts()
        self._waiting: dict[str, list[list[Any]]] = {}  # by statement
        self._cases = 0  # whose statements wait

    def book(self, case: Case) -> int:
        """Writes versions and the list of conflicts. How many conflicts were opened."""
        why = self._why(case)
        self._tell(case, why)
        anew = case.incoming is not None or case.layout.table.name in self.again
        if anew or why != case.apart:
            self._versions(case, kept=why is not None or self._has_more(case))
        if why is not None:
            row = [case.last_values.get(name) for name in case.layout.table.names]
            apart.write(self.db, case.layout, case.key, why, row)
        elif case.apart is not None:
            apart.remove(self.db, case.layout, case.key)
        opened = 0
        if anew:
            opened += conflicts.keep(
                self.db, case.layout, case.key, case.standing, case.incoming, case.settled, self.now
            )
        if why is not None or case.apart is not None:
            opened += conflicts.keep_apart(self.db, case.layout, case.key, why, case.settled, case.incoming, self.now)
        return opened

    def _tell(self, case: Case, why: Apart | None) -> None:
        """Notes a row that leaves its table, never comes into it, or is back in it."""
        hidden = why is not None and why.hidden
        was_hidden = case.apart is not None and case.apart.hidden
        gid = str(case.key[0]) if case.layout.is_local else None
        if why is not None and hidden and not was_hidden:
            fate = Fate(case.layout.table.name, case.here, gid, why.kind or UNIQUE, why.reason, case.before is not None)
            self.fates.parked.append(fate)
        elif was_hidden and not hidden and case.after is not None:
            key = self.cases.numbers.key_to_local(case.layout, case.key)
            self.fates.returned.append(Fate(case.layout.table.name, key, gid))

    @staticmethod
    def _has_more(case: Case) -> bool:
        """Whether the row has values in columns that the application's table does not have: they are kept here."""
        cells, names = case.settled.resolved.cells, case.layout.table.names
        return any(names[place] in cells and bool(cells[names[place]].dot.origin) for place in case.layout.absent)

    def _why(self, case: Case) -> Apart | None:
        outcome = case.outcome
        if case.refused:
            return Apart(apart.REFUSED, CONSTRAINT, case.refused)
        if outcome is None:
            return None
        if outcome.row is None:
            if outcome.status == ABSENT:
                return None
            moved = self._differs(case, outcome.would)
            blockers = list(outcome.blockers)
            if outcome.twin is not None and outcome.twin not in blockers:
                blockers.append(outcome.twin)
            status = apart.TWIN if outcome.status == TWIN else apart.PARKED
            return Apart(status, outcome.kind, outcome.reason, tuple(blockers), moved)
        if outcome.note or case.settled.resolved.deleted or self._differs(case, outcome.row):
            kind = outcome.kind if outcome.note else ""  # else a twin stands for its parent
            stands = case.shown_key(outcome.row)
            return Apart(apart.NOTED, kind, outcome.reason, tuple(outcome.blockers), stands=stands)
        if not outcome.first:
            return Apart(apart.NOTED, "", "it came in late", tuple(outcome.blockers))  # its place is not sure
        return None

    @staticmethod
    def _differs(case: Case, row: Any) -> bool:
        return any(not same(cell.value, row.get(name)) for name, cell in case.settled.resolved.cells.items())

    def flush(self) -> None:
        """Writes what is still to be written of versions."""
        for statement, lines in self._waiting.items():
            self.db.executemany(statement, lines)
        self._waiting.clear()
        self._cases = 0

    def _write(self, statements: Sequence[tuple[str, list[Any]]]) -> None:
        """Statements about one row, which are executed in this order. Those of many rows are written together: what is
        written under a key comes behind what is deleted there, since both are bound alike."""
        for statement, bound in statements:
            self._waiting.setdefault(statement, []).append(bound)
        self._cases += 1
        if self._cases >= _MOST_CASES:
            self.flush()

    def _versions(self, case: Case, *, kept: bool) -> None:
        layout, key = case.layout, case.key
        siblings, resolved = case.settled.siblings, case.settled.resolved
        where, bound = at_key(layout.keys, key)
        old = (f"DELETE FROM {layout.images} WHERE {where}", bound)
        if not siblings:  # taken out: it never was
            self._write([old, (f"DELETE FROM {layout.rows} WHERE {where}", bound)])
            return
        several = len(siblings) > 1
        top = max(siblings, key=lambda version: version.rank)
        lin = self.writer.explicit(layout, resolved.cells) if several else self.writer.lineage(layout, top)
        number = self.writer.number(top.dot.origin)
        values: list[Any] = [number, top.dot.seq, top.stamp, int(resolved.deleted), int(several or kept)]
        values += [None if several else self._row_context(top), odd_time(top), top.by, lin]
        holders = ", ".join([*map(placeholder, key), *("?" * len(values))])
        new = [(f"INSERT OR REPLACE INTO {layout.rows} VALUES ({holders})", [*bound, *values])]
        if several or kept or top.deleted:
            new += [self.writer.image(layout, key, version, self._row_context(version)) for version in siblings]
        self._write([old, *new])

    def _row_context(self, version: Version) -> str | None:
        number = self.writer.number(version.dot.origin)
        contexts = self.cases.contexts
        if number == self.cases.origin and version.dot.seq in contexts:
            packet = contexts[version.dot.seq]
        else:
            packet = self.cases.reader.context(number, version.dot.seq)
        return self.writer.row_context(version, packet)
