"""The digests of a database (PROTOCOL, Equality): one pass over each table of the application, and one over the
versions that are kept whole. Nothing of it is kept up to date at seal or apply: both would pay for every row that they
touch.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from satchel.model.digest import Sum, cell_texts, dots_texts, key_texts
from satchel.stores.look import Digests, StandingRow, TableDigest
from satchel.stores.sqlite import lineage
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.looking import SQLiteLook

_AT_ONCE = 10_000  # rows


def digests(db: sqlite3.Connection) -> Digests | None:
    """The digests of what a connection sees; None: something was written since the last seal."""
    look = SQLiteLook(db)
    if not look.is_sealed:
        return None
    return Digests(look.vector, [_Table(look, layout).digest() for layout in look.layouts.values()])


class _Table:
    """The sums of one table while they grow."""

    def __init__(self, look: SQLiteLook, layout: Layout) -> None:
        self.look = look
        self.layout = layout
        self.dots, self.deleted = Sum(), Sum()
        own = layout.key_places[0] if layout.is_local else None  # the number of a row is each database's own
        self.columns = {} if layout.away else {place: Sum() for place in layout.here if place != own}
        self.rows = 0

    def digest(self) -> TableDigest:
        """Reads the table."""
        for rows in self.look.lists(self.layout):
            for start in range(0, len(rows), _AT_ONCE):
                self._shown(rows[start : start + _AT_ONCE])
        for rows in self.look.refused(self.layout):
            self._shown(rows)
        self._kept(self.look.kept_dots(self.layout))
        names = self.layout.table.names
        columns = {names[place]: found.hex for place, found in self.columns.items()}
        away = self.layout.away
        deleted = None if self.look.forgot else self.deleted.hex
        return TableDigest(self.layout.table.name, self.rows, self.dots.hex, deleted, None if away else columns)

    def _keys(self, keys: Sequence[Sequence[Any]]) -> list[bytes]:
        return key_texts(() if self.layout.is_local else self.layout.key_columns, keys)

    def _shown(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Values of rows that are shown; the dots of those that have one version."""
        layout = self.layout
        *columns, past, whole, origins, seqs = zip(*rows, strict=True)
        keys = self._keys([columns[place] for place in layout.key_places])
        self.rows += len(rows)
        plain = [not many and origin is not None for many, origin in zip(whole, origins, strict=True)]
        names = self.look.origins
        dots = (f"{names[o]}/{q}" for o, q, one in zip(origins, seqs, plain, strict=True) if one)
        self.dots.add(dots_texts((key for key, one in zip(keys, plain, strict=True) if one), dots))
        lacking = [lineage.missing(text) for text in past] if any(set(past)) else []
        for place, found in self.columns.items():
            values, theirs = columns[place], keys
            if any(mask >> place & 1 for mask in set(lacking)):  # what nobody wrote is this database's default
                written = [not mask >> place & 1 for mask in lacking]
                values = tuple(value for value, it in zip(values, written, strict=True) if it)
                theirs = [key for key, it in zip(keys, written, strict=True) if it]
            found.add(cell_texts(theirs, layout.table.columns[place], values))

    def _kept(self, rows: Iterable[StandingRow]) -> None:
        """The dots of all other rows. Those that are deleted are summed apart: one site may have forgotten some."""
        waiting: list[StandingRow] = []
        for row in rows:
            waiting.append(row)
            if len(waiting) == _AT_ONCE:
                self._add_kept(waiting)
                waiting = []
        if waiting:
            self._add_kept(waiting)

    def _add_kept(self, rows: Sequence[StandingRow]) -> None:
        keys = self._keys(list(zip(*(row.key for row in rows), strict=True)))
        for alive, found in ((True, self.dots), (False, self.deleted)):
            chosen = [(key, row) for key, row in zip(keys, rows, strict=True) if row.alive == alive]
            dots = (",".join(f"{origin}/{seq}" for origin, seq in row.dots) for _, row in chosen)
            found.add(dots_texts((key for key, _ in chosen), dots))
