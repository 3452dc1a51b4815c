"""Versions of rows between SQLite and objects: only for rows in conflict."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from satchel.model.ids import NOWHERE_ORIGIN, Dot
from satchel.model.stamp import milliseconds_of, stamp_of
from satchel.model.value import Value
from satchel.model.vector import Mark, Vector
from satchel.model.version import Cell, Version
from satchel.stores.sqlite import books, lineage
from satchel.stores.sqlite.connection import tolerant
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.stage import at_key, bindable, placeholder


class VersionReader:
    """Builds versions from lines of our tables; keeps names and contexts at hand for one transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self._origins: dict[int, str] = {}
        self._contexts: dict[tuple[int, int], dict[str, Mark]] = {}

    def origin(self, number: int) -> str:
        """An origin's name."""
        if number not in self._origins:
            self._origins = books.origins(self.db)
        return self._origins.get(number, NOWHERE_ORIGIN)

    def context(self, origin: int, seq: int) -> Vector:
        """The context of an applied packet."""
        found = self._contexts.get((origin, seq))
        if found is None:
            row = self.db.execute("SELECT context FROM _satchel_packet WHERE o = ? AND q = ?", (origin, seq)).fetchone()
            found = self._contexts[origin, seq] = books.context_from_json(row[0]) if row else {}
        return found

    def version(
        self,
        layout: Layout,
        dot: tuple[int, int],
        stamp: int,
        deleted: bool,
        lin: str | None,
        row: Sequence[Value],
        *,
        saw: Vector | None = None,
        ctx: str | None = None,
        at: int | None = None,
        by: str | None = None,
    ) -> Version:
        """One version. `saw` None: the row context `ctx`, or the packet's where that is None too."""
        if saw is None:
            saw = books.context_from_json(ctx) if ctx is not None else self.context(*dot)
        cells = {}
        for group in lineage.absolute(*dot, stamp, lin, layout.full):
            if group.origin == lineage.NOWHERE:
                continue  # this version lacks them
            written = Dot(self.origin(group.origin), group.seq)
            for place in layout.places_of(group.mask):
                cells[layout.names[place]] = Cell(row[place], written, group.stamp)
        if at is None and stamp:
            at = milliseconds_of(stamp)
        return Version(Dot(self.origin(dot[0]), dot[1]), stamp, saw, cells, deleted, at, by)

    def images(self, layout: Layout, key: Sequence[Value]) -> list[Version]:
        """The whole versions that are kept of a row."""
        where, bound = at_key(layout.key_of("k:i"), key)
        query = (
            f"SELECT o, q, s, d, x, a, b, l, {layout.list_of('i')} FROM {layout.images} i WHERE {where} ORDER BY o, q"
        )
        with tolerant(self.db):
            found = self.db.execute(query, bound).fetchall()
        return [
            self.version(layout, (o, q), s, bool(d), lin, row, ctx=x, at=a, by=b)
            for o, q, s, d, x, a, b, lin, *row in found
        ]


class VersionWriter:
    """Writes versions into our tables."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self._numbers: dict[str, int] = {}

    def number(self, origin: str) -> int:
        """An origin's number."""
        if origin not in self._numbers:
            self._numbers[origin] = books.origin_number(self.db, origin)
        return self._numbers[origin]

    def _groups(self, layout: Layout, cells: Mapping[str, Cell]) -> list[lineage.Group]:
        groups = self._written(layout, cells)
        lacks = layout.full
        for group in groups:
            lacks &= ~group.mask
        return [*groups, lineage.Group(lineage.NOWHERE, 0, 0, lacks)]

    def _written(self, layout: Layout, cells: Mapping[str, Cell]) -> list[lineage.Group]:
        """The cells by their writes."""
        masks: dict[tuple[Dot, int], int] = {}
        for name, cell in cells.items():
            if cell.dot.origin:
                write = (cell.dot, cell.stamp)
                masks[write] = masks.get(write, 0) | layout.bits.get(name, 0)
        return [lineage.Group(self.number(dot.origin), dot.seq, s, mask) for (dot, s), mask in masks.items()]

    def lineage(self, layout: Layout, version: Version) -> str | None:
        """A version's lineage, relative to its own dot and stamp."""
        own = (self.number(version.dot.origin), version.dot.seq)
        groups = []
        for group in self._groups(layout, version.cells):
            if (group.origin, group.seq) != own:
                groups.append(group)
            elif group.stamp != version.stamp:
                groups.append(lineage.Group(0, 0, group.stamp, group.mask))
        return lineage.write(groups)

    def explicit(self, layout: Layout, cells: Mapping[str, Cell]) -> str | None:
        """Lineage of resolved cells that come from several versions: every column is named."""
        return lineage.write(self._groups(layout, cells))

    def partial(self, layout: Layout, cells: Mapping[str, Cell]) -> str | None:
        """Lineage of some cells that a new version takes over."""
        return lineage.write(self._written(layout, cells))

    def row_context(self, version: Version, packet_context: Vector) -> str | None:
        """The row context where it is not the packet's."""
        return None if version.saw == packet_context else books.context_to_json(version.saw)

    def image(self, layout: Layout, key: Sequence[Value], version: Version, ctx: str | None) -> tuple[str, list[Any]]:
        """What keeps a whole version: a statement, and what is bound for it."""
        row = [version.cell(name).value for name in layout.names]
        values: list[Any] = [
            *key,
            self.number(version.dot.origin),
            version.dot.seq,
            version.stamp,
            int(version.deleted),
            ctx,
        ]
        values += [odd_time(version), version.by, self.lineage(layout, version), *row]
        holders = ", ".join(map(placeholder, values))
        return f"INSERT OR REPLACE INTO {layout.images} VALUES ({holders})", [bindable(v) for v in values]


def odd_time(version: Version) -> int | None:
    """The wall clock of a version where the stamp does not say it."""
    return None if version.at is None or stamp_of(version.at) == version.stamp else version.at
