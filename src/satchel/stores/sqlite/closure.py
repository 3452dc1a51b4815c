"""Which rows the constraints have to look at once some have changed, and what they make of them (PROTOCOL, Apply 3).

The constraints are a function of all rows. It is enough to ask it about rows that hang together: the changed ones,
whoever claims a value with them, parents that are not plainly there, and the children of rows whose fate changes; a
test compares with the function of all rows. Rows that are plainly there serve as parents, and stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from satchel.model.admission import ABSENT, SHOWN, Outcome, RowId
from satchel.model.value import Value, same
from satchel.stores.base import Rules
from satchel.stores.sqlite import apart
from satchel.stores.sqlite.cases import Case, Cases
from satchel.stores.sqlite.finder import Finder

Row = Mapping[str, Value]


class Closure:
    """Grows from the rows that changed until nothing around them changes."""

    def __init__(self, cases: Cases, finder: Finder, rules: Rules) -> None:
        self.cases = cases
        self.finder = finder
        self.rules = rules
        self.tables = {name: layout.table for name, layout in cases.layouts.items()}
        self.members: dict[RowId, Case] = {}
        self._parents: dict[RowId, Case] = {}
        self._asked: set[tuple[str, RowId, tuple[object, ...]]] = set()
        self._new: list[Case] = []

    def settle(self, seeds: Iterable[Case]) -> list[Case]:
        """Every row that had to be looked at, each with its outcome."""
        for case in seeds:
            if self.finder.is_free(case.layout):
                self._free(case)
            else:
                self._add(case)
        while self._expand() or self._look_around():
            pass
        return list(self.members.values())

    def _free(self, case: Case) -> None:
        """No constraint concerns the row."""
        self.members[case.id] = case
        case.outcome = Outcome(case.values, ABSENT if case.values is None else SHOWN)

    def _add(self, case: Case) -> None:
        if case.id not in self.members:
            self.members[case.id] = case
            self._parents.pop(case.id, None)
            self.cases.make_odd(case)
            self._new.append(case)

    def _expand(self) -> bool:
        """Adds rivals, and parents that are not plainly there, and asks the constraints. Whether anything was new."""
        if not self._new and all(case.outcome is not None for case in self.members.values()):
            return False
        while self._new:
            case = self._new.pop()
            for row in self._faces(case):
                self._expand_row(case, row)
        rows = [case.standing_row(fixed=False) for case in self.members.values() if self._asks(case)]
        rows += [case.standing_row(fixed=True) for case in self._parents.values()]
        outcomes = self.rules.admit(self.tables, rows)
        for id_, case in self.members.items():
            if id_ in outcomes:
                case.outcome = outcomes[id_]
        return True

    def _asks(self, case: Case) -> bool:
        """Whether the constraints know the row: one without siblings was taken out, and never was."""
        return bool(case.settled.siblings) and not self.finder.is_free(case.layout)

    def _expand_row(self, case: Case, row: Row) -> None:
        if self._is_asked("rivals", case, row):
            return
        for rival in self.finder.rivals(case, row):
            self._add(rival)
        for parent in self.finder.parents(case, row):
            if parent.is_plainly_shown or (parent.before is None and self._arrives_plainly(parent)):
                if parent.id not in self.members:
                    self._parents[parent.id] = parent
            else:
                self._add(parent)

    def _arrives_plainly(self, case: Case) -> bool:
        """Whether it is a new row of the stage that nothing is in question about; a snapshot brings tombstones of rows
        that were never here."""
        if case.rn is None or case.standing or case.settled.resolved.deleted:
            return False
        return case.apart is None and not self.cases.is_odd(case)

    def _look_around(self) -> bool:
        """Adds the children of rows whose fate changed or that are deleted, and whoever claims what a row would claim
        now. Whether anything was new."""
        for case in list(self.members.values()):
            if case.outcome is None or self.finder.is_free(case.layout):
                continue
            for row in self._faces(case):
                self._expand_row(case, row)
            if self._is_changed(case) or case.settled.resolved.deleted:
                for row in self._faces(case):
                    if not self._is_asked("children", case, row):
                        for child in self.finder.children(case, row):
                            self._add(child)
        return bool(self._new)

    def _is_asked(self, what: str, case: Case, row: Row) -> bool:
        place = (what, case.id, tuple((name, type(value), value) for name, value in sorted(row.items())))
        if place in self._asked:
            return True
        self._asked.add(place)
        return False

    def _faces(self, case: Case) -> list[Row]:
        """The row as it was shown, as it is resolved, and as it would be shown."""
        faces: list[Row] = [case.last_values]
        if case.before is not None:
            names = case.layout.table.names
            faces.append(dict(zip(names, self.cases.numbers.to_wire(case.layout, case.before), strict=True)))
        faces += [{name: cell.value for name, cell in version.cells.items()} for version in case.standing]
        if case.outcome is not None and case.outcome.would:
            faces.append(case.outcome.would)
        return faces

    def _is_changed(self, case: Case) -> bool:
        """Whether the rows around may see a difference."""
        outcome = case.outcome
        if outcome is None or not outcome.first:
            return True
        if self.cases.own and case.incoming is not None and not self._leaves_alone(case):
            return True  # an own change stands in the table already: what was there before cannot be told
        if case.apart is not None and case.settled.resolved.deleted:
            return True  # it is there, or waits, for its children's sake alone
        before = None
        if case.before is not None:
            names = case.layout.table.names
            before = dict(zip(names, self.cases.numbers.to_wire(case.layout, case.before), strict=True))
        if (before is None) != (outcome.row is None):
            return True
        was_twin = case.apart is not None and case.apart.status == apart.TWIN
        if was_twin != (outcome.twin is not None):
            return True
        if was_twin and case.apart is not None and outcome.twin not in case.apart.blockers:
            return True
        if before is None or outcome.row is None:
            return False
        row = outcome.row
        return any(not same(before.get(name), row.get(name)) for name in self._watched(case))

    def _watched(self, case: Case) -> set[str]:
        """The columns whose values matter to other rows."""
        watched = {name for _, key in self.finder.children_of(case.layout) for name in key.parent_columns}
        return watched | {name for columns in case.layout.table.unique for name in columns}

    def _leaves_alone(self, case: Case) -> bool:
        """Whether an own edit updates a row that was there, and writes nothing that matters to other rows."""
        version = case.incoming
        if version is None or version.deleted or case.apart is not None or not case.standing:
            return False
        if any(before.deleted for before in case.standing):
            return False
        keys = {name.lower() for name in case.layout.table.key}
        cells = {name.lower(): cell for name, cell in version.cells.items()}
        watched = {name.lower() for name in self._watched(case)} - keys
        return all(name in cells and cells[name].dot != version.dot for name in watched)
