"""REPLACE in all its forms: rows that go without a delete trigger."""

from __future__ import annotations

from tests.stores.traps import ABC, T, in_one, trap

REPLACE = [
    trap("insert or replace through the key", T, ABC, "INSERT OR REPLACE INTO t VALUES ('k1', 9, 'x')"),
    trap("replace into through the key", T, ABC, "REPLACE INTO t VALUES ('k2', 2, NULL)"),
    trap("replace with identical values is no change", T, ABC, "REPLACE INTO t VALUES ('k1', 1, 'x')", changes=set()),
    trap("replace that differs in class only", T, ABC, "REPLACE INTO t VALUES ('k1', 1.0, 'x')"),
    trap("update or replace of a key onto another", T, ABC, "UPDATE OR REPLACE t SET id = 'k2' WHERE id = 'k1'"),
    trap(
        "update or replace of every key onto one",
        T,
        ABC,
        "UPDATE OR REPLACE t SET id = 'k9'",
    ),
    trap(
        "replace through a unique column",
        "CREATE TABLE t (id TEXT PRIMARY KEY, a UNIQUE, b)",
        ABC,
        "REPLACE INTO t VALUES ('k9', 2, 'new')",
    ),
    trap(
        "replace through several unique columns at once",
        "CREATE TABLE t (id TEXT PRIMARY KEY, a UNIQUE, b UNIQUE)",
        ABC,
        "REPLACE INTO t VALUES ('k3', 1, 'y')",
    ),
    trap(
        "update or replace through a unique column",
        "CREATE TABLE t (id TEXT PRIMARY KEY, a UNIQUE, b)",
        ABC,
        "UPDATE OR REPLACE t SET a = 2 WHERE id = 'k1'",
    ),
    trap(
        "replace through a composite unique key",
        "CREATE TABLE t (id TEXT PRIMARY KEY, a, b, UNIQUE (b, a))",
        ABC,
        "REPLACE INTO t VALUES ('k9', 2, 'y')",
        "REPLACE INTO t VALUES ('k8', 3, NULL)",
    ),
    trap(
        "replace through a unique column without case",
        "CREATE TABLE t (id TEXT PRIMARY KEY, a, b TEXT COLLATE NOCASE UNIQUE)",
        ABC,
        "REPLACE INTO t VALUES ('k9', 0, 'Y')",
        "UPDATE OR REPLACE t SET b = 'Z' WHERE id = 'k1'",
    ),
    trap(
        "replace through a unique index without case over a plain column",
        (T, "CREATE UNIQUE INDEX i ON t (b COLLATE NOCASE)"),
        ABC,
        "REPLACE INTO t VALUES ('k9', 0, 'Y')",
    ),
    trap(
        "replace through a partial index",
        (T, "CREATE UNIQUE INDEX i ON t (a) WHERE b IS NOT NULL"),
        (ABC, "INSERT INTO t VALUES ('k4', 2, NULL)"),
        "REPLACE INTO t VALUES ('k9', 2, 'q')",
        "UPDATE OR REPLACE t SET b = 'now' WHERE id = 'k4'",
    ),
    trap(
        "replace through an expression index",
        (T, "CREATE UNIQUE INDEX i ON t (lower(b), abs(a) DESC)"),
        ABC,
        "REPLACE INTO t VALUES ('k9', -2, 'Y')",
        "UPDATE OR REPLACE t SET b = 'Z', a = -3 WHERE id = 'k1'",
    ),
    trap(
        "replace through the index of a generated column",
        "CREATE TABLE t (id TEXT PRIMARY KEY, a, b, g AS (a % 10) UNIQUE)",
        ABC,
        "REPLACE INTO t (id, a, b) VALUES ('k9', 12, 'q')",
        "UPDATE OR REPLACE t SET a = 13 WHERE id = 'k1'",
    ),
    trap(
        "a column declared on conflict replace",
        "CREATE TABLE t (id TEXT PRIMARY KEY ON CONFLICT REPLACE, a UNIQUE ON CONFLICT REPLACE, b)",
        ABC,
        "INSERT INTO t VALUES ('k1', 2, 'both')",
        "UPDATE t SET a = 3 WHERE id = 'k1'",
    ),
    trap(
        "not null on conflict replace puts the default in",
        "CREATE TABLE t (id TEXT PRIMARY KEY, a NOT NULL ON CONFLICT REPLACE DEFAULT 7, b)",
        ABC,
        "UPDATE t SET a = NULL WHERE id = 'k1'",
        "INSERT INTO t VALUES ('k9', NULL, 'q')",
    ),
    trap(
        "replace of an integer key",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE, b)",
        "INSERT INTO t VALUES (1, 1, 'x'), (2, 2, 'y'), (3, 3, 'z')",
        "REPLACE INTO t VALUES (1, 2, 'q')",
        "INSERT OR REPLACE INTO t (a, b) VALUES (3, 'automatic')",
    ),
    trap(
        "replace in a table without rowid",
        "CREATE TABLE t (id TEXT PRIMARY KEY, a UNIQUE, b) WITHOUT ROWID",
        ABC,
        "REPLACE INTO t VALUES ('k1', 2, 'q')",
        "REPLACE INTO t VALUES ('k3', 3, 'zz')",
    ),
    trap(
        "replace twice, the second time back",
        T,
        ABC,
        "REPLACE INTO t VALUES ('k1', 5, 'x')",
        "REPLACE INTO t VALUES ('k1', 1, 'x')",
        changes={"update t k1 a"},
    ),
    trap("replace that is rolled back", T, ABC, "BEGIN", "REPLACE INTO t VALUES ('k1', 5, 'x')", "ROLLBACK"),
    trap(
        "displaced and put back as it was",
        "CREATE TABLE t (id TEXT PRIMARY KEY, a UNIQUE, b)",
        ABC,
        *in_one(
            "REPLACE INTO t VALUES ('k9', 2, 'y')",
            "DELETE FROM t WHERE id = 'k9'",
            "INSERT INTO t VALUES ('k2', 2, 'y')",
        ),
        maybe={"insert t k2 *"},
    ),
]

HIDDEN = [
    trap(
        "replace through the hidden rowid",
        T,
        ABC,
        "REPLACE INTO t (rowid, id, a) VALUES (1, 'k9', 'took the place of k1')",
        "UPDATE OR REPLACE t SET rowid = 2 WHERE id = 'k3'",
    ),
    trap(
        "replace through the hidden rowid by another name",
        "CREATE TABLE t (id INTEGER PRIMARY KEY DESC, rowid, _rowid_)",
        "INSERT INTO t VALUES (7, 1, 1), (8, 2, 2)",
        "REPLACE INTO t (oid, id, rowid) VALUES (1, 9, 1)",
    ),
    trap(
        "a default that takes the place of null displaces another row",
        "CREATE TABLE t (id TEXT PRIMARY KEY, a NOT NULL DEFAULT 3 UNIQUE, b NOT NULL DEFAULT zz)",
        ABC,
        "REPLACE INTO t VALUES ('k9', NULL, NULL)",
    ),
    trap(
        "a default displaces another row in an update",
        "CREATE TABLE t (id TEXT PRIMARY KEY, a NOT NULL DEFAULT (1 + 2), b, UNIQUE (a, b))",
        ABC,
        "UPDATE OR REPLACE t SET a = NULL, b = 'z' WHERE id = 'k1'",
    ),
    trap(
        "a default is the key of another row",
        "CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL DEFAULT 'k3', a, b)",
        ABC,
        "REPLACE INTO t VALUES (NULL, 9, 9)",
        "UPDATE OR REPLACE t SET id = NULL WHERE id = 'k1'",
    ),
    trap(
        "an expression index that only some rows can be in",
        (T, "CREATE UNIQUE INDEX i ON t (json_extract(b, '$.x')) WHERE a = 'json' -- only those"),
        """INSERT INTO t VALUES ('k1', 'json', '{"x": 1}'), ('k2', 'text', '{'), ('k3', 'json', '{"x": 2}')""",
        "INSERT INTO t VALUES ('k4', 'text', '}')",
        "UPDATE t SET b = '[' WHERE id = 'k2'",
        """REPLACE INTO t VALUES ('k5', 'json', '{"x": 1, "y": 2}')""",
        """UPDATE OR REPLACE t SET a = 'json', b = '{"x": 2}' WHERE id = 'k4'""",
    ),
    trap(
        "a partial index that names its table",
        (
            "CREATE TABLE [new t] (id TEXT PRIMARY KEY, a, b)",
            "CREATE UNIQUE INDEX i ON [new t] (a) WHERE [new t].b > 'x'",
        ),
        "INSERT INTO [new t] VALUES ('k1', 1, 'x'), ('k2', 1, 'y'), ('k3', 1, 'a')",
        "REPLACE INTO [new t] VALUES ('k4', 1, 'z')",
        "UPDATE [new t] SET a = 1",
    ),
    trap(
        "an expression over a generated column",
        (
            "CREATE TABLE t (id TEXT PRIMARY KEY, a, g AS (a || 'g') STORED, b)",
            "CREATE UNIQUE INDEX i ON t (upper(g), length(b))",
        ),
        "INSERT INTO t VALUES ('k1', 'p', 'x'), ('k2', 'q', 'y'), ('k3', 'r', 'z')",
        "REPLACE INTO t VALUES ('k9', 'P', 'b')",
        "UPDATE OR REPLACE t SET a = 'R' WHERE id = 'k2'",
    ),
]
