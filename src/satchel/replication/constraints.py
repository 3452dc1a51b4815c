"""Unique keys and foreign keys, kept by a pure function of the resolved rows (PROTOCOL, Constraints).

Nothing is lost: a row that has no place is parked whole. The rules are those of `keep_constraints` in the
specification's model, for schemas as they are: several references per table, composite ones, references to columns that
are not the key, circles of tables.

The outcome for some rows alone is that of all rows together if the rows handed in hang together (`tests/replication/
test_constraints_closure.py` holds the conditions).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from satchel.model.admission import ABSENT, FOREIGN_KEY, PARKED, SHOWN, TWIN, UNIQUE, Candidate, Outcome, RowId
from satchel.model.key import key_text
from satchel.model.schema import Table
from satchel.model.value import Value
from satchel.replication import reasons
from satchel.replication.admission import Admission
from satchel.replication.claims import order_of_admission
from satchel.replication.components import Component, order_components
from satchel.replication.living import Defaults, Living, image_of
from satchel.replication.plan import Held, TablePlan, plan_tables
from satchel.replication.restoring import living_rows


def no_default(table: str, column: str) -> Value:
    """The default of columns that declare none."""
    return None


def keep_constraints(
    tables: Mapping[str, Table], rows: Iterable[Candidate], defaults: Defaults = no_default
) -> dict[RowId, Outcome]:
    """What the application's tables hold of these rows, which are parked and why, and what a person is told of others.

    `tables`: the network's, by name; `rows`: of these tables, each row once, in any order; values as on the wire.
    `defaults(table, column)`: what SET DEFAULT puts there. -> an outcome for every row that is not fixed.

    A parent deleted where a child unseen by the deleter refers to it: RESTRICT or NO ACTION, it comes back; CASCADE,
    the child is parked; SET NULL or SET DEFAULT, the child forgets it, before its unique values are read. A reference
    to a parent that the network never knew counts as kept: its author's own database dangles there.
    """
    plans = plan_tables(tables)
    # In one order on every node, so that all say the same words of the same rows.
    candidates = sorted(rows, key=lambda c: (c.id[0], key_text(tables[c.id[0]], c.id[1])))
    keeping = Keeping(plans, candidates, defaults)
    for component in order_components({name: {ref.parent for ref in p.references} for name, p in plans.items()}):
        keeping.decide(component)
    outcomes = keeping.outcomes
    return {c.id: outcomes.get(c.id) or Outcome(None, ABSENT) for c in candidates if not c.fixed}


class Keeping:
    """Keeps the constraints of one component after the other."""

    def __init__(self, plans: Mapping[str, TablePlan], candidates: list[Candidate], defaults: Defaults) -> None:
        self.outcomes: dict[RowId, Outcome] = {}
        self._deleted = {candidate.id for candidate in candidates if candidate.resolved.deleted}
        self._defaults = defaults
        self._twins: dict[RowId, RowId] = {}
        self._standing: set[Held] = set()  # what shown rows hold, of all that references look for
        self._known: dict[Held, RowId] = {}  # what any row holds or held
        self._living: dict[str, list[Living]] = {}
        for row in living_rows(plans, candidates).values():
            self._living.setdefault(row.id[0], []).append(row)
        for candidate in candidates:
            plan = plans[candidate.id[0]]
            offers = plan.offers(image_of(plan, candidate)) if plan.wanted else []
            if candidate.fixed:
                self._standing.update(offers)
            for held in offers:
                self._known.setdefault(held, candidate.id)

    def decide(self, component: Component) -> None:
        """The outcome of every living row of these tables."""
        rows = [row for name in component.tables for row in self._living.get(name, ())]
        self._prepare(rows, component.circular)
        order = order_of_admission(rows)
        would = {row.id: dict(row.values) for row in rows}
        admission = Admission(self._stands, lambda held: held not in self._known)
        if component.circular:
            admission.circular(order, self._defaults)
        else:
            admission.straight(order)
        self._standing.update(held for row in admission.inside.values() for held in row.offers)
        for row in order:
            if row.id in admission.inside:
                self.outcomes[row.id] = self._shown(row, admission, would[row.id])
        for row in order:
            if row.id not in admission.inside:
                first = not component.circular
                self.outcomes[row.id] = self._left_out(row, admission, would[row.id], first)

    def _prepare(self, rows: list[Living], circular: bool) -> None:
        """Redirects references to twins, and lets rows forget parents that are not there. In a circle every living row
        may still come to be there."""
        for row in rows:
            row.redirect(self._twins)
            row.weigh()
            for held in row.offers:
                self._known.setdefault(held, row.id)
        offered = {held for row in rows for held in row.offers} if circular else set()

        def stands(held: Held) -> bool:
            return held in offered or held in self._standing

        for row in rows:
            row.forget(partial(self._is_there, row, stands), stands, self._defaults)

    def _is_there(self, row: Living, stands: Callable[[Held], bool], held: Held) -> bool:
        """Whether a row need not forget this parent."""
        return stands(held) or (held not in self._known and held not in row.missed)

    def _stands(self, held: Held) -> bool:
        return held in self._standing

    def _shown(self, row: Living, admission: Admission, would: dict[str, Value]) -> Outcome:
        note = reasons.note(row)
        blockers = (row.needed_by,) if row.needed_by else ()
        kind = FOREIGN_KEY if note else ""
        first = row.id in admission.first
        return Outcome(row.values, SHOWN, kind, note, blockers, None, would, bool(note), first)

    def _left_out(self, row: Living, admission: Admission, would: dict[str, Value], first: bool) -> Outcome:
        if not admission.has_parents(row):
            return self._orphan(row, admission, would, first)
        blockers = admission.blockers(row)
        ids = tuple(blocker.id for blocker in blockers)
        twin = next((b.id for b in blockers if first and row.can_have_twin and row.equals(b)), None)
        if twin:
            self._twins[row.id] = twin
            return Outcome(None, TWIN, UNIQUE, reasons.same_as(twin), ids, twin, would, first=first)
        return Outcome(None, PARKED, UNIQUE, reasons.taken(row, blockers), ids, None, would, first=first)

    def _orphan(self, row: Living, admission: Admission, would: dict[str, Value], first: bool) -> Outcome:
        missing = [held for held in row.needs if not admission.leads_somewhere(row, held)]
        known = {held: self._known.get(held) for held in missing}  # None: it was taken out
        rivals = admission.blockers(row)  # in a circle rows wait for each other, and one of them for a value
        ids = [parent for parent in known.values() if parent is not None] + [rival.id for rival in rivals]
        others = {held: parent for held, parent in known.items() if parent != row.id or not rivals}
        told = [reasons.orphaned(held, parent, self._state(parent)) for held, parent in others.items()]
        told += [reasons.taken(row, rivals)] if rivals else []
        return Outcome(None, PARKED, FOREIGN_KEY, "; ".join(told), tuple(dict.fromkeys(ids)), None, would, first=first)

    def _state(self, parent: RowId | None) -> str:
        """What became of a parent. One of the same circle may have no outcome yet: it is not shown."""
        outcome = None if parent is None else self.outcomes.get(parent)
        if outcome is not None and outcome.status == SHOWN:
            return "has changed"
        return "is deleted" if parent in self._deleted else "is parked"
