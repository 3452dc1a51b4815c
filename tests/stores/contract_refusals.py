"""The part of the contract that is about what one database alone does not take: it is kept aside there only."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

import pytest

from tests.stores.constrained import CHILD, PLAIN, Network, network
from tests.stores.workshop import Workshop

RAISING = (
    "CREATE TRIGGER no {} INSERT ON t WHEN NEW.v = 'bad' AND NEW.id <> 'held'"
    " BEGIN INSERT INTO seen VALUES (1); SELECT raise({}, 'not here'); END"
)


@dataclass(frozen=True)
class Stricter:
    """A schema that does not take the row ('k', value), nor anything of it that comes again."""

    name: str
    column: str  # of t
    words: str
    value: str = "bad"  # 'k' holds it
    held: str = "bad"  # the founder's row 'held' holds it
    more: tuple[str, ...] = ()
    cure: str = ""
    options: str = ""

    @property
    def schema(self) -> tuple[str, ...]:
        return (
            f"CREATE TABLE t (id TEXT PRIMARY KEY, {self.column}, code TEXT UNIQUE) {self.options}",
            CHILD,
            *self.more,
        )


STRICTER = [
    Stricter("not null", "v TEXT NOT NULL", "NOT NULL constraint failed: t.v", value="NULL"),
    Stricter("check", "v TEXT CHECK (v <> 'bad' OR id = 'held')", "CHECK constraint failed: v <> 'bad' OR id = 'held'"),
    Stricter("type", "v INTEGER", "cannot store TEXT value in INTEGER column t.v", held="NULL", options="STRICT"),
    Stricter("partial index", "v TEXT", "UNIQUE constraint failed: t.v", cure="DROP INDEX one",
             more=("CREATE UNIQUE INDEX one ON t (v) WHERE v = 'bad'",)),
    Stricter("expression index", "v TEXT", "UNIQUE constraint failed: index 'one'", cure="DROP INDEX one",
             value="BAD", more=("CREATE UNIQUE INDEX one ON t (lower(v))",)),
    *(
        Stricter(f"trigger {when} {how}", "v TEXT", "not here", cure="DROP TRIGGER no",
                 more=("CREATE TABLE seen (x)", RAISING.format(when, how)))
        for when, how in [("BEFORE", "ABORT"), ("AFTER", "ABORT"), ("AFTER", "FAIL"), ("BEFORE", "ROLLBACK")]
    ),
]  # fmt: skip


def quoted(value: str) -> str:
    return value if value == "NULL" else f"'{value}'"


class RefusalContract:
    """NOT NULL, CHECK, types, indexes, triggers, references to what is not replicated."""

    @pytest.fixture
    def workshop(self) -> Workshop:
        raise AssertionError("a kind of store gives its own")

    def strict(self, workshop: Workshop, stricter: Stricter) -> AbstractContextManager[Network]:
        rows = (f"INSERT INTO t (id, v) VALUES ('held', {quoted(stricter.held)})",)
        return network(workshop, *PLAIN, rows=rows, stricter=stricter.schema)

    def arrive(self, net: Network, stricter: Stricter, *theirs: str) -> None:
        """Ours writes the row, with children; theirs something before it has seen it."""
        fine = "'fine'" if stricter.value == "NULL" else "NULL"
        net.run(
            net.ours,
            f"INSERT INTO t (id, v) VALUES ('a', {fine}), ('z', {fine})",
            f"INSERT INTO t VALUES ('k', {quoted(stricter.value)}, 'claim')",
            "INSERT INTO c VALUES ('c1', 'k'), ('c2', 'z'), ('c3', NULL)",
        )
        if theirs:
            net.run(net.theirs, *theirs)
        net.meet()

    @pytest.mark.parametrize("stricter", STRICTER, ids=lambda s: s.name)
    def test_a_row_that_only_this_database_refuses_is_kept_aside_here(
        self, workshop: Workshop, stricter: Stricter
    ) -> None:
        with self.strict(workshop, stricter) as net:
            self.arrive(net, stricter)
            assert net.rows(net.theirs, "SELECT id FROM t ORDER BY 1") == [("a",), ("held",), ("z",)]
            assert net.rows(net.theirs, "SELECT id FROM c ORDER BY 1") == [("c2",), ("c3",)]
            listed = net.listed(net.b)
            assert {place: entry.kind for place, entry in listed.items()} == {
                ("t", "k"): "constraint",
                ("c", "c1"): "constraint",
            }
            assert listed["t", "k"].reason == stricter.words
            assert stricter.words in listed["c", "c1"].reason
            (version,) = listed["t", "k"].versions
            assert version.cells["code"].value == "claim"
            assert net.b.store.conflict_counts() == {"open": 0, "parked": 2, "passed_over": 0}
            assert (list(net.a.store.conflicts()), net.b.store.pending()) == ([], 0)
            assert net.a.store.vector() == net.b.store.vector()

    @pytest.mark.parametrize("stricter", STRICTER, ids=lambda s: s.name)
    def test_it_comes_back_with_its_children_when_it_is_written_so_that_it_fits(
        self, workshop: Workshop, stricter: Stricter
    ) -> None:
        with self.strict(workshop, stricter) as net:
            self.arrive(net, stricter)
            net.run(net.ours, "UPDATE t SET v = '5' WHERE id = 'k'")
            net.send()
            assert net.rows(net.theirs, "SELECT CAST(v AS TEXT), code FROM t WHERE id = 'k'") == [("5", "claim")]
            assert net.both("SELECT * FROM c ORDER BY 1") == [("c1", "k"), ("c2", "z"), ("c3", None)]
            assert net.kinds() == {}

    @pytest.mark.parametrize("stricter", [s for s in STRICTER if s.cure], ids=lambda s: s.name)
    def test_it_comes_back_when_the_database_takes_it(self, workshop: Workshop, stricter: Stricter) -> None:
        with self.strict(workshop, stricter) as net:
            self.arrive(net, stricter)
            assert net.b.store.needs_retry()
            net.retry(net.b)
            assert set(net.listed(net.b)) == {("t", "k"), ("c", "c1")}
            net.run(net.theirs, stricter.cure)
            counts = net.retry(net.b)
            assert (counts.inserted, counts.deleted) == (2, 0)
            net.both("SELECT * FROM t ORDER BY 1")
            net.both("SELECT * FROM c ORDER BY 1")
            assert net.kinds() == {}
            assert not net.b.store.needs_retry()

    @pytest.mark.parametrize("stricter", STRICTER, ids=lambda s: s.name)
    def test_it_keeps_its_claims(self, workshop: Workshop, stricter: Stricter) -> None:
        """What both sites see of the other rows is the same, whether one takes the row or not."""
        with self.strict(workshop, stricter) as net:
            self.arrive(net, stricter, "INSERT INTO t VALUES ('later', '7', 'claim')")
            for site in (net.a, net.b):
                assert site.store.read_row("t", ["later"]) is None
                assert net.listed(site)["t", "later"].kind == "unique"
            net.run(net.ours, "DELETE FROM c WHERE t = 'k'", "DELETE FROM t WHERE id = 'k'")
            net.send()
            assert net.both("SELECT CAST(v AS TEXT), code FROM t WHERE id = 'later'") == [("7", "claim")]
            assert net.kinds() == {}

    def test_a_row_that_was_written_beside_a_refused_one_takes_its_place_everywhere(self, workshop: Workshop) -> None:
        with self.strict(workshop, STRICTER[0]) as net:
            self.arrive(net, STRICTER[0])
            net.run(net.theirs, "INSERT INTO t VALUES ('later', '7', 'claim')")
            net.meet()
            assert net.both("SELECT id FROM t WHERE code = 'claim'") == [("later",)]
            assert net.kinds() == {("t", "k"): "unique", ("c", "c1"): "foreign-key"}

    @pytest.mark.parametrize("stricter", STRICTER, ids=lambda s: s.name)
    def test_an_update_that_is_refused_takes_the_row_aside_whole(self, workshop: Workshop, stricter: Stricter) -> None:
        with self.strict(workshop, stricter) as net:
            fine = "'5'" if stricter.value == "NULL" else "NULL"
            net.run(net.ours, f"INSERT INTO t VALUES ('k', {fine}, 'claim')", "INSERT INTO c VALUES ('c1', 'k')")
            net.send()
            assert net.kinds() == {}
            net.run(
                net.ours,
                f"UPDATE t SET v = {quoted(stricter.value)} WHERE id = 'k'",
                "INSERT INTO t (id, v) VALUES ('z', '5')",
            )
            net.send()
            if stricter.more and "INSERT ON" in stricter.more[-1]:  # this trigger does not look at updates
                assert net.kinds() == {}
                return
            assert net.rows(net.theirs, "SELECT id FROM t ORDER BY 1") == [("held",), ("z",)]
            assert net.rows(net.theirs, "SELECT id FROM c") == []
            assert {p: e.kind for p, e in net.listed(net.b).items()} == {
                ("t", "k"): "constraint",
                ("c", "c1"): "constraint",
            }
            assert net.b.store.pending() == 0

    def test_a_baseline_that_the_database_does_not_take_whole_is_taken_but_for_those_rows(
        self, workshop: Workshop
    ) -> None:
        rows = ("INSERT INTO t (id, v) VALUES ('1', 'x'), ('2', NULL), ('3', 'y')", "INSERT INTO c VALUES ('c', '2')")
        with network(workshop, *PLAIN, rows=rows, stricter=STRICTER[0].schema) as net:
            assert net.rows(net.theirs, "SELECT id FROM t ORDER BY 1") == [("1",), ("3",)]
            assert set(net.listed(net.b)) == {("t", "2"), ("c", "c")}
            net.run(net.ours, "UPDATE t SET v = 'z' WHERE id = '2'")
            net.send()
            net.both("SELECT * FROM t ORDER BY 1")
            net.both("SELECT * FROM c ORDER BY 1")
            assert net.kinds() == {}

    def test_a_row_whose_parent_is_in_a_table_that_is_not_replicated_waits_for_it_here(
        self, workshop: Workshop
    ) -> None:
        schema = (
            "CREATE TABLE other (id TEXT, n INTEGER)",  # without a key it is not replicated
            "CREATE UNIQUE INDEX other_id ON other (id)",
            "CREATE TABLE t (id TEXT PRIMARY KEY, o TEXT REFERENCES other (id), v TEXT)",
        )
        with network(workshop, *schema, rows=("INSERT INTO other VALUES ('o1', 1)",)) as net:
            net.run(net.ours, "INSERT INTO t VALUES ('k', 'o1', 'x'), ('z', NULL, 'y')")
            net.send()
            assert net.rows(net.theirs, "SELECT id FROM t") == [("z",)]
            (entry,) = net.b.store.conflicts()
            assert (entry.kind, entry.key) == ("constraint", ("k",))
            assert "FOREIGN KEY constraint failed: other" in entry.reason
            assert list(net.a.store.conflicts()) == []
            net.run(net.theirs, "INSERT INTO other VALUES ('o1', 1)")
            net.retry(net.b)
            assert net.both("SELECT * FROM t ORDER BY 1") == [("k", "o1", "x"), ("z", None, "y")]
            assert net.kinds() == {}
            net.run(net.ours, "INSERT INTO other VALUES ('o2', 2)", "UPDATE t SET o = 'o2' WHERE id = 'z'")
            net.run(net.ours, "UPDATE t SET v = 'seen' WHERE id = 'k'")
            net.send()
            assert net.rows(net.theirs, "SELECT * FROM t") == [("k", "o1", "seen")]
            assert net.listed(net.b)["t", "z"].kind == "constraint"
