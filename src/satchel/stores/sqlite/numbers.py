"""Numbers that each database hands out, and the identities behind them (PROTOCOL, Whose key is it?).

Every row of a table with local numbers has a gid, `origin:number:nonce`. `_satchel_number_N` maps numbers of this
database to gids, and is sparse: a row without an entry was born with its own number in the table's first baseline,
`bearing:number:nonce` (both in `_satchel_table`). An entry stays when its row is gone, until its number is used again:
an old reference still says whose it was.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from satchel.model.value import Value
from satchel.stores.sqlite.connection import text_literal
from satchel.stores.sqlite.layout import Layout

_TAIL = 9  # a colon and eight hex digits


def gid_of(root: Layout, number: str) -> str:
    """SQL: the gid of a number in a table with local numbers, whether its row is there or not; NULL: nobody's."""
    entry = f"(SELECT m.gid FROM {root.numbers} m WHERE m.n = {number})"
    if root.bearing is None:
        return entry
    origin, nonce = (text_literal(part) for part in root.bearing)
    born = f"{origin} || ':' || CAST({number} AS INTEGER) || ':' || {nonce}"
    there = f"EXISTS (SELECT 1 FROM main.{root.user} p WHERE p.{root.key_names[0]} = {number})"
    known = f"EXISTS (SELECT 1 FROM {root.rows} v WHERE v.k0 = {born})"
    return f"coalesce({entry}, CASE WHEN {there} OR {known} THEN {born} END)"


def number_of(root: Layout, gid: str) -> str:
    """SQL: the number that a gid has, or had last, in this database; NULL: none."""
    entry = f"(SELECT m.n FROM {root.numbers} m WHERE m.gid = {gid})"
    if root.bearing is None:
        return entry
    origin, nonce = root.bearing
    head, tail = text_literal(f"{origin}:"), text_literal(f":{nonce}")
    length = len(origin) + 1
    ours = f"substr({gid}, 1, {length}) = {head} AND substr({gid}, -{_TAIL}) = {tail}"
    born = f"CAST(substr({gid}, {length + 1}, length({gid}) - {length + _TAIL}) AS INTEGER)"
    free = f"NOT EXISTS (SELECT 1 FROM {root.numbers} m WHERE m.n = {born})"
    return f"coalesce({entry}, CASE WHEN {ours} AND {free} THEN {born} END)"


def is_gid(value: str) -> str:
    """SQL: whether a value on the wire is a gid."""
    return f"(typeof({value}) = 'text' AND {value} GLOB '*:*:????????')"


class Numbers:
    """Translates single rows between the application's numbers and the network's gids."""

    def __init__(self, db: sqlite3.Connection, layouts: Mapping[str, Layout]) -> None:
        self.db = db
        self.layouts = layouts

    def gid(self, root: str, number: Value) -> str | None:
        """The gid of a number; None: nobody's."""
        (found,) = self.db.execute(f"SELECT {gid_of(self.layouts[root], '?1')}", (number,)).fetchone()
        return None if found is None else str(found)

    def number(self, root: str, gid: Value) -> int | None:
        """The number of a gid in this database; None: it has none."""
        (found,) = self.db.execute(f"SELECT {number_of(self.layouts[root], '?1')}", (gid,)).fetchone()
        return None if found is None else int(found)

    def to_wire(self, layout: Layout, row: Sequence[Value]) -> tuple[Value, ...]:
        """A whole row of the application's table as the network has it."""
        return self._translate(layout.roots, row, self._gid_or_same)

    def to_local(self, layout: Layout, row: Sequence[Value]) -> tuple[Value, ...]:
        """A whole row of the network with this database's numbers. A gid without a number is NULL."""
        return self._translate(layout.roots, row, self._number_or_none)

    def key_to_wire(self, layout: Layout, key: Sequence[Value]) -> tuple[Value, ...]:
        """A key of the application's table as the network has it."""
        return self._translate(layout.key_roots, key, self._gid_or_same)

    def key_to_local(self, layout: Layout, key: Sequence[Value]) -> tuple[Value, ...]:
        """A key of the network with this database's numbers."""
        return self._translate(layout.key_roots, key, self._number_or_none)

    def value_to_local(self, layout: Layout, place: int, value: Value) -> Value:
        """One value of a row."""
        root = layout.roots.get(place)
        return value if root is None else self._number_or_none(root, value)

    def _translate(self, roots: Mapping[int, str], row: Sequence[Value], change: object) -> tuple[Value, ...]:
        if not roots:
            return tuple(row)
        changed = list(row)
        for place, root in roots.items():
            if changed[place] is not None:
                changed[place] = change(root, changed[place])  # type: ignore[operator]
        return tuple(changed)

    def _gid_or_same(self, root: str, value: Value) -> Value:
        gid = self.gid(root, value) if isinstance(value, int | str) else None
        return value if gid is None else gid

    def _number_or_none(self, root: str, value: Value) -> Value:
        if not isinstance(value, str) or value.count(":") != 2:
            return value
        return self.number(root, value)
