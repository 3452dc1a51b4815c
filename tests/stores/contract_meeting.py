"""The part of the contract that is about several versions of a row: conflicts, single rows, joining with rows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from satchel.errors import ConstraintRefused, UsageError
from satchel.model.ids import Dot
from tests.stores.ferry import Ferry, Site, closing
from tests.stores.pair import ROWS, SCHEMA, Pair
from tests.stores.workshop import Workshop


class MeetingContract:
    """Rows that were written at several sites."""

    @pytest.fixture
    def workshop(self) -> Workshop:
        raise AssertionError("a kind of store gives its own")

    @pytest.fixture
    def pair(self, workshop: Workshop) -> Iterator[Pair]:
        pair = Pair(workshop, Ferry())
        with closing(pair.a, pair.b):
            pair.ferry.found(pair.a)
            pair.ferry.receive(pair.b)
            yield pair

    # -- conflicts

    def contest(self, pair: Pair) -> str:
        pair.workshop.run(pair.ours, "UPDATE item SET a = 5, b = 'ours' WHERE id = 'i1'")
        pair.workshop.run(pair.theirs, "UPDATE item SET a = 6 WHERE id = 'i1'")
        pair.meet()
        pair.check_equal()
        (ours,), (theirs,) = pair.a.store.conflicts(), pair.b.store.conflicts()
        assert (ours.id, ours.columns, ours.key, ours.kind) == (theirs.id, ("a",), ("i1",), "edit")
        assert ours.shown == theirs.shown
        return ours.id

    def test_a_conflict_is_listed_with_both_versions_on_both_sides(self, pair: Pair) -> None:
        self.contest(pair)
        for site in (pair.a, pair.b):
            (entry,) = site.store.conflicts()
            assert sorted((v.dot.origin, v.cells["a"].value) for v in entry.versions) == [("a", 5), ("b", 6)]
            assert dict(site.store.conflict_counts()) == {"open": 1, "parked": 0, "passed_over": 0}
            assert len(site.store.standing("item", ["i1"])) == 2

    def test_an_edit_that_has_seen_both_closes_a_conflict_everywhere(self, pair: Pair) -> None:
        id_ = self.contest(pair)
        number = pair.a.store.conflict_number(id_)
        pair.a.store.write_row("item", ["i1"], {"a": 7})
        pair.meet()
        pair.check_equal()
        for site in (pair.a, pair.b):
            assert list(site.store.conflicts()) == []
            (entry,) = site.store.conflicts(closed=True)
            assert entry.closed_by == {"how": "resolved", "node": "a", "packet": "a/3"}
            assert (entry.shown or {})["a"] == 7
        assert pair.a.store.conflict_number(id_) == number
        with pytest.raises(UsageError):
            pair.a.store.conflict_number("nothing")

    def test_touching_a_row_closes_its_conflict_too(self, pair: Pair) -> None:
        self.contest(pair)
        pair.b.store.touch_row("item", ["i1"], ["a"])
        assert pair.b.store.pending() == 1
        pair.meet()
        pair.check_equal()
        assert list(pair.a.store.conflicts()) == list(pair.b.store.conflicts()) == []

    def test_an_edit_of_another_column_passes_a_conflict_over(self, pair: Pair) -> None:
        id_ = self.contest(pair)
        pair.workshop.run(pair.theirs, "UPDATE item SET b = 'later' WHERE id = 'i1'")
        pair.meet()
        for site in (pair.a, pair.b):
            (entry,) = site.store.conflicts()
            assert entry.closed_by is not None and entry.closed_by["how"] == "passed-over"
            assert site.store.conflict_counts()["passed_over"] == 1
            site.store.review(id_)
            assert list(site.store.conflicts()) == []

    def test_an_update_wins_over_a_delete_that_had_not_seen_it(self, pair: Pair) -> None:
        pair.workshop.run(pair.ours, "DELETE FROM item WHERE id = 'i1'")
        pair.workshop.run(pair.theirs, "UPDATE item SET a = 6 WHERE id = 'i1'")
        pair.meet()
        pair.check_equal()
        assert (pair.item(pair.a, "i1") or {})["a"] == 6
        (entry,) = pair.a.store.conflicts()
        assert sorted(version.deleted for version in entry.versions) == [False, True]
        pair.a.store.write_row("item", ["i1"], None)
        pair.meet()
        pair.check_equal()
        assert pair.item(pair.b, "i1") is None
        assert list(pair.b.store.conflicts()) == []

    def test_a_row_deleted_on_both_sides_is_gone(self, pair: Pair) -> None:
        for url in (pair.ours, pair.theirs):
            pair.workshop.run(url, "DELETE FROM item WHERE id = 'i1'")
        pair.meet()
        pair.check_equal()
        assert pair.item(pair.a, "i1") is None
        pair.workshop.run(pair.theirs, "INSERT INTO item VALUES ('i1', 'p1', 0, 'again', NULL)")
        pair.meet()
        pair.check_equal()
        assert (pair.item(pair.a, "i1") or {})["b"] == "again"

    def test_one_row_inserted_on_both_sides_is_one_row(self, pair: Pair) -> None:
        for url in (pair.ours, pair.theirs):
            pair.workshop.run(url, "INSERT INTO item VALUES ('n', 'p1', 0, 'same', NULL)")
        pair.workshop.run(pair.theirs, "INSERT INTO pair VALUES ('n', 1, 'theirs')")
        pair.workshop.run(pair.ours, "INSERT INTO pair VALUES ('n', 1, 'ours')")
        pair.meet()
        pair.check_equal()
        assert [entry.table for entry in pair.a.store.conflicts()] == ["pair"]

    def test_a_row_may_be_contested_again_and_again(self, pair: Pair) -> None:
        for round_ in range(4):
            pair.workshop.run(pair.ours, f"UPDATE item SET a = {round_}, b = 'ours {round_}'")
            pair.workshop.run(
                pair.theirs, f"UPDATE item SET a = -{round_}, code = NULL", "DELETE FROM pair WHERE y = 2"
            )
            pair.workshop.run(pair.ours, f"REPLACE INTO pair VALUES ('x', 2, '{round_}')")
            pair.meet()
            pair.check_equal()

    # -- single rows

    def test_a_row_is_written_like_the_application_writes(self, pair: Pair) -> None:
        store = pair.a.store
        store.write_row("pair", [7, "new"], {"y": 7, "x": "new", "v": "V"})
        store.write_row("pair", [1, "x"], {"v": "changed"})
        store.write_row("pair", [1, "y"], None)
        assert {str(change) for change in pair.ferry.seal(pair.a)} == {
            "insert pair 7/new *",
            "update pair 1/x v",
            "delete pair 1/y",
        }
        assert store.read_row("pair", [1, "y"]) is None
        with pytest.raises(ConstraintRefused):
            store.write_row("item", ["i1"], {"code": "c2"})
        assert store.pending() == 0

    def test_standing_versions_of_a_row(self, pair: Pair) -> None:
        (version,) = pair.b.store.standing("item", ["i1"])
        assert (version.dot, version.deleted, version.cells["a"].value) == (Dot("a", 1), False, 1)
        assert list(pair.b.store.standing("item", ["unheard"])) == []
        pair.workshop.run(pair.ours, "DELETE FROM item WHERE id = 'i1'")
        pair.meet()
        (version,) = pair.b.store.standing("item", ["i1"])
        assert (version.dot, version.deleted, version.cells["b"].value) == (Dot("a", 2), True, "x")

    def test_words_become_values_as_the_column_has_them(self, pair: Pair) -> None:
        assert pair.a.store.parse_value("item", "a", "12") == 12
        assert pair.a.store.parse_value("item", "b", "12") == "12"

    # -- joining with rows

    def joiner(self, pair: Pair, *rows: str) -> tuple[Site, str]:
        url = pair.workshop.database("c", *SCHEMA, *rows)
        site = Site("c", pair.workshop.store(url))
        site.store.install(pair.a.store.tables(), joining=True)
        return site, url

    def test_joining_with_the_same_rows_makes_no_packet(self, pair: Pair) -> None:
        site, url = self.joiner(pair, *ROWS)
        with closing(site):
            joined = pair.ferry.join(site)
            assert (joined.same, joined.added, joined.beside) == (8, 0, 0)
            assert site.vector == {"a": 1}
            assert pair.all_rows(url) == pair.all_rows(pair.ours)
            assert site.store.pending() == 0

    def test_joining_with_other_rows_adds_and_stands_beside(self, pair: Pair) -> None:
        site, url = self.joiner(
            pair, *ROWS, "INSERT INTO parent VALUES ('p7', 'seven')", "UPDATE item SET a = 70 WHERE id = 'i1'"
        )
        with closing(site):
            before = pair.all_rows(url)
            tried = pair.ferry.join(site, dry_run=True)
            assert (pair.all_rows(url), site.vector) == (before, {})
            joined = pair.ferry.join(site)
            assert joined == tried
            assert (joined.same, joined.added, joined.beside) == (7, 1, 1)
            pair.ferry.receive(pair.a)
            assert (pair.item(pair.a, "i1") or {})["a"] == 1
            assert pair.all_rows(url) == pair.all_rows(pair.ours)
            assert [entry.columns for entry in pair.a.store.conflicts()] == [("a",)]
            pair.workshop.run(url, "UPDATE parent SET name = 'captured' WHERE id = 'p7'")
            assert [str(change) for change in pair.ferry.seal(site)] == ["update parent p7 name"]

    def test_edits_made_while_joining_are_ordinary_edits(self, pair: Pair) -> None:
        pair.workshop.run(pair.ours, "UPDATE item SET b = 'newer' WHERE id = 'i2'")
        pair.ferry.seal(pair.a)
        site, url = self.joiner(pair, *ROWS)
        with closing(site):
            pair.workshop.run(
                url,
                "UPDATE item SET a = 11 WHERE id = 'i1'",
                "UPDATE item SET a = 22 WHERE id = 'i2'",
                "DELETE FROM pair WHERE y = 2",
                "INSERT INTO parent VALUES ('late', 'l')",
            )
            pair.ferry.join(site)
            pair.ferry.seal(site)
            pair.ferry.receive(pair.a)
            pair.ferry.receive(site)
            assert pair.all_rows(url) == pair.all_rows(pair.ours)
            assert (pair.item(pair.a, "i1") or {})["a"] == 11
            assert pair.item(pair.a, "i2") == {"id": "i2", "parent": "p1", "a": 22, "b": "newer", "code": "c2"}
            assert pair.a.store.read_row("pair", [2, "x"]) is None
