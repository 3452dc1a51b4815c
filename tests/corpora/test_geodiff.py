"""The cases that geodiff tests its merging with, as two sites with a copy of the base database each."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.corpora.portrait import portrait
from tests.sync.sites import Place, copied, emptied, found_network, join_network, meet, moved, opened, quote

GEODIFF = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "geodiff"
Case = dict[str, Any]

# Both sites hand out number 4 and more: the rows of both are there, under whatever number.
BOTH_BEAR = {"geodiff-2_inserts", "geodiff-diff_tables_extent", "geodiff-insert_multiple_ab"}
# One side's tables are not part of the network.
LEFT_OUT = {"geodiff-skip_tables": ["points"]}
UPDATE_WINS = "geodiff-delete_update"  # geodiff deletes the row; policy merge keeps it, and both list the conflict


def cases() -> list[Case]:
    path = GEODIFF / "cases.json"
    found: list[Case] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return found


CASES = cases()
# While one works: a case of each kind. The others joined as empty databases are the same to a merge.
QUICK = {"geodiff-2_inserts", "geodiff-2_updates", UPDATE_WINS, "geodiff-one_sided_fk", "geodiff-edge_cases"}
needs_cases = pytest.mark.skipif(not CASES, reason="there is no ../shared/corpora beside the repository")


def base_of(case: Case, target: Path) -> Path:
    return copied(GEODIFF / "plain" / case["base"], target)


def rows_of(db: Path, columns: list[str], table: str) -> Counter[str]:
    """As cases.json writes them: blobs in hexadecimal digits."""
    with opened(db) as connection:
        rows = connection.execute(f"SELECT {', '.join(map(quote, columns))} FROM {quote(table)}").fetchall()
    return Counter(repr([v.hex() if isinstance(v, bytes) else v for v in row]) for row in rows)


def expected_rows(case: Case, table: str, without: str | None) -> tuple[list[str], Counter[str]]:
    """The columns that are compared, and the rows."""
    wanted = case["expected_rows"][table]
    places = [place for place, column in enumerate(wanted["columns"]) if column != without]
    columns = [wanted["columns"][place] for place in places]
    return columns, Counter(repr([row[place] for place in places]) for row in wanted["rows"])


def replay(
    case: Case, root: Path, *, joined: str = "copy", turned: bool = False, **options: Any
) -> tuple[Place, Place]:
    """Both sites after the edits of A, later B (or, turned, of B, later A) and an exchange."""
    office = found_network(root, base_of(case, root / "office.db"), key_scope={}, **options)
    if joined == "copy":
        db = base_of(case, root / "branch.db")
    else:
        db = emptied(GEODIFF / "plain" / case["base"], root / "branch.db")
    places = office, join_network(office, "branch", db)
    meet(root / "share", places)
    edits = [(places[0], case["ops_A"]), (places[1], case["ops_B"])]
    for place, statements in reversed(edits) if turned else edits:
        place.sql(*statements)
        time.sleep(0.005)
    meet(root / "share", places)
    return places


def check_rest(places: tuple[Place, Place]) -> None:
    one, other = (portrait(place.db) for place in places)
    assert one.unlike(other) == {}
    for place in places:
        status = place.node.status()
        assert (status["waiting"], status["quarantined"], status["pending"]) == ([], [], 0)
        assert status["conflicts"]["parked"] == 0
        assert place.rows("PRAGMA foreign_key_check") == []
        assert place.rows("PRAGMA integrity_check") == [("ok",)]
        report = place.node.sync(place.root / "share")
        assert moved(report) == (0, 0, 0)


def params() -> list[object]:
    """Case, and how the other site joins."""
    found: list[object] = []
    for case in CASES:
        quick = case["id"] in QUICK
        if case["id"] not in LEFT_OUT:
            found.append(
                pytest.param(case, "copy", id=f"{case['id'][8:]}-copy", marks=() if quick else pytest.mark.slow)
            )
        if quick:
            found.append(pytest.param(case, "empty", id=f"{case['id'][8:]}-empty", marks=pytest.mark.slow))
    return found


@needs_cases
@pytest.mark.parametrize(("case", "joined"), params())
def test_a_case_of_geodiff_gives_the_rows_and_lists_the_conflicts_that_it_should(
    tmp_path: Path, case: Case, joined: str
) -> None:
    places = replay(case, tmp_path, joined=joined)
    check_rest(places)
    conflicts = [place.node.conflicts() for place in places]
    assert sorted(c["id"] for c in conflicts[0]) == sorted(c["id"] for c in conflicts[1])
    assert len(conflicts[0]) == (case["geodiff_conflicts"] or 0)
    for place in places:
        for table in case["expected_rows"]:
            columns, wanted = expected_rows(case, table, "fid" if case["id"] in BOTH_BEAR else None)
            found = rows_of(place.db, columns, table)
            if case["id"] == UPDATE_WINS:
                assert found.total() == wanted.total() + 1
                assert found > wanted
            else:
                assert found == wanted, (place.name, table)


@needs_cases
def test_a_row_deleted_later_than_it_was_updated_is_gone_under_latest_and_listed(tmp_path: Path) -> None:
    """What geodiff makes of it."""
    case = next(case for case in CASES if case["id"] == UPDATE_WINS)
    places = replay(case, tmp_path, turned=True, policy="latest")
    check_rest(places)
    for place in places:
        columns, wanted = expected_rows(case, "simple", None)
        assert rows_of(place.db, columns, "simple") == wanted
        (conflict,) = place.node.conflicts()
        assert sorted(version["deleted"] for version in conflict["versions"]) == [False, True]


@needs_cases
@pytest.mark.parametrize("case", [case for case in CASES if case["id"] in LEFT_OUT], ids=lambda case: case["id"][8:])
def test_tables_that_are_no_part_of_the_network_stay_where_they_are(tmp_path: Path, case: Case) -> None:
    tables = LEFT_OUT[case["id"]]
    others = case["expected_rows"].keys() - set(tables)
    plain = base_of(case, tmp_path / "plain.db")
    with opened(plain) as connection:
        for statement in case["ops_A"]:
            connection.execute(statement)
    office, branch = replay(case, tmp_path, tables=tables)
    for table in tables:
        columns, wanted = expected_rows(case, table, None)
        assert [rows_of(place.db, columns, table) for place in (office, branch)] == [wanted, wanted]
    for table in others:
        columns, _ = expected_rows(case, table, None)
        assert rows_of(office.db, columns, table) == rows_of(plain, columns, table)
        assert rows_of(branch.db, columns, table) == rows_of(base_of(case, tmp_path / "base.db"), columns, table)
    for place in (office, branch):
        assert {left["table"] for left in place.node.status()["left_out"]} == others


@needs_cases
def test_whoever_updates_later_wins_the_column_and_the_other_value_is_listed(tmp_path: Path) -> None:
    case = next(case for case in CASES if case["id"] == "geodiff-2_updates")
    office, branch = replay(case, tmp_path)
    for place in (office, branch):
        (conflict,) = place.node.conflicts()
        assert (conflict["table"], conflict["kind"], conflict["columns"]) == ("simple", "edit", ["geometry"])
        assert conflict["shown"]["rating"] == 9999
        assert {version["origin"] for version in conflict["versions"]} == {"office", "branch"}
