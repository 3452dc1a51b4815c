"""Tables and rows by the words of a question."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from satchel.audit import expressions
from satchel.audit.state import Row, Subset, one_row
from satchel.audit.states import States
from satchel.audit.tables import Named
from satchel.audit.views import parts_name
from satchel.errors import UsageError
from satchel.model.affinity import stored
from satchel.model.ids import node_of
from satchel.model.schema import Column
from satchel.model.value import Value, is_clean

EVERY = Subset(now=False)
SHOWN = 5  # of rows with one number, by name


class Finder:
    """Looks up what somebody named."""

    def __init__(self, states: States) -> None:
        self.states = states

    def table(self, given: object) -> tuple[int, Named]:
        """A table by its name or its view's, in any case. UsageError: there is none."""
        tables = self.states.material.tables
        for place, named in enumerate(tables):
            if str(given).lower() in (named.table.name.lower(), named.view.lower()):
                return place, named
        names = ", ".join(named.table.name for named in tables) or "none"
        raise UsageError(f"there is no table {given} in these packets", f"The tables are: {names}.")

    def row(self, place: int, named: Named, key: Sequence[Value]) -> Row:
        """A row with all its versions. UsageError: there is none of this key."""
        ids = pa.table([pa.array([self._id(named, key)], pa.string())], names=["id"])
        found = self.states.resolver.rows(named, place, EVERY, ids)
        if not found:
            shown = ", ".join("NULL" if value is None else str(value) for value in key)
            raise UsageError(
                f"no version of {named.table.name} {shown} is in these packets",
                f"`SELECT key, gid FROM changes WHERE table_name = '{named.table.name}'` lists what there is.",
            )
        [row] = found.values()
        return row

    def gid_of(self, place: int, named: Named, number: Value) -> str:
        """The row that was born under a number. UsageError: there is none, or more than one."""
        [column] = named.table.key
        if not isinstance(number, (int, str)):
            raise UsageError(f"{number!r} is no number of a row of {named.table.name}", "Give a number or a gid.")
        born = f"split_part(part._change.gid, ':', 2) = {expressions.text(str(number))}"
        asked = f"SELECT DISTINCT part._change.gid FROM {parts_name(place)} AS part WHERE {born} ORDER BY ALL"
        gids = [gid for (gid,) in self.states.machine.rows(asked)] if is_clean(str(number)) else []
        name = named.table.name
        if not gids:
            raise UsageError(
                f"no row of {name} was born under the number {number}",
                f"Each site has numbers of its own for rows of others: `SELECT {column}, _gid FROM {name}_changes`"
                " lists them with their global identities; name one of these.",
            )
        if len(gids) > 1:
            more = " ..." if len(gids) > SHOWN else ""
            raise UsageError(
                f"{len(gids)} rows of {name} were born under the number {number}",
                f"Each site counts for itself; name one: {', '.join(gids[:SHOWN])}{more}.",
            )
        return str(gids[0])

    def earliest(self, node: str, until: int) -> dict[str, int]:
        """Of packets that a node sealed after a moment when their first edit was made, by packet's name, in
        microseconds since 1970 UTC; of the next seal of each of its origins, for what was sealed later was made later.
        """
        material = self.states.material
        found: dict[str, int] = {}
        groups: dict[tuple[str, tuple[int, int]], int] = {}
        for entry in material.ledger.entries:
            if node_of(entry.dot.origin) == node and entry.created * 1000 > until:
                groups.setdefault((entry.dot.origin, entry.group), entry.created)
        for (origin, group), created in groups.items():
            if created > min(c for (o, _), c in groups.items() if o == origin):
                continue
            where = f"part._change.origin = {expressions.text(origin)}"
            where += f" AND part._change.seq BETWEEN {group[0]} AND {group[1]}"
            for place in range(len(material.tables)):
                first = f'SELECT part._change.seq, min(epoch_us(part._change."at")) FROM {parts_name(place)} AS part'
                for seq, at in self.states.machine.rows(f"{first} WHERE {where} GROUP BY ALL"):
                    if at is not None:
                        dot = f"{origin}/{seq}"
                        found[dot] = min(at, found.get(dot, at))
        return found

    def _id(self, named: Named, key: Sequence[Value]) -> str:
        """The row's id, made where all ids are made (expressions.key_id)."""
        table = named.table
        if table.scope == "local":
            return str(key[0])
        values = {name: _fitting(table.column(name), value) for name, value in zip(table.key, key, strict=True)}
        machine = self.states.machine
        with machine.lock:
            machine.put("_satchel_key", one_row(named, values))
            [(id_,)] = machine.rows(f"SELECT {expressions.key_id(table)} FROM _satchel_key AS part")
        return str(id_)


def _fitting(column: Column, value: Value) -> Value:
    """The value as its column would hold it: '5' is 5 where numbers are, and 5 is '5' where texts are."""
    return stored(column.affinity, value)
