"""What rows hold and refer to, as texts that SQL can look up: a superset of what is equal, which Python then compares
as the databases do (replication/plan.py)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa

from satchel.audit import expressions
from satchel.audit.machine import Machine
from satchel.audit.state import State, Subset
from satchel.audit.views import fill, source_name
from satchel.model.schema import Column, Table
from satchel.model.value import Value
from satchel.replication.plan import Held, TablePlan

_BETWEEN = "chr(31)"


class Faces:
    """The faces of one table in one state. `sets`: the sets of columns that somebody claims, wants or refers with."""

    def __init__(self, machine: Machine, state: State, place: int, subset: Subset, plan: TablePlan) -> None:
        self.machine, self.plan = machine, plan
        self.name = f"_satchel_faces_{place}"
        self.claims = [tuple(key.columns) for key in plan.table.unique_keys]
        self.refers = [tuple(ref.columns) for ref in plan.references]
        self.places = [tuple(plan.table.key)] if plan.movable else []
        self.offers = sorted(plan.wanted)
        sets = dict.fromkeys([*self.claims, *self.places, *self.refers, *self.offers])
        self._column = {columns: f"face_{number}" for number, columns in enumerate(sets)}
        machine.put("_satchel_plain_of_faces", state.plain)
        known = state.named.table
        words = {
            "name": self.name,
            "faces": "".join(f", {_face(known, plan.table, cs)} AS {alias}" for cs, alias in self._column.items()),
            "source": source_name(state.named, place, now=subset.now),
            "plain": "_satchel_plain_of_faces",
            "key": expressions.key_id(known),
        }
        machine.run(fill("faces", words))
        self._gone = {told for told, row in state.rows.items() if row.resolved.deleted}

    def column(self, columns: Sequence[str]) -> str:
        """Where the texts of a set of columns stand."""
        return self._column[tuple(columns)]

    def clashing(self) -> set[str]:
        """Plain rows that hold a unique value which another plain row holds."""
        found: set[str] = set()
        for columns in (*self.claims, *self.places):
            face = self.column(columns)
            living = f"FROM {self.name} WHERE NOT gone AND {face} IS NOT NULL"
            twice = f"SELECT {face} {living} GROUP BY {face} HAVING count(*) > 1"
            found |= self._ids(f"SELECT id {living} AND {face} IN ({twice})")
        return found

    def bereft(self, columns: Sequence[str], parent: Faces, parent_columns: Sequence[str], *, astray: bool) -> set[str]:
        """Plain rows that refer to what a deleted row held; `astray`: or to what no plain row holds."""
        mine, theirs = self.column(columns), parent.column(parent_columns)
        living = f"SELECT id FROM {self.name} WHERE NOT gone AND {mine} IS NOT NULL"
        found = self._ids(f"{living} AND {mine} IN (SELECT {theirs} FROM {parent.name} WHERE gone)")
        if astray:
            held = f"SELECT {theirs} FROM {parent.name} WHERE NOT gone AND {theirs} IS NOT NULL"
            found |= self._ids(f"{living} AND {mine} NOT IN ({held})")
        return found

    def holding(self, columns: Sequence[str], values: Iterable[tuple[Value, ...]]) -> set[str]:
        """Plain rows, deleted ones too, that may hold one of these values."""
        values = list(values)
        if not values:
            return set()
        parts = [[_text(row[place]) for row in values] for place in range(len(columns))]
        names = [f"v{place}" for place in range(len(columns))]
        asked = pa.table([pa.array(texts, pa.string()) for texts in parts], names=names)
        self.machine.put("_satchel_asked", asked)
        face = f" || {_BETWEEN} || ".join(map(_asked, names))
        wanted = f"SELECT {face} FROM _satchel_asked"
        return self._ids(f"SELECT id FROM {self.name} WHERE {self.column(columns)} IN ({wanted})")

    def drop(self) -> None:
        """Lets go of them."""
        self.machine.drop((self.name,))

    def _ids(self, sql: str) -> set[str]:
        return {id_ for (id_,) in self.machine.rows(sql)}


def columns_of(held: Held) -> tuple[str, ...]:
    """The columns whose values somebody holds or looks for."""
    return held[1]


def _face(known: Table, table: Table, columns: Sequence[str]) -> str:
    return f" || {_BETWEEN} || ".join(_loose(known, table, known.column(name)) for name in columns)


def _loose(known: Table, table: Table, column: Column) -> str:
    if table.scope == "local" and column.name in table.key:
        return "_satchel_loose(part._change.gid)"
    value = f"part.{expressions.name(column.name)}"
    usual = f"'x' || hex({value})" if column.type == "binary" else f"_satchel_loose({value}::VARCHAR)"
    misfit = f"_satchel_loose_misfit({expressions.misfit(column)})"
    return f"CASE WHEN {value} IS NOT NULL THEN {usual} WHEN part._change.misfit IS NOT NULL THEN {misfit} END"


def _text(value: Value) -> str:
    """A value as `holding` gives it to SQL: what begins with x is taken as it is."""
    if isinstance(value, bytes):
        return f"xx{value.hex().upper()}"
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return f"xx{value.encode('utf-8', 'surrogateescape').hex().upper()}"
    return f"t{value!r}" if isinstance(value, float) else f"t{value}"


def _asked(column: str) -> str:
    rest = f"substr({column}, 2)"
    return f"CASE WHEN left({column}, 1) = 'x' THEN {rest} ELSE _satchel_loose({rest}) END"
