"""Chinook, Northwind and Sakila as two and three sites: edited on all sides, equal after exchange."""

from __future__ import annotations

import time
from itertools import product
from pathlib import Path

import pytest

from tests.corpora.edits import Editor
from tests.sync.sites import (
    Place,
    carry,
    copied,
    differences,
    emptied,
    found_network,
    join_network,
    meet,
    moved,
    opened,
)

SHARED = Path(__file__).resolve().parents[3] / "shared" / "corpora"
FILES = {
    "chinook": "chinook/Chinook_Sqlite.sqlite",
    "northwind": "northwind_sqlite/northwind.db",
    "sakila": "sakila/sakila.sqlite",
}
NAMES = ["office", "branch", "clinic"]


QUICK = {("chinook", "empty", 3), ("chinook", "copy", 2), ("chinook", "old", 2)}  # also while one works


def cases(*joined: str) -> list[object]:
    """Corpus, how the others join, how many sites."""
    found: list[object] = []
    for case in product(FILES, joined, (2, 3)):
        found.append(pytest.param(*case, marks=() if case in QUICK else pytest.mark.slow))
    return found


def original_of(corpus: str) -> Path:
    path = SHARED / FILES[corpus]
    if not path.is_file():
        pytest.skip("there is no ../shared/corpora beside the repository")
    return path


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
    # what was open for a while may have been closed by another packet on each of them
    lists = [sorted(e["id"] for e in place.node.conflicts() if not e["closed"]) for place in places]
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


@pytest.mark.parametrize(("corpus", "joined", "sites"), cases("empty", "copy"))
def test_a_corpus_edited_on_all_sides_is_equal_after_exchange(
    tmp_path: Path, corpus: str, joined: str, sites: int
) -> None:
    original = original_of(corpus)
    office = found_network(tmp_path, copied(original, tmp_path / "office.db"))
    make = emptied if joined == "empty" else copied
    names = NAMES[1:sites]
    places = [office, *(join_network(office, name, make(original, tmp_path / f"{name}.db")) for name in names)]
    share, stick = tmp_path / "share", tmp_path / "stick"
    meet(share, places)
    assert differences(office.dump(), places[-1].dump()) == {}
    assert places[-1].vector().keys() == {"office"}, "neither an empty database nor a copy has anything to say"
    assert office.node.status()["left_out"] == [], "every table of these has a key"
    edit(places, turn=1)
    meet(share, places)
    check_equal(places, original)
    check_rest(places, share)
    edit(places, turn=2)
    carry(stick, places)
    check_equal(places, original)
    meet(stick, places)  # the acknowledgements, too
    check_rest(places, stick)


@pytest.mark.parametrize(("corpus", "joined", "sites"), cases("old"))
def test_an_old_copy_joins_without_changing_what_members_see(
    tmp_path: Path, corpus: str, joined: str, sites: int
) -> None:
    """The office has gone on meanwhile. What an untouched copy holds is old and no edit; another one was worked with
    before it joined."""
    original = original_of(corpus)
    office = found_network(tmp_path, copied(original, tmp_path / "office.db"))
    Editor(office.db, 0, sites + 1, 1).edit()
    before = office.dump()
    places = [office, join_network(office, "branch", copied(original, tmp_path / "branch.db"))]
    share = tmp_path / "share"
    meet(share, places)
    assert [differences(before, place.dump()) for place in places] == [{}, {}]
    assert places[1].vector().keys() == {"office"}
    if sites == 3:
        worked = copied(original, tmp_path / "clinic.db")
        Editor(worked, 2, 4, 1).edit()
        places.append(join_network(office, "clinic", worked))
        meet(share, places)
        assert places[-1].vector()["clinic"] == 1, "what was written before it joined is its first packet"
        kept = office.dump()
        gone = {table: set(rows) - set(kept[table]) for table, rows in before.items()}
        assert not any(gone.values()), "joining removed or changed rows that members see"
    edit(places, turn=3)
    meet(share, places)
    check_equal(places, original)
    check_rest(places, share)


def test_the_triggers_of_sakila_stamp_edits_and_leave_arriving_rows_alone(tmp_path: Path) -> None:
    """Each of its tables has triggers that set `last_update` after every insert and update."""
    original = original_of("sakila")
    office = found_network(tmp_path, copied(original, tmp_path / "office.db"))
    branch = join_network(office, "branch", copied(original, tmp_path / "branch.db"))
    share = tmp_path / "share"
    meet(share, [office, branch])
    ours = "name LIKE '\\_satchel%' ESCAPE '\\'"
    triggers = f"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND NOT {ours} ORDER BY tbl_name, rowid"
    stamp = "SELECT last_update FROM actor WHERE actor_id IN (1, 900) ORDER BY actor_id"
    written = branch.rows(triggers)
    with opened(copied(original, tmp_path / "plain.db")) as plain:
        assert written == plain.execute(triggers).fetchall()
    old = branch.rows(stamp)
    office.sql(
        "UPDATE actor SET first_name = 'Penny' WHERE actor_id = 1",
        "INSERT INTO actor (actor_id, first_name, last_name, last_update) VALUES (900, 'New', 'Face', '2001-01-01')",
    )
    fresh = office.rows(stamp)
    assert len(fresh) == 2
    assert fresh[0] != old[0], "the application's trigger has stamped the edit"
    assert fresh[1] != ("2001-01-01",), "and the row that is new"
    time.sleep(1.1)  # the stamp counts seconds: one that a trigger set at the branch would be another
    office.node.sync(share)
    report = branch.node.sync(share)
    assert branch.rows(stamp) == fresh
    assert (report.sealed, branch.node.status()["pending"]) == ([], 0), "and nothing of it is an edit of the branch"
    assert branch.rows(triggers) == written
    branch.sql("UPDATE actor SET first_name = 'Penelope' WHERE actor_id = 1")
    assert branch.rows(stamp)[0] > fresh[0], "they work for the application as before"
    views = [name for (name,) in office.rows("SELECT name FROM sqlite_master WHERE type = 'view'")]
    meet(share, [office, branch])
    assert len(views) == 5
    for view in views:
        assert sorted(office.rows(f"SELECT * FROM {view}")) == sorted(branch.rows(f"SELECT * FROM {view}"))
