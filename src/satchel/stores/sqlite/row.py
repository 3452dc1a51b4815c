"""One row at a time, by its key as the network has it: what a person settles by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from satchel.model.gids import parse_gid
from satchel.model.value import Value
from satchel.model.version import Version
from satchel.stores.sqlite.apart import shown_key
from satchel.stores.sqlite.connection import tolerant
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.numbers import Numbers, give, unused
from satchel.stores.sqlite.sight import base_lineage, base_of
from satchel.stores.sqlite.stage import at_key, bindable, placeholder
from satchel.stores.sqlite.versions import VersionReader


class RowEditor:
    """Reads and writes single rows of one table. Keys and rows are the network's; the table holds own numbers."""

    def __init__(self, db: sqlite3.Connection, layout: Layout, numbers: Numbers) -> None:
        self.db = db
        self.layout = layout
        self.numbers = numbers

    def _at(self, key: Sequence[Value]) -> tuple[str, list[Value]]:
        shown = shown_key(self.db, self.layout, key)
        return at_key(self.layout.key_names, self.numbers.key_to_local(self.layout, shown))

    def here(self, key: Sequence[Value]) -> tuple[Value, ...] | None:
        """The row as the application sees it, with own numbers, by place."""
        where, bound = self._at(key)
        with tolerant(self.db):
            row = self.db.execute(
                f"SELECT {', '.join(self.layout.columns)} FROM {self.layout.source} WHERE {where}", bound
            ).fetchone()
        return None if row is None else tuple(row)

    def read(self, key: Sequence[Value]) -> dict[str, Value] | None:
        """The row that the application sees, as the network has it."""
        row = self.here(key)
        if row is None:
            return None
        return dict(zip(self.layout.table.names, self.numbers.to_wire(self.layout, row), strict=True))

    def give_numbers(self, keys: Iterable[Sequence[Value]]) -> None:
        """Numbers for rows that are to come, where they have none: those of their births where they are free, else the
        next ones."""
        name = self.layout.table.name
        gids = [str(key[0]) for key in keys]
        lacking = [gid for gid in gids if not self._has_number(gid)]
        born = {gid: parse_gid(gid).number for gid in lacking}
        given: dict[int, str] = {}
        for gid, number in born.items():
            if number not in given and self.numbers.next_free(name, number) == number:
                given[number] = gid
        late = [gid for gid in lacking if given.get(born[gid]) != gid]
        free = (n for n in unused(self.db, self.layout, len(lacking)) if n not in given)
        given |= dict(zip(free, late, strict=False))
        for number, gid in given.items():
            give(self.db, self.layout, number, gid)

    def _has_number(self, gid: str) -> bool:
        number = self.numbers.number(self.layout.table.name, gid)
        return number is not None and self.numbers.gid(self.layout.table.name, number) == gid

    def write(self, key: Sequence[Value], values: Mapping[str, Value] | None) -> None:
        """Makes the row hold these values: updated if it is there, else inserted; None deletes it."""
        where, bound = self._at(key)
        if values is None:
            self.db.execute(f"DELETE FROM main.{self.layout.user} WHERE {where}", bound)
            return
        places = [place for place in self.layout.here if self.layout.table.names[place] in values]
        columns = [self.layout.columns[place] for place in places]
        names = self.layout.table.names
        new = [self.numbers.value_to_local(self.layout, place, values[names[place]]) for place in places]
        if self.here(key) is None:
            holders = ", ".join(map(placeholder, new))
            insert = f"INSERT OR ABORT INTO main.{self.layout.user} ({', '.join(columns)}) VALUES ({holders})"
            self.db.execute(insert, list(map(bindable, new)))
        elif places:
            sets = ", ".join(f"{c} = {placeholder(v)}" for c, v in zip(columns, new, strict=True))
            update = f"UPDATE OR ABORT main.{self.layout.user} SET {sets} WHERE {where}"
            self.db.execute(update, [*map(bindable, new), *bound])

    def touch(self, key: Sequence[Value], columns: Sequence[str]) -> None:
        """Notes these columns as written with the values that they have: a person confirmed them."""
        row = self.here(key)
        if row is None:
            return
        self.note("U", row, self.layout.mask_of(frozenset(columns)))

    def note(self, kind: str, row: Sequence[Value], mask: int = 0, at: int | None = None) -> None:
        """A log row that no trigger makes; `at` in milliseconds since 1970 UTC, None: now."""
        clock = "julianday('now')" if at is None else f"{at} / 86400000.0 + 2440587.5"
        masks = self.layout.mask_parts(mask)
        names = ", ".join(("kind", "at", *self.layout.masks, *self.layout.slots))
        holders = ", ".join(["?", clock, *("?" * len(masks)), *map(placeholder, row)])
        insert = f"INSERT INTO {self.layout.log} ({names}) VALUES ({holders})"
        self.db.execute(insert, [kind, *masks, *map(bindable, row)])

    def standing(self, key: Sequence[Value]) -> list[Version]:
        """The siblings of the row; empty if the network never had it."""
        reader = VersionReader(self.db)
        where, bound = at_key(self.layout.keys, key)
        found = self.db.execute(
            f"SELECT o, q, s, d, many, x, a, b, l FROM {self.layout.rows} WHERE {where}", bound
        ).fetchone()
        if found is not None and (found[3] or found[4]):
            return reader.images(self.layout, key)
        row = self.read(key)
        if row is None or (found is None and self._is_new):
            return []
        values = [row[name] for name in self.layout.table.names]
        if found is not None:
            o, q, s, _, _, x, a, b, lin = found
            return [reader.version(self.layout, (o, q), s, False, lin, values, ctx=x, at=a, by=b)]
        holders = tuple(placeholder(value).replace("?", f"?{i}") for i, value in enumerate(key, 1))
        parts = [f"{base_of(self.layout, holders, c)}" for c in "oqs"]
        o, q, s = self.db.execute(f"SELECT {', '.join(parts)}", bound).fetchone()
        return [] if o is None else [reader.version(self.layout, (o, q), s, False, base_lineage(self.layout), values)]

    @property
    def _is_new(self) -> bool:
        """Whether a row without an entry in our books is one that the network does not know yet."""
        return self.layout.is_local and self.layout.bearing is None

    def parse(self, column: str, text: str) -> Value:
        """A word as the column's affinity has it: SQLite is asked."""
        place = self.layout.table.names.index(column)
        self.db.execute(f"CREATE TEMP TABLE _satchel_word ({self.layout.slot_list()})")
        try:
            self.db.execute(f"INSERT INTO temp._satchel_word (c{place}) VALUES (?)", (text,))
            (value,) = self.db.execute(f"SELECT c{place} FROM temp._satchel_word").fetchone()
        finally:
            self.db.execute("DROP TABLE temp._satchel_word")
        return value  # type: ignore[no-any-return]
