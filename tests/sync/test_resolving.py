"""Settling conflicts: an ordinary edit that decides what was in question, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from satchel.errors import UsageError
from tests.sync.sites import Place, differences, meet, moved, packets_in


@pytest.fixture
def conflict(office: Place, branch: Place, share: Path) -> str:
    """Both wrote the town of c1; the office also its name."""
    office.sql("UPDATE customers SET town = 'Kiel', name = 'Ada L.' WHERE id = 'c1'")
    branch.sql("UPDATE customers SET town = 'Bern' WHERE id = 'c1'")
    meet(share, [office, branch])
    (found,) = office.node.conflicts()
    assert found["columns"] == ["town"]
    return str(found["id"])


def row(place: Place) -> tuple[str, str, str]:
    (found,) = place.rows("SELECT * FROM customers WHERE id = 'c1'")
    return found  # type: ignore[return-value]


def settled(share: Path, *places: Place) -> None:
    meet(share, places)
    assert [place.node.conflicts() for place in places] == [[] for _ in places]
    assert differences(places[0].dump(), places[-1].dump()) == {}


@pytest.mark.parametrize("at", [0, 1])
def test_a_resolution_closes_the_conflict_everywhere(
    office: Place, branch: Place, share: Path, conflict: str, at: int
) -> None:
    place = [office, branch][at]
    report = place.node.resolve(conflict, set={"town": "Basel"})
    assert report["sealed"] == [f"{place.name}/{place.vector()[place.name]}"]
    settled(share, office, branch)
    assert row(office) == ("c1", "Ada L.", "Basel")
    closed = [entry for entry in office.node.conflicts(closed=True) if entry["id"] == conflict]
    assert [(entry["closed_by"]["how"], entry["closed_by"]["node"]) for entry in closed] == [("resolved", place.name)]


@pytest.mark.parametrize("side", ["office", "branch"])
def test_taking_a_side_decides_the_columns_in_question_and_no_other(
    office: Place, branch: Place, share: Path, conflict: str, side: str
) -> None:
    """The office's new name was never in question: nobody else has written it."""
    office.node.resolve(conflict, take=side)
    settled(share, office, branch)
    assert row(branch) == ("c1", "Ada L.", {"office": "Kiel", "branch": "Bern"}[side])


@pytest.mark.parametrize("words", [{"take": "branch"}, {"set": {"town": "Bern"}}])
def test_what_is_pending_in_another_column_is_kept(
    office: Place, branch: Place, share: Path, conflict: str, words: dict[str, object]
) -> None:
    office.sql("UPDATE customers SET name = 'Ada Lovelace' WHERE id = 'c1'")
    office.node.resolve(conflict, **words)  # type: ignore[arg-type]
    settled(share, office, branch)
    assert row(branch) == ("c1", "Ada Lovelace", "Bern")


def test_a_delete_settles_it_too(office: Place, branch: Place, share: Path, conflict: str) -> None:
    branch.node.resolve(conflict, delete=True)
    settled(share, office, branch)
    assert office.rows("SELECT id FROM customers") == [("c2",)]


@pytest.mark.parametrize(("side", "left"), [("office", [("c1", "Ada", "Kiel")]), ("branch", [])])
def test_a_delete_against_an_update_is_settled_either_way(
    office: Place, branch: Place, share: Path, side: str, left: list[tuple[str, str, str]]
) -> None:
    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    branch.sql("DELETE FROM customers WHERE id = 'c1'")
    meet(share, [office, branch])
    (found,) = branch.node.conflicts()
    branch.node.resolve(found["id"], take=side)
    settled(share, office, branch)
    assert office.rows("SELECT * FROM customers WHERE id = 'c1'") == left


def test_all_of_one_side(office: Place, branch: Place, share: Path, conflict: str) -> None:
    for place, pieces in ((office, 7), (branch, 8)):
        place.sql(f"UPDATE stock SET pieces = {pieces}")
    meet(share, [office, branch])
    assert len(office.node.conflicts()) == 2
    report = office.node.resolve(all=True, take="branch")
    assert len(report["resolved"]) == 2
    assert len(report["sealed"]) == 1
    settled(share, office, branch)
    assert (row(office)[2], office.rows("SELECT pieces FROM stock")) == ("Bern", [(8,)])


def test_exact_values_come_as_json(office: Place, branch: Place, share: Path, conflict: str) -> None:
    office.node.resolve(conflict, set_json={"town": {"base64": "AP8="}, "name": None})
    settled(share, office, branch)
    assert branch.rows("SELECT name, hex(town), typeof(town) FROM customers WHERE id = 'c1'") == [
        (None, "00FF", "blob")
    ]


def test_an_edit_of_another_column_passes_over_it_until_somebody_has_looked(
    office: Place, branch: Place, share: Path, conflict: str
) -> None:
    with pytest.raises(UsageError):
        office.node.resolve(conflict, seen=True)
    office.sql("UPDATE customers SET name = 'Ada Lovelace' WHERE id = 'c1'")
    meet(share, [office, branch])
    for place in (office, branch):
        (entry,) = place.node.conflicts()
        assert (entry["closed_by"]["how"], entry["closed_by"]["node"]) == ("passed-over", "office")
        assert place.node.status()["conflicts"] == {"open": 0, "parked": 0, "passed_over": 1}
    before = packets_in(share)
    branch.node.resolve(entry["id"], seen=True)
    for _ in range(2):
        for place in (branch, office):
            assert moved(place.node.sync(share)) == (0, 0, 0)
    assert packets_in(share) == before, "having looked makes no packet"
    settled(share, office, branch)
    assert office.node.status()["conflicts"]["passed_over"] == 0


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"take": "clinic"},
        {"set": {"tawn": "x"}},
        {"set_json": {"town": [1]}},
        {"set_json": {"town": {"base64": "?"}}},
        {"take": "office", "delete": True},
        {"seen": True, "all": True},
        {"delete": True, "all": True},
    ],
)
def test_words_that_do_not_fit_change_nothing(office: Place, conflict: str, words: dict[str, object]) -> None:
    before = office.state()
    with pytest.raises(UsageError) as caught:
        office.node.resolve(None if "all" in words else conflict, **words)  # type: ignore[arg-type]
    assert caught.value.hint
    assert office.state() == before


def test_a_conflict_is_settled_once(office: Place, branch: Place, share: Path, conflict: str) -> None:
    office.node.resolve(conflict, take="branch")
    with pytest.raises(UsageError, match="is closed"):
        office.node.resolve(conflict, take="office")
