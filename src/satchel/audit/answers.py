"""The questions that take arguments: row_history, as_of, known_at, blame, diff. Each gives a relation that stands in
their place (calls.py)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from satchel.audit import expressions
from satchel.audit.calls import replace_calls
from satchel.audit.history import SHOWN as ROW_SHOWN
from satchel.audit.history import contributes
from satchel.audit.keys import is_number, key_values
from satchel.audit.knowing import knowledge_of
from satchel.audit.material import Material
from satchel.audit.moments import microseconds_of
from satchel.audit.naming_rows import Finder
from satchel.audit.state import Row, Subset
from satchel.audit.states import States
from satchel.audit.tables import Named
from satchel.audit.versions import Told
from satchel.audit.views import fill, parts_name, plain_name, shown, special_name
from satchel.errors import UsageError
from satchel.model.ids import node_of
from satchel.model.stamp import milliseconds_of, rfc3339
from satchel.model.value import to_json

Evaluate = Callable[[str], tuple[Any, ...]]  # the text of arguments -> their values
Register = Callable[[str, Any], object]
Create = Callable[[str], object]

USAGE = {
    "row_history": "row_history(table, key)",
    "as_of": "as_of(table, time)",
    "known_at": "known_at(table, node, time)",
    "blame": "blame(table, key)",
    "diff": "diff(table, from, to)",
}
BLAME = pa.schema(
    [
        ("column", pa.string()),
        ("value", pa.string()),
        ("origin", pa.string()),
        ("seq", pa.int64()),
        ("at", pa.timestamp("us")),
        ("by", pa.string()),
    ]
)
OUTCOMES = pa.schema([("origin", pa.string()), ("seq", pa.int64()), ("outcome", pa.string())])


class Answers:
    """Answers by name and arguments, each made once. `register` gives the asked connection an Arrow table, `create`
    runs a statement there; `warnings`: what is to be said of the last question."""

    def __init__(
        self, states: States, material: Material, evaluate: Evaluate, register: Register, create: Create
    ) -> None:
        self.states, self.material = states, material
        self.evaluate, self.register, self.create = evaluate, register, create
        self.finder = Finder(states)
        self.warnings: list[str] = []
        self._made: dict[tuple[str, str], tuple[str, list[str]]] = {}

    def rewrite(self, sql: str) -> str:
        """The SQL with the answers in place of the calls. UsageError: one cannot be answered."""
        self.warnings = []
        return replace_calls(sql, USAGE, self._answer)

    def _answer(self, function: str, arguments: str) -> str:
        if not arguments.strip():
            raise _wrong_number(function, 0)
        values = self.evaluate(arguments)
        if len(values) != USAGE[function].count(",") + 1:
            raise _wrong_number(function, len(values))
        known = (function, repr(values))
        if known not in self._made:
            before, self.warnings = self.warnings, []
            name = f"_satchel_answer_{len(self._made)}"
            getattr(self, f"_{function}")(name, *values)
            self._made[known] = name, self.warnings
            self.warnings = before
        name, said = self._made[known]
        self.warnings += [words for words in said if words not in self.warnings]
        return name

    # -- states

    def _as_of(self, name: str, table: object, time: object) -> None:
        place, named = self.finder.table(table)
        self._view(name, place, named, self._until(time))

    def _known_at(self, name: str, table: object, node: object, time: object) -> None:
        place, named = self.finder.table(table)
        self._view(name, place, named, self._known(node, microseconds_of(time)))

    def _view(self, name: str, place: int, named: Named, subset: Subset) -> None:
        plain, special = self.states.lazy(place, subset)
        self.register(plain_name(name), plain)
        self.register(special_name(name), special)
        query = shown(named, place, name, now=subset.now)
        self.create(f"CREATE TEMP VIEW {name} AS\n{query}")

    def _until(self, time: object) -> Subset:
        until = microseconds_of(time)
        base = self.material.base
        now = base is None or base.created * 1000 <= until
        if base is not None and not now:
            self.warnings.append(
                f"packets from before {rfc3339(base.created)} were pruned: of what was then only what still stood when"
                f" {base.name} was taken is shown"
            )
        at = 'epoch_us(part._change."at")'
        return Subset(f"coalesce({at}, packet.created) <= {until}", now)

    def _known(self, node: object, until: int) -> Subset:
        ledger = self.material.ledger
        nodes = sorted({node_of(entry.dot.origin) for entry in ledger.entries} | self.material.held.acks.keys())
        if node not in nodes:
            raise UsageError(f"no node {node} is known here", f"The nodes are: {', '.join(nodes)}.")
        ack = self.material.held.acks.get(str(node))
        known = knowledge_of(ledger, str(node), ack, until, self.finder.earliest(str(node), until))
        self.warnings.append(known.said)
        base = self.material.base
        now = base is None or all(o in known.vector and known.vector[o].seq >= m.seq for o, m in base.vector.items())
        has = f"{ledger.numbers(known.vector)}::BIGINT[]"
        own = ", ".join(str(ledger.whos[origin]) for origin in known.own) or "0"
        edits = f'packet.who IN ({own}) AND epoch_us(part._change."at") <= {until}'
        return Subset(f"(packet.seq <= ({has})[packet.who] OR ({edits}))", now)

    def _diff(self, name: str, table: object, first: object, second: object) -> None:
        place, named = self.finder.table(table)
        words = expressions.compared(named.table)
        machine = self.states.machine
        with machine.lock:
            for side, time in (("before", first), ("after", second)):
                subset = self._until(time)
                state = self.states.state(place, subset)
                machine.put(plain_name(side), state.plain)
                machine.put(special_name(side), state.special())
                words[side] = shown(named, place, side, now=subset.now, identified=True)
                words |= {f"plain_{side}": plain_name(side), f"special_{side}": special_name(side)}
            self.register(name, machine.table(fill("diff", words)))

    # -- single rows

    def _row_history(self, name: str, table: object, key: object) -> None:
        place, named = self.finder.table(table)
        row = self._row(place, named, key)
        outcomes = pa.Table.from_pylist(
            [
                {"origin": told.version.dot.origin, "seq": told.version.dot.seq, "outcome": outcome}
                for told, outcome in zip(row.told, self._outcomes(place, row), strict=True)
            ],
            OUTCOMES,
        )
        self.register(f"{name}_outcomes", outcomes)
        words = {
            "columns": expressions.own_columns(named.table, renamed=True),
            "parts": parts_name(place),
            "outcomes": f"{name}_outcomes",
            "key": expressions.key_id(named.table),
            "id": expressions.text(row.told[0].id),
            "hint": expressions.key_hint(named.table, [row.told[0].id]),
        }
        self.create(f"CREATE TEMP VIEW {name} AS\n{fill('row_history', words)}")

    def _blame(self, name: str, table: object, key: object) -> None:
        place, named = self.finder.table(table)
        row = self._row(place, named, key)
        by_dot = {told.version.dot: told for told in row.told}
        found: list[dict[str, object]] = []
        for column in named.table.names:
            cell = row.resolved.cells.get(column)
            own = named.table.scope == "local" and column in named.table.key
            if cell is None:
                found.append({"column": column, "value": "null"})
                continue
            told = by_dot.get(cell.dot)
            value = row.newest.number if own else cell.value
            found.append({
                "column": column,
                "value": json.dumps(to_json(value), ensure_ascii=False),
                "origin": cell.dot.origin,
                "seq": cell.dot.seq,
                "at": _moment(told, cell.stamp),
                "by": None if told is None else told.version.by,
            })  # fmt: skip
        self.register(name, pa.Table.from_pylist(found, BLAME))

    def _row(self, place: int, named: Named, key: object) -> Row:
        values = key_values(named.table, key)
        if is_number(named.table, values):
            values = (self.finder.gid_of(place, named, values[0]),)
        return self.finder.row(place, named, values)

    def _outcomes(self, place: int, row: Row) -> Sequence[str]:
        """What became of each version: superseded where another has seen it, else shown, lost or parked."""
        outcome = self.states.outcome(place, row.told[0].id)
        if outcome is not None:
            shown_row: Mapping[str, Any] | None = outcome.row
        else:
            cells = row.resolved.cells.items()
            shown_row = None if row.resolved.deleted else {name: cell.value for name, cell in cells}
        standing = {version.dot for version in row.siblings}
        found = []
        for told in row.told:
            if told.version.dot not in standing:
                found.append("superseded")
            elif outcome is not None and outcome.row is None:
                found.append(outcome.status)
            elif len(standing) == 1 or contributes(told.version, shown_row):
                found.append(ROW_SHOWN)
            else:
                found.append("lost")
        return found


def _moment(told: Told | None, stamp: int) -> int | None:
    if told is not None:
        return told.at
    return milliseconds_of(stamp) * 1000 if stamp else None


def _wrong_number(function: str, count: int) -> UsageError:
    return UsageError(f"{function} has {count} arguments here", f"Write {USAGE[function]}.")
