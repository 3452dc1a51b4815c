"""What every kind of store must do (satchel.stores.base). A new kind's test file subclasses `StoreContract` and gives
the fixture `workshop`, which makes databases of that kind and lets applications write to them from other processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pytest

from satchel.errors import BadPacket, NotADatabase, StoreLocked
from satchel.model.ids import Dot
from satchel.stores.run import Run
from tests.stores.contract_constraints import ConstraintContract
from tests.stores.contract_meeting import MeetingContract
from tests.stores.contract_refusals import RefusalContract
from tests.stores.ferry import BASELINE_TIME, Ferry, Site, closing
from tests.stores.pair import SCHEMA, TABLES, Pair
from tests.stores.workshop import Workshop


class StoreContract(ConstraintContract, RefusalContract, MeetingContract):
    """The behaviour of `Store`."""

    # -- schema

    def test_inspect_tells_tables_keys_references_and_unique_keys(self, workshop: Workshop) -> None:
        store = workshop.store(workshop.database("a", *SCHEMA))
        tables = {table.name: table for table in store.inspect().tables}
        store.close()
        assert list(tables) == ["parent", "item", "pair"] or list(tables) == ["pair", "parent", "item"]
        assert tables["pair"].key == ("y", "x")
        assert tables["item"].unique == (("code",),)
        (key,) = tables["item"].foreign_keys
        assert (key.columns, key.parent, key.parent_columns) == (("parent",), "parent", ("id",))
        assert {table.scope for table in tables.values()} == {"global"}

    def test_a_database_that_is_not_there_is_not_made(self, workshop: Workshop) -> None:
        url = workshop.database("a")
        with pytest.raises(NotADatabase):
            workshop.store(url + "-missing")

    def test_install_and_detach(self, workshop: Workshop) -> None:
        store = workshop.store(workshop.database("a", *SCHEMA))
        assert not store.is_installed()
        store.install(store.inspect().tables)
        assert store.is_installed()
        assert sorted(table.name for table in store.tables()) == sorted(TABLES)
        assert (store.vector(), store.pending(), list(store.conflicts())) == ({}, 0, [])
        store.detach()
        assert not store.is_installed()
        store.close()

    def test_a_table_that_is_not_of_the_network_is_named(self, workshop: Workshop) -> None:
        store = workshop.store(workshop.database("a", *SCHEMA))
        store.install([table for table in store.inspect().tables if table.name != "pair"])
        assert [entry.table for entry in store.left_out()] == ["pair"]
        store.close()

    def test_notes_and_runs_are_kept(self, workshop: Workshop) -> None:
        url = workshop.database("a", *SCHEMA)
        store = workshop.store(url)
        store.install(store.inspect().tables)
        store.note({"node": "office", "state": "joining"})
        store.note({"state": "active"})
        store.record_run(Run(1, "sync", "stick", 0.5, {"rows": 3}))
        store.record_run(Run(2, "sync", "nas", 0.25, {}, "the share is gone"))
        store.close()
        again = workshop.store(url)
        assert again.notes().items() >= {"node": "office", "state": "active"}.items()
        assert [run.exchange for run in again.runs()] == ["nas", "stick"]
        assert again.runs(1)[0].trouble == "the share is gone"
        again.close()

    # -- seal

    def test_the_baseline_holds_every_row_with_one_stamp(self, workshop: Workshop) -> None:
        pair = Pair(workshop, Ferry())
        with closing(pair.a, pair.b):
            changes = pair.ferry.found(pair.a)
            assert len(changes) == 8
            assert {change.op for change in changes} == {"insert"}
            assert {change.meta["stamp"] >> 16 for change in changes} == {BASELINE_TIME}
            assert pair.a.store.pending() == 0
            counts = pair.ferry.receive(pair.b)
            assert (counts.inserted, counts.updated, counts.deleted, counts.conflicts) == (8, 0, 0, 0)
            pair.check_equal()

    @pytest.mark.parametrize("rows_each", [1, 2, 3, 7])
    def test_a_group_of_several_packets_is_one_seal(self, workshop: Workshop, rows_each: int) -> None:
        pair = Pair(workshop, Ferry(rows_each=rows_each))
        with closing(pair.a, pair.b):
            pair.ferry.found(pair.a)
            pair.ferry.receive(pair.b)
            pair.check_equal()
            workshop.run(
                pair.ours, "UPDATE item SET a = a + 10", "DELETE FROM pair", "INSERT INTO parent VALUES ('p9', 'n')"
            )
            pair.meet()
            pair.check_equal()
            workshop.run(pair.ours, "UPDATE item SET b = 'ours'")
            workshop.run(pair.theirs, "UPDATE item SET a = 0")
            pair.meet()
            pair.check_equal()
            assert workshop.rows(pair.ours, "SELECT DISTINCT a, b FROM item") == [(0, "ours")]

    def test_nothing_pending_is_no_delta(self, pair: Pair) -> None:
        with pair.a.store.delta(pair.ferry.rules) as delta:
            assert delta is None

    def test_changes_stay_pending_until_they_are_recorded(self, pair: Pair) -> None:
        pair.workshop.run(pair.ours, "UPDATE item SET a = 9 WHERE id = 'i1'", "DELETE FROM pair WHERE x = 'y'")
        assert pair.a.store.pending() == 2
        with pair.a.store.delta(pair.ferry.rules) as delta:
            assert delta is not None and dict(delta.rows) == {"item": 1, "pair": 1}
        assert pair.a.store.pending() == 2
        assert {str(change) for change in pair.ferry.seal(pair.a)} == {"update item i1 a", "delete pair 1/y"}
        assert pair.a.store.pending() == 0

    def test_what_is_written_while_a_delta_is_open_is_pending_afterwards(self, pair: Pair) -> None:
        pair.workshop.run(pair.ours, "UPDATE item SET a = 9 WHERE id = 'i1'")
        with pair.a.store.delta(pair.ferry.rules) as delta:
            assert delta is not None
            pair.workshop.run(pair.ours, "UPDATE item SET a = 10 WHERE id = 'i1'", "DELETE FROM item WHERE id = 'i2'")
            (change,) = pair.ferry.ship(pair.a, delta)
            assert change.row["a"] == 9
        assert pair.a.store.pending() == 2
        pair.meet()
        pair.check_equal()
        assert pair.item(pair.b, "i1") == {"id": "i1", "parent": "p1", "a": 10, "b": "x", "code": "c1"}

    def test_what_is_written_while_the_baseline_is_read_is_pending_afterwards(self, workshop: Workshop) -> None:
        pair = Pair(workshop, Ferry())
        with closing(pair.a, pair.b):
            workshop.run(pair.ours, "INSERT INTO parent VALUES ('before', 'b')")
            with pair.a.store.baseline(BASELINE_TIME) as delta:
                workshop.run(
                    pair.ours, "INSERT INTO parent VALUES ('during', 'd')", "DELETE FROM parent WHERE id = 'before'"
                )
                keys = {change.key for change in pair.ferry.ship(pair.a, delta) if change.table == "parent"}
            assert keys == {("p1",), ("p2",), ("before",)}
            assert {str(change) for change in pair.ferry.seal(pair.a)} == {
                "insert parent during *",
                "delete parent before",
            }
            pair.ferry.receive(pair.b)
            pair.check_equal()

    def test_a_manifest_is_kept_until_it_is_published(self, pair: Pair) -> None:
        store = pair.a.store
        store.note({"origin": "a"})
        pair.workshop.run(pair.ours, "UPDATE item SET a = 9")
        pair.ferry.seal(pair.a)
        assert [(p.dot, p.envelope) for p in store.unpublished()] == [(Dot("a", 1), b"a/1"), (Dot("a", 2), b"a/2")]
        store.published(Dot("a", 1))
        assert [p.dot for p in store.unpublished()] == [Dot("a", 2)]
        store.published(Dot("a", 2))
        assert list(store.unpublished()) == []

    def test_stamps_rise_over_those_of_the_row(self, pair: Pair) -> None:
        stamps = []
        for value in range(3):
            pair.workshop.run(pair.ours, f"UPDATE item SET a = {100 + value} WHERE id = 'i1'")
            stamps += [change.meta["stamp"] for change in pair.ferry.seal(pair.a)]
        assert stamps == sorted(set(stamps))
        assert stamps[0] >> 16 > BASELINE_TIME

    def test_a_delete_travels_with_its_last_image(self, pair: Pair) -> None:
        pair.workshop.run(pair.ours, "UPDATE item SET a = 77 WHERE id = 'i2'", "DELETE FROM item WHERE id = 'i2'")
        (change,) = pair.ferry.seal(pair.a)
        assert change.op == "delete"
        assert dict(change.row) == {"id": "i2", "parent": "p1", "a": 2, "b": "y", "code": "c2"}

    # -- apply

    def test_edits_of_both_sides_arrive(self, pair: Pair) -> None:
        pair.workshop.run(pair.ours, "UPDATE item SET a = 5 WHERE id = 'i1'", "INSERT INTO pair VALUES ('n', 9, 'new')")
        pair.workshop.run(pair.theirs, "UPDATE item SET b = 'B' WHERE id = 'i1'", "DELETE FROM pair WHERE y = 2")
        pair.meet()
        pair.check_equal()
        assert pair.item(pair.a, "i1") == {"id": "i1", "parent": "p1", "a": 5, "b": "B", "code": "c1"}
        assert list(pair.a.store.conflicts()) == list(pair.b.store.conflicts()) == []

    def test_counts_are_the_applications_rows(self, pair: Pair) -> None:
        pair.workshop.run(
            pair.ours, "UPDATE item SET a = 5", "DELETE FROM pair WHERE y = 1", "INSERT INTO parent VALUES ('p9', 'n')"
        )
        pair.ferry.seal(pair.a)
        counts = pair.ferry.receive(pair.b)
        assert (counts.inserted, counts.updated, counts.deleted) == (1, 3, 2)

    def test_leaving_without_commit_applies_nothing(self, pair: Pair) -> None:
        pair.workshop.run(pair.ours, "UPDATE item SET a = 5", "DELETE FROM pair")
        pair.ferry.seal(pair.a)
        before = pair.all_rows(pair.theirs)
        with pair.b.store.applying() as applying:
            group = pair.ferry.ready(pair.b.vector)
            assert group is not None
            applying.apply_group(group, pair.ferry.rules)
        assert pair.all_rows(pair.theirs) == before
        assert pair.b.vector == {"a": 1}
        pair.workshop.run(pair.theirs, "UPDATE parent SET name = 'captured still'")
        assert pair.b.store.pending() == 2
        pair.meet(2)
        pair.check_equal()

    def test_a_group_that_breaks_off_leaves_everything_as_it_was(self, pair: Pair) -> None:
        pair.workshop.run(pair.ours, "UPDATE item SET a = 500 WHERE id = 'i1'", "DELETE FROM pair WHERE y = 1")
        pair.ferry.seal(pair.a)
        before = pair.all_rows(pair.theirs)

        def broken(table: str) -> Iterator[pa.RecordBatch]:
            yield from packet.batches(table)
            if table == "pair":
                raise BadPacket("it cannot be decoded")

        (packet,) = pair.ferry.ready(pair.b.vector) or []
        with pair.b.store.applying() as applying:
            with pytest.raises(BadPacket):
                applying.apply_group([replace(packet, batches=broken)], pair.ferry.rules)
            applying.commit()
        assert pair.all_rows(pair.theirs) == before
        assert (pair.b.store.pending(), pair.b.vector) == (0, {"a": 1})
        pair.workshop.run(pair.theirs, "UPDATE item SET b = 'captured still' WHERE id = 'i3'")
        pair.meet(2)
        pair.check_equal()

    def test_unique_values_that_swap_arrive(self, pair: Pair) -> None:
        pair.workshop.run(
            pair.ours,
            "BEGIN",
            "UPDATE item SET code = 'tmp' WHERE id = 'i1'",
            "UPDATE item SET code = 'c1' WHERE id = 'i2'",
            "UPDATE item SET code = 'c2' WHERE id = 'i1'",
            "COMMIT",
        )
        pair.meet()
        pair.check_equal()

    def test_pending_edits_are_sealed_under_the_lock_before_anything_is_applied(self, pair: Pair) -> None:
        pair.workshop.run(pair.ours, "UPDATE item SET a = 5 WHERE id = 'i1'")
        pair.ferry.seal(pair.a)
        pair.workshop.run(pair.theirs, "UPDATE item SET a = 6 WHERE id = 'i1'")
        with pair.b.store.applying() as applying:
            with applying.delta(pair.ferry.rules) as delta:
                assert delta is not None
                data = {name: list(delta.batches(name)) for name in delta.rows}
                delta.record(pair.ferry.packed(pair.b, delta, data), pair.ferry.rules)
            group = pair.ferry.ready(pair.b.vector | {"b": 1})
            assert group is not None
            assert applying.apply_group(group, pair.ferry.rules).conflicts == 1
            applying.commit()
        pair.ferry.receive(pair.a)
        pair.check_equal()
        assert len(pair.a.store.conflicts()) == len(pair.b.store.conflicts()) == 1

    def test_packets_after_a_vector_are_listed_in_order(self, pair: Pair) -> None:
        for value in range(2):
            pair.workshop.run(pair.ours, f"UPDATE item SET a = {50 + value}")
            pair.workshop.run(pair.theirs, f"UPDATE pair SET v = {50 + value}")
            pair.meet()
        every = [record.dot for record in pair.b.store.packets_after({})]
        assert every == [Dot("a", 1), Dot("a", 2), Dot("a", 3), Dot("b", 1), Dot("b", 2)]
        known = {origin: mark for origin, mark in pair.b.store.vector().items() if origin == "a"}
        assert [record.dot for record in pair.b.store.packets_after(known)] == [Dot("b", 1), Dot("b", 2)]
        record = pair.a.store.packet(Dot("b", 2))
        assert record is not None and record.context["a"].seq == 2
        assert pair.a.store.packet(Dot("b", 9)) is None

    # -- other programs

    def test_a_database_that_stays_locked_is_said_to_be(self, pair: Pair) -> None:
        impatient = pair.workshop.store(pair.ours, timeout=0.05)
        with pair.a.store.applying(), pytest.raises(StoreLocked), impatient.applying():
            pass
        impatient.close()

    def test_nothing_is_lost_while_others_write(self, pair: Pair) -> None:
        """Both applications write all the time, in threads with connections of their own, while satchel seals and
        applies on both sides."""
        done = threading.Event()
        problems: list[BaseException] = []

        def write(url: str, who: str) -> None:
            number = 0
            try:
                while not done.is_set() or number < 5:
                    number += 1
                    pair.workshop.run(
                        url,
                        *(f"INSERT INTO parent VALUES ('{who}{number}-{i}', '{i}')" for i in range(20)),
                        f"UPDATE item SET b = '{who}{number}' WHERE id = 'i1'",
                        f"DELETE FROM parent WHERE id = '{who}{number}-7'",
                        f"REPLACE INTO pair VALUES ('{who}', {number % 3}, '{number}')",
                    )
            except BaseException as problem:
                problems.append(problem)

        writers = [threading.Thread(target=write, args=pair_) for pair_ in ((pair.ours, "a"), (pair.theirs, "b"))]
        for writer in writers:
            writer.start()
        for _ in range(8):
            pair.ferry.seal(pair.a)
            self.receive_after_sealing(pair, pair.b)
            pair.ferry.seal(pair.b)
            self.receive_after_sealing(pair, pair.a)
        done.set()
        for writer in writers:
            writer.join()
        assert problems == []
        pair.meet(2)
        pair.check_equal()
        (count,) = pair.workshop.rows(pair.ours, "SELECT count(*) FROM parent WHERE id LIKE 'a%'")[0]
        assert count > 0 and count % 19 == 0

    def receive_after_sealing(self, pair: Pair, site: Site) -> None:
        """What was written since the last seal is sealed under the lock, then everything ready is applied."""
        with site.store.applying() as applying:
            with applying.delta(pair.ferry.rules) as delta:
                if delta is not None and delta.rows:
                    data = {name: list(delta.batches(name)) for name in delta.rows}
                    delta.record(pair.ferry.packed(site, delta, data), pair.ferry.rules)
                elif delta is not None:
                    delta.record([], pair.ferry.rules)
            while group := pair.ferry.ready(site.vector):
                applying.apply_group(group, pair.ferry.rules)
            applying.commit()
