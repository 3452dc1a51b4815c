"""The application's rows, made what staged changes say: by a handful of SQL statements (PROTOCOL, Apply: set-based).

All of our writes say OR ABORT: a constraint that is declared ON CONFLICT REPLACE or IGNORE would otherwise take rows
away, or leave them out, without a word.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from satchel.stores.counts import RowCounts
from satchel.stores.sqlite import lineage
from satchel.stores.sqlite.booking import classes
from satchel.stores.sqlite.stage import Stage
from satchel.stores.sqlite.suspend import SuspendedTriggers

_MOST_UPDATES = 12  # different sets of changed columns for which an UPDATE of their own is worth it
Refused = list[tuple[Stage, int, str]]  # staged rows that the database did not take, with its words


class UserRows:
    """The application's table behind a staging table."""

    def __init__(self, db: sqlite3.Connection, stage: Stage, triggers: SuspendedTriggers) -> None:
        self.db = db
        self.triggers = triggers
        self.stage = stage
        self.layout = stage.layout

    def write(self, refused: Refused | None, *, afresh: bool) -> RowCounts:
        """Deletes, then updates, then inserts. `afresh`: every touched row is taken out first, so that unique values
        can swap. What the database does not take is put into `refused`; None: sqlite3.IntegrityError."""
        counts = RowCounts(deleted=self._delete())
        if afresh:
            self.keep_lacking()
            counts.updated = self._take_out()
            counts.inserted = self._each(refused, lambda span: self._insert(span, afresh=True)) - counts.updated
        else:
            counts.updated = self._update()
            counts.inserted = self._insert("1", afresh=False)
        return counts

    def _each(self, refused: Refused | None, write: Callable[[str], int]) -> int:
        """Runs a statement over all staged rows; where it fails over halves, so that only what the database does not
        take stays out."""
        if refused is None:
            return write("1")
        (last,) = self.db.execute(f"SELECT coalesce(max(rn), 0) FROM {self.stage.name}").fetchone()
        done = 0
        spans = [(1, last)]
        while spans:
            start, stop = spans.pop()
            try:
                done += write(f"z.rn BETWEEN {start} AND {stop}")
            except sqlite3.IntegrityError as problem:
                if start == stop:
                    refused.append((self.stage, start, str(problem)))
                else:
                    middle = (start + stop) // 2
                    spans += [(middle + 1, stop), (start, middle)]
        return done

    def _source(self, condition: str) -> str:
        """SQL: the staged rows that nothing is in question about. Their classes come first, and tell most of it."""
        return (
            f"FROM {classes(self.layout)} z CROSS JOIN {self.stage.name} s USING (rn) WHERE NOT z.odd AND {condition}"
        )

    def _remove(self, condition: str) -> int:
        layout = self.layout
        if layout.rowid:
            where, wanted = layout.rowid, f"SELECT z.rid FROM {classes(layout)} z WHERE NOT z.odd AND {condition}"
        else:
            keys = ", ".join(layout.key_names)
            where, wanted = f"({keys})", f"SELECT {', '.join(layout.key_of('l:s'))} {self._source(condition)}"
        return self.triggers.remove(layout, f"DELETE FROM main.{layout.user} WHERE {where} IN ({wanted})")

    def _delete(self) -> int:
        return self._remove("z.present AND z.gone")

    def _take_out(self) -> int:
        return self._remove("z.present AND NOT z.gone")

    def _update(self) -> int:
        """Rows that are there: only the columns that were written, so that no index is touched without need. One
        statement for each set of columns, or one for all of them where there are too many."""
        layout = self.layout
        source = f"FROM {classes(layout)} z WHERE NOT z.odd AND z.present AND NOT z.gone"
        masks = [m for (m,) in self.db.execute(f"SELECT DISTINCT z.mask {source}").fetchall()]
        if len(masks) <= _MOST_UPDATES:
            return sum(self._update_columns(mask, "z.mask IS ?", (mask,)) for mask in masks)
        self.keep_lacking()
        union = 0
        for mask in masks:
            union |= layout.full if mask is None else int(mask, 16)
        return self._update_columns(f"{union:x}", "?", (1,))

    def _update_columns(self, mask: str | None, condition: str, values: tuple[object, ...]) -> int:
        layout = self.layout
        written = layout.full if mask is None else int(mask, 16)
        places = [p for p in layout.here if written >> p & 1]
        if not places:
            return 0
        sets = ", ".join(f"{layout.columns[p]} = w.{layout.locals[p]}" for p in places)
        source = self._source(f"z.present AND NOT z.gone AND {condition}")
        wanted = {layout.locals[place] for place in places}
        if layout.rowid:  # in the order in which the rows lie
            at, order = f"t.{layout.rowid} = w.rid", "z.rid"
        else:
            at, order = layout.match("u:t", "l:w"), "z.rn"
            wanted.update(layout.locals[place] for place in layout.key_places)
        return self.db.execute(
            f"UPDATE OR ABORT main.{layout.user} AS t SET {sets}"
            f" FROM (SELECT z.rid, {layout.list_of('s', tuple(sorted(wanted)))} {source} ORDER BY {order}) AS w"
            f" WHERE {at}",
            values,
        ).rowcount

    def _insert(self, span: str, *, afresh: bool) -> int:
        """Inserts. What a row lacks gets its default, or, in a row that was there, keeps its value."""
        if not self.stage.lacks:
            return self._insert_columns(span, self.layout.here, afresh=afresh)
        done = 0
        for lacks in sorted({0, *self.stage.lacks}):
            places = [place for place in self.layout.here if not lacks >> place & 1]
            new = f"{span} AND {self._lacking(lacks)}"
            if afresh and lacks:
                done += self._insert_columns(f"{new} AND z.present", self.layout.here, afresh=True)
                new += " AND NOT z.present"
            done += self._insert_columns(new, places, afresh=afresh)
        return done

    def _lacking(self, lacks: int) -> str:
        """SQL: the staged row lacks just these columns."""
        lineage.know_missing(self.db)
        return f"satchel_missing(s.lin) = '{lacks:x}'"

    def keep_lacking(self) -> None:
        """Before rows are taken out, or written whole: what they lack is kept."""
        layout = self.layout
        for lacks in self.stage.lacks:
            for place in layout.here:
                if lacks >> place & 1:
                    self.db.execute(
                        f"UPDATE {self.stage.name} AS s SET {layout.locals[place]} = t.{layout.columns[place]}"
                        f" FROM {layout.source} t WHERE {layout.match('u:t', 'l:s')} AND {self._lacking(lacks)}"
                    )

    def _insert_columns(self, span: str, places: Sequence[int], *, afresh: bool) -> int:
        layout = self.layout
        condition = f"{span} AND NOT z.gone" if afresh else f"{span} AND NOT z.present AND NOT z.gone"
        columns = ", ".join(layout.columns[place] for place in places)
        values = layout.list_of("s", tuple(layout.locals[place] for place in places))
        integer_key = layout.key_columns[0].declared.upper() == "INTEGER" and len(layout.keys) == 1
        if afresh and layout.rowid and not integer_key:
            columns, values = f"{layout.rowid}, {columns}", f"z.rid, {values}"  # rows keep their rowid
        source = self._source(condition)
        return self.db.execute(
            f"INSERT OR ABORT INTO main.{layout.user} ({columns}) SELECT {values} {source} ORDER BY z.rn"
        ).rowcount
