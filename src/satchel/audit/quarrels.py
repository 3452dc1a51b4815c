"""Conflicts as the packets tell them: which versions of a row did not know of each other, what is shown of them and by
which rule (PROTOCOL, Conflict policies and Constraints)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from satchel.audit import expressions
from satchel.audit.material import Material
from satchel.audit.state import Row, State
from satchel.audit.states import NOW, States
from satchel.audit.tables import Named
from satchel.audit.versions import Told
from satchel.audit.views import fill, source_name
from satchel.model.admission import SHOWN, TWIN, Outcome
from satchel.model.ids import NOWHERE_ORIGIN
from satchel.model.key import conflict_id
from satchel.model.value import Value, to_json
from satchel.model.version import Version
from satchel.replication.conflict import closing
from satchel.replication.policies import Policy
from satchel.replication.resolve import resolve
from satchel.replication.siblings import add, of_known_time

_VERSION = pa.struct(
    [
        ("origin", pa.string()),
        ("seq", pa.int64()),
        ("at", pa.timestamp("us")),
        ("by", pa.string()),
        ("op", pa.string()),
        ("row", pa.string()),
    ]
)
CONFLICTS = pa.schema(
    [
        ("id", pa.string()),
        ("table_name", pa.string()),
        ("key", pa.string()),
        ("kind", pa.string()),
        ("columns", pa.list_(pa.string())),
        ("policy", pa.string()),
        ("rule", pa.string()),
        ("shown", pa.string()),
        ("versions", pa.list_(_VERSION)),
        ("closed_by", pa.string()),
        ("how", pa.string()),
    ]
)


def conflicts_table(states: States, material: Material) -> pa.Table:
    """Every conflict that ever was, of every table; `closed_by` null: it is open."""
    found = [
        entry for place, named in enumerate(material.tables) for entry in _of_table(states, material, place, named)
    ]
    return pa.Table.from_pylist(found, CONFLICTS)


def _of_table(states: States, material: Material, place: int, named: Named) -> Iterator[dict[str, Any]]:
    table = named.table.name
    policy, word = material.rulebook.policy(table), material.rulebook.word(table)
    for row in _disputed(states, place, named).values():
        for told in _episodes(row, policy):
            yield _entry(named, row, word, policy, *told)
    state = states.state(place)
    for id_, outcome in sorted(state.outcomes.items()):
        if outcome.kind and outcome.status != TWIN:
            yield _kept_apart(named, state, id_, outcome)


def _disputed(states: States, place: int, named: Named) -> dict[str, Row]:
    """Rows of which some version had not seen the one before it in rank."""
    machine = states.machine
    source = source_name(named, place, now=True)
    with machine.lock:
        machine.run(fill("versions", {"key": expressions.key_id(named.table), "source": source, "subset": "true"}))
        ids = machine.table(fill("disputed", {}))
        machine.drop(("_satchel_version",))
        return states.resolver.rows(named, place, NOW, ids)


Episode = tuple[Sequence[Version], frozenset[str], Version | None]


def _episodes(row: Row, policy: Policy) -> Iterator[Episode]:
    """The row's versions one after the other, each after what it saw: siblings in conflict, the columns, and the
    version that closed the conflict (None: it is open)."""
    siblings: list[Version] = []
    columns: frozenset[str] = frozenset()
    for told in row.told:
        before, known = siblings, columns
        siblings = add(siblings, told.version)
        columns = resolve(siblings, policy).conflict if len(siblings) > 1 else frozenset()
        if known and not columns:
            yield before, known, told.version
    if columns:
        yield siblings, columns, None


def _entry(
    named: Named,
    row: Row,
    word: str,
    policy: Policy,
    siblings: Sequence[Version],
    columns: frozenset[str],
    closer: Version | None,
) -> dict[str, Any]:
    table = named.table
    resolved = resolve(siblings, policy)
    shown = {name: str(resolved.cells[name].dot) for name in sorted(columns) if name in resolved.cells}
    return {
        "id": conflict_id(table, row.key, "edit", [version.dot for version in siblings]),
        "table_name": table.name,
        "key": _json_key(row.key),
        "kind": "edit",
        "columns": sorted(columns),
        "policy": word,
        "rule": _rule(siblings, policy, word),
        "shown": "deleted" if resolved.deleted else json.dumps(shown, ensure_ascii=False),
        "versions": [_version(told) for told in row.told if told.version in siblings],
        "closed_by": None if closer is None else str(closer.dot),
        "how": None if closer is None else closing(columns, _written(closer), closer.deleted),
    }


def _kept_apart(named: Named, state: State, id_: str, outcome: Outcome) -> dict[str, Any]:
    row, table = state.rows[id_], named.table
    standing = {version.dot for version in row.siblings}
    return {
        "id": conflict_id(table, row.key, outcome.kind, sorted(standing)),
        "table_name": table.name,
        "key": _json_key(row.key),
        "kind": outcome.kind,
        "columns": [],
        "policy": None,
        "rule": outcome.reason,
        "shown": "with a note" if outcome.status == SHOWN else outcome.status,
        "versions": [_version(told) for told in row.told if told.version.dot in standing],
        "closed_by": None,
        "how": None,
    }


def _written(version: Version) -> frozenset[str]:
    return frozenset(name for name, cell in version.cells.items() if cell.dot == version.dot)


def _rule(siblings: Sequence[Version], policy: Policy, word: str) -> str:
    """Why it is shown as it is, in words for a person."""
    timed = of_known_time(siblings)
    if len(timed) == 1 and len(siblings) > 1:
        return "versions of unknown time take no part"
    if policy.by_column:
        alive = [version for version in timed if not version.deleted]
        if alive and len(alive) < len(timed):
            return "an update wins over a delete that had not seen it"
        return "column by column the newest value that nobody overwrote knowingly"
    if policy.name.startswith("priority:"):
        return f"the first of {policy.name.partition(':')[2]} that wrote a version, else the newest"
    if policy.name != word:
        return f"the newest version, where {word} is not run"
    return "the newest version"


def _version(told: Told) -> dict[str, Any]:
    version = told.version
    row = {name: to_json(cell.value) for name, cell in version.cells.items() if cell.dot.origin != NOWHERE_ORIGIN}
    return {
        "origin": version.dot.origin,
        "seq": version.dot.seq,
        "at": told.at,
        "by": version.by,
        "op": told.op,
        "row": json.dumps(row, ensure_ascii=False),
    }


def _json_key(key: Sequence[Value]) -> str:
    return json.dumps([to_json(value) for value in key], ensure_ascii=False)
