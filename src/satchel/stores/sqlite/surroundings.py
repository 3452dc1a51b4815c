"""The application's schema and ours: what is captured, what is left out, what happened to it (base.Store)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from satchel import __version__
from satchel.model.schema import LeftOut, Schema, Table
from satchel.stores.sqlite import books
from satchel.stores.sqlite.connection import transaction
from satchel.stores.sqlite.gap import has_gap
from satchel.stores.sqlite.opened import Opened

if TYPE_CHECKING:
    from satchel.stores.records import Seeming, TriggerUse
    from satchel.stores.sqlite.layout import Layout


LOOKED = "looked"  # note: the state of the schema when somebody looked last and found it right


class Surroundings(Opened):
    """The part of `SQLiteStore` that looks at schemas."""

    _seen = ""  # the state of the schema in which nothing was to be done

    def inspect(self) -> Schema:
        """What the database holds."""
        from satchel.stores.sqlite import schema

        with self._wall() as db:
            return schema.inspect(db)

    def is_installed(self) -> bool:
        """Whether satchel's own tables are there."""
        with self._wall() as db:
            return books.is_installed(db)

    def install(self, tables: Sequence[Table], *, author_column: str | None = None, joining: bool = False) -> None:
        """Makes satchel's tables and triggers, in one transaction."""
        from satchel.stores.sqlite import install, schema
        from satchel.stores.sqlite.drift import fit

        with self._wall() as db, transaction(db, durable=True):
            install.install(db, tables, joining=joining)
            fit(db, whole_rows=joining)
            facts = {"author_column": author_column or "", "whole_rows": str(int(joining))}
            books.write_notes(db, {**facts, "fingerprint": schema.fingerprint(db)})
        self._forget()

    def adopt(self, tables: Sequence[Table]) -> Sequence[str]:
        """Follows a new version of the configuration; see base.Store."""
        from satchel.stores.sqlite import adopting

        with self._wall() as db, transaction(db, durable=True):
            whole = books.read_notes(db).get("whole_rows") == "1"
            found = adopting.adopt(db, self._layouts, tables, whole_rows=whole)
        self._forget()
        return found

    def follow(self) -> Sequence[str]:
        """Adds the columns and tables that others have to the application's database; what was done, in words."""
        from satchel.stores.sqlite import following

        with self._wall() as db, transaction(db, durable=True):
            said = following.follow(db)
        self._forget()
        return said

    def tables(self) -> Sequence[Table]:
        """The tables that are captured."""
        with self._wall():
            return [layout.table for layout in self._layouts.values()]

    def left_out(self) -> Sequence[LeftOut]:
        """Tables that are not captured, rows with NULL in a key, columns that the network does not have."""
        from satchel.stores.sqlite import schema

        with self._wall() as db:
            captured = {name.lower() for name in self._layouts}
            others = [name for name, _ in schema.user_tables(db) if name.lower() not in captured]
            out = [
                LeftOut(name, schema.obstacle(db, name) or "it is not among the tables of the network")
                for name in others
            ]
            for layout in self._layouts.values():
                out += self._left_out_of(db, layout)
            return out

    def _left_out_of(self, db: sqlite3.Connection, layout: Layout) -> Iterator[LeftOut]:
        from satchel.stores.sqlite import schema

        name = layout.table.name
        missing = schema.missing_columns(db, layout)
        if missing is None:
            yield LeftOut(name, "the table is gone from this database")
            return
        if not missing and (count := schema.rows_without_key(db, name, layout.table.key)):
            yield LeftOut(name, f"{count} rows with NULL in the key")
        have = [column for column, *_, hidden in schema.table_columns(db, name) if hidden == 0]
        if extra := [column for column in have if column not in layout.table.names]:
            yield LeftOut(name, f"columns that the network does not have yet: {', '.join(extra)}")

    def renew_capture(self, choose: Callable[[Schema], Sequence[Table]] | None = None) -> Sequence[str]:
        """Follows what happened to the application's schema; says in words what was found."""
        with self._wall() as db:
            looked = self._state_of_schema(db)
            if books.read_notes(db).get(LOOKED) == looked and all(has_gap(db, each) for each in self._layouts.values()):
                return []
        from satchel.stores.sqlite import install, schema
        from satchel.stores.sqlite.drift import Drift

        with self._wall() as db:
            whole = books.read_notes(db).get("whole_rows") == "1"
            stale = install.outdated(db, self._layouts, whole_rows=whole)
            fingerprint = schema.fingerprint(db)
            if not stale and books.read_notes(db).get("fingerprint") == fingerprint:
                self._seen = looked
                return []
            new = choose(schema.inspect(db)) if choose is not None else []
            with transaction(db, durable=True):
                drift = Drift(db, joining=whole)
                drift.notice()
                drift.take(new)
                renewed = drift.renew(stale)
                books.write_notes(db, {"fingerprint": fingerprint})
            self._forget()
            return [*drift.said, *renewed]

    def seen_schema(self) -> Mapping[str, str]:
        """What is to be noted when the run is done, so that the next one need not look."""
        return {LOOKED: self._seen} if self._seen else {}

    def _state_of_schema(self, db: sqlite3.Connection) -> str:
        """What SQLite counts up at every change of the schema, anybody's; with what else decides about capture."""
        (number,) = db.execute("PRAGMA main.schema_version").fetchone()
        notes = books.read_notes(db)
        return f"{__version__} {number} {notes.get('whole_rows', '')} {notes.get('fingerprint', '')[:16]}"

    def triggers(self, run: Sequence[str] = (), skip: Sequence[str] = ()) -> Sequence[TriggerUse]:
        """The application's triggers on replicated tables, and whether they run for rows that arrive."""
        from satchel.stores.sqlite import app_triggers

        with self._wall() as db:
            wanted, names = app_triggers.Wishes.of(run, skip), list(self._layouts)
            here = [layout for layout in self._layouts.values() if not layout.away]
            found = (app_triggers.uses(db, each, names, app_triggers.names_of(db, each), wanted) for each in here)
            return [use for several in found for use in several]

    def seeming_references(self) -> Sequence[Seeming]:
        """Columns that seem to hold numbers of another table."""
        from satchel.stores.sqlite import seeming

        with self._wall() as db:
            return seeming.find(db, self._layouts)

    def detach(self) -> None:
        """Removes every trigger and table of satchel; the rows stay."""
        from satchel.stores.sqlite import install

        with self._wall() as db, transaction(db, durable=True):
            install.detach(db)
        self._forget()
