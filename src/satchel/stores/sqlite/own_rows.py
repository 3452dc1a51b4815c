"""The rows that a joining database brings along, beside what the network says of them (PROTOCOL, Joining with rows).

They are set aside as they were at the join. Numbers of their own are first taken for births of this node; once the
network's rows are here, a row with the same number and at least half of its other columns equal to some known version
is the same row, and every reference to it follows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from satchel.stores.sqlite import lineage, numbers
from satchel.stores.sqlite.capture import differs, mask_terms
from satchel.stores.sqlite.displaced import default_literal
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.rejoined import EditsSinceJoin
from satchel.stores.sqlite.schema import default_texts


class OwnRows:
    """The rows of one table. `table` holds them: c0 ... as on the wire, l0 ... with numbers, m0 ... which of their
    values the network once had in that column of that row."""

    def __init__(self, db: sqlite3.Connection, layout: Layout, layouts: Mapping[str, Layout]) -> None:
        self.db = db
        self.layout = layout
        self.layouts = layouts
        self.table = f"temp._satchel_mine_{layout.number}"
        self.known = f"temp._satchel_known_{layout.number}"  # by own number and gid: equal columns, most at once

    def set_aside(self, edits: EditsSinceJoin) -> None:
        """Copies the rows as they were at the join."""
        layout = self.layout
        masks = ", ".join(f"{mask} INTEGER DEFAULT 0" for mask in layout.masks)
        keys, slots = ", ".join(layout.key_slots), ", ".join(layout.slots)
        self.drop()
        self.db.execute(
            f"CREATE TABLE {self.table} ({layout.slot_list()}{layout.own_number_list()}, {masks}, PRIMARY KEY ({keys}))"
            " WITHOUT ROWID"
        )
        values = ", ".join(numbers.wire_values(layout, self.layouts, "t"))
        source = f"{layout.source} AS t WHERE {layout.whole_key('u:t')}"
        self.db.execute(f"INSERT INTO {self.table} ({slots}) SELECT {values} FROM {source}")
        edits.undo_in(self.table)
        for place in layout.roots:
            number = _number(f"c{place}")
            self.db.execute(f"UPDATE {self.table} SET l{place} = {number}")
        if layout.is_local:
            columns = ", ".join(f"{mask} INTEGER" for mask in layout.masks)
            self.db.execute(
                f"CREATE TABLE {self.known} (n INTEGER, gid TEXT, best INTEGER, {columns}, PRIMARY KEY (n, gid))"
                " WITHOUT ROWID"
            )

    def clear(self) -> None:
        """Takes the rows out of the application's table, once those that refer to them are set aside, too."""
        layout = self.layout
        self.db.execute(f"DELETE FROM main.{layout.user} AS t WHERE {layout.whole_key('u:t')}")

    def drop(self) -> None:
        """Removes our temporary tables."""
        self.db.execute(f"DROP TABLE IF EXISTS {self.table}")
        self.db.execute(f"DROP TABLE IF EXISTS {self.known}")

    def compare(self, source: str, *, staged: bool) -> None:
        """Notes which values an arriving version of a row has in common with the own row of its key, or its number:
        an own value that was once written to that column of that row is an old copy, not an edit."""
        layout = self.layout
        theirs = [f"s.{name}" for name in (layout.slots if staged else layout.columns)]
        if staged:
            for place in layout.roots:
                theirs[place] = _number(f"s.c{place}")
            self._put_defaults(source, theirs)
        mine = [f"m.{slot}" for slot in layout.locals]
        different = mask_terms(layout, mine, theirs)
        parts = list(zip(layout.masks, layout.mask_parts(layout.full), different, strict=True))
        match = " AND ".join(f"{mine[place]} = {theirs[place]}" for place in layout.key_places)
        if not layout.is_local:
            sets = ", ".join(f"{mask} = m.{mask} | ({part} & ~({term}))" for mask, part, term in parts)
            self.db.execute(f"UPDATE {self.table} AS m SET {sets} FROM {source} AS s WHERE {match}")
            return
        (place,) = layout.key_places
        gid = f"s.c{place}" if staged else numbers.gid_of(layout, theirs[place])
        equal = " + ".join(
            f"(NOT {differs(column, one, two)})"
            for at, (column, one, two) in enumerate(zip(layout.table.columns, mine, theirs, strict=True))
            if at != place
        )
        masks = ", ".join(layout.masks)
        values = ", ".join(f"{part} & ~({term})" for _, part, term in parts)
        grown = ", ".join(f"{mask} = {mask} | excluded.{mask}" for mask in layout.masks)
        self.db.execute(
            f"INSERT INTO {self.known} (n, gid, best, {masks}) SELECT {mine[place]}, {gid}, {equal or '0'}, {values}"
            f" FROM {source} AS s JOIN {self.table} AS m ON {match} WHERE 1"
            f" ON CONFLICT DO UPDATE SET best = max(best, excluded.best), {grown}"
        )

    def _put_defaults(self, source: str, theirs: list[str]) -> None:
        """A column that a version lacks is compared by its default: to add it was no edit."""
        lineage.know_missing(self.db)
        texts = default_texts(self.db, self.layout.table.name)
        masks = self.db.execute(f"SELECT DISTINCT satchel_missing(lin) FROM {source}").fetchall()
        for place in self.layout.here:
            if any(int(mask, 16) >> place & 1 for (mask,) in masks):
                text = texts.get(self.layout.table.names[place])
                default = "NULL" if text is None else default_literal(self.db, text)
                theirs[place] = f"CASE WHEN satchel_has(s.lin, {place}) THEN {theirs[place]} ELSE {default} END"

    def recognise(self) -> None:
        """Which gid an own row has: that of the most alike row with its number, if half of their columns are equal."""
        layout = self.layout
        same = same_rows(layout)
        self.db.execute(f"DROP TABLE IF EXISTS {same}")
        self.db.execute(f"CREATE TABLE {same} (own TEXT PRIMARY KEY, gid TEXT) WITHOUT ROWID")
        (place,) = layout.key_places
        self.db.execute(
            f"INSERT INTO {same} SELECT own, gid FROM (SELECT m.c{place} AS own, k.gid, row_number() OVER"
            f" (PARTITION BY k.n ORDER BY k.best DESC, k.gid) AS place FROM {self.known} k"
            f" JOIN {self.table} m ON m.l{place} = k.n WHERE 2 * k.best >= {layout.width - 1}) WHERE place = 1"
        )
        sets = ", ".join(f"{mask} = k.{mask}" for mask in layout.masks)
        self.db.execute(
            f"UPDATE {self.table} AS m SET {sets} FROM {same} x JOIN {self.known} k ON k.gid = x.gid"
            f" WHERE x.own = m.c{place} AND k.n = m.l{place}"
        )

    def follow(self) -> None:
        """Puts the gids of recognised rows in the place of own ones, here and in references. What refers to a row that
        is new to the network is not what the network had."""
        layout = self.layout
        for place, root in layout.roots.items():
            same = same_rows(self.layouts[root])
            new = f"m.c{place} NOT IN (SELECT own FROM {same}) AND {numbers.is_gid(f'm.c{place}')}"
            at_key = place in layout.key_places
            parts = layout.mask_parts(0 if at_key else layout.full & ~(1 << place))
            sets = ", ".join(f"{mask} = {mask} & {part}" for mask, part in zip(layout.masks, parts, strict=True))
            self.db.execute(f"UPDATE {self.table} AS m SET {sets} WHERE {new}")
            # as text: under the affinity of a column for numbers no index would be used
            found = f"x.own = CAST(m.c{place} AS TEXT) AND {numbers.is_gid(f'm.c{place}')}"
            self.db.execute(f"UPDATE {self.table} AS m SET c{place} = x.gid FROM {same} x WHERE {found}")
            number = numbers.own_value(self.layouts[root], f"m.c{place}")
            self.db.execute(f"UPDATE {self.table} AS m SET l{place} = {number}")


def same_rows(root: Layout) -> str:
    """Name of the table (own gid, the network's gid) of rows that were recognised."""
    return f"temp._satchel_same_{root.number}"


def _number(value: str) -> str:
    """SQL: the number of its birth for a gid, else the value as it is."""
    return f"CASE WHEN {numbers.is_gid(value)} THEN CAST({numbers.birth_number(value)} AS INTEGER) ELSE {value} END"
