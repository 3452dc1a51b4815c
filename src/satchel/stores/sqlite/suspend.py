"""Triggers while satchel writes into the application's tables (PROTOCOL, Apply: application triggers).

Our own capture triggers are dropped and made again inside the transaction: nobody else can write meanwhile, and it
costs nothing per row. The application's triggers whose effects arrive as rows of their own are dropped likewise; those
that write only to tables that are not replicated stay. Triggers fire newest first, so all of a table's triggers are
made again in their old order (ARCHITECTURE, facts).
"""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from satchel.stores.sqlite.connection import quote
from satchel.stores.sqlite.layout import Layout

# A trigger that takes back more than its own statement would take the apply with it, or leave half of a statement.
_FAR = re.compile(r"\braise\s*\(\s*(rollback|fail)\b", re.IGNORECASE)
_WRITES = (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE)


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
        keep = may_run(self.db, layout, rows, self.layouts)
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


def may_run(
    db: sqlite3.Connection, layout: Layout, rows: Iterable[tuple[str, str]], layouts: Mapping[str, Layout]
) -> set[str]:
    """The application's triggers that write only to tables that are not replicated."""
    candidates = {name for name, _ in rows if not name.startswith("_satchel_")}
    if not candidates:
        return set()
    replicated = {name.lower() for name in layouts}
    written = targets(db, layout)
    return {name for name in candidates if written[name] and not written[name] & replicated}


def mixed(db: sqlite3.Connection, layout: Layout, layouts: Mapping[str, Layout]) -> set[str]:
    """The application's triggers that write to both kinds of tables: they do not run, and `doctor` names them."""
    replicated = {name.lower() for name in layouts}
    return {
        name
        for name, tables in targets(db, layout).items()
        if not name.startswith("_satchel_") and tables & replicated and tables - replicated
    }


def targets(db: sqlite3.Connection, layout: Layout) -> dict[str, set[str]]:
    """Which tables each trigger of a table writes, lower case: asked of the authorizer, which SQLite calls while it
    compiles a statement with all its triggers."""
    found: dict[str, set[str]] = defaultdict(set)

    def note(action: int, table: str | None, _column: str | None, _schema: str | None, trigger: str | None) -> int:
        if action in _WRITES and trigger and table:
            found[trigger].add(table.lower())
        return sqlite3.SQLITE_OK

    sets = ", ".join(f"{column} = {column}" for column in layout.columns)
    names, nulls = ", ".join(layout.columns), ", ".join(["NULL"] * layout.width)
    statements = (
        f"INSERT INTO main.{layout.user} ({names}) VALUES ({nulls})",
        f"UPDATE main.{layout.user} SET {sets}",
        f"DELETE FROM main.{layout.user}",
    )
    db.set_authorizer(note)
    try:
        for statement in statements:
            db.execute(f"EXPLAIN {statement}").fetchall()
    except sqlite3.OperationalError:
        # A trigger that uses a function of its application cannot be compiled here; it is dropped for the apply.
        found.clear()
    finally:
        db.set_authorizer(None)
    return found
