"""States by question, each made once: a table's together with all tables that hang together with it by references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import pyarrow as pa

from satchel.audit.keeping import Keeping
from satchel.audit.machine import Lazy, Machine
from satchel.audit.material import Material
from satchel.audit.state import PLAIN, Resolver, State, Subset, special_schema
from satchel.audit.tables import Named
from satchel.model.admission import Outcome
from satchel.model.schema import Table
from satchel.replication.plan import plan_tables

NOW = Subset()


class States:
    """What tables show, by place among the views."""

    def __init__(self, machine: Machine, material: Material) -> None:
        self.machine, self.material = machine, material
        self.resolver = Resolver(machine, material.ledger, material.rulebook.policy)
        self._made: dict[tuple[int, Subset], State] = {}

    def state(self, place: int, subset: Subset = NOW) -> State:
        """What a table shows by a subset of the versions."""
        with self.machine.lock:
            if (place, subset) not in self._made:
                for other, state in self._make(place, subset).items():
                    self._made[other, subset] = state
            return self._made[place, subset]

    def outcome(self, place: int, id_: str) -> Outcome | None:
        """What constraints make of a row, where it is not shown as the policy has it. A table that no constraint speaks
        of is not looked at for it."""
        tables = self.material.tables
        rules = [self._rules[tables[other].table.name] for other in self._components[place]]
        if not any(rule.unique or rule.foreign_keys for rule in rules):
            return None
        return self.state(place).outcomes.get(id_)

    def lazy(self, place: int, subset: Subset = NOW) -> tuple[Lazy, Lazy]:
        """`State.plain` and `State.special`, made when they are read."""
        named = self.material.tables[place]
        plain = self.machine.lazy(PLAIN, lambda: self.state(place, subset).plain)
        return plain, self.machine.lazy(special_schema(named), lambda: self.state(place, subset).special())

    def _make(self, place: int, subset: Subset) -> dict[int, State]:
        together = self._components[place]
        tables = self.material.tables
        states = {other: self.resolver.state(tables[other], other, subset) for other in together}
        kept = {tables[other].table.name: self._rules[tables[other].table.name] for other in together}
        if any(table.unique or table.foreign_keys for table in kept.values()):
            by_name = {tables[other].table.name: states[other] for other in together}
            places = {tables[other].table.name: other for other in together}
            Keeping(self.resolver, self.material.ledger, self.material.counting, kept, by_name, places, subset).keep()
        for state in states.values():
            _part(state)
        return states

    @cached_property
    def _rules(self) -> Mapping[str, Table]:
        """The tables with the network's constraints."""
        configuration = self.material.rulebook.configuration
        shared = {table.name: table for table in (configuration.shared_tables() if configuration else ())}
        return {named.table.name: shared.get(named.table.name, named.table) for named in self.material.tables}

    @cached_property
    def _components(self) -> Mapping[int, Sequence[int]]:
        """For each table those that constraints connect with it."""
        tables: Sequence[Named] = self.material.tables
        places = {named.table.name: place for place, named in enumerate(tables)}
        groups = {place: {place} for place in places.values()}
        for name, plan in plan_tables(self._rules).items():
            for ref in plan.references:
                one, two = groups[places[name]], groups[places[ref.parent]]
                if one is not two:
                    one |= two
                    groups.update(dict.fromkeys(two, one))
        return {place: sorted(group) for place, group in groups.items()}


def _part(state: State) -> None:
    """Rows that were looked at are not plain."""
    import pyarrow.compute as pc

    if state.rows:
        looked_at = pa.array(list(state.rows), pa.string())
        state.plain = state.plain.filter(pc.invert(pc.is_in(state.plain["id"], looked_at)))
