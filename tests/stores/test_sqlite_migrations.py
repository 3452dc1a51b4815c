"""The application changes its own schema while it is captured: that never fails, and nothing is noted wrongly.

What the next command makes of the new schema is another matter: here the log is read as it was written.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from satchel.stores.base import Store
from satchel.stores.sqlite import books
from satchel.stores.sqlite.connection import connect
from satchel.stores.sqlite.events import events
from tests.stores.ferry import Ferry
from tests.stores.ferry import closing as closing_sites
from tests.stores.traps import ABC, T
from tests.stores.workshop import SQLiteWorkshop, sites


def installed(workshop: SQLiteWorkshop, url: str, *, scope: str = "global", joining: bool = False) -> Store:
    store = workshop.store(url)
    store.install([replace(table, scope=scope) for table in store.inspect().tables], joining=joining)
    return store


def noted(url: str) -> list[str]:
    """The events of the first table, e.g. `U k1 a=1`: old values of a U, the whole old row of others."""
    with closing(connect(Path(url))) as db:
        layout = next(iter(books.layouts(db).values()))
        rows = db.execute(f"SELECT * FROM {events(db, layout, 0, 1 << 40)} ORDER BY id").fetchall()
        told = []
        for _, kind, _, *rest, renamed in rows:
            masks, old = rest[: len(layout.masks)], rest[len(layout.masks) :]
            mask = sum(part or 0 for part in masks)
            places = [p for p in range(layout.width) if kind in "DM" or (kind == "U" and mask >> p & 1)]
            values = [f"{layout.table.names[p]}={old[p]}" for p in places if p not in layout.key_places]
            words = [kind, *(str(old[p]) for p in layout.key_places), *([f"to {renamed}"] if kind == "R" else values)]
            told.append(" ".join(words))
        return told


@dataclass(frozen=True)
class Migration:
    schema: tuple[str, ...]
    statements: tuple[str, ...]
    events: tuple[str, ...]


EVERY_WRITE = (
    "UPDATE t SET a = 9 WHERE id = 'k1'",
    "REPLACE INTO t (id, a) VALUES ('k2', 8)",
    "UPDATE t SET id = 'k7' WHERE id = 'k3'",
    "DELETE FROM t WHERE id = 'k1'",
    "INSERT INTO t (id, a) VALUES ('k9', 9)",
)
WRITTEN = ("U k1 a=1", "M k2 a=2 b=None", "I k2", "D k3 a=3 b=None", "I k7", "D k1 a=9 b=None", "I k9")
REBUILT = "CREATE TABLE t2 (id TEXT PRIMARY KEY, a, b, c DEFAULT 5)"
MIGRATIONS = {
    "a column is dropped": Migration((T,), ("ALTER TABLE t DROP COLUMN b", *EVERY_WRITE), WRITTEN),
    "a column is dropped in a table without rowid": Migration(
        (f"{T} WITHOUT ROWID",), ("ALTER TABLE t DROP COLUMN b", *EVERY_WRITE), WRITTEN
    ),
    "a unique column is dropped": Migration(
        (T, "CREATE UNIQUE INDEX i ON t (b COLLATE NOCASE)"),
        ("DROP INDEX i", "ALTER TABLE t DROP COLUMN b", *EVERY_WRITE),
        WRITTEN,
    ),
    "a unique column is dropped in a table without rowid": Migration(
        (f"{T} WITHOUT ROWID", "CREATE UNIQUE INDEX i ON t (b)"),
        ("DROP INDEX i", "ALTER TABLE t DROP COLUMN b", *EVERY_WRITE),
        WRITTEN,
    ),
    "a column of an expression index is dropped": Migration(
        (T, "CREATE UNIQUE INDEX i ON t (lower(b), abs(a)) WHERE b <> ''"),
        ("DROP INDEX i", "ALTER TABLE t DROP COLUMN b", *EVERY_WRITE),
        WRITTEN,
    ),
    "a generated column with an index is dropped": Migration(
        ("CREATE TABLE t (id TEXT PRIMARY KEY, a, b, g AS (a || b))", "CREATE UNIQUE INDEX i ON t (g)"),
        ("DROP INDEX i", "ALTER TABLE t DROP COLUMN g", "ALTER TABLE t DROP COLUMN b", *EVERY_WRITE),
        WRITTEN,
    ),
    "a column is dropped after edits, within one transaction": Migration(
        (T,),
        (
            "BEGIN",
            "UPDATE t SET b = 'q' WHERE id = 'k1'",
            "DELETE FROM t WHERE id = 'k2'",
            "ALTER TABLE t DROP COLUMN b",
            "UPDATE t SET a = 5 WHERE id = 'k1'",
            "COMMIT",
        ),
        ("U k1 b=x", "D k2 a=2 b=y", "U k1 a=1"),
    ),
    "a column is dropped and comes back": Migration(
        (T,),
        (
            "ALTER TABLE t DROP COLUMN b",
            "ALTER TABLE t ADD COLUMN b DEFAULT 'new'",
            "UPDATE t SET b = 'q' WHERE id = 'k1'",
            "DELETE FROM t WHERE id = 'k2'",
        ),
        ("U k1 b=new", "D k2 a=2 b=new"),
    ),
    "a column takes the place of another": Migration(
        (T,),
        (
            "ALTER TABLE t ADD COLUMN b2 TEXT",
            "UPDATE t SET b2 = upper(b)",
            "ALTER TABLE t DROP COLUMN b",
            "ALTER TABLE t RENAME COLUMN b2 TO b",
            "UPDATE t SET b = 'q' WHERE id = 'k1'",
        ),
        ("U k1 b=X",),
    ),
    "a column is added": Migration(
        (T,),
        (
            "ALTER TABLE t ADD COLUMN c DEFAULT 5",
            "UPDATE t SET c = 6",
            "UPDATE t SET a = 7, c = 7 WHERE id = 'k2'",
            "INSERT INTO t VALUES ('k9', 9, 9, 9)",
        ),
        ("U k2 a=2", "I k9"),
    ),
    "a column is renamed": Migration(
        (T, "CREATE UNIQUE INDEX i ON t (b)"),
        (
            "ALTER TABLE t RENAME COLUMN b TO bb",
            "UPDATE t SET bb = 'q' WHERE id = 'k1'",
            "REPLACE INTO t VALUES ('k9', 9, 'q')",
            "DELETE FROM t WHERE id = 'k2'",
        ),
        ("U k1 b=x", "M k1 a=1 b=q", "I k9", "D k2 a=2 b=y"),
    ),
    "a key column is renamed": Migration(
        (T,),
        (
            "ALTER TABLE t RENAME COLUMN id TO code",
            "UPDATE t SET a = 9 WHERE code = 'k1'",
            "REPLACE INTO t VALUES ('k2', 2, 2)",
        ),
        ("U k1 a=1", "M k2 a=2 b=y", "I k2"),
    ),
    "the table is renamed": Migration(
        (T, "CREATE UNIQUE INDEX i ON t (lower(b)) WHERE t.b <> ''"),
        (
            "ALTER TABLE t RENAME TO tt",
            "UPDATE tt SET a = 9 WHERE id = 'k1'",
            "REPLACE INTO tt VALUES ('k9', 9, 'Y')",
            "ALTER TABLE tt DROP COLUMN a",
            "DELETE FROM tt WHERE id = 'k3'",
        ),
        ("U k1 a=1", "M k2 a=2 b=y", "I k9", "D k3 a=None b=z"),
    ),
    "the table is dropped": Migration((T,), ("DELETE FROM t WHERE id = 'k1'", "DROP TABLE t"), ("D k1 a=1 b=x",)),
    "the table is made anew and renamed": Migration(
        (T, "CREATE UNIQUE INDEX i ON t (a)"),
        (
            "UPDATE t SET a = 9 WHERE id = 'k1'",
            REBUILT,
            "INSERT INTO t2 (id, a, b) SELECT id, a, b FROM t",
            "DROP TABLE t",
            "ALTER TABLE t2 RENAME TO t",
        ),
        ("U k1 a=1",),
    ),
    "the table is renamed and made anew": Migration(
        (T, "CREATE UNIQUE INDEX i ON t (a)"),
        (
            "UPDATE t SET a = 9 WHERE id = 'k1'",
            "ALTER TABLE t RENAME TO t_old",
            REBUILT.replace("t2", "t"),
            "INSERT INTO t (id, a, b) SELECT id, a, b FROM t_old",
            "DROP TABLE t_old",
        ),
        ("U k1 a=1",),
    ),
    "another table changes": Migration(
        (T, "CREATE TABLE u (id INTEGER PRIMARY KEY, v, w)", "CREATE VIEW v AS SELECT * FROM t JOIN u USING (id)"),
        ("ALTER TABLE u DROP COLUMN w", "ALTER TABLE u RENAME COLUMN v TO vv", "ALTER TABLE u RENAME TO uu"),
        (),
    ),
}


@pytest.mark.parametrize("recursive", ["off", "on"])
@pytest.mark.parametrize("case", MIGRATIONS)
def test_a_migration_of_the_application_succeeds_and_is_noted_rightly(
    case: str, recursive: str, tmp_path: Path
) -> None:
    migration = MIGRATIONS[case]
    workshop = SQLiteWorkshop(tmp_path, pragmas=[f"recursive_triggers = {recursive}"])
    url = workshop.database("a", *migration.schema, ABC.replace("INTO t", "INTO t (id, a, b)"))
    with closing(installed(workshop, url)) as store:
        workshop.run(url, *migration.statements)
        # With recursive triggers a REPLACE tells of the row that goes, too.
        told = [event for event in noted(url) if recursive == "off" or event[0] != "D" or event in migration.events]
        assert tuple(told) == migration.events
        first = store.renew_capture()
        assert [words for words in store.renew_capture() if words not in first] == []


@pytest.mark.parametrize("case", ["a column is dropped", "a unique column is dropped", "the table is renamed"])
def test_a_migration_succeeds_while_the_node_is_joining(case: str, tmp_path: Path) -> None:
    migration = MIGRATIONS[case]
    workshop = SQLiteWorkshop(tmp_path)
    url = workshop.database("a", *migration.schema, ABC)
    with closing(installed(workshop, url, joining=True)):
        workshop.run(url, *migration.statements)
        told = noted(url)
        assert [event for event in told if event[0] != "M"] == [e for e in migration.events if e[0] != "M"]
        before_the_update = told[told.index("U k1 a=1") - 1]
        assert before_the_update.startswith("M k1 a=1 b=")


@pytest.mark.parametrize("case", ["a column is dropped", "a unique column is dropped", "a column is renamed"])
def test_triggers_can_be_made_for_a_table_that_lacks_columns(case: str, tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path)
    url = workshop.database("a", *MIGRATIONS[case].schema, ABC)
    drop = [s for s in MIGRATIONS[case].statements if s.startswith(("ALTER", "DROP"))]
    with closing(workshop.store(url)) as store:
        tables = store.inspect().tables
        workshop.run(url, *drop)
        store.install(tables)
        workshop.run(url, "UPDATE t SET a = 9 WHERE id = 'k1'", "DELETE FROM t WHERE id = 'k2'")
        assert noted(url) == ["U k1 a=1", "D k2 a=2 b=None"]


def test_a_table_that_lacks_its_key_is_not_captured_and_can_be_written(tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path)
    url = workshop.database("a", T, ABC)
    with closing(workshop.store(url)) as store:
        tables = store.inspect().tables
        workshop.run(url, "ALTER TABLE t RENAME COLUMN id TO code")
        store.install(tables)
        workshop.run(url, "UPDATE t SET a = 9 WHERE code = 'k1'", "REPLACE INTO t VALUES ('k1', 1, 1)")
        assert noted(url) == []
        assert store.renew_capture() == ["t has no longer its key id; it is left alone until that is back"]


def test_a_column_that_the_network_does_not_have_is_dropped_and_rows_go_on_arriving(tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path)
    wider = (T.replace("b)", "b, own)"), "CREATE UNIQUE INDEX i ON t (own)")
    ours, theirs = workshop.database("a", T, ABC), workshop.database("b", *wider)
    a, b = sites(workshop, ours, theirs)
    ferry = Ferry()
    with closing_sites(a, b):
        ferry.found(a)
        ferry.receive(b)
        workshop.run(theirs, "UPDATE t SET own = id", "DROP INDEX i", "ALTER TABLE t DROP COLUMN own")
        workshop.run(theirs, "UPDATE t SET a = 9 WHERE id = 'k1'", "DELETE FROM t WHERE id = 'k2'")
        assert {str(change) for change in ferry.seal(b)} == {"update t k1 a", "delete t k2"}
        ferry.receive(a)
        assert workshop.dump(theirs) == workshop.dump(ours)


def test_a_column_that_is_added_is_no_edit_of_its_rows(tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path)
    ours = workshop.database("a", T, ABC)
    (a,) = sites(workshop, ours)
    ferry = Ferry()
    with closing_sites(a):
        ferry.found(a)
        workshop.run(ours, "ALTER TABLE t ADD COLUMN c DEFAULT 5", "UPDATE t SET c = 7", "UPDATE t SET a = 1, c = 8")
        assert a.store.pending() == 2
        assert {str(change) for change in ferry.seal(a)} == {"update t k2 a", "update t k3 a"}


def test_a_gap_that_was_emptied_is_filled_again(tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path)
    url = workshop.database("a", T, ABC)
    with closing(installed(workshop, url)) as store:
        assert store.renew_capture() == []
        workshop.run(url, "DELETE FROM _satchel_gap_1")
        assert len(store.renew_capture()) == 1
        assert store.renew_capture() == []
        workshop.run(url, "UPDATE t SET a = 9 WHERE id = 'k1'")
        assert noted(url) == ["U k1 a=1"]


# -- numbers that the database hands out by itself

NUMBERED = (
    "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)",
    "INSERT INTO t VALUES (1, 1, 'x'), (2, 2, 'y'), (3, 3, 'z')",
)
RENAMES = {
    "another number": (("UPDATE t SET id = 7 WHERE id = 1",), ["R 1 to 7"], 0),
    "another number by the name of the rowid": (("UPDATE t SET rowid = 7 WHERE oid = 1",), ["R 1 to 7"], 0),
    "another number and value": (("UPDATE t SET id = 7, a = 5 WHERE id = 1",), ["R 1 to 7", "U 7 a=1"], 1),
    "the same number": (("UPDATE t SET id = id, b = b",), [], 0),
    "every number": (
        ("UPDATE t SET id = -id", "UPDATE t SET id = 1 - id WHERE id = -3"),
        ["R 1 to -1", "R 2 to -2", "R 3 to -3", "R -3 to 4"],
        0,
    ),
    "a value before and one after": (
        ("UPDATE t SET a = 5 WHERE id = 1", "UPDATE t SET id = 7 WHERE id = 1", "UPDATE t SET b = 5 WHERE id = 7"),
        ["U 1 a=1", "R 1 to 7", "U 7 b=x"],
        1,
    ),
    "a number that was free again": (
        (
            "DELETE FROM t WHERE id = 1",
            "UPDATE t SET id = 1 WHERE id = 2",
            "UPDATE t SET a = 9 WHERE id = 1",
            "INSERT INTO t VALUES (2, 5, 5)",
        ),
        ["D 1 a=1 b=x", "R 2 to 1", "U 1 a=2", "I 2"],
        3,
    ),
    "a number that another row has": (
        ("UPDATE OR REPLACE t SET id = 2 WHERE id = 1",),
        ["M 2 a=2 b=y", "R 1 to 2"],
        1,
    ),
}


@pytest.mark.parametrize("case", RENAMES)
def test_another_number_of_a_row_is_noted_as_such(case: str, tmp_path: Path) -> None:
    statements, told, changed = RENAMES[case]
    workshop = SQLiteWorkshop(tmp_path)
    url = workshop.database("a", *NUMBERED)
    with closing(installed(workshop, url, scope="local")) as store:
        workshop.run(url, *statements)
        assert noted(url) == told
        assert store.pending() == changed


def test_another_key_that_is_no_number_of_this_database_is_a_delete_and_an_insert(tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path)
    url = workshop.database("a", *NUMBERED)
    with closing(installed(workshop, url, scope="global")) as store:
        workshop.run(url, "UPDATE t SET id = 7 WHERE id = 1")
        assert noted(url) == ["D 1 a=1 b=x", "I 7"]
        assert store.pending() == 2


def test_the_triggers_text_needs_nothing_newer_than_the_applications_library(tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path)
    url = workshop.database("a", *NUMBERED, "CREATE UNIQUE INDEX i ON t (a)")
    with closing(installed(workshop, url, scope="local", joining=True)):
        texts = " ".join(sql for kind, _, _, sql in workshop.master(url) if kind == "trigger")
    newer = ("RETURNING", "OVER (", "WITH ", " FILTER ", "GENERATED", "UPSERT", "IIF(", "MATERIALIZED", "TRUE", "FALSE")
    assert [word for word in newer if word in texts.upper()] == []


def test_the_image_of_a_replaced_row_has_null_for_a_dropped_column_not_its_name(tmp_path: Path) -> None:
    """Text in double quotes that is no column's name would be a string literal in SQLite."""
    workshop = SQLiteWorkshop(tmp_path)
    url = workshop.database("a", T, ABC)
    with closing(installed(workshop, url)):
        workshop.run(url, "ALTER TABLE t DROP COLUMN b", "REPLACE INTO t VALUES ('k1', 5)")
        assert noted(url) == ["M k1 a=1 b=None", "I k1"]


def test_a_column_that_was_renamed_cannot_be_dropped_before_the_next_command(tmp_path: Path) -> None:
    """SQLite renames it in the triggers, where its new name has nothing to fall back to (docs/not-promised.md)."""
    workshop = SQLiteWorkshop(tmp_path)
    url = workshop.database("a", T, ABC)
    with closing(installed(workshop, url)), closing(sqlite3.connect(url, isolation_level=None)) as db:
        db.execute("ALTER TABLE t RENAME COLUMN b TO bb")
        with pytest.raises(sqlite3.OperationalError, match="error in trigger _satchel_1_"):
            db.execute("ALTER TABLE t DROP COLUMN bb")
        assert db.execute("SELECT bb FROM t WHERE id = 'k1'").fetchone() == ("x",)
