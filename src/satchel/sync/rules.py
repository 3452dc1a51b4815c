"""The network's rules for one store: policies from the signed configuration, everything else from replication/."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from satchel.model.admission import Candidate, Outcome, RowId
from satchel.model.default import default_of
from satchel.replication import coalesce, conflict, constraints, policies, resolve
from satchel.replication.siblings import contexts_of_living
from satchel.stores.records import Contested, Settled, Standing

if TYPE_CHECKING:
    from satchel.model.change import Entry, Net
    from satchel.model.ids import Dot
    from satchel.model.schema import Table
    from satchel.model.value import Value
    from satchel.packet.configuration import Configuration


class NetworkRules:
    """Implements stores.base.Rules."""

    def __init__(self, configuration: Configuration, is_misled: Callable[[Dot], bool] = lambda write: False) -> None:
        self._configuration = configuration
        self._is_misled = is_misled  # whether the author of a write had seen packets that count no more
        self._policies: dict[str, policies.Policy] = {}

    def policy(self, table: str) -> policies.Policy:
        """The policy of a table. SatchelError if it is a function of the user's that cannot be loaded."""
        if table not in self._policies:
            self._policies[table] = policies.parse_policy(self._configuration.policy_of(table))
        return self._policies[table]

    def settle(self, contested: Contested) -> Settled:
        """Decides a contested row."""
        policy = self.policy(contested.table)
        siblings, resolved = resolve.settle(contested.standing, contested.incoming, policy)
        closes = "resolved"
        incoming = contested.incoming
        if incoming is not None and len(siblings) == 1 and len(contested.standing) > 1:
            before = resolve.resolve(contested.standing, policy).conflict
            written = frozenset(name for name, cell in incoming.cells.items() if cell.dot == incoming.dot)
            closes = conflict.closing(before, written, deleted=incoming.deleted)
        return Settled(siblings, resolved, closes)

    def admit(self, tables: Mapping[str, Table], rows: Iterable[Standing]) -> Mapping[RowId, Outcome]:
        """What the constraints make of rows that hang together."""
        candidates = (self._candidate(tables[row.table], row) for row in rows)
        return constraints.keep_constraints(tables, candidates, default_of(tables))

    def _candidate(self, table: Table, row: Standing) -> Candidate:
        referring = {column.lower() for key in table.foreign_keys for column in key.columns}
        cells = row.resolved.cells.items()
        misled = frozenset(n for n, cell in cells if n.lower() in referring and self._is_misled(cell.dot))
        saw = contexts_of_living(row.siblings)
        return Candidate((row.table, row.key), row.resolved, saw, row.fixed, misled)

    def coalesce(
        self, entries: Sequence[Entry], current: Mapping[str, Value] | None, known: bool, floor: int
    ) -> Net | None:
        """What several log rows of one row come to."""
        return coalesce.coalesce(entries, current, known, floor)
