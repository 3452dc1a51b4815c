"""Foreign-key actions, shapes of tables, triggers of the application."""

from __future__ import annotations

from tests.stores.traps import ABC, T, trap

STAMPED = (
    "CREATE TABLE t (id TEXT PRIMARY KEY, a, updated_at)",
    "CREATE TRIGGER stamp AFTER UPDATE OF a ON t BEGIN UPDATE t SET updated_at = random() WHERE id = NEW.id; END",
)

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
    *(
        trap(
            f"a table called {name}",
            (
                f"CREATE TABLE {name} (id TEXT PRIMARY KEY, old UNIQUE, new)",
                f"CREATE UNIQUE INDEX i ON {name} (lower(new)) WHERE old > 0",
            ),
            f"INSERT INTO {name} VALUES ('k1', 1, 'a'), ('k2', 2, 'b'), ('k3', 3, 'c'), ('k4', 4, 'd')",
            f"UPDATE {name} SET new = 'q' WHERE id = 'k1'",
            f"REPLACE INTO {name} VALUES ('k9', 2, 'C')",
            f"UPDATE {name} SET id = 'k7' WHERE id = 'k4'",
        )
        for name in ("new", "old", "x", "y", "excluded")
    ),
    trap(
        "columns called like those of the log, and like words of SQL",
        (
            'CREATE TABLE t (kind TEXT PRIMARY KEY, at UNIQUE, id, c0, c1, m0, renamed, x, y, "new" UNIQUE,'
            ' "old", "select", "a""b", [c d], "1", "é", "_satchel_gap_1")',
            'CREATE UNIQUE INDEX i ON t (lower("a""b"), [c d])',
        ),
        (
            "INSERT INTO t VALUES ('k1', 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)",
            "INSERT INTO t VALUES ('k2', 2, 2, 3, 4, 5, 6, 7, 8, 10, 10, 11, 13, 13, 14, 15, 16)",
            "INSERT INTO t VALUES ('k3', 3, 2, 3, 4, 5, 6, 7, 8, 11, 10, 11, 14, 13, 14, 15, 16)",
        ),
        """UPDATE t SET c0 = 'n', "select" = 's', "a""b" = 'Q', "_satchel_gap_1" = 0 WHERE kind = 'k1'""",
        """REPLACE INTO t (kind, at, "a""b", [c d]) VALUES ('k9', 2, 'q', 13)""",
        "DELETE FROM t WHERE kind = 'k3'",
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
