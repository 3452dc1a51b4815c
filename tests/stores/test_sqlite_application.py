"""The application does not notice: its statements, its triggers, its locks (PROTOCOL, Promises 7; Capture; Apply)."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing as closing_db
from pathlib import Path
from typing import Any

import pytest

from tests.stores.ferry import BASELINE_TIME, Ferry, Site, closing
from tests.stores.workshop import SQLiteWorkshop, sites

T = "CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE, b NOT NULL DEFAULT 'b')"
K = "CREATE TABLE t (id TEXT PRIMARY KEY, a UNIQUE)"
JOURNALS = ["wal", "delete"]


def two(workshop: SQLiteWorkshop, *schema: str, rows: tuple[str, ...] = ()) -> tuple[str, str, Site, Site, Ferry]:
    """Two sites with the founder's rows at both."""
    ours, theirs = workshop.database("a", *schema, *rows), workshop.database("b", *schema)
    a, b = sites(workshop, ours, theirs)
    ferry = Ferry()
    ferry.found(a)
    ferry.receive(b)
    return ours, theirs, a, b, ferry


# -- what a statement says of itself

STATEMENTS = [
    "INSERT INTO t (a) VALUES (10), (11), (12)",
    "INSERT INTO t VALUES (77, 13, 'x')",
    "INSERT OR IGNORE INTO t VALUES (1, 1, 'x'), (78, 14, 'x')",
    "INSERT OR REPLACE INTO t VALUES (1, 2, 'displaces two')",
    "REPLACE INTO t (a, b) VALUES (3, 'automatic')",
    "INSERT INTO t VALUES (1, 99, 'up') ON CONFLICT (id) DO UPDATE SET a = 100",
    "INSERT INTO t VALUES (1, 99, 'up') ON CONFLICT DO NOTHING",
    "UPDATE t SET b = 'all'",
    "UPDATE t SET b = b",
    "UPDATE OR REPLACE t SET a = 2 WHERE id = 3",
    "UPDATE OR IGNORE t SET a = 2",
    "UPDATE t SET id = id + 1000",
    "DELETE FROM t WHERE id = 2",
    "DELETE FROM t",
    "INSERT INTO t SELECT NULL, a + 50, b FROM t",
    "INSERT INTO t (a) VALUES (40) RETURNING id, a, b",
]
FAILING = [
    "INSERT INTO t VALUES (1, 50, 'key')",
    "INSERT INTO t VALUES (9, 1, 'unique')",
    "INSERT INTO t VALUES (9, 90, NULL)",
    "INSERT INTO t VALUES ('text', 90, 'mismatch')",
    "INSERT OR ROLLBACK INTO t VALUES (9, 1, 'unique')",
    "INSERT OR FAIL INTO t VALUES (8, 80, 'kept'), (9, 1, 'unique')",
    "UPDATE t SET a = 1",
    "UPDATE OR FAIL t SET a = 1",
    "UPDATE t SET id = 1",
    "UPDATE t SET b = NULL WHERE id = 2",
    "INSERT INTO t (nothing) VALUES (1)",
]


def told(path: str, statement: str, recursive: str) -> tuple[Any, ...]:
    """What the application learns from a statement: its rows, errors, changes() and last_insert_rowid()."""
    with closing_db(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(f"PRAGMA recursive_triggers = {recursive}")
        db.execute("INSERT INTO other VALUES (4711)")
        cursor = db.cursor()
        try:
            cursor.execute(statement)
            answer: Any = cursor.fetchall()
        except sqlite3.Error as problem:
            answer = f"{type(problem).__name__}: {problem}"
        changes, last = db.execute("SELECT changes(), last_insert_rowid()").fetchone()
        return answer, changes, last, cursor.rowcount, cursor.lastrowid, db.execute("SELECT * FROM t").fetchall()


@pytest.mark.parametrize("recursive", ["off", "on"])
@pytest.mark.parametrize("statement", STATEMENTS + FAILING)
def test_a_statement_tells_the_application_the_same_as_without_satchel(
    statement: str, recursive: str, tmp_path: Path
) -> None:
    workshop = SQLiteWorkshop(tmp_path, "wal")
    schema = (
        T,
        "CREATE TABLE other (n INTEGER PRIMARY KEY)",
        "INSERT INTO t VALUES (1, 1, 'x'), (2, 2, 'y'), (3, 3, 'z')",
    )
    plain, captured = workshop.database("plain", *schema), workshop.database("captured", *schema)
    (site,) = sites(workshop, captured)
    with closing(site):
        before = site.store.pending()
        assert told(captured, statement, recursive) == told(plain, statement, recursive)
        assert before == 0


@pytest.mark.parametrize("policy", ["ABORT", "FAIL", "IGNORE", "REPLACE", "ROLLBACK"])
def test_a_log_row_is_never_refused(policy: str, tmp_path: Path) -> None:
    """The policy of the application's statement is handed down into triggers."""
    workshop = SQLiteWorkshop(tmp_path, "wal")
    rows = ("INSERT INTO t VALUES (1, 1, 'x'), (2, 2, 'y')",)
    ours, theirs, a, b, ferry = two(workshop, T, rows=rows)
    with closing(a, b):
        for number in range(3):
            workshop.run(
                ours,
                f"INSERT OR {policy} INTO t VALUES ({10 + number}, {10 + number}, 'new')",
                f"UPDATE OR {policy} t SET b = 'set {number}' WHERE id = 1",
                f"UPDATE OR {policy} t SET id = id + 100 WHERE id = {10 + number}",
            )
        workshop.run(ours, "DELETE FROM t WHERE id = 2")
        assert a.store.pending() >= 5
        ferry.seal(a)
        ferry.receive(b)
        assert workshop.dump(theirs) == workshop.dump(ours)


def test_log_numbers_are_not_used_again_after_a_seal(tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path, "delete")
    ours, theirs, a, b, ferry = two(workshop, T)
    with closing(a, b):
        for number in range(4):
            workshop.run(ours, f"INSERT INTO t (a) VALUES ({number})")
            assert len(ferry.seal(a)) == 1
            assert ferry.seal(a) == []
        ferry.receive(b)
        assert workshop.dump(theirs) == workshop.dump(ours)


# -- locks


@pytest.mark.parametrize("journal", JOURNALS)
def test_an_application_without_patience_writes_while_a_seal_is_written(journal: str, tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path, journal, timeout=0)
    rows = ("INSERT INTO t SELECT value, value, 'x' FROM json_each('[1,2,3,4,5]')",)
    ours, theirs, a, b, ferry = two(workshop, T, rows=rows)
    with closing(a, b):
        workshop.run(ours, "UPDATE t SET b = 'before'")
        with a.store.delta(ferry.rules) as delta:
            assert delta is not None
            batches = delta.batches("t")
            next(batches)
            workshop.run(ours, "BEGIN IMMEDIATE", "UPDATE t SET b = 'during' WHERE id = 1", "COMMIT", "SELECT * FROM t")
            batches.close()
            ferry.ship(a, delta)
            workshop.run(ours, "UPDATE t SET b = 'after' WHERE id = 2")
        assert a.store.pending() == 2
        ferry.meet(a, b)
        assert workshop.dump(theirs) == workshop.dump(ours)


@pytest.mark.parametrize("journal", JOURNALS)
def test_an_application_without_patience_writes_while_the_baseline_is_read(journal: str, tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path, journal, timeout=0)
    ours = workshop.database("a", T, "INSERT INTO t VALUES (1, 1, 'x'), (2, 2, 'y')")
    (a,) = sites(workshop, ours)
    ferry = Ferry()
    with closing(a):
        with a.store.baseline(BASELINE_TIME) as delta:
            batches = delta.batches("t")
            next(batches)
            workshop.run(ours, "UPDATE t SET b = 'during' WHERE id = 1", "DELETE FROM t WHERE id = 2")
            batches.close()
            ferry.ship(a, delta)
        assert {str(change) for change in ferry.seal(a)} == {"update t 1 b", "delete t 2"}


@pytest.mark.parametrize("journal", JOURNALS)
def test_an_application_without_patience_reads_while_satchel_applies(journal: str, tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path, journal, timeout=0)
    ours, theirs, a, b, ferry = two(workshop, T)
    with closing(a, b):
        workshop.run(ours, "INSERT INTO t SELECT value, value, hex(randomblob(100)) FROM json_each('[1,2,3]')")
        ferry.seal(a)
        with b.store.applying() as applying:
            group = ferry.ready(b.vector)
            assert group is not None
            applying.apply_group(group, ferry.rules)
            assert workshop.run(theirs, "SELECT count(*) FROM t") == [[(0,)]]
            (refused,) = workshop.attempt(theirs, "INSERT INTO t (a) VALUES (1)")
            assert "locked" in refused  # nobody else writes while we hold the lock, and nobody waits for ever
            applying.commit()
        workshop.run(theirs, "INSERT INTO t (a) VALUES (99)")
        assert b.store.pending() == 1


@pytest.mark.parametrize("journal", JOURNALS)
def test_connections_of_the_application_that_stay_open_are_captured(journal: str, tmp_path: Path) -> None:
    """They hold prepared statements from before the triggers were made, dropped and made again."""
    workshop = SQLiteWorkshop(tmp_path, journal)
    ours, theirs = workshop.database("a", K), workshop.database("b", K)
    with closing_db(sqlite3.connect(theirs, isolation_level=None, check_same_thread=False)) as app:
        insert = "INSERT INTO t VALUES ('theirs ' || ?1, ?1)"
        app.execute(insert, (1,))
        a, b = sites(workshop, ours, theirs)
        ferry = Ferry()
        with closing(a, b):
            app.execute(insert, (2,))
            assert b.store.pending() == 1
            ferry.found(a)
            ferry.seal(b)
            for number in range(5):
                workshop.run(ours, f"INSERT INTO t VALUES ('ours {number}', {500 + number})")
                ferry.seal(a)
                writer = threading.Thread(target=app.execute, args=(insert, (10 + number,)))
                writer.start()
                with b.store.applying() as applying:
                    while group := ferry.ready(b.vector):
                        applying.apply_group(group, ferry.rules)
                    applying.commit()
                writer.join()
            assert b.store.pending() == 5
            ferry.seal(b)
            ferry.receive(a)
            known = workshop.rows(ours, "SELECT a FROM t WHERE a BETWEEN 10 AND 14 ORDER BY a")
            assert known == [(10,), (11,), (12,), (13,), (14,)]


# -- triggers of the application

FTS = (
    "CREATE TABLE doc (id INTEGER PRIMARY KEY, body TEXT)",
    "CREATE VIRTUAL TABLE words USING fts5(body, content='doc', content_rowid='id')",
    "CREATE TRIGGER doc_in AFTER INSERT ON doc BEGIN INSERT INTO words (rowid, body) VALUES (NEW.id, NEW.body); END",
    "CREATE TRIGGER doc_out AFTER DELETE ON doc BEGIN"
    " INSERT INTO words (words, rowid, body) VALUES ('delete', OLD.id, OLD.body); END",
    "CREATE TRIGGER doc_set AFTER UPDATE ON doc BEGIN"
    " INSERT INTO words (words, rowid, body) VALUES ('delete', OLD.id, OLD.body);"
    " INSERT INTO words (rowid, body) VALUES (NEW.id, NEW.body); END",
)


@pytest.mark.parametrize("journal", JOURNALS)
def test_a_full_text_index_follows_what_arrives(journal: str, tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path, journal)
    rows = ("INSERT INTO doc VALUES (1, 'red apple'), (2, 'green pear'), (3, 'blue plum')",)
    ours, theirs, a, b, ferry = two(workshop, *FTS, rows=rows)
    with closing(a, b):

        def find(url: str, word: str) -> list[int]:
            return [n for (n,) in workshop.rows(url, f"SELECT rowid FROM words WHERE words MATCH '{word}' ORDER BY 1")]

        assert find(theirs, "apple OR pear") == [1, 2]
        workshop.run(
            ours,
            "UPDATE doc SET body = 'yellow apple' WHERE id = 2",
            "DELETE FROM doc WHERE id = 1",
            "INSERT INTO doc VALUES (4, 'red cherry')",
            "REPLACE INTO doc VALUES (3, 'red plum')",
        )
        ferry.seal(a)
        ferry.receive(b)
        for word in ("apple", "pear", "red", "plum"):
            assert find(theirs, word) == find(theirs, word)
        assert (find(theirs, "red"), find(theirs, "apple"), find(theirs, "pear")) == ([3, 4], [2], [])
        workshop.run(theirs, "INSERT INTO words (words) VALUES ('integrity-check')")
        assert b.store.pending() == 0


def test_effects_on_replicated_tables_arrive_once(tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path)
    schema = (
        "CREATE TABLE t (id TEXT PRIMARY KEY, a)",
        "CREATE TABLE log (n INTEGER PRIMARY KEY, id)",
        "CREATE TABLE total (id TEXT PRIMARY KEY, n)",
        "CREATE TRIGGER t_log AFTER INSERT ON t BEGIN INSERT INTO log (id) VALUES (NEW.id); END",
        "CREATE TRIGGER log_total AFTER INSERT ON log BEGIN UPDATE total SET n = n + 1; END",
    )
    ours, theirs, a, b, ferry = two(workshop, *schema, rows=("INSERT INTO total VALUES ('all', 0)",))
    with closing(a, b):
        workshop.run(ours, "INSERT INTO t VALUES ('k1', 1), ('k2', 2)")
        ferry.meet(a, b)
        assert workshop.dump(theirs) == workshop.dump(ours)
        assert workshop.rows(theirs, "SELECT n FROM total") == [(2,)]
        workshop.run(theirs, "INSERT INTO t VALUES ('k3', 3)")  # the trigger is there again
        assert workshop.rows(theirs, "SELECT n FROM total") == [(3,)]


def test_a_trigger_that_writes_both_kinds_of_tables_does_not_run_and_is_named(tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path)
    schema = (
        "CREATE TABLE t (id TEXT PRIMARY KEY, a)",
        "CREATE TABLE u (id TEXT PRIMARY KEY, n)",
        "CREATE TABLE cache (x)",
        "CREATE TRIGGER both AFTER INSERT ON t BEGIN INSERT INTO cache VALUES (1); UPDATE u SET n = n + 1; END",
    )
    ours, theirs, a, b, ferry = two(workshop, *schema)
    with closing(a, b):
        assert [use.trigger for use in b.store.triggers() if use.mixed] == ["both"]
        workshop.run(ours, "INSERT INTO t VALUES ('k1', 1)")
        ferry.meet(a, b)
        assert workshop.rows(theirs, "SELECT * FROM cache") == []


def test_a_trigger_with_a_function_of_its_application_is_left_out_of_the_apply(tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path)
    schema = (
        "CREATE TABLE t (id TEXT PRIMARY KEY, a)",
        "CREATE TABLE cache (x)",
        "CREATE TRIGGER own AFTER UPDATE ON t BEGIN INSERT INTO cache VALUES (my_function(NEW.a)); END",
        "CREATE TRIGGER fine AFTER UPDATE ON t BEGIN INSERT INTO cache VALUES ('fine'); END",
    )
    ours, theirs, a, b, ferry = two(workshop, *schema, rows=("INSERT INTO t VALUES ('k1', 1)",))
    with closing(a, b):
        with closing_db(sqlite3.connect(ours, isolation_level=None)) as app:
            app.create_function("my_function", 1, lambda value: value * 2)
            app.execute("UPDATE t SET a = 21")
            assert app.execute("SELECT x FROM cache ORDER BY 1").fetchall() == [(42,), ("fine",)]
        ferry.meet(a, b)
        assert workshop.rows(theirs, "SELECT a FROM t") == [(21,)]
        names = [row[1] for row in workshop.master(theirs) if row[0] == "trigger" and not row[1].startswith("_")]
        assert names == ["own", "fine"]


def test_a_trigger_that_raises_keeps_a_row_aside_here_and_nothing_else(tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path)
    plain = ("CREATE TABLE t (id TEXT PRIMARY KEY, a)", "CREATE TABLE cache (x)")
    strict = (
        "CREATE TRIGGER no BEFORE {} ON t WHEN NEW.a = 9"
        " BEGIN INSERT INTO cache VALUES (1); SELECT raise(ABORT, 'never'); END"
    )
    rows = ("INSERT INTO t VALUES ('k1', 1), ('k2', 2)",)
    ours, theirs, a, b, ferry = two(workshop, *plain, rows=rows)
    with closing(a, b):
        workshop.run(theirs, strict.format("UPDATE"), strict.format("INSERT").replace("no", "neither"))
        workshop.run(ours, "INSERT INTO t VALUES ('k0', 0)", "UPDATE t SET a = 9 WHERE id = 'k1'")
        ferry.seal(a)
        assert ferry.receive(b).conflicts == 1
        assert workshop.rows(theirs, "SELECT * FROM t ORDER BY 1") == [("k0", 0), ("k2", 2)]
        assert workshop.rows(theirs, "SELECT * FROM cache") == []
        (entry,) = b.store.conflicts()
        assert (entry.kind, entry.key, entry.reason, entry.shown) == ("constraint", ("k1",), "never", None)
        assert b.store.conflict_counts() == {"open": 0, "parked": 1, "passed_over": 0}
        assert (list(a.store.conflicts()), a.vector, b.vector) == ([], {"a": 2}, {"a": 2})
        workshop.run(theirs, "DROP TRIGGER no", "DROP TRIGGER neither")
        workshop.run(ours, "UPDATE t SET a = 3 WHERE id = 'k2'")
        ferry.seal(a)
        ferry.receive(b)
        assert workshop.dump(theirs) == workshop.dump(ours)
        assert list(b.store.conflicts()) == []


def test_a_trigger_that_raises_cannot_keep_a_row_that_is_deleted(tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path)
    plain = ("CREATE TABLE t (id TEXT PRIMARY KEY, a)", "CREATE TABLE cache (x)")
    keep = "CREATE TRIGGER no BEFORE DELETE ON t BEGIN INSERT INTO cache VALUES (1); SELECT raise(ABORT, 'never'); END"
    rows = ("INSERT INTO t VALUES ('k1', 1), ('k2', 2)",)
    ours, theirs, a, b, ferry = two(workshop, *plain, rows=rows)
    with closing(a, b):
        workshop.run(theirs, keep)
        workshop.run(ours, "DELETE FROM t WHERE id = 'k1'", "UPDATE t SET a = 9 WHERE id = 'k2'")
        ferry.seal(a)
        ferry.receive(b)
        assert workshop.dump(theirs) == workshop.dump(ours)
        assert (list(b.store.conflicts()), b.store.pending()) == ([], 0)
        assert [row[1] for row in workshop.master(theirs) if row[0] == "trigger"].count("no") == 1


@pytest.mark.parametrize("journal", JOURNALS)
def test_a_table_that_satchel_does_not_have_is_refused_and_can_come_later(journal: str, tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path, journal)
    ours, theirs, a, b, ferry = two(workshop, T)
    with closing(a, b):
        workshop.run(theirs, "ALTER TABLE t RENAME TO elsewhere")
        workshop.run(ours, "INSERT INTO t (a) VALUES (1)")
        ferry.seal(a)
        with pytest.raises(Exception, match="t"):
            ferry.receive(b)
        workshop.run(theirs, "ALTER TABLE elsewhere RENAME TO t")
        b.store.renew_capture()
        ferry.receive(b)
        assert workshop.rows(theirs, "SELECT a FROM t") == [(1,)]


# -- sealed while the application is in the middle of something


@pytest.mark.parametrize("journal", JOURNALS)
def test_what_is_not_committed_yet_is_in_no_seal(journal: str, tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path, journal)
    ours, theirs, a, b, ferry = two(workshop, T)
    with closing(a, b), closing_db(sqlite3.connect(ours, isolation_level=None)) as app:
        app.execute("INSERT INTO t (a) VALUES (1)")
        app.execute("BEGIN")
        app.execute("INSERT INTO t (a) VALUES (2)")
        with a.store.delta(ferry.rules) as delta:
            assert delta is not None and dict(delta.rows) == {"t": 1}
        app.execute("COMMIT")
        assert [change.row["a"] for change in ferry.seal(a)] == [1, 2]
        ferry.receive(b)
        assert workshop.dump(theirs) == workshop.dump(ours)


AUTHORS = "CREATE TABLE t (id TEXT PRIMARY KEY, a, who)"


def test_the_author_column_is_noted_whatever_it_holds(tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path)
    url = workshop.database("a", AUTHORS)
    store = workshop.store(url)
    store.install(store.inspect().tables, author_column="who")
    site, ferry = Site("a", store), Ferry()
    with closing(site):
        authors = ["'ann'", "NULL", "7", "1.5", "x'6162'", "CAST(x'61ff' AS TEXT)", "'日本'"]
        for number, author in enumerate(authors):
            workshop.run(url, f"INSERT INTO t VALUES ('once {number}', 1, {author})")
            workshop.run(url, f"INSERT INTO t VALUES ('twice {number}', 1, {author})", "UPDATE t SET a = a + 1")
        found = {change.key[0]: change.meta["by"] for change in ferry.seal(site)}
        expected = ["ann", None, "7", "1.5", "ab", "a\ufffd", "日本"]
        assert [found[f"twice {n}"] for n in range(len(authors))] == expected
        workshop.run(url, "UPDATE t SET a = 0")
        found = {change.key[0]: change.meta["by"] for change in ferry.seal(site)}
        assert [found[f"once {n}"] for n in range(len(authors))] == expected
