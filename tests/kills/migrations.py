"""Shops whose schema or configuration changes: the command that notices it, or brings it, is killed on the way."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from typing import Any

from satchel.errors import UsageError
from tests.kills.shop import NETWORK, Shop, application, tables_of

NOTES = (
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, label TEXT, invoice INTEGER REFERENCES invoices(id), about INTEGER)"
)
DUE = "ALTER TABLE invoices ADD COLUMN due TEXT DEFAULT 'none'"
SOME_NOTES = "INSERT INTO notes VALUES (1, 'n1', 50, 2), (2, 'n2', 9, 3)"
REBUILT = (
    "CREATE TABLE new (id INTEGER PRIMARY KEY, label TEXT, customer INTEGER REFERENCES customers(id), total REAL,"
    " paid INTEGER DEFAULT 0)",
    "INSERT INTO new (id, label, customer, total) SELECT id, label, customer, total FROM invoices",
    "DROP TABLE invoices",
    "ALTER TABLE new RENAME TO invoices",
)
UNSEEN = (  # while the triggers were gone with the old table
    "UPDATE invoices SET total = 88 WHERE id = 5",
    "DELETE FROM lines WHERE invoice = 6",
    "DELETE FROM invoices WHERE id = 6",
    "INSERT INTO invoices VALUES (60, 'a-60', 1, 60, 1)",
    "INSERT INTO lines VALUES (60, 'a-60:1', 1, 60)",
)


class Migrations(Shop):
    """Columns, tables and references that come, a table made anew."""

    @property
    def options(self) -> dict[str, Any]:  # type: ignore[override]
        if self.command == "column-follows":
            return {**NETWORK, "schema": "follow"}
        if self.command in ("tables-add", "tables-come"):
            return {**NETWORK, "tables": ["customers", "invoices", "lines", "tags"], "references": []}
        return {} if self.command in ("reference-add", "reference-comes") else NETWORK

    @property
    def site_killed(self) -> str:
        return "b" if self.command in ("column-follows", "column-comes", "tables-come", "reference-comes") else "a"

    def edit(self) -> None:
        super().edit()
        for name in "ba":
            self.node(name).sync(self.share)
        getattr(self, self.command.replace("-", "_"))()

    # -- what happens right before the command

    def column_added(self) -> None:
        application(self.db("a"), "UPDATE invoices SET total = 5 WHERE id = 5")
        application(self.db("a"), DUE)
        application(self.db("a"), "UPDATE invoices SET due = 'soon' WHERE id = 1")

    def column_follows(self) -> None:
        self.column_added()
        application(self.db("a"), NOTES, SOME_NOTES)
        self.node("a").sync(self.share)

    def column_comes(self) -> None:
        self.column_added()
        self.node("a").sync(self.share)
        self.node("b").sync(self.share)
        application(self.db("b"), "UPDATE invoices SET total = 6 WHERE label = 'i7'")
        application(self.db("b"), DUE)

    def table_added(self) -> None:
        application(self.db("a"), NOTES, SOME_NOTES)
        application(self.db("a"), "UPDATE customers SET town = 'x' WHERE id = 5")

    def table_rebuilt(self) -> None:
        with closing(sqlite3.connect(self.db("a"), isolation_level=None)) as db:
            for statement in (*REBUILT, *UNSEEN):
                db.execute(statement)

    def tables_add(self) -> None:
        application(self.db("a"), NOTES, SOME_NOTES)
        application(self.db("b"), NOTES, "INSERT INTO notes VALUES (1, 'b-n1', 1, 2)")

    def tables_come(self) -> None:
        self.tables_add()
        self.add_tables()
        self.node("a").sync(self.share)

    def reference_add(self) -> None:
        application(self.db("a"), "INSERT INTO visits VALUES (40, 'a-later', 5)")

    def reference_comes(self) -> None:
        self.reference_add()
        self.add_reference()
        self.node("a").sync(self.share)

    # -- commands

    def add_tables(self) -> None:
        with suppress(UsageError):  # that they are replicated already: it was killed after it had signed
            self.node("a").add_tables("notes", "visits")

    def add_reference(self) -> None:
        with suppress(UsageError):
            self.node("a").add_references("visits.who=customers")

    # -- after

    def settle(self) -> None:
        """The application of b is brought to the same version, where it does not follow by itself."""
        super().settle()
        with closing(sqlite3.connect(self.db("b"))) as db:
            names = {entry[1] for entry in db.execute("PRAGMA table_info(invoices)")}
            notes = "notes" in tables_of(db)
        if self.command.startswith("column") and "due" not in names:
            application(self.db("b"), DUE)
        if self.command == "table-rebuilt" and "paid" not in names:
            application(self.db("b"), "ALTER TABLE invoices ADD COLUMN paid INTEGER DEFAULT 0")
        if self.command == "table-added" and not notes:
            application(self.db("b"), NOTES)
        super().settle()


Migrations.commands = {
    "column-added": Migrations.sync,
    "column-follows": Migrations.sync_b,
    "column-comes": Migrations.sync_b,
    "table-added": Migrations.sync,
    "table-rebuilt": Migrations.sync,
    "tables-add": Migrations.add_tables,
    "tables-come": Migrations.sync_b,
    "reference-add": Migrations.add_reference,
    "reference-comes": Migrations.sync_b,
}
