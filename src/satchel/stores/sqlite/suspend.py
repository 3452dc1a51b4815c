"""Triggers while satchel writes into the application's tables (PROTOCOL, Apply: application triggers).

Our own capture triggers are dropped and made again inside the transaction: nobody else can write meanwhile, and it
costs nothing per row. The application's triggers whose effects arrive as rows of their own are dropped likewise; those
that write only to tables that are not replicated stay. Triggers fire newest first, so all of a table's triggers are
made again in their old order (ARCHITECTURE, facts).
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from satchel.stores.sqlite.app_triggers import uses, wishes
from satchel.stores.sqlite.connection import quote
from satchel.stores.sqlite.layout import Layout

# A trigger that takes back more than its own statement would take the apply with it, or leave half of a statement.
_FAR = re.compile(r"\braise\s*\(\s*(rollback|fail)\b", re.IGNORECASE)


class SuspendedTriggers:
    """Drops the triggers of tables one by one as they are about to be written, and makes them again at the end."""

    def __init__(self, db: sqlite3.Connection, layouts: Mapping[str, Layout]) -> None:
        self.db = db
        self.layouts = layouts
        self._texts: dict[str, list[tuple[str, str]]] = {}
        self._kept: dict[str, list[tuple[str, str]]] = {}  # those that fire while satchel writes

    def suspend(self, layout: Layout) -> None:
        """From now on writes to this table fire only the triggers that may."""
        name = layout.table.name
        if name in self._texts:
            return
        rows = self.db.execute(
            "SELECT name, sql FROM main.sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = lower(?)"
            " ORDER BY rowid",
            (name,),
        ).fetchall()
        used = uses(self.db, layout, self.layouts, (trigger for trigger, _ in rows), wishes(self.db))
        keep = {use.trigger for use in used if use.runs}
        self._texts[name] = rows
        self._kept[name] = [(trigger, _FAR.sub("raise(ABORT", text)) for trigger, text in rows if trigger in keep]
        for trigger, _ in rows:
            self.db.execute(f"DROP TRIGGER {quote(trigger)}")
        for _, text in self._kept[name]:
            self.db.execute(text)

    def remove(self, layout: Layout, delete: str, bound: Sequence[object] = ()) -> int:
        """Executes a DELETE; how many rows went. What is gone is gone: where a trigger refuses it, none fires."""
        try:
            return self.db.execute(delete, bound).rowcount
        except sqlite3.IntegrityError:
            self.suspend(layout)
        kept = self._kept[layout.table.name]
        for trigger, _ in kept:
            self.db.execute(f"DROP TRIGGER {quote(trigger)}")
        count = self.db.execute(delete, bound).rowcount
        for _, text in kept:
            self.db.execute(text)
        return count

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """What is suspended inside is forgotten if the inside fails: its savepoint brings those triggers back."""
        before = dict(self._texts)
        try:
            yield
        except BaseException:
            self._texts = before
            raise

    def resume(self) -> None:
        """All triggers are there again, in their old order."""
        for rows in self._texts.values():
            for trigger, _ in rows:
                self.db.execute(f"DROP TRIGGER IF EXISTS {quote(trigger)}")
            for _, text in rows:
                self.db.execute(text)
        self._texts.clear()
