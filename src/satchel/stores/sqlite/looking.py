"""A look at every row as it is on the wire: what is shown, and which versions stand behind it (look.Look).

The books are sparse: a plain row stands in the application's table only, and its version is that of its line in
`_satchel_row_N`, or of the baseline where it has none. All others are kept whole in `_satchel_image_N`; rows that this
database alone refuses stand in `_satchel_apart_N`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain, groupby
from typing import Any

from satchel.model.schema import Table
from satchel.stores.look import KeptVersion, Key, ShownRow, StandingRow, rank
from satchel.stores.sqlite import apart, books, lineage, numbers, pending
from satchel.stores.sqlite.connection import tolerant
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.sight import base_lineage, base_of
from satchel.stores.sqlite.stage import fetch

PLAIN, WHOLE = 0, 1  # one version, shown as it was written | anything else


def shown_rows(db: sqlite3.Connection, layout: Layout, layouts: Mapping[str, Layout]) -> str:
    """SQL: every row that the application sees. Columns c0 ... as on the wire, then l, whole, o, q: lineage, whether
    its versions are kept whole, and if not the dot of the one that it has."""
    values = numbers.wire_values(layout, layouts, "t")
    for place in layout.key_places if layout.is_local else ():  # the row is there: nothing has to be looked up for that
        number = f"t.{layout.columns[place]}"
        values[place] = f"coalesce({numbers.gid_that_was(layout, number)}, {number})"
    wires = ", ".join(f"{value} AS {slot}" for value, slot in zip(values, layout.slots, strict=True))
    key = layout.key_of("c:w")
    base = base_lineage(layout)
    past = "r.l" if base is None else f"CASE WHEN r.o IS NULL THEN '{base}' ELSE r.l END"
    whole = "coalesce(r.many, 0) OR coalesce(r.d, 0)"
    if layout.key_roots and not layout.is_local and apart.has_stands(db, layout):
        pairs = zip(apart.stand_slots(layout), layout.key_slots, strict=True)
        match = " AND ".join(f"a.{stand} = w.{slot}" for stand, slot in pairs)
        own = " AND ".join(f"v.{name} = a.{name}" for name in layout.keys)
        elsewhere = f"EXISTS (SELECT 1 FROM {layout.apart} a WHERE {match})"
        of_own = f"(SELECT v.l FROM {layout.apart} a JOIN {layout.rows} v ON {own} WHERE {match})"
        past = f"CASE WHEN {elsewhere} THEN {of_own} ELSE {past} END"
        whole = f"{whole} OR {elsewhere}"
    dots = ", ".join(f"coalesce(r.{c}, {base_of(layout, key, c)}) AS {c}" for c in "oq")
    return (
        f"SELECT {layout.list_of('w')}, {past} AS l, {whole} AS whole, {dots} FROM"
        f" (SELECT {wires} FROM {layout.source} AS t WHERE {layout.whole_key('u:t')}) w"
        f" LEFT JOIN {layout.rows} r ON {layout.match('k:r', 'c:w')}"
    )


class SQLiteLook:
    """See look.Look; `db` sees one state of the database and nothing else."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self.layouts = books.layouts(db)
        self.vector = books.read_vector(db)
        self.forgot = books.FORGOT in books.read_notes(db)
        self.tables: Mapping[str, Table] = {name: layout.table for name, layout in self.layouts.items()}

    @cached_property
    def origins(self) -> dict[int, str]:
        """Names by number."""
        return books.origins(self.db)

    @cached_property
    def _marks(self) -> dict[int, int]:
        return dict(self.db.execute("SELECT number, mark FROM _satchel_table").fetchall())

    @property
    def is_sealed(self) -> bool:
        """Whether nothing was noted since the last seal."""
        return all(pending.highest(self.db, each) <= self._marks[each.number] for each in self.layouts.values())

    def here(self, table: str) -> Sequence[int] | None:
        """Places of the columns that the application's table has."""
        layout = self.layouts[table]
        return None if layout.away else layout.here

    # -- in lists, in any order

    def lists(self, layout: Layout) -> Iterator[list[tuple[Any, ...]]]:
        """Rows of `shown_rows`."""
        query = shown_rows(self.db, layout, self.layouts)
        return fetch(self.db, query, layout.width)

    def refused(self, layout: Layout) -> Iterator[list[tuple[Any, ...]]]:
        """Rows that this database alone does not take, as `shown_rows` would have them."""
        keys = " AND ".join(f"r.{name} = a.{name}" for name in layout.keys)
        query = (
            f"SELECT {layout.list_of('a')}, r.l, {WHOLE}, NULL, NULL FROM {layout.apart} a"
            f" LEFT JOIN {layout.rows} r ON {keys} WHERE a.status = '{apart.REFUSED}'"
        )
        return fetch(self.db, query, layout.width)

    def _whole(self, layout: Layout, columns: str) -> str:
        keys = " AND ".join(f"r.{name} = i.{name}" for name in layout.keys)
        return (
            f"SELECT {layout.list_of('r', layout.keys)}, {columns} FROM {layout.images} i"
            f" JOIN {layout.rows} r ON {keys} JOIN _satchel_origin n ON n.number = i.o WHERE r.many OR r.d"
        )

    def kept_dots(self, layout: Layout) -> Iterator[StandingRow]:
        """The siblings of the rows whose versions are kept whole."""
        order = ", ".join(f"r.{name} COLLATE BINARY" for name in layout.keys)
        query = f"{self._whole(layout, 'n.name, i.q, i.d')} ORDER BY {order}, n.name, i.q"
        width = len(layout.keys)
        rows: Iterator[tuple[Any, ...]] = chain.from_iterable(fetch(self.db, query, width))
        for key, versions in groupby(rows, lambda row: row[:width]):
            found = list(versions)
            yield StandingRow(key, tuple((row[-3], row[-2]) for row in found), not all(row[-1] for row in found))

    # -- row by row, in order of the key

    def _order(self, layout: Layout, alias: str) -> str:
        return ", ".join(f"{alias}.{slot} COLLATE BINARY" for slot in layout.key_slots)

    def shown(self, table: str) -> Iterator[ShownRow]:
        """The rows that are shown, and those that would be if this database took them."""
        layout, places = self.layouts[table], self.layouts[table].key_places
        query = f"SELECT * FROM ({shown_rows(self.db, layout, self.layouts)}) v ORDER BY {self._order(layout, 'v')}"
        refused = {_key(places, row): row for rows in self.refused(layout) for row in rows}
        for rows in fetch(self.db, query, layout.width):
            for row in rows:
                while refused and rank(next(iter(refused))) < rank(_key(places, row)):
                    yield self._shown(layout, refused.pop(next(iter(refused))))
                yield self._shown(layout, row)
        yield from (self._shown(layout, row) for row in refused.values())

    @staticmethod
    def _shown(layout: Layout, row: Sequence[Any]) -> ShownRow:
        lacks = lineage.missing(row[layout.width])
        return ShownRow(_key(layout.key_places, row), tuple(row[: layout.width]), lacks)

    def standing(self, table: str) -> Iterator[StandingRow]:
        """The siblings of every row, deleted ones too."""
        layout = self.layouts[table]
        width = len(layout.keys)
        shown = shown_rows(self.db, layout, self.layouts)
        keys = ", ".join(f"v.{slot} AS k{i}" for i, slot in enumerate(layout.key_slots))
        plain = f"SELECT {keys}, n.name AS name, v.q AS q, 0 AS d FROM ({shown}) v"
        plain += " JOIN _satchel_origin n ON n.number = v.o WHERE NOT v.whole"
        order = ", ".join(f"k{i} COLLATE BINARY" for i in range(width))
        query = f"SELECT * FROM ({plain} UNION ALL {self._whole(layout, 'n.name, i.q, i.d')}) ORDER BY {order}, name, q"
        rows: Iterator[tuple[Any, ...]] = chain.from_iterable(fetch(self.db, query, width))
        for key, versions in groupby(rows, lambda row: row[:width]):
            found = list(versions)
            yield StandingRow(key, tuple((row[-3], row[-2]) for row in found), not all(row[-1] for row in found))

    def kept(self, table: str) -> Iterator[KeptVersion]:
        """The versions that are kept whole."""
        layout = self.layouts[table]
        width = len(layout.keys)
        order = ", ".join(f"r.{name} COLLATE BINARY" for name in layout.keys)
        images = self._whole(layout, f"n.name, i.q, i.l, {layout.list_of('i')}")
        query = f"{images} ORDER BY {order}, n.name, i.q"
        rows: Iterator[tuple[Any, ...]] = chain.from_iterable(fetch(self.db, query, layout.width))
        for row in rows:
            name, seq, lin = row[width : width + 3]
            yield KeptVersion(tuple(row[:width]), (name, seq), tuple(row[width + 3 :]), lineage.missing(lin))

    # -- single rows

    def apart(self, table: str) -> Mapping[Key, str]:
        """Rows that no database shows as they were written."""
        found = {}
        for key, why in apart.every(self.db, self.layouts[table], f"status <> '{apart.REFUSED}'"):
            if why.status != apart.NOTED or why.kind:  # without a kind it tells of the way here, not of the row
                found[key] = why.status
        return found

    def pending(self, table: str) -> Collection[Key]:
        """Rows with edits that are not sealed."""
        layout = self.layouts[table]
        map_ = numbers.Numbers(self.db, self.layouts)
        names = [layout.key_slots, *([("renamed",)] if layout.renames else [])]
        found: set[Key] = set()
        with tolerant(self.db):
            for slots in names:
                query = f"SELECT DISTINCT {', '.join(slots)} FROM {layout.log} WHERE id > ? AND {slots[0]} IS NOT NULL"
                rows = self.db.execute(query, (self._marks[layout.number],)).fetchall()
                found |= {key for row in rows for key in (tuple(row), map_.key_to_wire(layout, row))}
        return found

    def own_key(self, table: str, key: Key) -> Key:
        """A key as people here know it."""
        layout = self.layouts[table]
        own = numbers.Numbers(self.db, self.layouts).key_to_local(layout, key)
        return tuple(mine if mine is not None else wire for mine, wire in zip(own, key, strict=True))


def _key(places: Sequence[int], row: Sequence[Any]) -> Key:
    return tuple(row[place] for place in places)
