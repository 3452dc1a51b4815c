"""Rows that hang together, as a store has to find them: what must be decided again when some rows were touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from satchel.model.admission import ABSENT, SHOWN, Candidate, Outcome, RowId
from satchel.model.schema import Table
from satchel.model.value import Value
from satchel.replication.constraints import keep_constraints, no_default
from satchel.replication.living import image_of
from satchel.replication.plan import Held, plan_tables

Rows = Mapping[RowId, Candidate]
Outcomes = Mapping[RowId, Outcome]
Face = Mapping[str, Value]


@dataclass
class Closing:
    """`before`: what was decided of the old rows; `now`: the rows as they are; who was not touched is the same."""

    tables: Mapping[str, Table]
    old: Rows
    now: Rows
    before: Outcomes
    defaults: Callable[[str, str], Value] = no_default

    def __post_init__(self) -> None:
        self.plans = plan_tables(self.tables)

    def image(self, candidate: Candidate) -> Face:
        return image_of(self.plans[candidate.id[0]], candidate)

    def plain(self, row: RowId) -> bool:
        """Was in the table just as it was written (no reference led to a twin, either), and at once."""
        outcome = self.before[row]
        return (
            outcome.status == SHOWN and outcome.first and not outcome.note and outcome.row == self.image(self.old[row])
        )

    def faces(self, row: RowId, out: Outcomes) -> list[Face]:
        """All that a row was, is or would be."""
        outcomes = [o for o in (self.before.get(row), out.get(row)) if o is not None]
        shown = [o.row for o in outcomes if o.row is not None]
        images = [self.image(rows[row]) for rows in (self.old, self.now) if row in rows]
        return [*images, *shown, *(o.would for o in outcomes if o.would)]

    def claims(self, row: RowId, out: Outcomes) -> set[Held]:
        plan = self.plans[row[0]]
        return {held for face in self.faces(row, out) for held in (*plan.claims(face), *plan.place(face))}

    def offers(self, row: RowId, out: Outcomes) -> set[Held]:
        return {held for face in self.faces(row, out) for held in self.plans[row[0]].offers(face)}

    def needs(self, row: RowId, out: Outcomes, by_default: bool = True) -> set[Held]:
        """The parents of all faces, those of SET DEFAULT included."""
        found = set()
        for face in self.faces(row, out):
            for ref in self.plans[row[0]].references:
                found.add(ref.looks_for(face))
                if ref.defaults and by_default:
                    found.add(ref.looks_for({**face, **{name: self.defaults(row[0], name) for name in ref.columns}}))
        return {held for held in found if held}

    def changed(self, row: RowId, out: Outcomes) -> bool:
        """Whether children must look at their parent again."""
        one, two = self.before.get(row), out[row]
        same = one and (one.status, one.row, one.first, one.twin) == (two.status, two.row, two.first, two.twin)
        return not same or not two.first

    def extent(self, touched: Iterable[RowId]) -> tuple[set[RowId], Outcomes]:
        """The rows to be decided again, and what becomes of them."""
        inside = set(touched)
        while True:
            out = self.decide(inside)
            more = self.further(inside, out)
            if not more:
                return inside, out
            inside |= more

    def decide(self, inside: set[RowId]) -> Outcomes:
        wanted = {held for row in inside for held in self.needs(row, {})}
        near = dict.fromkeys(inside)
        while True:
            fixed = [
                replace(self.now[row], fixed=True)
                for row in self.now
                if row not in inside and self.plain(row) and self.offers(row, {}) & wanted
            ]
            out = keep_constraints(self.tables, [*(self.now[row] for row in near), *fixed], self.defaults)
            more = {held for row in inside for held in self.needs(row, out)}
            if more <= wanted:
                return out
            wanted |= more

    def further(self, inside: set[RowId], out: Outcomes) -> set[RowId]:
        claims = {held for row in inside for held in self.claims(row, out)}
        needs = {held for row in inside for held in self.needs(row, out)}
        above = {
            held
            for row in inside
            if self.changed(row, out) or self.now[row].resolved.deleted
            for held in self.offers(row, out)
        }
        return {row for row in self.now if row not in inside and self._belongs(row, claims, needs, above)}

    def _belongs(self, row: RowId, claims: set[Held], needs: set[Held], above: set[Held]) -> bool:
        outcome = self.before[row]
        lives = outcome.status != ABSENT
        if lives and (self.claims(row, {}) & claims or self.needs(row, {}, not self.plain(row)) & above):
            return True
        return not self.plain(row) and bool(self.offers(row, {}) & needs)
