"""What is captured and what is named and left out; names of every kind; detach leaves nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from satchel.stores.sqlite.store import SQLiteStore
from tests.stores.ferry import Ferry, closing
from tests.stores.workshop import SQLiteWorkshop, quote, sites

NAMES = [
    "with space",
    'double "quotes"',
    "single 'quotes'",
    "dots.and.more",
    "[brackets]",
    "`ticks`",
    "semi;colon -- comment /* x */",
    "Ünïcödé ß",
    "日本語",
    "🐫🚚",
    "select",
    "ORDER",
    "1st",
    "percent%s {brace} %(x)s :x ?1 @y $z",
    "tab\tand\nline",
    "new.old",
    "NEW",
    "c0",
    "t",
    "x" * 300,
]


def left_out(store: SQLiteStore) -> dict[str, str]:
    return {entry.table: entry.reason for entry in store.inspect().left_out}


@pytest.mark.parametrize("name", NAMES)
def test_tables_and_columns_may_have_any_name(name: str, tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path, "wal")
    q = quote(name)
    p = quote(name + "2")
    schema = (
        f"CREATE TABLE {q} ({q} TEXT PRIMARY KEY, {p}, plain, UNIQUE ({p}))",
        f"CREATE TABLE child ({p} REFERENCES {q} ON DELETE CASCADE, {q} PRIMARY KEY)",
        f"CREATE UNIQUE INDEX {quote(name + ' index')} ON {q} (plain, lower({p}))",
    )
    rows = (
        f"INSERT INTO {q} VALUES ('k1', 1, 'x'), ('k2', 2, 'y'), ('k3', 3, 'z')",
        "INSERT INTO child VALUES ('k1', 'c')",
    )
    ours, theirs = workshop.database("a", *schema, *rows), workshop.database("b", *schema)
    a, b = sites(workshop, ours, theirs)
    ferry = Ferry()
    with closing(a, b):
        assert [t.name for t in a.store.tables()] == [name, "child"]
        ferry.found(a)
        ferry.receive(b)
        workshop.run(
            ours,
            f"UPDATE {q} SET {p} = 10 WHERE {q} = 'k1'",
            f"REPLACE INTO {q} VALUES ('k9', 2, 'new')",
            f"UPDATE {q} SET {q} = 'k4' WHERE {q} = 'k3'",
            f"UPDATE child SET {p} = 'k9'",
        )
        assert sorted(change.op for change in ferry.seal(a)) == [
            "delete",
            "delete",
            "insert",
            "insert",
            "update",
            "update",
        ]
        ferry.receive(b)
        assert workshop.dump(theirs) == workshop.dump(ours)
        workshop.run(ours, f"UPDATE {q} SET plain = 'a' WHERE {q} = 'k1'")
        workshop.run(theirs, f"UPDATE {q} SET plain = 'b', {p} = 77 WHERE {q} = 'k1'")
        ferry.meet(a, b)
        assert workshop.dump(theirs) == workshop.dump(ours)
        (conflict,) = a.store.conflicts()
        assert conflict.columns == ("plain",)
        a.store.detach()
        assert [row[0] for row in workshop.master(ours) if row[1].startswith("_satchel")] == []


@pytest.mark.parametrize("count", [1, 2, 59, 60, 61, 120, 121, 130, 300, pytest.param(980, marks=pytest.mark.slow)])
def test_tables_may_have_many_columns(count: int, tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path, "delete")
    columns = ", ".join(f"col{i} {'TEXT PRIMARY KEY' if i == count // 2 else ''}" for i in range(count))
    schema = f"CREATE TABLE t ({columns})"
    key = f"col{count // 2}"
    values = ", ".join("'k1'" if i == count // 2 else str(i) for i in range(count))
    ours = workshop.database("a", schema, f"INSERT INTO t VALUES ({values})")
    theirs = workshop.database("b", schema)
    a, b = sites(workshop, ours, theirs)
    ferry = Ferry()
    with closing(a, b):
        ferry.found(a)
        ferry.receive(b)
        others = [f"col{i}" for i in range(count) if i != count // 2]
        for column in {others[0], others[-1], *others[57:63]} if others else ():
            workshop.run(ours, f"UPDATE t SET {column} = 'new'")
            (change,) = ferry.seal(a)
            assert change.columns == (column,)
        workshop.run(ours, f"INSERT INTO t ({key}) VALUES ('k2')")
        if others:
            workshop.run(ours, f"UPDATE t SET {', '.join(f'{c} = 7' for c in others)} WHERE {key} = 'k1'")
        ferry.seal(a)
        ferry.receive(b)
        assert workshop.dump(theirs) == workshop.dump(ours)


LEFT_OUT = {
    "no key": ("CREATE TABLE t (a, b)", "no primary key"),
    "only a unique column": ("CREATE TABLE t (a UNIQUE NOT NULL)", "no primary key"),
    "a column _change": ("CREATE TABLE t (id TEXT PRIMARY KEY, _change)", "_change"),
    "a column _CHANGE": ("CREATE TABLE t (id TEXT PRIMARY KEY, [_Change])", "_change"),
    "a generated unique column for a key": ("CREATE TABLE t (a, g AS (a) UNIQUE)", "no primary key"),
    "a key with another collation than its column": (
        "CREATE TABLE t (id TEXT, a, PRIMARY KEY (id COLLATE NOCASE))",
        "collation",
    ),
    "more columns than fit twice into a table": (
        f"CREATE TABLE t (id TEXT PRIMARY KEY, {', '.join(f'c{i}' for i in range(980))})",
        "981 columns",
    ),
    "the same without rowid": (
        "CREATE TABLE t (id TEXT, a, PRIMARY KEY (id COLLATE NOCASE)) WITHOUT ROWID",
        "collation",
    ),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_a_table_that_cannot_be_replicated_is_named(case: str, tmp_path: Path) -> None:
    schema, reason = LEFT_OUT[case]
    workshop = SQLiteWorkshop(tmp_path)
    store = workshop.store(workshop.database("a", schema, "CREATE TABLE fine (id TEXT PRIMARY KEY)"))
    assert [table.name for table in store.inspect().tables] == ["fine"]
    assert list(left_out(store)) == ["t"]
    assert reason in left_out(store)["t"]
    store.close()


@pytest.mark.parametrize(
    "schema",
    [
        "CREATE TABLE t (id TEXT PRIMARY KEY, a COLLATE custom)",
        "CREATE TABLE t (id TEXT COLLATE custom PRIMARY KEY, a)",
        "CREATE TABLE t (id TEXT PRIMARY KEY, a); CREATE INDEX i ON t (a COLLATE custom)",
        'CREATE TABLE t (id TEXT PRIMARY KEY, a, UNIQUE (a COLLATE "custom"))',
    ],
)
def test_a_table_with_a_collation_of_its_application_is_named(schema: str, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    db = sqlite3.connect(path)
    db.create_collation("custom", lambda x, y: (x > y) - (x < y))
    db.executescript(schema)
    db.close()
    store = SQLiteStore(path)
    assert "CUSTOM" in left_out(store)["t"]
    store.close()


def test_rows_with_null_in_a_key_are_left_out_and_named(tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path, "wal")
    schema = "CREATE TABLE t (x TEXT, y, v, PRIMARY KEY (x, y))"
    rows = "INSERT INTO t VALUES ('k', 1, 'whole'), ('k', NULL, 'left out'), (NULL, NULL, 'too')"
    ours, theirs = workshop.database("a", schema, rows), workshop.database("b", schema)
    a, b = sites(workshop, ours, theirs)
    ferry = Ferry()
    with closing(a, b):
        assert [change.row["v"] for change in ferry.found(a)] == ["whole"]
        assert [(e.table, e.reason) for e in a.store.left_out()] == [("t", "2 rows with NULL in the key")]
        workshop.run(
            ours,
            "INSERT INTO t VALUES (NULL, 5, 'left out')",
            "UPDATE t SET v = 'still' WHERE y IS NULL",
            "UPDATE t SET x = NULL WHERE v = 'whole'",
            "UPDATE t SET x = 'now', y = 6 WHERE v = 'left out'",
        )
        assert {str(change) for change in ferry.seal(a)} == {"delete t k/1", "insert t now/6 *"}
        ferry.receive(b)
        assert workshop.rows(theirs, "SELECT * FROM t") == [("now", 6, "left out")]
        workshop.run(ours, "DELETE FROM t WHERE x IS NULL")
        assert ferry.seal(a) == []
        workshop.run(
            ours, "REPLACE INTO t VALUES (NULL, NULL, 'n'), (NULL, NULL, 'n')", "DELETE FROM t WHERE x IS NULL"
        )
        assert a.store.pending() == 0


def test_views_virtual_tables_and_their_shadows_are_left_alone(tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path)
    url = workshop.database(
        "a",
        "CREATE TABLE t (id TEXT PRIMARY KEY, a)",
        "CREATE VIEW v AS SELECT * FROM t",
        "CREATE VIRTUAL TABLE words USING fts5(text)",
        "CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1)",
    )
    store = workshop.store(url)
    assert [table.name for table in store.inspect().tables] == ["t"]
    assert left_out(store) == {}
    store.close()


DETACH = {
    "plain": ("CREATE TABLE t (id TEXT PRIMARY KEY, a UNIQUE)",),
    "with triggers and views": (
        "CREATE TABLE t (id TEXT PRIMARY KEY, a)",
        "CREATE TABLE log (a)",
        "CREATE TRIGGER one AFTER INSERT ON t BEGIN INSERT INTO log VALUES (1); END",
        "CREATE TRIGGER two AFTER INSERT ON t BEGIN INSERT INTO log VALUES (2); END",
        "CREATE TRIGGER three AFTER INSERT ON t BEGIN UPDATE t SET a = 1 WHERE id = NEW.id; END",
        "CREATE VIEW w AS SELECT * FROM t",
    ),
    "without rowid": ("CREATE TABLE t (id TEXT PRIMARY KEY, a) WITHOUT ROWID",),
}


@pytest.mark.parametrize("journal", ["wal", "delete"])
@pytest.mark.parametrize("case", DETACH)
def test_detach_leaves_the_schema_as_it_was(case: str, journal: str, tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path, journal)
    ours = workshop.database("a", *DETACH[case], "INSERT INTO t VALUES ('k1', 1)")
    theirs = workshop.database("b", *DETACH[case])
    before, rows = workshop.master(ours), workshop.dump(ours)
    a, b = sites(workshop, ours, theirs)
    ferry = Ferry()
    with closing(a, b):
        ferry.found(a)
        ferry.receive(b)
        workshop.run(theirs, "INSERT INTO t VALUES ('k2', 2)", "UPDATE t SET a = 5 WHERE id = 'k1'")
        workshop.run(ours, "UPDATE t SET a = 6 WHERE id = 'k1'")
        ferry.meet(a, b)
        ferry.meet(a, b)
        assert workshop.dump(theirs)["t"] == workshop.dump(ours)["t"]
        workshop.run(ours, "DELETE FROM t WHERE id = 'k2'", "UPDATE t SET a = 1")
        a.store.detach()
        assert not a.store.is_installed()
    after = workshop.master(ours)
    assert sorted(after, key=str) == sorted(before, key=str)  # and no sqlite_sequence, no sqlite_stat1
    assert [row for row in after if row[0] == "trigger"] == [row for row in before if row[0] == "trigger"]
    assert workshop.dump(ours)["t"] == rows["t"]
    assert workshop.rows(ours, "PRAGMA integrity_check") == [("ok",)]
    assert sorted(p.suffix for p in tmp_path.glob("a.db*")) == [".db"] or journal == "wal"


def test_the_applications_triggers_keep_their_order_through_an_apply(tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path)
    ours, theirs = (
        workshop.database("a", *DETACH["with triggers and views"]),
        workshop.database("b", *DETACH["with triggers and views"]),
    )
    a, b = sites(workshop, ours, theirs)
    before = [row for row in workshop.master(theirs) if row[0] == "trigger"]
    ferry = Ferry()
    with closing(a, b):
        ferry.found(a)
        workshop.run(ours, "INSERT INTO t VALUES ('k1', 1)")
        ferry.meet(a, b)
        assert [row for row in workshop.master(theirs) if row[0] == "trigger"] == before
        workshop.run(theirs, "DELETE FROM log", "INSERT INTO t VALUES ('k2', 1)")
        workshop.run(ours, "DELETE FROM log", "INSERT INTO t VALUES ('k2', 1)")
        assert workshop.rows(theirs, "SELECT a FROM log") == workshop.rows(ours, "SELECT a FROM log")


def test_a_table_that_was_rebuilt_gets_its_triggers_again(tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path)
    ours = workshop.database("a", "CREATE TABLE t (id TEXT PRIMARY KEY, a)", "INSERT INTO t VALUES ('k1', 1)")
    store = workshop.store(ours)
    store.install(store.inspect().tables)
    workshop.run(
        ours,
        "CREATE TABLE t2 (id TEXT PRIMARY KEY, a)",
        "INSERT INTO t2 SELECT * FROM t",
        "DROP TABLE t",
        "ALTER TABLE t2 RENAME TO t",
    )
    assert store.renew_capture() != []
    assert store.renew_capture() == []
    workshop.run(ours, "UPDATE t SET a = 9")
    assert store.pending() == 1
    store.close()


SHELL = shutil.which("sqlite3")
needs_shell = pytest.mark.skipif(
    SHELL is None and not os.environ.get("CI"), reason="the sqlite3 shell is not installed here"
)


@needs_shell
@pytest.mark.parametrize("journal", ["wal", "delete"])
@pytest.mark.parametrize("recursive", ["off", "on"])
def test_what_the_sqlite3_shell_writes_is_captured(journal: str, recursive: str, tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path, journal, [f"recursive_triggers = {recursive}", "foreign_keys = ON"], shell=True)
    schema = (
        "CREATE TABLE t (id TEXT PRIMARY KEY, a UNIQUE, b COLLATE NOCASE)",
        "CREATE TABLE c (id TEXT PRIMARY KEY, t TEXT REFERENCES t ON DELETE CASCADE)",
    )
    rows = ("INSERT INTO t VALUES ('k1', 1, 'x'), ('k2', 2, 'y'), ('k3', 3, 'z')", "INSERT INTO c VALUES ('c1', 'k1')")
    ours, theirs = workshop.database("a", *schema, *rows), workshop.database("b", *schema)
    a, b = sites(workshop, ours, theirs)
    ferry = Ferry()
    with closing(a, b):
        ferry.found(a)
        ferry.receive(b)
        workshop.run(
            ours,
            "REPLACE INTO t VALUES ('k9', 2, 'displaces k2')",
            "UPDATE t SET b = 'Z' WHERE id = 'k3'",
            "DELETE FROM t WHERE id = 'k1'",
            "INSERT INTO t VALUES ('k8', 8, char(0) || 'nul') ON CONFLICT DO NOTHING",
        )
        changes = {"insert t k9 *", "delete t k2", "update t k3 b", "delete t k1", "delete c c1", "insert t k8 *"}
        assert {str(change) for change in ferry.seal(a)} == changes
        ferry.receive(b)
        assert workshop.dump(theirs) == workshop.dump(ours)


@pytest.mark.parametrize(
    "own",
    [
        ["CREATE TABLE own (id TEXT PRIMARY KEY, v TEXT)", "CREATE UNIQUE INDEX i ON own (secret(v))"],
        ["CREATE TABLE own (id TEXT PRIMARY KEY, v TEXT CHECK (secret(v) > 0))"],
    ],
)
def test_a_table_that_needs_a_function_of_its_application_is_left_out_by_name(tmp_path: Path, own: list[str]) -> None:
    path = tmp_path / "app.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.create_function("secret", 1, lambda value: 1, deterministic=True)
        for statement in [*own, "CREATE TABLE plain (id TEXT PRIMARY KEY)"]:
            db.execute(statement)
    with contextlib.closing(SQLiteStore(path)) as store:
        found = store.inspect()
    assert [table.name for table in found.tables] == ["plain"]
    assert [(entry.table, "function secret" in entry.reason) for entry in found.left_out] == [("own", True)]
