"""Keys that change, net effects, unique values that move."""

from __future__ import annotations

from tests.stores.traps import ABC, T, in_one, trap

COMPOSITE = "CREATE TABLE t (v, x TEXT, w, n INTEGER, PRIMARY KEY (n, x))"

KEYS = [
    trap("a key that changes", T, ABC, "UPDATE t SET id = 'k9' WHERE id = 'k1'"),
    trap("a key that changes with its row", T, ABC, "UPDATE t SET id = 'k9', a = 5 WHERE id = 'k1'"),
    trap(
        "keys that are swapped",
        T,
        ABC,
        *in_one(
            "UPDATE t SET id = 'tmp' WHERE id = 'k1'",
            "UPDATE t SET id = 'k1' WHERE id = 'k2'",
            "UPDATE t SET id = 'k2' WHERE id = 'tmp'",
        ),
        changes={"insert t k1 *", "insert t k2 *"},
    ),
    trap(
        "a key changed there and back",
        T,
        ABC,
        "UPDATE t SET id = 'k9' WHERE id = 'k1'",
        "UPDATE t SET id = 'k1' WHERE id = 'k9'",
        changes={"insert t k1 *"},
    ),
    trap(
        "the rowid of an integer key is set",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a)",
        "INSERT INTO t VALUES (1, 'x'), (2, 'y')",
        "UPDATE t SET rowid = 9 WHERE rowid = 1",
        "UPDATE t SET _rowid_ = 10, a = 'q' WHERE oid = 2",
    ),
    trap(
        "the rowid of a table with a text key is set: no change",
        T,
        ABC,
        "UPDATE t SET rowid = 77 WHERE id = 'k1'",
        changes=set(),
    ),
    trap(
        "all integer keys shift",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a)",
        "INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'z')",
        *in_one("UPDATE t SET id = -id", "UPDATE t SET id = 1 - id"),
        changes={"delete t 1", "insert t 2 *", "insert t 3 *", "insert t 4 *"},
    ),
    trap(
        "a key column in the middle",
        COMPOSITE,
        "INSERT INTO t VALUES ('v', 'x', 'w', 1), ('v', 'y', 'w', 1), ('v', 'x', 'w', 2)",
        "UPDATE t SET v = 'vv' WHERE x = 'y'",
        "UPDATE t SET n = 3 WHERE x = 'x' AND n = 2",
        "DELETE FROM t WHERE x = 'x' AND n = 1",
        "INSERT INTO t VALUES (1, 'new', 2, 5)",
    ),
    trap(
        "half of a composite key changes",
        COMPOSITE + " WITHOUT ROWID",
        "INSERT INTO t VALUES ('v', 'x', 'w', 1), ('v', 'y', 'w', 1)",
        "UPDATE t SET x = 'z' WHERE x = 'x'",
    ),
    trap(
        "keys of mixed classes",
        "CREATE TABLE t (id PRIMARY KEY, a)",
        "INSERT INTO t VALUES (1, 'i'), ('1', 't'), (x'31', 'b'), (1.5, 'r')",
        "UPDATE t SET a = 'q' WHERE id = '1'",
        "DELETE FROM t WHERE id = x'31'",
        "UPDATE t SET id = 2.5 WHERE id = 1.5",
        "INSERT INTO t VALUES (x'', 'empty'), ('', 'empty'), (9.0, 'nine')",
        changes={
            "update t 1 a",
            "delete t b'1'",
            "delete t 1.5",
            "insert t 2.5 *",
            "insert t b'' *",
            "insert t  *",
            "insert t 9.0 *",
        },
    ),
    trap(
        "a key's class changes: one key, another image",
        "CREATE TABLE t (id PRIMARY KEY, a)",
        "INSERT INTO t VALUES (1, 'x')",
        "UPDATE t SET id = 1.0",
        changes={"update t 1.0 id"},
    ),
    trap(
        "real keys",
        "CREATE TABLE t (id REAL PRIMARY KEY, a)",
        "INSERT INTO t VALUES (1, 'x'), (0.1, 'y'), (9e999, 'inf')",
        "UPDATE t SET a = 'q' WHERE id > 1e300",
        "DELETE FROM t WHERE id = 0.1",
    ),
    trap(
        "a key without case changes its case",
        "CREATE TABLE t (id TEXT COLLATE NOCASE PRIMARY KEY, a)",
        "INSERT INTO t VALUES ('a', 1), ('b', 2)",
        "UPDATE t SET id = 'A' WHERE id = 'a'",
        "REPLACE INTO t VALUES ('B', 2)",
        changes={"update t A id", "update t B id"},
    ),
    trap(
        "a key without case is deleted and born again in capitals",
        "CREATE TABLE t (id TEXT COLLATE NOCASE PRIMARY KEY, a) WITHOUT ROWID",
        "INSERT INTO t VALUES ('a', 1), ('b', 2)",
        "DELETE FROM t WHERE id = 'A'",
        "INSERT INTO t VALUES ('A', 5)",
        changes={"insert t A *"},
    ),
    trap(
        "a key whose blanks at the end do not count",
        "CREATE TABLE t (id TEXT COLLATE RTRIM PRIMARY KEY, a)",
        "INSERT INTO t VALUES ('a', 1), ('b', 2)",
        "UPDATE t SET id = 'a  ' WHERE id = 'a'",
        "UPDATE t SET a = 7 WHERE id = 'b    '",
        changes={"update t a   id", "update t b a"},
    ),
]

NET = [
    trap("an update of nothing", T, ABC, "UPDATE t SET a = a, b = b", changes=set()),
    trap("an update to the same values", T, ABC, "UPDATE t SET a = 1 WHERE id = 'k1'", changes=set()),
    trap(
        "an update there and back",
        T,
        ABC,
        "UPDATE t SET a = 7 WHERE id = 'k1'",
        "UPDATE t SET a = 1 WHERE id = 'k1'",
        changes={"update t k1 a"},
    ),
    trap(
        "two columns in two updates", T, ABC, "UPDATE t SET a = 7 WHERE id = 'k1'", "UPDATE t SET b = 1 WHERE id = 'k1'"
    ),
    trap("inserted and deleted", T, ABC, "INSERT INTO t VALUES ('k9', 1, 1)", "DELETE FROM t WHERE id = 'k9'"),
    trap(
        "deleted and inserted again as it was",
        T,
        ABC,
        *in_one("DELETE FROM t WHERE id = 'k1'", "INSERT INTO t VALUES ('k1', 1, 'x')"),
        changes={"insert t k1 *"},
    ),
    trap(
        "deleted and inserted otherwise",
        T,
        ABC,
        "DELETE FROM t WHERE id = 'k1'",
        "INSERT INTO t VALUES ('k1', 8, 'x')",
        changes={"insert t k1 *"},
    ),
    trap(
        "inserted, deleted, inserted",
        T,
        ABC,
        "INSERT INTO t VALUES ('k9', 1, 1)",
        "DELETE FROM t WHERE id = 'k9'",
        "INSERT INTO t VALUES ('k9', 2, 2)",
    ),
    trap("inserted and updated", T, ABC, "INSERT INTO t VALUES ('k9', 1, 1)", "UPDATE t SET a = 5 WHERE id = 'k9'"),
    trap("updated and deleted", T, ABC, "UPDATE t SET a = 5 WHERE id = 'k1'", "DELETE FROM t WHERE id = 'k1'"),
    trap(
        "a transaction that is rolled back",
        T,
        ABC,
        "BEGIN",
        "DELETE FROM t",
        "INSERT INTO t VALUES ('k9', 1, 1)",
        "ROLLBACK",
    ),
    trap(
        "a savepoint that is rolled back",
        T,
        ABC,
        *in_one(
            "UPDATE t SET a = 7 WHERE id = 'k1'",
            "SAVEPOINT s",
            "DELETE FROM t",
            "ROLLBACK TO s",
            "RELEASE s",
            "UPDATE t SET b = 7 WHERE id = 'k2'",
        ),
    ),
    trap("a statement over every row", T, ABC, "UPDATE t SET a = a + 10"),
    trap("delete without where", T, ABC, "DELETE FROM t"),
    trap(
        "insert or ignore",
        T,
        ABC,
        "INSERT OR IGNORE INTO t VALUES ('k1', 9, 9), ('k8', 8, 8)",
        "UPDATE OR IGNORE t SET id = 'k2' WHERE id = 'k3'",
    ),
    trap(
        "insert or ignore over a unique column",
        "CREATE TABLE t (id TEXT PRIMARY KEY, a UNIQUE, b NOT NULL)",
        ABC,
        "INSERT OR IGNORE INTO t VALUES ('k7', 1, 'taken'), ('k8', 8, NULL), ('k9', 9, 'fine')",
        "UPDATE OR IGNORE t SET a = a + 1",
    ),
    trap(
        "upsert",
        T,
        ABC,
        "INSERT INTO t VALUES ('k1', 9, 'n'), ('k8', 8, 'n') ON CONFLICT (id) DO UPDATE SET a = excluded.a",
        "INSERT INTO t VALUES ('k2', 0, 0) ON CONFLICT DO NOTHING",
    ),
    trap(
        "insert returning",
        T,
        ABC,
        "INSERT INTO t VALUES ('k8', 8, 8) RETURNING id, a",
        "UPDATE t SET a = 0 WHERE id = 'k1' RETURNING *",
        "DELETE FROM t WHERE id = 'k2' RETURNING b",
    ),
    trap(
        "insert or fail keeps what came before",
        T,
        ABC,
        "INSERT INTO t SELECT 'c' || value, value, NULL FROM json_each('[1, 2, 3]')",
    ),
    trap(
        "update from",
        (T, "CREATE TABLE u (id TEXT PRIMARY KEY, v)"),
        (ABC, "INSERT INTO u VALUES ('k1', 'u1'), ('k3', 'u3')"),
        "UPDATE t SET b = u.v FROM u WHERE u.id = t.id",
    ),
    trap(
        "create table as, and insert from it",
        T,
        ABC,
        "CREATE TABLE copied AS SELECT * FROM t",
        "INSERT INTO t SELECT id || 'c', a, b FROM copied",
        "DROP TABLE copied",
    ),
    trap(
        "a change of class",
        T,
        ABC,
        "UPDATE t SET a = '1' WHERE id = 'k1'",
        "UPDATE t SET a = 2.0 WHERE id = 'k2'",
        "UPDATE t SET b = CAST(b AS BLOB) WHERE id = 'k3'",
    ),
    trap(
        "a change of case",
        "CREATE TABLE t (id TEXT PRIMARY KEY, a TEXT COLLATE NOCASE, b TEXT COLLATE RTRIM)",
        ABC,
        "UPDATE t SET a = upper(b), b = b || ' '",
        "UPDATE t SET a = lower(a)",
        "UPDATE t SET b = b || '  ' WHERE id = 'k1'",
        changes={"update t k1 a,b", "update t k2 a,b", "update t k3 a,b"},
    ),
    trap(
        "the lowest integer becomes a real",
        "CREATE TABLE t (id TEXT PRIMARY KEY, a INTEGER, b NUMERIC)",
        ("INSERT INTO t VALUES ('z', -9223372036854775808, -9223372036854775808)"),
        "UPDATE t SET a = -9223372036854775808.0, b = -9223372036854775808.0",
    ),
    trap(
        "nulls come and go",
        T,
        ABC,
        "UPDATE t SET a = NULL WHERE id = 'k1'",
        "UPDATE t SET b = NULL WHERE id = 'k2'",
        "INSERT INTO t VALUES ('k9', NULL, NULL)",
    ),
    trap(
        "columns with defaults",
        "CREATE TABLE t (id TEXT PRIMARY KEY, a DEFAULT 5, b DEFAULT (hex('x')))",
        ABC,
        "INSERT INTO t (id) VALUES ('k9')",
    ),
]

UNIQUE = [
    trap(
        f"unique values {what} {where}",
        table,
        ABC.replace("'k1'", keys[0]).replace("'k2'", keys[1]).replace("'k3'", keys[2]),
        *in_one(*statements),
        changes=changes,
    )
    for where, table, keys in (
        (
            "in a table with a rowid of its own",
            "CREATE TABLE t (id TEXT PRIMARY KEY, a UNIQUE, b)",
            ("'k1'", "'k2'", "'k3'"),
        ),
        (
            "in a table without rowid",
            "CREATE TABLE t (id TEXT PRIMARY KEY, a UNIQUE, b) WITHOUT ROWID",
            ("'k1'", "'k2'", "'k3'"),
        ),
        ("in a table whose key is the rowid", "CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE, b)", ("1", "2", "3")),
    )
    for what, statements, changes in (
        (
            "swap",
            (
                "UPDATE t SET a = -1 WHERE b = 'x'",
                "UPDATE t SET a = 1 WHERE b = 'y'",
                "UPDATE t SET a = 2 WHERE b = 'x'",
            ),
            None,
        ),
        ("shift", ("UPDATE t SET a = -a", "UPDATE t SET a = 1 - a"), None),
        (
            "move to a new row",
            (
                "DELETE FROM t WHERE b = 'x'",
                "UPDATE t SET a = 1 WHERE b = 'y'",
                "INSERT INTO t (a, b) SELECT 2, 'new' WHERE 0",
            ),
            None,
        ),
    )
]
