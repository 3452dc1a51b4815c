"""Chinook, Northwind and Sakila as three sites that each hand out the numbers of their rows by themselves."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path

import pytest

from tests.corpora.births import Day
from tests.corpora.portrait import Portrait, portrait
from tests.sync.sites import NAMES, Place, carry, copied, found_network, join_network, meet, moved

SHARED = Path(__file__).resolve().parents[3] / "shared" / "corpora"
FILES = {
    "chinook": "chinook/Chinook_Sqlite_AutoIncrementPKs.sqlite",
    "northwind": "northwind_sqlite/northwind.db",
    "sakila": "sakila/sakila.sqlite",
}
NAMED = {"sakila": {("film_text", "film_id"): "film"}}  # the schema does not say so
ORDERS = ["-".join(order) for order in permutations(NAMES)]
# The smallest in all orders, the others in two that have nobody in the same place.
CASES = [("northwind", order) for order in ORDERS]
CASES += [(corpus, order) for corpus in ("chinook", "sakila") for order in (ORDERS[1], ORDERS[3])]


@dataclass
class Sites:
    """Three sites with copies of a database, and what is expected of them."""

    root: Path
    corpus: str
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def named(self) -> dict[tuple[str, str], str]:
        return NAMED.get(self.corpus, {})

    def places(self, order: str = ORDERS[0]) -> list[Place]:
        return [Place(name, self.root, self.root / f"{name}.db") for name in order.split("-")]

    def portraits(self) -> list[Portrait]:
        return [portrait(place.db, self.named) for place in self.places()]

    def copy(self, root: Path) -> Sites:
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        for name in NAMES:
            settings = root / f"{name}-home" / "satchel.toml"
            settings.write_text(settings.read_text().replace(str(self.root), str(root)))
        return Sites(root, self.corpus, self.counts.copy())

    def work(self, turn: int) -> None:
        """A day at each of them."""
        for number, place in enumerate(self.places()):
            day = Day(place.db, number, len(NAMES), turn, self.named).work()
            assert set(day.born.values()) == {3}
            self.counts += day.born
            self.counts -= day.gone


def found_sites(root: Path, corpus: str) -> Sites:
    original = SHARED / FILES[corpus]
    sites = Sites(root, corpus)
    references = [f"{table}.{column}={parent}" for (table, column), parent in sites.named.items()]
    office = found_network(root, copied(original, root / "office.db"), key_scope={}, references=references)
    places = [office, *(join_network(office, name, copied(original, root / f"{name}.db")) for name in NAMES[1:])]
    meet(root / "share", places)
    assert office.node.status()["left_out"] == []
    assert places[-1].vector().keys() == {"office"}, "a copy has nothing to say"
    plain = portrait(copied(original, root / "plain.db"), sites.named)
    for drawn in sites.portraits():
        assert plain.unlike(drawn) == {}
    sites.counts = plain.count()
    return sites


class Made:
    """Each corpus is founded once, and each has worked a day."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sites: dict[str, Sites] = {}
        self.expected: dict[str, Portrait] = {}

    def copy(self, corpus: str, root: Path) -> Sites:
        if corpus not in self.sites:
            (self.root / corpus).mkdir()
            sites = found_sites(self.root / corpus, corpus)
            sites.work(turn=1)
            self.sites[corpus] = sites
        return self.sites[corpus].copy(root)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    if not SHARED.is_dir():
        pytest.skip("there is no ../shared/corpora beside the repository")
    return Made(tmp_path_factory.mktemp("own-numbers"))


def check_equal(sites: Sites) -> Portrait:
    """One and the same at all three: nothing lost, nothing twice, everything under its parent."""
    first, *others = sites.portraits()
    assert first.count() == sites.counts
    for place, drawn in zip(sites.places()[1:], others, strict=True):
        assert first.unlike(drawn) == {}, place.name
    lists = []
    for place in sites.places():
        status = place.node.status()
        assert (status["waiting"], status["quarantined"], status["pending"]) == ([], [], 0)
        assert place.rows("PRAGMA foreign_key_check") == []
        assert place.rows("PRAGMA integrity_check") == [("ok",)]
        conflicts = place.node.conflicts()
        assert {conflict["kind"] for conflict in conflicts if not conflict["closed"]} <= {"edit"}, "nothing is parked"
        lists.append(sorted(conflict["id"] for conflict in conflicts if not conflict["closed"]))
    assert lists[0]
    assert lists.count(lists[0]) == len(lists)
    return first


def check_rest(stick: Path, places: list[Place]) -> None:
    """Nobody changed anything, so nothing moves; nor do old packets, again."""
    meet(stick, places)  # the acknowledgements
    rows = [place.dump() for place in places]
    for place in places:
        report = place.node.sync(stick)
        assert (moved(report), report.bytes_dropped) == ((0, 0, 0), 0), place.name
    assert [place.dump() for place in places] == rows


@pytest.mark.parametrize(("corpus", "order"), CASES)
def test_rows_born_on_three_sites_are_on_all_of_them_whatever_way_a_courier_takes(
    made: Made, tmp_path: Path, corpus: str, order: str
) -> None:
    sites = made.copy(corpus, tmp_path / "sites")
    stick, places = tmp_path / "stick", sites.places(order)
    carry(stick, places)
    first = check_equal(sites)
    assert first.unlike(made.expected.setdefault(corpus, first)) == {}, "the order of arrival makes a difference"
    if corpus != "sakila" or order in (ORDERS[0], ORDERS[-1]):  # it is the largest
        sites.work(turn=2)
        carry(stick, places)
        check_equal(sites)
    check_rest(stick, places)
