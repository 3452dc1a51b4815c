"""What was listed once, is gone for a while and comes back: listed again, under its old id."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stores.ferry import Ferry, Site, closing
from tests.stores.workshop import SQLiteWorkshop, sites

SCHEMA = (
    "CREATE TABLE customer (k TEXT PRIMARY KEY NOT NULL, code UNIQUE)",
    "CREATE TABLE quote (k TEXT PRIMARY KEY NOT NULL, ref TEXT REFERENCES customer ON DELETE RESTRICT)",
)


class Bench:
    """Three sites; what the third one writes is carried late."""

    def __init__(self, folder: Path) -> None:
        self.workshop = SQLiteWorkshop(folder)
        self.sites = sites(self.workshop, *(self.workshop.database(name, *SCHEMA) for name in "abc"))
        self.a, self.b, self.c = self.sites
        self.ferry = Ferry()

    def run(self, site: Site, statement: str) -> None:
        self.workshop.run(site.store.url, "PRAGMA foreign_keys = on", statement)

    def listed(self, site: Site) -> list[tuple[str, str]]:
        return [(entry.kind, entry.id) for entry in site.store.conflicts() if entry.closed is None]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    with closing(*bench.sites):
        yield bench


def test_a_row_that_is_parked_again_has_its_old_id(bench: Bench) -> None:
    bench.run(bench.c, "INSERT INTO customer VALUES ('c', 'x')")
    bench.run(bench.a, "INSERT INTO customer VALUES ('a', 'x')")
    bench.run(bench.b, "INSERT INTO customer VALUES ('b', 'x')")
    bench.ferry.meet(bench.a, bench.b)
    first = bench.listed(bench.b)
    assert [kind for kind, _ in first] == ["unique"]
    bench.run(bench.a, "UPDATE customer SET code = 'y' WHERE k = 'a'")
    bench.ferry.meet(bench.a, bench.b)
    assert bench.listed(bench.b) == []
    bench.ferry.meet(bench.c, bench.a, bench.b)
    assert [bench.listed(site) for site in bench.sites] == [first] * 3
    assert len(bench.b.store.conflicts(closed=True)) == 1


def test_a_parent_that_comes_back_again_is_listed_again(bench: Bench) -> None:
    bench.run(bench.a, "INSERT INTO customer VALUES ('old', 'x')")
    bench.ferry.meet(*bench.sites)
    bench.run(bench.c, "INSERT INTO quote VALUES ('late', 'old')")
    bench.run(bench.a, "DELETE FROM customer")
    bench.run(bench.b, "INSERT INTO quote VALUES ('soon', 'old')")
    bench.ferry.meet(bench.a, bench.b)
    first = bench.listed(bench.a)
    assert [kind for kind, _ in first] == ["foreign-key"]
    bench.run(bench.b, "DELETE FROM quote")
    bench.ferry.meet(bench.a, bench.b)
    assert bench.listed(bench.a) == []
    bench.ferry.meet(bench.c, bench.a, bench.b)
    assert [bench.listed(site) for site in bench.sites] == [first] * 3


def test_a_note_that_somebody_has_looked_at_stays_closed(bench: Bench) -> None:
    bench.run(bench.a, "INSERT INTO customer VALUES ('old', 'x')")
    bench.ferry.meet(*bench.sites)
    bench.run(bench.a, "DELETE FROM customer")
    bench.run(bench.b, "INSERT INTO quote VALUES ('soon', 'old')")
    bench.ferry.meet(bench.a, bench.b)
    ((_, id_),) = bench.listed(bench.a)
    bench.a.store.review(id_)
    bench.run(bench.b, "UPDATE quote SET k = 'other'")
    bench.ferry.meet(bench.a, bench.b)
    assert bench.listed(bench.a) == []
