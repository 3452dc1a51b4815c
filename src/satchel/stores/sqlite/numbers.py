"""Numbers that each database hands out, and the identities behind them (PROTOCOL, Whose key is it?).

Every row of a table with local numbers has a gid, `origin:number:nonce`. `_satchel_number_N` maps numbers of this
database to gids, and is sparse: a row without an entry was born with its own number in the table's first baseline,
`bearing:number:nonce` (both in `_satchel_table`). An entry stays when its row is gone, until its number is used again:
an old reference still says whose it was.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from satchel.stores.counts import Renumbered
from satchel.stores.sqlite.connection import text_literal

if TYPE_CHECKING:
    from satchel.model.value import Value
    from satchel.stores.sqlite.layout import Layout

_TAIL = 9  # a colon and eight hex digits
_HIGHEST = 2**63 - 1  # of SQLite's integers


def ddl(layout: Layout) -> list[str]:
    """What makes the map of a table that hands out numbers."""
    if not layout.is_local:
        return []
    return [
        f"CREATE TABLE {layout.numbers} (n INTEGER PRIMARY KEY, gid TEXT)",
        f"CREATE UNIQUE INDEX {layout.numbers}_gid ON {layout.numbers} (gid)",
    ]


def give(db: sqlite3.Connection, root: Layout, number: int, gid: str) -> None:
    """A row has this number from now on."""
    db.execute(f"DELETE FROM {root.numbers} WHERE gid = ?", (gid,))
    db.execute(f"INSERT OR REPLACE INTO {root.numbers} VALUES (?, ?)", (number, gid))


def birth_number(gid: str) -> str:
    """SQL: the number of its birth as a text; an origin holds no colon."""
    rest = f"substr({gid}, instr({gid}, ':') + 1)"
    return f"substr({rest}, 1, length({rest}) - {_TAIL})"


def gid_of_birth(root: Layout, number: str) -> str:
    """SQL: the gid of a row that stands under the number of its birth without an entry; NULL: there are none such."""
    if root.bearing is None:
        return "NULL"
    origin, nonce = (text_literal(part) for part in root.bearing)
    return f"({origin} || ':' || CAST({number} AS INTEGER) || ':' || {nonce})"


def gid_of(root: Layout, number: str) -> str:
    """SQL: the gid of a number in a table with local numbers, whether its row is there or not; NULL: nobody's."""
    entry = f"(SELECT m.gid FROM {root.numbers} m WHERE m.n = {number})"
    if root.bearing is None:
        return entry
    born = gid_of_birth(root, number)
    there = f"EXISTS (SELECT 1 FROM main.{root.user} p WHERE p.{root.key_names[0]} = {number})"
    known = f"EXISTS (SELECT 1 FROM {root.rows} v WHERE v.k0 = {born})"
    return f"coalesce({entry}, CASE WHEN {there} OR {known} THEN {born} END)"


def gid_that_was(root: Layout, number: str) -> str:
    """SQL: the gid of a number that surely was a row's."""
    return f"coalesce((SELECT m.gid FROM {root.numbers} m WHERE m.n = {number}), {gid_of_birth(root, number)})"


def number_of(root: Layout, gid: str) -> str:
    """SQL: the number that a gid has, or had last, in this database; NULL: none."""
    # the plus takes the affinity of a numeric column off: with it, the index of the map would not be used
    entry = f"(SELECT m.n FROM {root.numbers} m WHERE m.gid = +{gid})"
    born = if_borne(root, gid, f"SELECT {{0}} WHERE NOT EXISTS (SELECT 1 FROM {root.numbers} m WHERE m.n = {{0}})")
    return f"coalesce({entry}, {born})"


def if_borne(root: Layout, gid: str, query: str) -> str:
    """SQL: a query about the number of its birth, if the gid is one of those that need no entry; else NULL."""
    if root.bearing is None:
        return "NULL"
    origin, nonce = root.bearing
    length = len(origin) + 1
    ours = f"substr({gid}, 1, {length}) = {text_literal(f'{origin}:')} AND substr({gid}, -{_TAIL}) = ':{nonce}'"
    born = f"CAST(substr({gid}, {length + 1}, length({gid}) - {length + _TAIL}) AS INTEGER)"
    return f"CASE WHEN {ours} THEN ({query.format(born)}) END"


def is_gid(value: str) -> str:
    """SQL: whether a value on the wire is a gid."""
    return f"(typeof({value}) = 'text' AND {value} GLOB '*:*:????????')"


def wire_values(layout: Layout, layouts: Mapping[str, Layout], alias: str) -> list[str]:
    """SQL: every column of a row of the application's table as it is on the wire, by place. A number that no row ever
    had stays as it is."""
    found = [f"{alias}.{column}" for column in layout.columns]
    for place, root in layout.roots.items():
        found[place] = f"coalesce({gid_of(layouts[root], found[place])}, {found[place]})"
    return found


def own_value(root: Layout, value: str) -> str:
    """SQL: a value on the wire as this database has it. A gid without a number is NULL."""
    return f"CASE WHEN {is_gid(value)} THEN {number_of(root, value)} ELSE {value} END"


def renumbered(db: sqlite3.Connection, layouts: Iterable[Layout], limit: int) -> tuple[int, list[Renumbered]]:
    """How many rows stand under another number than that of their birth, and the first of them. Those without an entry
    stand under theirs."""
    count = 0
    found: list[Renumbered] = []
    for layout in layouts:
        if not layout.is_local:
            continue
        birth = f"CAST({birth_number('m.gid')} AS INTEGER)"
        source = f"{layout.numbers} m JOIN main.{layout.user} t ON t.{layout.key_names[0]} = m.n WHERE m.n <> {birth}"
        count += db.execute(f"SELECT count(*) FROM {source}").fetchone()[0]
        query = f"SELECT m.gid, {birth}, m.n FROM {source} ORDER BY m.n LIMIT ?"
        rows = db.execute(query, (limit - len(found),)).fetchall()
        found += [Renumbered(layout.table.name, gid, born, number) for gid, born, number in rows]
    return count, found


def unused(db: sqlite3.Connection, root: Layout, count: int, wanted: str = "") -> list[int]:
    """Numbers for so many rows that need one: the next after all that there are, and after all that a table under
    AUTOINCREMENT ever had; where those run out, the lowest that are free. `wanted`: name of a table (n), indexed, of
    numbers that are spoken for."""
    sources = [(f"main.{root.user}", root.key_names[0]), *([(wanted, "n")] if wanted else [])]
    tops = [db.execute(f"SELECT max({column}) FROM {source}").fetchone()[0] for source, column in sources]
    top = max(_last_given(db, root), *(top or 0 for top in tops))
    if top <= _HIGHEST - count:
        return list(range(top + 1, top + count + 1))
    taken = " OR ".join(f"EXISTS (SELECT 1 FROM {source} WHERE {column} = {{0}})" for source, column in sources)
    ends = " UNION ALL ".join(
        f"SELECT {column} + 1 AS n FROM {source} WHERE {column} >= ?1 AND {column} < {_HIGHEST}"
        for source, column in sources
    )
    found: list[int] = []
    for _ in range(count):
        number = found[-1] + 1 if found else 1
        if db.execute(f"SELECT {taken.format('?1')}", (number,)).fetchone()[0]:
            query = f"SELECT min(n) FROM ({ends}) AS e WHERE NOT ({taken.format('e.n')})"
            (number,) = db.execute(query, (number,)).fetchone()
        found.append(number)
    return found


def _last_given(db: sqlite3.Connection, root: Layout) -> int:
    """The highest number that a table under AUTOINCREMENT ever had; 0: none, or it is no such table."""
    if db.execute("SELECT 1 FROM main.sqlite_master WHERE name = 'sqlite_sequence'").fetchone() is None:
        return 0
    query = "SELECT max(seq) FROM main.sqlite_sequence WHERE name = ? AND typeof(seq) = 'integer'"
    (last,) = db.execute(query, (root.table.name,)).fetchone()
    return int(last or 0)


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

    def next_free(self, root: str, wanted: int) -> int:
        """`wanted`, if no row has that number now; else one that is free."""
        layout = self.layouts[root]
        key = layout.key_names[0]
        taken = self.db.execute(f"SELECT 1 FROM main.{layout.user} WHERE {key} = ?", (wanted,)).fetchone()
        if taken is None:
            return wanted
        return unused(self.db, layout, 1)[0]

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
