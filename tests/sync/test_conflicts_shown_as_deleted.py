"""A conflict whose row is shown as deleted is a conflict like others: nothing keeps the row out, so it is not parked"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.sync.schemas import network, open_conflicts, rest
from tests.sync.sites import Place


@pytest.fixture
def places(tmp_path: Path) -> list[Place]:
    """The delete of `a` is shown, and the edit of `b` is kept beside it."""
    table = "CREATE TABLE t (id TEXT PRIMARY KEY, a)"
    places = network(tmp_path, (table,), "a", "b", rows=("INSERT INTO t VALUES ('x', 1)",), policy="latest")
    a, b = places
    b.sql("UPDATE t SET a = 2")
    time.sleep(0.01)  # stamps are milliseconds; of one and the same the origin decides
    a.sql("DELETE FROM t")
    rest(places)
    return places


def must_show(places: list[Place], *rows: tuple[str, int]) -> None:
    rest(places)
    for place in places:
        assert place.rows("SELECT * FROM t") == list(rows)


def test_it_is_listed_as_an_edit_and_settled_like_one(places: list[Place]) -> None:
    must_show(places)
    for place in places:
        (entry,) = open_conflicts(place)
        assert (entry["kind"], entry["state"], entry["shown"]) == ("edit", "edit", None)
        assert place.node.status()["conflicts"] == {"open": 1, "parked": 0, "passed_over": 0}
    report = places[1].node.resolve(open_conflicts(places[1])[0]["id"], take="b")
    assert len(report["sealed"]) == 1
    must_show(places, ("x", 2))
    assert [open_conflicts(place) for place in places] == [[], []]


def test_whoever_inserts_the_row_anew_has_seen_that_it_is_gone(places: list[Place]) -> None:
    places[0].sql("INSERT INTO t VALUES ('x', 3)")
    must_show(places, ("x", 3))
    assert [open_conflicts(place) for place in places] == [[], []]
