"""Making satchel's tables and triggers in the application's database, renewing them, and taking them out again."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from satchel.stores.sqlite import apart, books, numbers
from satchel.stores.sqlite.capture import triggers
from satchel.stores.sqlite.connection import quote, transaction
from satchel.stores.sqlite.gap import has_gap, make_gap
from satchel.stores.sqlite.schema import missing_columns

if TYPE_CHECKING:
    from satchel.model.schema import Table
    from satchel.stores.sqlite.layout import Layout


def install(db: sqlite3.Connection, tables: Sequence[Table], *, joining: bool) -> None:
    """Makes everything; the caller's transaction."""
    for statement in books.DDL:
        db.execute(statement)
    db.execute(books.NOWHERE_DDL)
    for table in tables:
        add_table(db, table)
    for layout in books.layouts(db).values():
        make_tables(db, layout)
        if not layout.away:
            make_triggers(db, layout, whole_rows=joining)


def add_table(db: sqlite3.Connection, table: Table) -> None:
    """Notes a table that is captured from now on."""
    values = (table.name, books.table_to_json(table))
    db.execute("INSERT INTO _satchel_table (name, definition) VALUES (?, ?)", values)


def make_tables(db: sqlite3.Connection, layout: Layout) -> None:
    """Makes our tables beside one of the application's."""
    for statement in (*layout.ddl(), *apart.ddl(layout), *numbers.ddl(layout)):
        db.execute(statement)


def bear(db: sqlite3.Connection, layouts: Mapping[str, Layout], origin: str) -> None:
    """The rows that are there are born now, each with the number that it has."""
    with transaction(db):
        for layout in layouts.values():
            if layout.is_local and layout.bearing is None:
                books.bear(db, layout, (origin, secrets.token_hex(4)))


def make_triggers(db: sqlite3.Connection, layout: Layout, *, whole_rows: bool) -> None:
    """Makes the capture triggers of one table, and what they read where a column is gone."""
    make_gap(db, layout)
    for text in triggers(db, layout, whole_rows=whole_rows).values():
        db.execute(text)


def drop_triggers(db: sqlite3.Connection, layout: Layout) -> None:
    """Removes the capture triggers of one table."""
    prefix = f"_satchel_{layout.number}_"
    rows = db.execute(
        "SELECT name FROM main.sqlite_master WHERE type = 'trigger' AND name GLOB ?", (f"{prefix}*",)
    ).fetchall()
    for (name,) in rows:
        db.execute(f"DROP TRIGGER {quote(name)}")


def outdated(db: sqlite3.Connection, layouts: Mapping[str, Layout], *, whole_rows: bool) -> dict[str, str]:
    """Captured tables whose triggers are not as they should be, with what is wrong in words."""
    have = dict(
        db.execute(
            "SELECT name, sql FROM main.sqlite_master WHERE type = 'trigger' AND name GLOB '_satchel_*'"
        ).fetchall()
    )
    found = {}
    for name, layout in layouts.items():
        if missing_columns(db, layout) is None:
            continue
        if not has_gap(db, layout) or any(
            have.get(trigger) != text for trigger, text in triggers(db, layout, whole_rows=whole_rows).items()
        ):
            found[name] = f"the capture triggers of {name} were missing or of another version; they were made again"
    return found


def detach(db: sqlite3.Connection) -> None:
    """Removes every trigger, index and table of ours; the caller's transaction."""
    for kind in ("trigger", "index", "table"):
        rows = db.execute(
            "SELECT name FROM main.sqlite_master WHERE type = ? AND name GLOB '_satchel_*' AND sql IS NOT NULL", (kind,)
        ).fetchall()
        for (name,) in rows:
            db.execute(f"DROP {kind.upper()} {quote(name)}")
