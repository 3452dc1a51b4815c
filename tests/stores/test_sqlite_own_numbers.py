"""Own numbers and constraints together: histories that random ones have found (tests/property/own_histories.py)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from satchel.model.gids import typed
from satchel.model.schema import Table
from tests.stores.ferry import Ferry, Site
from tests.stores.workshop import SQLiteWorkshop

SCHEMA = (
    "CREATE TABLE customer (id INTEGER PRIMARY KEY, name, code UNIQUE)",
    "CREATE TABLE quote (id INTEGER PRIMARY KEY, ref INTEGER REFERENCES customer ON DELETE RESTRICT, text)",
    "CREATE TABLE staff (id INTEGER PRIMARY KEY, boss INTEGER REFERENCES staff)",
)


def scoped(table: Table) -> Table:
    """A key that is a reference is never local."""
    refers = any(set(table.key) & set(key.columns) for key in table.foreign_keys)
    return replace(table, scope="global") if refers else table


class Bench:
    """Two sites, the first one the founder."""

    def __init__(self, folder: Path, pragma: str = "", schema: Sequence[str] = SCHEMA) -> None:
        self.workshop = SQLiteWorkshop(folder, pragmas=["foreign_keys = on", *([pragma] if pragma else [])])
        self.ferry = Ferry()
        self.sites: list[Site] = []
        for name in "ab":
            store = self.workshop.store(self.workshop.database(name, *schema))
            store.install(typed(map(scoped, store.inspect().tables)))
            store.note({"node": name, "origin": name})
            self.sites.append(Site(name, store))
        self.a, self.b = self.sites

    def run(self, site: Site, *statements: str) -> None:
        self.workshop.run(site.store.url, *statements)

    def rows(self, site: Site, query: str) -> list[tuple[object, ...]]:
        return self.workshop.rows(site.store.url, query)

    def meet(self) -> None:
        self.ferry.meet(*self.sites)

    def listed(self, site: Site) -> list[str]:
        return sorted(entry.kind for entry in site.store.conflicts() if entry.closed is None)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    for site in bench.sites:
        site.store.close()


def test_a_row_that_has_no_number_here_yet_meets_the_row_that_claims_its_value(bench: Bench) -> None:
    bench.ferry.found(bench.a)
    bench.run(bench.a, "INSERT INTO customer VALUES (6, 'first', 'x')")
    bench.ferry.seal(bench.a)
    bench.run(bench.b, "INSERT INTO customer VALUES (1, 'second', 'x')")
    bench.meet()
    for site in bench.sites:
        assert bench.rows(site, "SELECT name FROM customer") == [("first",)]
        assert bench.listed(site) == ["unique"]


@pytest.mark.parametrize("recursive", ["on", "off"])
def test_or_replace_on_a_number_that_is_there_writes_the_row_that_has_it(tmp_path: Path, recursive: str) -> None:
    bench = Bench(tmp_path, f"recursive_triggers = {recursive}")
    bench.run(bench.a, "INSERT INTO customer VALUES (3, 'old', 'x')")
    bench.ferry.found(bench.a)
    bench.run(bench.a, "INSERT OR REPLACE INTO customer VALUES (3, 'new', 'y')")
    (change,) = bench.ferry.seal(bench.a)
    assert (change.op, change.row["name"]) == ("update", "new")
    for site in bench.sites:
        site.store.close()


def test_a_number_that_is_used_again_for_a_row_under_itself_stays_after_the_seal(bench: Bench) -> None:
    bench.run(bench.a, "INSERT INTO staff VALUES (9, NULL)")
    bench.ferry.found(bench.a)
    bench.run(bench.a, "DELETE FROM staff", "INSERT INTO staff VALUES (9, 9)")
    assert [change.op for change in bench.ferry.seal(bench.a)] == ["delete", "insert"]
    assert bench.rows(bench.a, "SELECT * FROM staff") == [(9, 9)]


def test_what_was_done_to_a_row_before_it_was_deleted_and_put_back_is_sealed(bench: Bench) -> None:
    bench.run(bench.a, "INSERT INTO customer VALUES (3, 'old', 'x')")
    bench.ferry.found(bench.a)
    bench.run(bench.a, "UPDATE customer SET name = 'new'")
    for _ in range(2):
        bench.run(bench.a, "DELETE FROM customer", "INSERT INTO customer VALUES (3, 'new', 'x')")
    (change,) = bench.ferry.seal(bench.a)
    assert (change.op, change.row["name"]) == ("update", "new")


def test_rows_of_a_baseline_keep_their_references_where_the_parents_get_other_numbers(bench: Bench) -> None:
    bench.run(bench.a, "INSERT INTO customer VALUES (1, 'a', NULL)", "INSERT INTO quote VALUES (5, 1, 'of a')")
    bench.ferry.found(bench.a)
    bench.run(bench.b, "INSERT INTO customer VALUES (1, 'b', NULL)")
    bench.meet()
    query = "SELECT name FROM customer c JOIN quote q ON q.ref = c.id"
    assert [bench.rows(site, query) for site in bench.sites] == [[("a",)], [("a",)]]


def test_children_in_a_baseline_whose_parent_is_parked_are_parked_with_it(bench: Bench) -> None:
    bench.run(bench.b, "INSERT INTO customer VALUES (1, 'b', 'x')")
    db = bench.b.store.url
    bench.workshop.run(db, "UPDATE _satchel_log_1 SET at = 2440588")  # long before the founding
    bench.run(bench.a, "INSERT INTO customer VALUES (2, 'a', 'x')", "INSERT INTO quote VALUES (5, 2, 'of a')")
    bench.ferry.found(bench.a)
    bench.meet()
    for site in bench.sites:
        assert bench.rows(site, "SELECT name FROM customer") == [("b",)]
        assert bench.rows(site, "SELECT * FROM quote") == []
        assert bench.listed(site) == ["foreign-key", "unique"]


def test_a_deleted_parent_that_is_needed_and_has_no_place_is_parked_and_listed(bench: Bench) -> None:
    bench.run(bench.a, "INSERT INTO customer VALUES (1, 'old', 'x')")
    bench.ferry.found(bench.a)
    bench.ferry.receive(bench.b)
    bench.run(bench.a, "DELETE FROM customer", "INSERT INTO customer VALUES (2, 'new', 'x')")
    bench.run(bench.b, "INSERT INTO quote VALUES (5, 1, 'of the old one')")
    bench.meet()
    for site in bench.sites:
        assert bench.rows(site, "SELECT name FROM customer") == [("new",)]
        assert bench.listed(site) == ["foreign-key", "unique"]
    bench.run(bench.a, "UPDATE customer SET code = 'y'")
    bench.meet()
    for site in bench.sites:
        assert bench.rows(site, "SELECT name FROM customer ORDER BY 1") == [("new",), ("old",)]
        assert bench.rows(site, "SELECT name FROM quote q JOIN customer c ON q.ref = c.id") == [("old",)]


LINKS = (
    "CREATE TABLE quote (id INTEGER PRIMARY KEY, text)",
    "CREATE TABLE tag (id INTEGER PRIMARY KEY, text)",
    "CREATE TABLE detail (ref INTEGER PRIMARY KEY REFERENCES quote ON UPDATE CASCADE ON DELETE CASCADE, text)",
    "CREATE TABLE link (ref REFERENCES quote ON UPDATE CASCADE ON DELETE CASCADE, tag REFERENCES tag, text,"
    " PRIMARY KEY (ref, tag))",
)


@pytest.fixture
def links(tmp_path: Path) -> Iterator[Bench]:
    """Two quotes with a detail and a link each."""
    bench = Bench(tmp_path, schema=LINKS)
    bench.run(bench.a, "INSERT INTO tag VALUES (1, 't')")
    for number in (2, 10):
        bench.run(bench.a, f"INSERT INTO quote VALUES ({number}, 'q{number}')")
        bench.run(bench.a, f"INSERT INTO detail VALUES ({number}, 'd{number}')")
        bench.run(bench.a, f"INSERT INTO link VALUES ({number}, 1, 'l{number}')")
    bench.ferry.found(bench.a)
    bench.ferry.receive(bench.b)
    yield bench
    for site in bench.sites:
        site.store.close()


SWAP = ("UPDATE quote SET id = -1 WHERE id = 2", "UPDATE quote SET id = 2 WHERE id = 10")
SWAP += ("UPDATE quote SET id = 10 WHERE id = -1",)


def test_a_row_whose_key_is_a_reference_does_not_travel_when_its_parent_gets_another_number(links: Bench) -> None:
    links.run(links.a, *SWAP)
    assert [str(change) for change in links.ferry.seal(links.a)] == []


def test_a_row_whose_key_is_a_reference_goes_with_a_parent_that_had_changed_its_number(links: Bench) -> None:
    links.run(links.a, *SWAP, "DELETE FROM quote WHERE id = 2")
    links.meet()
    for site in links.sites:
        assert links.rows(site, "SELECT text FROM quote") == [("q2",)]
        assert links.rows(site, "SELECT d.text FROM detail d JOIN quote q ON q.id = d.ref") == [("d2",)]
        assert links.rows(site, "SELECT l.text FROM link l JOIN quote q ON q.id = l.ref") == [("l2",)]
        assert links.rows(site, "SELECT (SELECT count(*) FROM detail), (SELECT count(*) FROM link)") == [(1, 1)]


LINES = (
    "CREATE TABLE quote (id INTEGER PRIMARY KEY, text)",
    "CREATE TABLE line (id INTEGER PRIMARY KEY, text, ref INTEGER REFERENCES quote ON UPDATE CASCADE)",
)


def test_a_reference_does_not_travel_when_its_parent_gets_another_number(tmp_path: Path) -> None:
    bench = Bench(tmp_path, schema=LINES)
    for number in (2, 10):
        bench.run(bench.a, f"INSERT INTO quote VALUES ({number}, 'q{number}')")
        bench.run(bench.a, f"INSERT INTO line VALUES ({number}, 'l{number}', {number})")
    bench.ferry.found(bench.a)
    bench.run(bench.a, *SWAP)
    assert [str(change) for change in bench.ferry.seal(bench.a)] == []
    bench.run(bench.a, *SWAP, "UPDATE line SET text = 'new' WHERE id = 2", "DELETE FROM line WHERE id = 10")
    changes = bench.ferry.seal(bench.a)
    assert [str(change) for change in changes] == ["update line 2 text", "delete line 10"]
    bench.ferry.receive(bench.b)
    query = "SELECT q.text, l.text FROM line l JOIN quote q ON q.id = l.ref"
    assert [bench.rows(site, query) for site in bench.sites] == [[("q2", "new")]] * 2
    for change in changes:
        (before,) = bench.b.store.identity("quote", (change.key[0],))
        assert change.row["ref"] == before
    for site in bench.sites:
        site.store.close()


@pytest.mark.parametrize("number", [2**63 - 1, 2**63 - 2])
def test_where_the_numbers_have_run_out_at_the_top_a_lower_one_that_is_free_is_given(bench: Bench, number: int) -> None:
    bench.ferry.found(bench.a)
    for site in bench.sites:
        bench.run(site, "INSERT INTO staff VALUES (1, NULL), (4, NULL)", f"INSERT INTO staff VALUES ({number}, 4)")
    bench.meet()
    for site in bench.sites:
        assert bench.rows(site, "SELECT count(*), count(boss) FROM staff") == [(6, 2)]
        assert bench.rows(site, "SELECT max(id) FROM staff WHERE id < 9223372036854775806") == [(5,)]
        assert bench.rows(site, "PRAGMA foreign_key_check") == []


def test_a_number_that_an_autoincrement_table_had_once_is_not_given_to_another_row(tmp_path: Path) -> None:
    bench = Bench(tmp_path, schema=("CREATE TABLE bill (id INTEGER PRIMARY KEY AUTOINCREMENT, text)",))
    bench.ferry.found(bench.a)
    for site in bench.sites:
        bench.run(site, "INSERT INTO bill (text) VALUES ('one'), ('two'), ('three')", "DELETE FROM bill WHERE id > 1")
    bench.meet()
    for site in bench.sites:
        assert bench.rows(site, "SELECT id FROM bill") == [(1,), (4,)]
        bench.run(site, "INSERT INTO bill (text) VALUES ('next')")
        assert bench.rows(site, "SELECT max(id) FROM bill") == [(5,)]
        site.store.close()
