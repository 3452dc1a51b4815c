"""The part of the contract that is about constraints that the network keeps: unique keys and foreign keys."""

from __future__ import annotations

import pytest

from tests.stores.constrained import CHILD, PLAIN, Network, network
from tests.stores.ferry import closing
from tests.stores.workshop import Workshop


class ConstraintContract:
    """Unique keys and foreign keys."""

    @pytest.fixture
    def workshop(self) -> Workshop:
        raise AssertionError("a kind of store gives its own")

    # -- unique keys of the network

    @pytest.mark.parametrize(
        ("columns", "ours", "theirs"),
        [
            ("a TEXT UNIQUE, b", "'x', 1", "'x', 2"),
            ("a TEXT COLLATE NOCASE UNIQUE, b", "'Mail', 1", "'mAIL', 2"),
            ("a TEXT, b, UNIQUE (a, b)", "'x', 1", "'x', 1.0"),
            ("a, b, UNIQUE (b COLLATE BINARY, a)", "x'00', NULL", None),
        ],
    )
    def test_of_two_rows_that_claim_one_value_the_later_is_parked_everywhere(
        self, workshop: Workshop, columns: str, ours: str, theirs: str | None
    ) -> None:
        with network(workshop, f"CREATE TABLE t (id TEXT PRIMARY KEY, {columns})", CHILD) as net:
            net.run(net.ours, f"INSERT INTO t VALUES ('one', {ours})", "INSERT INTO c VALUES ('c1', 'one')")
            workshop.run(
                net.theirs, f"INSERT INTO t VALUES ('two', {theirs or ours})", "INSERT INTO c VALUES ('c2', 'two')"
            )
            net.meet()
            if theirs is None:  # NULL claims nothing
                assert len(net.both("SELECT * FROM t ORDER BY id")) == 2
                return
            assert net.both("SELECT id FROM t") == [("one",)]
            assert net.both("SELECT id FROM c") == [("c1",)]
            assert net.kinds() == {("t", "two"): "unique", ("c", "c2"): "foreign-key"}
            assert net.a.store.conflict_counts() == {"open": 0, "parked": 2, "passed_over": 0}
            net.run(net.ours, "UPDATE t SET a = 'else' WHERE id = 'one'")
            net.meet()
            assert net.both("SELECT id FROM t ORDER BY 1") == [("one",), ("two",)]
            assert net.both("SELECT id FROM c ORDER BY 1") == [("c1",), ("c2",)]
            assert net.kinds() == {}

    @pytest.mark.parametrize(
        ("columns", "index", "ours", "theirs", "free"),
        [
            ("a TEXT, b", "a COLLATE NOCASE", "'Mail', 1", "'mAIL', 2", "'MAIl', 3"),
            ("a TEXT, b", "a COLLATE RTRIM", "'x', 1", "'x  ', 2", "' x', 3"),
            ("a TEXT, b TEXT", "a COLLATE NOCASE, b COLLATE RTRIM", "'Mail', 'x '", "'mAIL', 'x'", "'mail', 'X'"),
            ("a TEXT COLLATE NOCASE, b", "b, a COLLATE BINARY", "'Mail', 1", "'Mail', 1.0", "'mail', 1"),
            ("a TEXT COLLATE NOCASE, b", "a COLLATE RTRIM", "'x', 1", "'x ', 2", "'X', 3"),
        ],
    )
    def test_a_unique_index_that_compares_in_its_own_way_is_kept_everywhere(
        self, workshop: Workshop, columns: str, index: str, ours: str, theirs: str, free: str
    ) -> None:
        """`free`: what another collation than the index's would take for the same, or what a column's own would not."""
        schema = (f"CREATE TABLE t (id TEXT PRIMARY KEY, {columns})", f"CREATE UNIQUE INDEX one ON t ({index})", CHILD)
        with network(workshop, *schema) as net:
            net.run(net.ours, f"INSERT INTO t VALUES ('one', {ours}), ('x', 'both', 5)")
            net.run(net.theirs, f"INSERT INTO t VALUES ('two', {theirs}), ('y', 'sides', 6)")
            net.run(net.theirs, "INSERT INTO c VALUES ('c2', 'two')")
            net.meet()
            assert net.both("SELECT id FROM t ORDER BY 1") == [("one",), ("x",), ("y",)]
            assert net.kinds() == {("t", "two"): "unique", ("c", "c2"): "foreign-key"}
            assert "is taken by t one" in net.listed(net.a)["t", "two"].reason
            differs = not index.startswith("a COLLATE NOCASE") or "RTRIM" in index
            if differs:
                net.run(net.theirs, f"INSERT INTO t VALUES ('free', {free})")
                net.meet()
                assert ("free",) in net.both("SELECT id FROM t ORDER BY 1")
            net.run(net.ours, "UPDATE t SET a = 'else' WHERE id = 'one'")
            net.meet()
            assert net.both(f"SELECT * FROM t WHERE id IN ('one', 'two') AND (a = 'else' OR (a, b) = ({theirs}))")
            assert len(net.both("SELECT id FROM t ORDER BY 1")) == 4 + differs
            assert net.both("SELECT id FROM c") == [("c2",)]
            assert net.kinds() == {}

    def test_values_of_an_index_with_a_collation_of_its_own_are_spelt_anew_and_swapped(
        self, workshop: Workshop
    ) -> None:
        schema = ("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", "CREATE UNIQUE INDEX one ON t (v COLLATE NOCASE)")
        rows = ("INSERT INTO t VALUES (1, 'ada'), (2, 'bob'), (3, 'cleo')",)
        with network(workshop, *schema, rows=rows) as net:
            net.run(
                net.ours,
                "BEGIN",
                "UPDATE t SET v = NULL WHERE id = 1",
                "UPDATE t SET v = 'ADA' WHERE id = 2",
                "UPDATE t SET v = 'BOB' WHERE id = 1",
                "UPDATE t SET v = 'Cleo' WHERE id = 3",
                "COMMIT",
            )
            net.send()
            assert net.both("SELECT * FROM t ORDER BY id") == [(1, "BOB"), (2, "ADA"), (3, "Cleo")]
            assert net.kinds() == {}

    def test_a_row_that_only_spells_its_value_anew_gives_nothing_away(self, workshop: Workshop) -> None:
        plain = ("CREATE TABLE t (id TEXT PRIMARY KEY, v TEXT)",)
        schema = (*plain, "CREATE UNIQUE INDEX one ON t (v COLLATE NOCASE)")
        with network(workshop, *schema, rows=("INSERT INTO t VALUES ('k', 'Mail')",), stricter=plain) as net:
            net.run(net.theirs, "UPDATE t SET v = 'MAIL' WHERE id = 'k'", "INSERT INTO t VALUES ('late', 'mail')")
            net.ferry.seal(net.b)
            net.ferry.receive(net.a)
            (entry,) = net.a.store.conflicts()
            assert (entry.kind, entry.apart) == ("unique", "parked")
            assert len(net.rows(net.ours, "SELECT id FROM t")) == 1

    def test_rows_of_one_packet_that_an_index_takes_for_the_same_are_parked_by_the_network(
        self, workshop: Workshop
    ) -> None:
        """Their author's database has lost the index."""
        plain = ("CREATE TABLE t (id TEXT PRIMARY KEY, v TEXT)",)
        schema = (*plain, "CREATE UNIQUE INDEX one ON t (v COLLATE NOCASE)")
        with network(workshop, *schema, stricter=plain) as net:
            net.run(net.theirs, "INSERT INTO t VALUES ('a', 'Mail'), ('b', 'mAIL'), ('c', 'else')")
            net.ferry.seal(net.b)
            net.ferry.receive(net.a)
            assert net.rows(net.ours, "SELECT id FROM t ORDER BY 1") == [("a",), ("c",)]
            assert {place: entry.kind for place, entry in net.listed(net.a).items()} == {("t", "b"): "unique"}

    def test_a_value_that_a_parked_row_spells_otherwise_is_in_its_way_too(self, workshop: Workshop) -> None:
        schema = (
            "CREATE TABLE t (id TEXT PRIMARY KEY, a TEXT UNIQUE, b TEXT)",
            "CREATE UNIQUE INDEX one ON t (b COLLATE NOCASE)",
        )
        with network(workshop, *schema) as net:
            net.run(net.ours, "INSERT INTO t VALUES ('k', 'x', NULL)")
            net.run(net.theirs, "INSERT INTO t VALUES ('p', 'x', 'Mail')")
            net.meet()
            net.run(net.ours, "INSERT INTO t VALUES ('q', NULL, 'mAIL')")
            net.meet()
            assert net.both("SELECT id FROM t ORDER BY 1") == [("k",), ("q",)]
            assert net.kinds() == {("t", "p"): "unique"}
            assert net.listed(net.b)["t", "p"].reason == "a = x is taken by t k; b = Mail is taken by t q"

    def test_a_key_that_an_index_compares_in_its_own_way_is_a_claim(self, workshop: Workshop) -> None:
        schema = ("CREATE TABLE t (id TEXT PRIMARY KEY, v TEXT)", "CREATE UNIQUE INDEX one ON t (id COLLATE NOCASE)")
        with network(workshop, *schema) as net:
            net.run(net.ours, "INSERT INTO t VALUES ('b', 'ours')")
            net.run(net.theirs, "INSERT INTO t VALUES ('B', 'theirs')")
            net.meet()
            assert net.both("SELECT * FROM t") == [("b", "ours")]
            assert net.kinds() == {("t", "B"): "unique"}
            net.run(net.theirs, "DELETE FROM t")
            net.meet()
            assert net.both("SELECT * FROM t") == [("B", "theirs")]
            assert net.kinds() == {}

    def test_keys_keep_their_spelling_and_are_claimed_by_it(self, workshop: Workshop) -> None:
        schema = (
            "CREATE TABLE t (k TEXT COLLATE NOCASE, j INTEGER, v TEXT, PRIMARY KEY (k, j))",
            "CREATE UNIQUE INDEX one ON t (k COLLATE BINARY, v)",
        )
        with network(workshop, *schema) as net:
            net.run(net.ours, "INSERT INTO t VALUES ('Mail', 1, 'x'), ('Post', 1, 'y')")
            net.run(net.theirs, "INSERT INTO t VALUES ('mAIL', 2, 'x'), ('Post', 2, 'y')")
            net.meet()
            assert net.both("SELECT * FROM t ORDER BY 2, 1") == [("Mail", 1, "x"), ("Post", 1, "y"), ("mAIL", 2, "x")]
            net.run(net.ours, "UPDATE t SET v = 'ours' WHERE k = 'mail' AND j = 1")
            net.run(net.theirs, "UPDATE t SET v = 'theirs' WHERE k = 'mail' AND j = 1")
            net.meet()
            assert net.both("SELECT k, j FROM t ORDER BY 2, 1") == [("Mail", 1), ("Post", 1), ("mAIL", 2)]

    def test_a_hundred_values_that_shift_by_one_arrive(self, workshop: Workshop) -> None:
        schema = (
            "CREATE TABLE t (id TEXT PRIMARY KEY, n INTEGER UNIQUE)",
            "CREATE TABLE c (id TEXT PRIMARY KEY, n INTEGER REFERENCES t (n) ON UPDATE CASCADE)",
        )
        numbers = ", ".join(f"('k{n}', {n})" for n in range(100))
        with network(
            workshop, *schema, rows=(f"INSERT INTO t VALUES {numbers}", "INSERT INTO c VALUES ('c', 7)")
        ) as net:
            net.run(
                net.ours,
                "PRAGMA foreign_keys = ON",
                "BEGIN",
                "UPDATE t SET n = -n - 2",
                "UPDATE t SET n = -n - 1",
                "UPDATE t SET n = 0 WHERE n = 100",
                "COMMIT",
            )
            net.send()
            assert net.both("SELECT n FROM t WHERE id = 'k99'") == [(0,)]
            assert net.both("SELECT n FROM c") == [(8,)]
            assert len(net.both("SELECT * FROM t ORDER BY id")) == 100
            assert net.kinds() == {}

    # -- foreign keys of the network

    def deleted_unseen(self, workshop: Workshop, clause: str, *rows: str) -> Network:
        """Ours deletes the parent, theirs makes a child of it."""
        schema = (PLAIN[0], f"CREATE TABLE c (id TEXT PRIMARY KEY, t TEXT DEFAULT 'd' REFERENCES t {clause})")
        made = Network(workshop, schema, ("INSERT INTO t (id) VALUES ('p')", *rows))
        made.run(made.ours, "DELETE FROM t WHERE id = 'p'")
        made.run(made.theirs, "INSERT INTO c VALUES ('c', 'p')")
        made.meet()
        return made

    @pytest.mark.parametrize("clause", ["", "ON DELETE RESTRICT", "DEFERRABLE INITIALLY DEFERRED"])
    def test_a_parent_deleted_unseen_comes_back_for_a_child_that_insists(self, workshop: Workshop, clause: str) -> None:
        made = self.deleted_unseen(workshop, clause)
        with closing(made.a, made.b):
            assert made.both("SELECT id FROM t") == [("p",)]
            assert made.both("SELECT * FROM c") == [("c", "p")]
            assert made.kinds() == {("t", "p"): "foreign-key"}
            assert made.a.store.conflict_counts()["parked"] == 0
            made.run(made.theirs, "DELETE FROM c")
            made.meet()
            assert made.both("SELECT id FROM t") == []
            assert made.kinds() == {}

    def test_a_child_whose_parent_went_is_parked_where_it_cascades(self, workshop: Workshop) -> None:
        made = self.deleted_unseen(workshop, "ON DELETE CASCADE")
        with closing(made.a, made.b):
            assert made.both("SELECT * FROM t") == made.both("SELECT * FROM c") == []
            assert made.kinds() == {("c", "c"): "foreign-key"}
            assert made.a.store.conflict_counts()["parked"] == 1
            made.run(made.ours, "INSERT INTO t (id) VALUES ('p')")
            made.meet()
            assert made.both("SELECT * FROM c") == [("c", "p")]
            assert made.kinds() == {}

    @pytest.mark.parametrize(
        ("clause", "rows", "kept"),
        [
            ("ON DELETE SET NULL", (), None),
            ("ON DELETE SET DEFAULT", ("INSERT INTO t (id) VALUES ('d')",), "d"),
            ("ON DELETE SET DEFAULT", (), None),
        ],
    )
    def test_a_child_forgets_a_parent_that_went(
        self, workshop: Workshop, clause: str, rows: tuple[str, ...], kept: str | None
    ) -> None:
        made = self.deleted_unseen(workshop, clause, *rows)
        with closing(made.a, made.b):
            assert made.both("SELECT * FROM c") == [("c", kept)]
            assert made.kinds() == {("c", "c"): "foreign-key"}
            made.run(made.ours, "INSERT INTO t (id) VALUES ('p')")
            made.meet()
            assert made.both("SELECT * FROM c") == [("c", "p")]
            assert made.kinds() == {}

    def test_a_default_that_comes_later_is_taken_and_forgotten_again(self, workshop: Workshop) -> None:
        made = self.deleted_unseen(workshop, "ON DELETE SET DEFAULT")
        with closing(made.a, made.b):
            assert made.both("SELECT * FROM c") == [("c", None)]
            made.run(made.theirs, "INSERT INTO t (id) VALUES ('d')")
            made.meet()
            assert made.both("SELECT * FROM c") == [("c", "d")]
            made.run(made.ours, "PRAGMA foreign_keys = OFF", "DELETE FROM t WHERE id = 'd'")
            made.meet()
            assert made.both("SELECT * FROM c") == [("c", None)]
            assert made.kinds() == {("c", "c"): "foreign-key"}

    def test_a_key_that_is_renamed_takes_its_children_along(self, workshop: Workshop) -> None:
        schema = (PLAIN[0], "CREATE TABLE c (id TEXT PRIMARY KEY, t TEXT REFERENCES t ON UPDATE CASCADE)")
        rows = ("INSERT INTO t VALUES ('p', 'x', 'code')", "INSERT INTO c VALUES ('c1', 'p'), ('c2', 'p')")
        with network(workshop, *schema, rows=rows) as net:
            net.run(net.ours, "PRAGMA foreign_keys = ON", "UPDATE t SET id = 'q'")
            net.send()
            assert net.both("SELECT * FROM t") == [("q", "x", "code")]
            assert net.both("SELECT * FROM c ORDER BY 1") == [("c1", "q"), ("c2", "q")]
            assert net.kinds() == {}

    def test_references_in_a_circle_and_to_the_own_table_arrive(self, workshop: Workshop) -> None:
        late = "DEFERRABLE INITIALLY DEFERRED"
        schema = (
            f"CREATE TABLE e (id TEXT PRIMARY KEY, boss TEXT REFERENCES e, d TEXT REFERENCES d {late})",
            f"CREATE TABLE d (id TEXT PRIMARY KEY, head TEXT NOT NULL REFERENCES e {late})",
        )
        with network(workshop, *schema) as net:
            net.run(
                net.ours,
                "PRAGMA foreign_keys = ON",
                "BEGIN",
                "INSERT INTO d VALUES ('sales', 'z')",
                "INSERT INTO e VALUES ('z', NULL, 'sales'), ('a', 'z', 'sales'), ('self', 'self', NULL)",
                "COMMIT",
            )
            net.send()
            assert net.both("SELECT * FROM e ORDER BY 1") == [
                ("a", "z", "sales"),
                ("self", "self", None),
                ("z", None, "sales"),
            ]
            assert net.both("SELECT * FROM d") == [("sales", "z")]
            net.run(net.ours, "BEGIN", "DELETE FROM d", "DELETE FROM e WHERE id <> 'self'", "COMMIT")
            net.run(net.theirs, "INSERT INTO e VALUES ('late', 'a', 'sales')")
            net.meet()
            assert net.both("SELECT id FROM e ORDER BY 1") == [("a",), ("late",), ("self",), ("z",)]
            assert net.both("SELECT * FROM d") == [("sales", "z")]
            assert set(net.kinds().values()) == {"foreign-key"}
