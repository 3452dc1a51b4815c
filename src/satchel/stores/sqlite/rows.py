"""The application's rows, made what staged changes say: by a handful of SQL statements (PROTOCOL, Apply: set-based).

All of our writes say OR ABORT: a constraint that is declared ON CONFLICT REPLACE or IGNORE would otherwise take rows
away, or leave them out, without a word.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from satchel.stores.base import RowCounts
from satchel.stores.sqlite.booking import book, classes
from satchel.stores.sqlite.contested import ContestedRows, Outcome, remove_user_row, write_user_row
from satchel.stores.sqlite.stage import Stage

_MOST_UPDATES = 12  # different sets of changed columns for which an UPDATE of their own is worth it


def apply_stage(db: sqlite3.Connection, stage: Stage, rows: ContestedRows, origin: int, *, afresh: bool) -> RowCounts:
    """Writes the rows of one table and books their versions. The stage is classified. `afresh`: every touched row is
    taken out first, so that unique values can swap. sqlite3.IntegrityError where the database refuses a row."""
    outcomes = rows.decide(stage)
    counts = UserRows(db, stage).write(outcomes, afresh=afresh)
    book(db, stage, origin)
    for outcome in outcomes:
        counts.conflicts += rows.book(outcome)
    return counts


class UserRows:
    """The application's table behind a staging table."""

    def __init__(self, db: sqlite3.Connection, stage: Stage) -> None:
        self.db = db
        self.stage = stage
        self.layout = stage.layout

    def write(self, outcomes: Sequence[Outcome], *, afresh: bool) -> RowCounts:
        """Deletes, then updates, then inserts; the contested rows last."""
        counts = RowCounts()
        counts.deleted += self._delete()
        for outcome in outcomes:
            if outcome.before is not None and (afresh or outcome.after is None):
                remove_user_row(self.db, outcome)
        if afresh:
            updated = self._take_out()
            inserted = self._insert(afresh=True) - updated
        else:
            updated = self._update()
            inserted = self._insert(afresh=False)
        counts.updated += updated
        counts.inserted += inserted
        for outcome in outcomes:
            if outcome.after is None and outcome.before is not None:
                counts.deleted += 1
                continue
            what = write_user_row(self.db, outcome, afresh=afresh and outcome.before is not None)
            counts.inserted += what == "inserted"
            counts.updated += what == "updated"
        return counts

    def _source(self, condition: str) -> str:
        return f"FROM {self.stage.name} s JOIN {classes(self.layout)} z USING (rn) WHERE NOT z.odd AND {condition}"

    def _remove(self, condition: str) -> int:
        layout = self.layout
        source = self._source(condition)
        if layout.rowid:
            where, wanted = layout.rowid, f"SELECT z.rid {source}"
        else:
            keys = ", ".join(layout.columns[p] for p in layout.key_places)
            where, wanted = f"({keys})", f"SELECT {layout.list_of('s', layout.key_slots)} {source}"
        return self.db.execute(f"DELETE FROM main.{layout.user} WHERE {where} IN ({wanted})").rowcount

    def _delete(self) -> int:
        return self._remove("z.present AND s.op = 'delete'")

    def _take_out(self) -> int:
        return self._remove("z.present AND s.op <> 'delete'")

    def _update(self) -> int:
        """Rows that are there: only the columns that were written, so that no index is touched without need. One
        statement for each set of columns, or one for all of them where there are too many."""
        layout = self.layout
        source = self._source("z.present AND s.op <> 'delete'")
        masks = [m for (m,) in self.db.execute(f"SELECT DISTINCT s.mask {source}").fetchall()]
        if len(masks) <= _MOST_UPDATES:
            return sum(self._update_columns(mask, "s.mask IS ?", (mask,)) for mask in masks)
        union = 0
        for mask in masks:
            union |= layout.full if mask is None else int(mask, 16)
        return self._update_columns(f"{union:x}", "?", (1,))

    def _update_columns(self, mask: str | None, condition: str, values: tuple[object, ...]) -> int:
        layout = self.layout
        written = layout.full if mask is None else int(mask, 16)
        places = [p for p in range(layout.width) if written >> p & 1]
        if not places:
            return 0
        sets = ", ".join(f"{layout.columns[p]} = w.{layout.slots[p]}" for p in places)
        at = f"t.{layout.rowid} = w.rid" if layout.rowid else layout.match("u:t", "c:w")
        source = self._source(f"z.present AND s.op <> 'delete' AND {condition}")
        return self.db.execute(
            f"UPDATE OR ABORT main.{layout.user} AS t SET {sets}"
            f" FROM (SELECT z.rid, s.* {source} ORDER BY s.rn) AS w WHERE {at}",
            values,
        ).rowcount

    def _insert(self, *, afresh: bool) -> int:
        layout = self.layout
        condition = "s.op <> 'delete'" if afresh else "NOT z.present AND s.op <> 'delete'"
        columns, values = ", ".join(layout.columns), layout.list_of("s")
        integer_key = layout.key_columns[0].declared.upper() == "INTEGER" and len(layout.keys) == 1
        if afresh and layout.rowid and not integer_key:
            columns, values = f"{layout.rowid}, {columns}", f"z.rid, {values}"  # rows keep their rowid
        source = self._source(condition)
        return self.db.execute(
            f"INSERT OR ABORT INTO main.{layout.user} ({columns}) SELECT {values} {source} ORDER BY s.rn"
        ).rowcount
