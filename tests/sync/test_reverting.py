"""Undo: an ordinary new change that restores what was before, and keeps everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from satchel.errors import UsageError
from tests.sync.sites import Place, differences, logical, meet


def rows(place: Place) -> list[tuple[object, ...]]:
    return place.rows("SELECT * FROM customers ORDER BY id")


def newest(place: Place) -> str:
    return f"{place.name}/{place.vector()[place.name]}"


BEFORE = [("c1", "Ada", "Ulm"), ("c2", "Bob", "Bonn")]
MIXED = (
    "UPDATE customers SET town = 'Kiel' WHERE id = 'c1'",
    "DELETE FROM customers WHERE id = 'c2'",
    "INSERT INTO customers VALUES ('c3', 'Cy', 'Rom')",
)


@pytest.fixture
def mistake(office: Place, branch: Place, share: Path) -> str:
    """The branch changed a row, deleted one and added one."""
    branch.sql(*MIXED)
    meet(share, [branch, office])
    return newest(branch)


def test_a_packet_is_undone_and_the_others_follow(office: Place, branch: Place, share: Path, mistake: str) -> None:
    report = office.node.revert(mistake)
    assert report["counts"] == {"update": 1, "insert": 1, "delete": 1, "same": 0, "left": 0}
    assert report["sealed"] == [newest(office)]
    assert rows(office) == BEFORE
    meet(share, [office, branch])
    assert rows(branch) == BEFORE
    assert office.node.conflicts() == branch.node.conflicts() == []
    assert [entry["op"] for entry in branch.node.history("customers", "c2")] == ["insert", "delete", "insert"]


def test_undoing_an_undo_restores_again(office: Place, branch: Place, share: Path, mistake: str) -> None:
    after = rows(office)
    (undo,) = office.node.revert(mistake)["sealed"]
    meet(share, [office, branch])
    branch.node.revert(undo)
    assert rows(branch) == after
    meet(share, [office, branch])
    assert differences(office.dump(), branch.dump()) == {}


def test_a_dry_run_says_the_same_and_changes_nothing(office: Place, mistake: str) -> None:
    before = logical(office.db), office.vector()
    trial = office.node.revert(mistake, dry_run=True)
    assert (logical(office.db), office.vector()) == before
    done = office.node.revert(mistake)
    assert done["rows"] == trial["rows"]
    assert done["counts"] == trial["counts"]


def test_what_somebody_changed_since_is_left_and_named(office: Place, mistake: str) -> None:
    office.sql(
        "UPDATE customers SET town = 'Bern' WHERE id = 'c1'", "UPDATE customers SET name = 'Cyd' WHERE id = 'c3'"
    )
    report = office.node.revert(mistake)
    assert rows(office) == [("c1", "Ada", "Bern"), BEFORE[1], ("c3", "Cyd", "Rom")]
    assert [(entry["key"], entry["columns"], entry["why"]) for entry in report["left"]] == [
        (["c1"], ["town"], "changed since"),
        (["c3"], ["name"], "changed since"),
    ]
    assert {entry["packet"] for entry in report["left"]} == {f"office/{office.vector()['office'] - 1}"}


def test_what_is_pending_counts_as_changed_since_in_a_dry_run_too(office: Place, mistake: str) -> None:
    office.sql("UPDATE customers SET town = 'Bern' WHERE id = 'c1'")
    report = office.node.revert(mistake, dry_run=True)
    assert [entry["columns"] for entry in report["left"]] == [["town"]]
    assert office.node.status()["pending"] == 1


def test_with_force_it_is_undone_whatever_became_of_it(office: Place, mistake: str) -> None:
    office.sql(
        "UPDATE customers SET town = 'Bern', name = 'A' WHERE id = 'c1'",
        "UPDATE customers SET name = 'Cyd' WHERE id = 'c3'",
    )
    assert office.node.revert(mistake, force=True)["left"] == []
    assert rows(office) == [("c1", "A", "Ulm"), BEFORE[1]]


def test_other_columns_keep_what_was_written_since(office: Place, mistake: str) -> None:
    office.sql("UPDATE customers SET name = 'Ada L.' WHERE id = 'c1'")
    assert office.node.revert(mistake)["left"] == []
    assert rows(office)[0] == ("c1", "Ada L.", "Ulm")


def test_undoing_twice_changes_nothing_more(office: Place, mistake: str) -> None:
    office.node.revert(mistake)
    before = office.vector()
    report = office.node.revert(mistake)
    assert (report["sealed"], report["counts"]["same"], office.vector()) == ([], 3, before)


def test_a_row_becomes_what_it_was_in_a_version(office: Place, branch: Place, share: Path, mistake: str) -> None:
    office.sql("UPDATE customers SET name = 'X', town = 'Y' WHERE id = 'c1'")
    report = office.node.revert("customers", "c1", to="office/1")
    assert rows(office)[0] == BEFORE[0]
    assert report["rows"][0]["before"] == {"name": "X", "town": "Y"}
    assert report["rows"][0]["after"] == {"name": "Ada", "town": "Ulm"}
    office.node.revert("customers", "c2", to="office/1")
    office.node.revert("customers", "c2", to=mistake)
    assert [row[0] for row in rows(office)] == ["c1", "c3"]
    meet(share, [office, branch])
    assert rows(branch) == rows(office)


def test_two_that_wrote_different_columns_are_undone_one_after_the_other(
    office: Place, branch: Place, share: Path
) -> None:
    office.sql("UPDATE customers SET name = 'A' WHERE id = 'c1'")
    branch.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    meet(share, [office, branch])
    packets = newest(branch), newest(office)
    assert branch.node.revert(packets[0])["left"] == []
    meet(share, [office, branch])
    assert rows(office)[0] == ("c1", "A", "Ulm")
    assert branch.node.revert(packets[1])["left"] == []
    meet(share, [office, branch])
    assert rows(office) == rows(branch) == BEFORE


def test_a_version_of_a_row_in_conflict_decides_it(office: Place, branch: Place, share: Path) -> None:
    office.sql("UPDATE customers SET town = 'Bern' WHERE id = 'c1'")
    branch.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    meet(share, [office, branch])
    office.node.revert("customers", "c1", to=newest(office))
    meet(share, [office, branch])
    assert rows(branch)[0] == ("c1", "Ada", "Bern")
    assert office.node.conflicts() == branch.node.conflicts() == []


def test_a_row_in_conflict_is_left_to_resolve(office: Place, branch: Place, share: Path) -> None:
    """Also its other columns: an edit of them would pass the conflict over."""
    office.sql("UPDATE customers SET town = 'Bern' WHERE id = 'c1'")
    branch.sql("UPDATE customers SET town = 'Kiel', name = 'A' WHERE id = 'c1'")
    meet(share, [office, branch])
    (conflict,) = office.node.conflicts()
    report = office.node.revert(newest(branch))
    assert [(entry["columns"], entry["why"]) for entry in report["left"]] == [
        (["name", "town"], "in conflict: settle it with `satchel resolve`")
    ]
    assert [entry["id"] for entry in office.node.conflicts()] == [conflict["id"]]
    assert office.node.revert(newest(branch), force=True)["counts"]["update"] == 1
    assert rows(office)[0] == BEFORE[0]
    assert office.node.conflicts() == []


@pytest.mark.parametrize(
    ("words", "to", "says"),
    [
        (["office/1"], None, "holds the rows that were there"),
        (["office/99"], None, "not applied here"),
        (["nobody/1"], None, "not applied here"),
        (["rubbish"], None, "is no packet"),
        (["customers", "c1"], None, "which version"),
        (["customers"], "office/1", "goes with a row"),
        (["customers", "c9"], "office/1", "has no version office/1"),
        (["customers", "c1"], "office/9", "has no version office/9"),
        (["customers", "c1"], "yesterday", "has no version yesterday"),
        (["nothing", "c1"], "office/1", "is not replicated"),
        (["customers", "c1", "c2"], "office/1", "the key of customers is id"),
    ],
)
def test_words_that_do_not_fit_change_nothing(office: Place, words: list[str], to: str | None, says: str) -> None:
    before = office.vector()
    with pytest.raises(UsageError, match=says):
        office.node.revert(*words, to=to)
    assert office.vector() == before


def test_the_log_says_what_was_reverted(office: Place, mistake: str) -> None:
    office.node.revert(mistake)
    assert office.node.log(1)[0]["command"] == f"revert {mistake}"
