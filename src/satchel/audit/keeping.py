"""Constraints over what an audit shows: the rows that may meet one are found by SQL, all others stand as they are
(PROTOCOL, Constraints). What is decided again with a row follows `tests/replication/closing.py`.

What a single database refused on its own account (NOT NULL, CHECK, a trigger) no packet tells: such a row is shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

import pyarrow as pa

from satchel.audit.counting import Counting
from satchel.audit.faces import Faces
from satchel.audit.ledger import Ledger
from satchel.audit.state import Resolver, Row, State, Subset
from satchel.model.admission import ABSENT, SHOWN, Candidate, Outcome, RowId
from satchel.model.default import default_of
from satchel.model.ids import Dot
from satchel.model.schema import Table
from satchel.model.value import Value
from satchel.replication.constraints import keep_constraints
from satchel.replication.living import image_of
from satchel.replication.plan import Held, TablePlan, plan_tables
from satchel.replication.siblings import contexts_of_living

Face = Mapping[str, Value]
Outcomes = Mapping[RowId, Outcome]
Place = tuple[str, str]  # table, id of the row in SQL


class Keeping:
    """The tables of one component in one state. `states` by table; `places`: each table's among the views."""

    def __init__(
        self,
        resolver: Resolver,
        ledger: Ledger,
        counting: Counting,
        tables: Mapping[str, Table],
        states: Mapping[str, State],
        places: Mapping[str, int],
        subset: Subset,
    ) -> None:
        self.resolver, self.ledger, self.counting = resolver, ledger, counting
        self.tables, self.states, self.places, self.subset = tables, states, places, subset
        self.plans = plan_tables(tables)
        self.defaults: Callable[[str, str], Value] = default_of(tables)
        self.candidates: dict[Place, Candidate] = {}
        self.rows: dict[Place, Row] = {}
        self.named: dict[RowId, Place] = {}
        machine = resolver.machine
        self.faces = {n: Faces(machine, states[n], places[n], subset, self.plans[n]) for n in tables}

    def keep(self) -> None:
        """Writes into the states what constraints make of their rows."""
        try:
            inside = set(self._suspects())
            if inside:
                self._decide(inside)
        finally:
            for faces in self.faces.values():
                faces.drop()

    # -- which rows

    def _suspects(self) -> Iterator[Place]:
        """Rows that may meet a constraint, and all that no single version stands for."""
        astray = bool(self.counting.bans.cuts)
        for name, plan in self.plans.items():
            yield from ((name, id_) for id_ in self.states[name].rows)
            yield from ((name, id_) for id_ in self.faces[name].clashing())
            for ref in plan.references:
                theirs = [column.name for column in ref.parent_columns]
                ids = self.faces[name].bereft(ref.columns, self.faces[ref.parent], theirs, astray=astray)
                yield from ((name, id_) for id_ in ids)

    def _load(self, wanted: Iterable[Place]) -> None:
        """Makes candidates of rows."""
        missing: dict[str, set[str]] = defaultdict(set)
        for name, id_ in wanted:
            if (name, id_) not in self.candidates:
                missing[name].add(id_)
        for name, ids in missing.items():
            known = self.states[name].rows
            asked = pa.table([pa.array(sorted(ids - known.keys()), pa.string())], names=["id"])
            read = self.resolver.rows(self.states[name].named, self.places[name], self.subset, asked)
            for id_ in ids:
                row = known.get(id_) or read[id_]
                candidate = self._candidate(name, row)
                self.rows[name, id_], self.candidates[name, id_] = row, candidate
                self.named[candidate.id] = (name, id_)

    def _candidate(self, name: str, row: Row) -> Candidate:
        referring = {column.lower() for key in self.tables[name].foreign_keys for column in key.columns}
        cells = row.resolved.cells.items()
        misled = frozenset(c for c, cell in cells if c.lower() in referring and self._is_misled(cell.dot))
        return Candidate((name, row.key), row.resolved, contexts_of_living(row.siblings), False, misled)

    def _is_misled(self, write: Dot) -> bool:
        entry = self.ledger.by_dot.get(write)
        return entry is not None and self.counting.saw_beyond(entry.saw)

    # -- what becomes of them

    def _decide(self, inside: set[Place]) -> None:
        while True:
            self._load(inside)
            out = self._outcomes(inside)
            more = self._further(inside, out) - inside
            if not more:
                break
            inside |= more
        for place in inside:
            self._note(place, out[self.candidates[place].id])

    def _note(self, place: Place, outcome: Outcome) -> None:
        name, id_ = place
        candidate, state = self.candidates[place], self.states[name]
        plain = outcome.status == SHOWN and outcome.row == self._image(candidate) and not candidate.resolved.deleted
        if plain and not outcome.note and outcome.first:
            return
        if outcome.status == ABSENT and candidate.resolved.deleted:
            return
        state.outcomes[id_] = outcome
        state.rows.setdefault(id_, self.rows[place])

    def _outcomes(self, inside: set[Place]) -> Outcomes:
        """The outcome of the rows inside; others serve as parents, as they are."""
        wanted = {held for place in inside for held in self._needs(place, {})}
        while True:
            near = self._holders(wanted) - inside
            self._load(near)
            fixed = [replace(self.candidates[p], fixed=True) for p in near if not self.candidates[p].resolved.deleted]
            out = keep_constraints(self.tables, [*(self.candidates[p] for p in inside), *fixed], self.defaults)
            more = {held for place in inside for held in self._needs(place, out)}
            if more <= wanted:
                return out
            wanted |= more

    def _further(self, inside: set[Place], out: Outcomes) -> set[Place]:
        """Rows to be decided together with those inside: rivals, deleted parents, children of what changed."""
        claims = {held for place in inside for held in self._claims(place, out)}
        needs = {held for place in inside for held in self._needs(place, out)}
        above = {held for p in inside if self._is_changed(p, out) for held in self._offers(p, out)}
        found = {place for place in self._rivals(claims) if not self.candidates[place].resolved.deleted}
        found |= {place for place in self._holders(needs) if self.candidates[place].resolved.deleted}
        return found | {place for place in self._children(above) if not self.candidates[place].resolved.deleted}

    def _is_changed(self, place: Place, out: Outcomes) -> bool:
        """Whether children must look at this parent again: it is not in its table just as it was written."""
        candidate = self.candidates[place]
        outcome = out[candidate.id]
        plain = outcome.status == SHOWN and not outcome.note and outcome.first
        return not plain or outcome.row != self._image(candidate)

    # -- lookups

    def _rivals(self, claims: set[Held]) -> set[Place]:
        def held(place: Place) -> set[Held]:
            return self._claims(place, {})

        return self._look_up(claims, held, lambda faces: (*faces.claims, *faces.places))

    def _holders(self, wanted: set[Held]) -> set[Place]:
        return self._look_up(wanted, lambda place: self._offers(place, {}), lambda faces: faces.offers)

    def _children(self, above: set[Held]) -> set[Place]:
        found: set[Place] = set()
        for name, plan in self.plans.items():
            for ref in plan.references:
                theirs = tuple(column.name for column in ref.parent_columns)
                values = [held[2] for held in above if held[:2] == (ref.parent, theirs)]
                found |= {(name, id_) for id_ in self.faces[name].holding(ref.columns, values)}
        self._load(found)
        return {place for place in found if self._needs(place, {}) & above}

    def _look_up(
        self,
        wanted: set[Held],
        held_by: Callable[[Place], set[Held]],
        sets: Callable[[Faces], Iterable[tuple[str, ...]]],
    ) -> set[Place]:
        groups: dict[tuple[str, tuple[str, ...]], list[tuple[Value, ...]]] = defaultdict(list)
        for held in wanted:
            groups[held[0], held[1]].append(held[2])
        found: set[Place] = set()
        for (name, columns), values in groups.items():
            if columns in set(sets(self.faces[name])):
                found |= {(name, id_) for id_ in self.faces[name].holding(columns, values)}
        self._load(found)
        return {place for place in found if held_by(place) & wanted}

    # -- faces of a row: all that it was written as, is or would be

    def _image(self, candidate: Candidate) -> Face:
        return image_of(self.plans[candidate.id[0]], candidate)

    def _faces(self, place: Place, out: Outcomes) -> list[Face]:
        candidate = self.candidates[place]
        outcome = out.get(candidate.id)
        shown = [outcome.row] if outcome is not None and outcome.row is not None else []
        would = [outcome.would] if outcome is not None and outcome.would else []
        return [self._image(candidate), *shown, *would]

    def _claims(self, place: Place, out: Outcomes) -> set[Held]:
        plan = self.plans[place[0]]
        return {held for face in self._faces(place, out) for held in (*plan.claims(face), *plan.place(face))}

    def _offers(self, place: Place, out: Outcomes) -> set[Held]:
        return {held for face in self._faces(place, out) for held in self.plans[place[0]].offers(face)}

    def _needs(self, place: Place, out: Outcomes) -> set[Held]:
        """The parents of all faces, those of SET DEFAULT included."""
        plan: TablePlan = self.plans[place[0]]
        found: set[Held | None] = set()
        for face in self._faces(place, out):
            for ref in plan.references:
                found.add(ref.looks_for(face))
                if ref.defaults:
                    default = {name: self.defaults(place[0], name) for name in ref.columns}
                    found.add(ref.looks_for({**face, **default}))
        return {held for held in found if held}
