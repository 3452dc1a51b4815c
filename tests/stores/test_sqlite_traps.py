"""Capture: what an application does from another process arrives, and nothing else does (PROTOCOL, Capture).

Each trap is a schema, rows that both sites have, and what the application does at one of them. By default the sealed
changes must be exactly the rows that differ afterwards, with the columns that differ; `changes` says it where the
difference alone does not tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.stores.ferry import Change, Ferry, Site, closing
from tests.stores.workshop import SQLiteWorkshop, quote, sites

T = "CREATE TABLE t (id TEXT PRIMARY KEY, a, b)"
ABC = "INSERT INTO t VALUES ('k1', 1, 'x'), ('k2', 2, 'y'), ('k3', 3, 'z')"
COMPOSITE = "CREATE TABLE t (v, x TEXT, w, n INTEGER, PRIMARY KEY (n, x))"
STAMPED = (
    "CREATE TABLE t (id TEXT PRIMARY KEY, a, updated_at)",
    "CREATE TRIGGER stamp AFTER UPDATE OF a ON t BEGIN UPDATE t SET updated_at = random() WHERE id = NEW.id; END",
)


@dataclass(frozen=True)
class Trap:
    name: str
    schema: tuple[str, ...]
    before: tuple[str, ...]
    during: tuple[str, ...]
    changes: frozenset[str] | None = None
    maybe: frozenset[str] = frozenset()  # may stand in the seal as well
    foreign_keys: bool = False


def trap(
    name: str,
    schema: str | tuple[str, ...],
    before: str | tuple[str, ...],
    *during: str,
    changes: set[str] | None = None,
    maybe: set[str] = frozenset(),  # type: ignore[assignment]
    foreign_keys: bool = False,
) -> Trap:
    schema = (schema,) if isinstance(schema, str) else schema
    before = (before,) if isinstance(before, str) else before
    return Trap(
        name, schema, before, during, None if changes is None else frozenset(changes), frozenset(maybe), foreign_keys
    )


def in_one(*statements: str) -> tuple[str, ...]:
    return ("BEGIN", *statements, "COMMIT")


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

ACTIONS = [
    trap(
        f"on delete {action}",
        (
            "CREATE TABLE p (id TEXT PRIMARY KEY, v)",
            "CREATE TABLE c (id TEXT PRIMARY KEY, p TEXT DEFAULT 'p2'"
            f" REFERENCES p ON DELETE {action} ON UPDATE CASCADE, v)",
        ),
        (
            "INSERT INTO p VALUES ('p1', 1), ('p2', 2), ('p3', 3)",
            "INSERT INTO c VALUES ('c1', 'p1', 1), ('c2', 'p1', 2), ('c3', 'p2', 3), ('c4', 'p3', 4)",
        ),
        "DELETE FROM p WHERE id = 'p1'",
        "UPDATE p SET id = 'p9' WHERE id = 'p3'",
        foreign_keys=True,
    )
    for action in ("CASCADE", "SET NULL", "SET DEFAULT")
] + [
    trap(
        "a cascade over several generations",
        ("CREATE TABLE p (id TEXT PRIMARY KEY, up TEXT REFERENCES p ON DELETE CASCADE)",),
        "INSERT INTO p VALUES ('1', NULL), ('2', '1'), ('3', '2'), ('4', '3'), ('x', NULL)",
        "DELETE FROM p WHERE id = '1'",
        foreign_keys=True,
    ),
    trap(
        "a cascade fired by a replace",
        (
            "CREATE TABLE p (id TEXT PRIMARY KEY, v UNIQUE)",
            "CREATE TABLE c (id TEXT PRIMARY KEY, p TEXT REFERENCES p ON DELETE CASCADE)",
        ),
        ("INSERT INTO p VALUES ('p1', 1), ('p2', 2)", "INSERT INTO c VALUES ('c1', 'p1'), ('c2', 'p2')"),
        "REPLACE INTO p VALUES ('p3', 1)",
        foreign_keys=True,
    ),
]

SHAPES = [
    trap(
        "generated columns",
        "CREATE TABLE t (id TEXT PRIMARY KEY, v AS (a * 2), a, s AS (upper(b)) STORED, b)",
        "INSERT INTO t (id, a, b) VALUES ('k1', 1, 'x'), ('k2', 2, 'y')",
        "UPDATE t SET a = 5 WHERE id = 'k1'",
        "UPDATE t SET b = 'q' WHERE id = 'k2'",
        "INSERT INTO t (id, a, b) VALUES ('k3', 3, 'z')",
        changes={"update t k1 a", "update t k2 b", "insert t k3 *"},
    ),
    trap(
        "a strict table",
        "CREATE TABLE t (id TEXT PRIMARY KEY, i INT, r REAL, s TEXT, b BLOB, x ANY) STRICT",
        "INSERT INTO t VALUES ('k1', 1, 1.5, 's', x'00', '007'), ('k2', 2, 2, 's', x'', 7)",
        "UPDATE t SET x = 7.0 WHERE id = 'k2'",
        "UPDATE t SET x = 7 WHERE id = 'k1'",
        "INSERT INTO t VALUES ('k3', NULL, NULL, NULL, NULL, x'01')",
    ),
    trap(
        "a table whose columns are called like the rowid",
        "CREATE TABLE t (id TEXT PRIMARY KEY, rowid, _rowid_, oid)",
        "INSERT INTO t VALUES ('k1', 1, 2, 3), ('k2', 1, 2, 3), ('k3', 1, 2, 3)",
        "UPDATE t SET rowid = 9 WHERE id = 'k1'",
        "DELETE FROM t WHERE id = 'k2'",
        "INSERT INTO t VALUES ('k9', 1, 1, 1)",
    ),
    trap(
        "a key that is a rowid by another name",
        "CREATE TABLE t (oid INTEGER PRIMARY KEY, a ANY) STRICT",
        "INSERT INTO t VALUES (5, 1), (6, 2)",
        "UPDATE t SET a = 9 WHERE oid = 5",
        "INSERT INTO t (a) VALUES (3)",
    ),
    trap(
        "an integer key that is no rowid",
        "CREATE TABLE t (id INTEGER PRIMARY KEY DESC, a)",
        "INSERT INTO t VALUES (5, 1), (6, 2)",
        "UPDATE t SET id = 7 WHERE id = 5",
        "DELETE FROM t WHERE id = 6",
    ),
    trap(
        "autoincrement",
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a)",
        "INSERT INTO t (a) VALUES ('x'), ('y')",
        "DELETE FROM t WHERE id = 2",
        "INSERT INTO t (a) VALUES ('z')",
    ),
]

TRIGGERS = [
    trap(
        "a trigger that stamps the row",
        STAMPED,
        "INSERT INTO t VALUES ('k1', 1, 'then')",
        "UPDATE t SET a = 2",
        "INSERT INTO t VALUES ('k2', 2, NULL)",
        "UPDATE t SET a = 3 WHERE id = 'k2'",
        "DELETE FROM t WHERE id = 'k1'",
        "INSERT INTO t VALUES ('k3', 1, NULL)",
    ),
    trap(
        "a trigger that counts, and one that writes an audit",
        (
            T,
            "CREATE TABLE audit (n TEXT PRIMARY KEY, what)",
            "CREATE TABLE sums (id TEXT PRIMARY KEY, total)",
            "CREATE TRIGGER t_audit AFTER INSERT ON t BEGIN INSERT INTO audit VALUES (hex(randomblob(8)), NEW.id); END",
            "CREATE TRIGGER t_sum AFTER INSERT ON t BEGIN UPDATE sums SET total = total + NEW.a; END",
        ),
        (ABC, "INSERT INTO sums VALUES ('all', 6)"),
        "INSERT INTO t VALUES ('k8', 8, 'q'), ('k9', 9, 'q')",
    ),
    trap(
        "a trigger that writes a table which is not replicated",
        (
            T,
            "CREATE TABLE cache (id, a)",
            "CREATE TRIGGER t_new AFTER INSERT ON t BEGIN INSERT INTO cache VALUES (NEW.id, NEW.a); END",
            "CREATE TRIGGER t_set AFTER UPDATE ON t BEGIN UPDATE cache SET a = NEW.a WHERE id = NEW.id; END",
            "CREATE TRIGGER t_gone AFTER DELETE ON t BEGIN DELETE FROM cache WHERE id = OLD.id; END",
        ),
        ABC,
        "INSERT INTO t VALUES ('k9', 9, 'q')",
        "UPDATE t SET a = 5 WHERE id = 'k1'",
        "DELETE FROM t WHERE id = 'k2'",
    ),
    trap(
        "a trigger instead of a view's insert",
        (
            T,
            "CREATE VIEW w AS SELECT id, a FROM t",
            "CREATE TRIGGER w_in INSTEAD OF INSERT ON w BEGIN INSERT INTO t VALUES (NEW.id, NEW.a, 'by view'); END",
        ),
        ABC,
        "INSERT INTO w VALUES ('k9', 9)",
    ),
    trap(
        "a before trigger that refuses some rows",
        (T, "CREATE TRIGGER no BEFORE INSERT ON t WHEN NEW.a > 100 BEGIN SELECT raise(IGNORE); END"),
        ABC,
        "INSERT INTO t VALUES ('k8', 8, 8), ('k9', 900, 9)",
    ),
]

TRAPS = [*REPLACE, *HIDDEN, *KEYS, *NET, *UNIQUE, *ACTIONS, *SHAPES, *TRIGGERS]
# The other two in the full suite.
MODES = [
    ("wal", "off"),
    ("delete", "on"),
    pytest.param("wal", "on", marks=pytest.mark.slow),
    pytest.param("delete", "off", marks=pytest.mark.slow),
]


def rows_by_key(workshop: SQLiteWorkshop, url: str, site: Site) -> dict[str, dict[tuple[Any, ...], dict[str, str]]]:
    """Table -> key -> column -> value, exactly."""
    found = {}
    for table in site.store.tables():
        exact = ", ".join(f"typeof({quote(c)}) || quote({quote(c)})" for c in table.names)
        keys = ", ".join(map(quote, table.key))
        rows = workshop.rows(url, f"SELECT {keys}, {exact} FROM {quote(table.name)}")
        found[table.name] = {
            row[: len(table.key)]: dict(zip(table.names, row[len(table.key) :], strict=True)) for row in rows
        }
    return found


def difference(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """What a seal should hold, by what was there before and is there now."""
    found = set()
    for table, old in before.items():
        new = after[table]
        for key in old.keys() | new.keys():
            columns = [] if key not in old or key not in new else [c for c in new[key] if new[key][c] != old[key][c]]
            name = f"{table} {'/'.join(map(str, key))}"
            if key not in new:
                found.add(f"delete {name}")
            elif key not in old:
                found.add(f"insert {name} *")
            elif columns:
                found.add(f"update {name} {','.join(columns)}")
    return found


def described(changes: list[Change]) -> set[str]:
    assert len({(c.table, c.key) for c in changes}) == len(changes), "a key stands twice in a seal"
    return set(map(str, changes))


@pytest.mark.parametrize(("journal", "recursive"), MODES)
@pytest.mark.parametrize("case", TRAPS, ids=lambda case: case.name)
def test_what_the_application_does_arrives_and_nothing_else(
    case: Trap, journal: str, recursive: str, tmp_path: Path
) -> None:
    pragmas = [f"recursive_triggers = {recursive}", f"foreign_keys = {int(case.foreign_keys)}"]
    workshop = SQLiteWorkshop(tmp_path, journal, pragmas)
    check(workshop, case)


def check(workshop: SQLiteWorkshop, case: Trap) -> None:
    ours = workshop.database("a", *case.schema, *case.before)
    theirs = SQLiteWorkshop(workshop.folder, "delete" if workshop.journal == "wal" else "wal").database(
        "b", *case.schema
    )
    a, b = sites(workshop, ours, theirs)
    ferry = Ferry()
    with closing(a, b):
        ferry.found(a)
        ferry.receive(b)
        assert workshop.dump(theirs) == workshop.dump(ours)
        before = rows_by_key(workshop, ours, a)
        workshop.run(ours, *case.during)
        expected = difference(before, rows_by_key(workshop, ours, a)) if case.changes is None else set(case.changes)
        assert a.store.pending() >= len(expected)
        sealed = described(ferry.seal(a))
        assert expected <= sealed <= expected | case.maybe
        assert a.store.pending() == 0
        ferry.receive(b)
        assert workshop.dump(theirs) == workshop.dump(ours)
        assert b.store.pending() == 0
        assert ferry.seal(b) == []
        assert workshop.rows(theirs, "PRAGMA integrity_check") == [("ok",)]
