"""Chinook, Northwind and Sakila as two and three sites: edited on all sides, equal after exchange."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.corpora.edits import Editor
from tests.sync.sites import (
    Place, carry, copied, differences, emptied, found_network, join_network, meet, moved, opened,
)  # fmt: skip

SHARED = Path(__file__).resolve().parents[3] / "shared" / "corpora"
FILES = {
    "chinook": "chinook/Chinook_Sqlite.sqlite",
    "northwind": "northwind_sqlite/northwind.db",
    "sakila": "sakila/sakila.sqlite",
}
NAMES = ["office", "branch", "clinic"]


@pytest.fixture
def original(corpus: str) -> Path:
    path = SHARED / FILES[corpus]
    if not path.is_file():
        pytest.skip("there is no ../shared/corpora beside the repository")
    return path


@pytest.fixture(params=[
    "chinook",
    pytest.param("northwind", marks=pytest.mark.slow),
    pytest.param("sakila", marks=pytest.mark.slow),
])  # fmt: skip
def corpus(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def broken(db: Path) -> list[object]:
    """Rows whose foreign key leads nowhere."""
    with opened(db) as connection:
        return sorted(connection.execute("PRAGMA foreign_key_check").fetchall(), key=repr)


def edit(places: list[Place], turn: int) -> None:
    for number, place in enumerate(places):
        done = Editor(place.db, number, len(places), turn).edit()
        assert min(done["updated"], done["inserted"], done["deleted"]) >= 5, done


def check_equal(places: list[Place], original: Path) -> None:
    first = places[0].dump()
    for place in places[1:]:
        assert differences(first, place.dump()) == {}, place.name
    vectors = [place.vector() for place in places]
    assert vectors.count(vectors[0]) == len(vectors)
    lists = [sorted(entry["id"] for entry in place.node.conflicts()) for place in places]
    assert lists.count(lists[0]) == len(lists)
    for place in places:
        status = place.node.status()
        assert (status["waiting"], status["quarantined"], status["pending"]) == ([], [], 0)
        assert broken(place.db) == broken(original)
        with opened(place.db) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def check_rest(places: list[Place], exchange: Path) -> None:
    """Nobody changed anything, so nothing moves."""
    rows = [place.dump() for place in places]
    for place in places:
        report = place.node.sync(exchange)
        assert (moved(report), report.bytes_dropped) == ((0, 0, 0), 0), place.name
    assert [place.dump() for place in places] == rows


@pytest.mark.parametrize("sites", [2, 3])
@pytest.mark.parametrize("joined", ["empty", "copy"])
def test_a_corpus_edited_on_all_sides_is_equal_after_exchange(
    tmp_path: Path, original: Path, joined: str, sites: int
) -> None:
    office = found_network(tmp_path, copied(original, tmp_path / "office.db"))
    make = emptied if joined == "empty" else copied
    names = NAMES[1:sites]
    places = [office, *(join_network(office, name, make(original, tmp_path / f"{name}.db")) for name in names)]
    share, stick = tmp_path / "share", tmp_path / "stick"
    meet(share, places)
    assert differences(office.dump(), places[-1].dump()) == {}
    if joined == "copy":
        assert places[-1].vector().keys() == {"office"}, "a copy has nothing to say"
    edit(places, turn=1)
    meet(share, places)
    check_equal(places, original)
    check_rest(places, share)
    edit(places, turn=2)
    carry(stick, places)
    check_equal(places, original)
    meet(stick, places)
    check_rest(places, stick)


@pytest.mark.parametrize("sites", [2, 3])
def test_an_old_copy_joins_without_changing_what_members_see(tmp_path: Path, original: Path, sites: int) -> None:
    """The office has gone on meanwhile. What the copy holds is old and no edit, but for what was written before and
    after it joined."""
    office = found_network(tmp_path, copied(original, tmp_path / "office.db"))
    Editor(office.db, 0, sites + 1, 1).edit()
    before = office.dump()
    pure = join_network(office, "branch", copied(original, tmp_path / "branch.db"))
    places = [office, pure]
    share = tmp_path / "share"
    meet(share, places)
    assert differences(before, office.dump()) == {}
    assert differences(before, pure.dump()) == {}
    assert pure.vector().keys() == {"office"}
    if sites == 3:  # this copy was worked with before it joined, and between joining and the first import
        worked = copied(original, tmp_path / "clinic.db")
        Editor(worked, 2, 4, 1).edit()
        clinic = join_network(office, "clinic", worked)
        places.append(clinic)
        meet(share, places)
        kept = office.dump()
        for table, rows in before.items():
            assert set(rows) <= set(kept[table]), f"{table}: joining removed or changed rows that members see"
    edit(places, turn=3)
    meet(share, places)
    check_equal(places, original)
    check_rest(places, share)
