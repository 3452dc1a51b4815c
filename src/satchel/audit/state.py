"""What one table shows by some of its packets: by all, or by those that somebody had or knew at a time.

Of most rows one version has seen all others: SQL finds it. The rest is decided by the rules of the network, as on every
node (PROTOCOL, Apply 1 and 2), one by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from satchel.audit import expressions
from satchel.audit.ledger import Ledger
from satchel.audit.machine import Machine
from satchel.audit.tables import Named
from satchel.audit.versions import Told, is_whole_as_integer, key_of, sort_key, told_rows
from satchel.audit.views import fill, source_name
from satchel.model.admission import Outcome
from satchel.model.schema import Table
from satchel.model.value import EXACT_IN_JSON, Value, is_clean
from satchel.model.version import Resolved, Version
from satchel.packet.rows import CHANGE_TYPE, arrow_type
from satchel.packet.table import CHANGE_COLUMN
from satchel.replication.policies import Policy
from satchel.replication.resolve import resolve
from satchel.replication.siblings import maximal

PLAIN = pa.schema([("id", pa.string()), ("no", pa.int64()), ("gone", pa.bool_())])
EVERYTHING = "true"
_MOST_WHOS = 24  # origins, each with a column of its own
_PLAIN = 'SELECT id, "no"::BIGINT AS "no", gone FROM _satchel_top ANTI JOIN _satchel_several USING (id)'


# Values by column, what `_change` says, the id in SQL.
_Line = tuple[Mapping[str, Value], dict[str, object], str | None]


@dataclass(frozen=True, slots=True)
class Subset:
    """Which versions count. `now`: a foundation stands for what it covers; else only for what is not here. `where`: of
    `part` and `packet`, in SQL."""

    where: str = EVERYTHING
    now: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """A row that was looked at: every version that counts, oldest first, the siblings, and what is shown of them."""

    key: tuple[Value, ...]
    told: Sequence[Told]
    siblings: Sequence[Version]
    resolved: Resolved

    @property
    def newest(self) -> Told:
        """The sibling with the highest rank: who shows what, where it is shown as somebody wrote it."""
        standing = {version.dot for version in self.siblings}
        return max((told for told in self.told if told.version.dot in standing), key=sort_key)


@dataclass
class State:
    """One table. `plain`: rows that one version stands for, deletes too (`PLAIN`); `rows`: those that were looked at;
    `outcomes`: what constraints made of rows, of those that are not shown as the policy has them."""

    named: Named
    plain: pa.Table
    rows: dict[str, Row] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def special(self) -> pa.Table:
        """The rows that are shown otherwise than as one version, in the shape of the table's packets."""
        found = []
        for id_, row in sorted(self.rows.items()):
            outcome = self.outcomes.get(id_)
            values = _values(row.resolved) if outcome is None else outcome.row
            if values is not None:
                found.append((values, row.newest))
        return special_table(self.named, found)


def _values(resolved: Resolved) -> dict[str, Value] | None:
    return None if resolved.deleted else {name: cell.value for name, cell in resolved.cells.items()}


class Resolver:
    """Finds states. `policy`: that of a table by name."""

    def __init__(self, machine: Machine, ledger: Ledger, policy: Callable[[str], Policy]) -> None:
        self.machine = machine
        self.ledger = ledger
        self.policy = policy

    def state(self, named: Named, place: int, subset: Subset) -> State:
        """What the policy makes of every row of a table; constraints are not kept yet."""
        source = source_name(named, place, now=subset.now)
        words = {"key": expressions.key_id(named.table), "source": source, "subset": subset.where}
        with self.machine.lock:
            plain, several = self._in_one_pass(words) if len(self.ledger.whos) <= _MOST_WHOS else self._in_three(words)
            self.machine.drop(("_satchel_version", "_satchel_top", "_satchel_several"))
            state = State(named, plain.cast(PLAIN))
            if several.num_rows:
                state.rows = self.rows(named, place, subset, several)
        return state

    def _in_one_pass(self, words: Mapping[str, str]) -> tuple[pa.Table, pa.Table]:
        """Rows that one version stands for, and the ids of the others: of each origin the last that wrote a row is the
        one that is seen last. With a column for each origin."""
        whos = self.ledger.whos.values()
        furthest = ", ".join(f"max(packet.seq) FILTER (packet.who = {who}) AS who_{who}" for who in whos)
        seen = " AND ".join(
            f"coalesce(top.who_{who}, 0) <= greatest(upper.saw[{who}], CASE WHEN upper.who = {who} THEN upper.seq END)"
            for who in whos
        )
        self.machine.run(fill("tops", {**words, "furthest": furthest or "NULL", "seen": seen or "true"}))
        plain = self.machine.table('SELECT id, "no"::BIGINT AS "no", gone FROM _satchel_top WHERE NOT several')
        return plain, self.machine.table("SELECT id FROM _satchel_top WHERE several")

    def _in_three(self, words: Mapping[str, str]) -> tuple[pa.Table, pa.Table]:
        """The same for any number of origins."""
        for step in ("versions", "top", "several"):
            self.machine.run(fill(step, words if step == "versions" else {}))
        return self.machine.table(_PLAIN), self.machine.table("FROM _satchel_several")

    def rows(self, named: Named, place: int, subset: Subset, ids: pa.Table) -> dict[str, Row]:
        """Some rows with all their versions. `ids`: a table with a column id."""
        if not ids.num_rows:
            return {}
        with self.machine.lock:
            self.machine.put("_satchel_wanted", ids)
            words = {
                "key": expressions.key_id(named.table),
                "columns": expressions.own_columns(named.table, renamed=False),
                "source": source_name(named, place, now=subset.now),
                "ids": "_satchel_wanted",
                "subset": f"({subset.where}) AND {expressions.key_hint(named.table, ids['id'].to_pylist())}",
            }
            found = self.machine.table(fill("rows_of", words))
        by_id: dict[str, list[Told]] = defaultdict(list)
        for told in told_rows(found, named.table, self.ledger):
            by_id[told.id].append(told)
        policy = self.policy(named.table.name)
        return {id_: self.decide(named, told, policy) for id_, told in by_id.items()}

    def decide(self, named: Named, told: Sequence[Told], policy: Policy) -> Row:
        """What is shown of the versions of one row."""
        ordered = sorted(told, key=sort_key)
        siblings = maximal([entry.version for entry in ordered])
        row = Row((), ordered, siblings, resolve(siblings, policy))
        return Row(key_of(row.newest, named.table), ordered, siblings, row.resolved)


def special_table(named: Named, rows: Iterable[tuple[Mapping[str, Value], Told]]) -> pa.Table:
    """Rows with these values, in the shape of the table's packets; who wrote them is told by a version."""
    own = named.table.key[0] if named.table.scope == "local" else ""
    found: list[_Line] = []
    for values, told in rows:
        version = told.version
        when: dict[str, object] = {"at": told.at, "by": version.by, "stamp": version.stamp}
        own_dot = {"origin": version.dot.origin, "seq": version.dot.seq}
        change: dict[str, object] = {**own_dot, "op": told.op, "gid": told.gid, **when}
        found.append(({**values, own: told.number} if own else values, change, told.id))
    return _shaped(named.table, found)


def one_row(named: Named, values: Mapping[str, Value]) -> pa.Table:
    """A row with these values and nothing else, in the shape of the table's packets."""
    return _shaped(named.table, [(values, {}, None)])


def _shaped(table: Table, rows: Sequence[_Line]) -> pa.Table:
    """A Python loop over values: only rows that are looked at one by one come here."""
    columns: dict[str, list[Value]] = {name: [] for name in table.names}
    changes: list[dict[str, object]] = []
    for values, change, _ in rows:
        misfits = []
        for column in table.columns:
            value = values.get(column.name)
            if is_whole_as_integer(column) and isinstance(value, int) and abs(value) <= EXACT_IN_JSON:
                value = float(value)
            kind = _misfit(column.type, value)
            columns[column.name].append(None if kind else value)
            if kind:
                misfits.append({"column": column.name, "class": kind, "value": _bytes(value)})
        changes.append({**dict.fromkeys(CHANGE_TYPE.names), **change, "misfit": misfits or None})
    arrays = [pa.array(columns[column.name], arrow_type(column)) for column in table.columns]
    ids = pa.array([id_ for *_, id_ in rows], pa.string())
    return pa.table([*arrays, pa.array(changes, CHANGE_TYPE), ids], names=[*table.names, CHANGE_COLUMN, "_satchel_id"])


def special_schema(named: Named) -> pa.Schema:
    """The schema of `special_table`."""
    return special_table(named, ()).schema


_HOLDS = {"int64": int, "float64": float, "string": str, "binary": bytes}
_CLASSES: dict[type, str] = {int: "integer", float: "real", str: "text", bytes: "blob"}


def _misfit(kind: str, value: Value) -> str:
    """The class of a value that a column of this type cannot hold; empty: it can."""
    if value is None or (type(value) is _HOLDS[kind] and not (isinstance(value, str) and not is_clean(value))):
        return ""
    return _CLASSES[type(value)]


def _bytes(value: Value) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    return value if isinstance(value, bytes) else repr(value).encode()
