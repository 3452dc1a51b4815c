"""`satchel report`: the figures are those of the packets, wherever they lie, and what is missing is said first."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import satchel
from satchel.audit.report.facts import count_changes
from satchel.audit.report.period import read_period
from satchel.cli import main
from satchel.errors import UsageError
from tests.audit.builders import DAY, NOW, Archive, row
from tests.sync.places import branch, office, share, templates
from tests.sync.sites import Place, meet

__all__ = ["branch", "office", "share", "templates"]

pytestmark = pytest.mark.slow  # each report reads everything twice: to verify it, and to count it
FIRST, LAST = "2026-09-21", "2026-09-23"  # the days of NOW and the two after it


def command(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], env={"SATCHEL_HOME": ""})


def cube(folder: Path) -> list[dict[str, str]]:
    with (folder / "changes.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def counted(archive: Archive, out: Path, **words: Any) -> dict[str, Any]:
    return satchel.report(archive.root, out=out, **words)


def test_every_change_is_counted_once_where_and_when_it_was_made(history: Archive, tmp_path: Path) -> None:
    found = counted(history, tmp_path / "out")
    with satchel.audit(history.root) as audit:
        [(changes,)] = audit.sql("SELECT count(*) FROM changes").rows
        by_site = dict(audit.sql("SELECT origin, count(*) FROM changes GROUP BY ALL").rows)
    rows = cube(tmp_path / "out")
    assert found["changes"] == changes == sum(int(entry["changes"]) for entry in rows)
    assert {site: sum(int(e["changes"]) for e in rows if e["site"] == site) for site in by_site} == by_site
    assert {entry["person"] for entry in rows} == {"", "mara"}
    assert found["period"] == f"{FIRST} to {LAST} (UTC)"
    assert found["level"] == "care"
    assert sorted(Path(name).name for name in found["files"]) == sorted(p.name for p in (tmp_path / "out").iterdir())


def per_day(archive: Archive, zone: str, day: str | None = None) -> dict[str, int]:
    """Changes by day, of a period in a zone."""
    with satchel.audit(archive.root) as audit:
        cube, untimed, unreal = count_changes(audit, read_period(day or "2026-09-01", day or "2026-09-30", zone, None))
    assert (untimed, unreal) == (0, 0)
    days = sorted({count.day for count in cube})
    return {str(at): sum(count.changes for count in cube if count.day == at) for at in days}


def test_a_period_has_its_own_changes_only(history: Archive) -> None:
    whole = per_day(history, "UTC")
    assert sorted(whole) == [FIRST, "2026-09-22", LAST]
    for day in whole:
        assert per_day(history, "UTC", day) == {day: whole[day]}


def test_days_begin_in_the_zone_that_is_named(archive: Archive) -> None:
    midnight = NOW - NOW % DAY
    archive.office.write(row({"id": 1}, at=midnight + DAY - 3_600_000), row({"id": 2}, at=midnight + 1))
    assert per_day(archive, "UTC") == {FIRST: 2}
    assert per_day(archive, "Europe/Zurich") == {FIRST: 1, "2026-09-22": 1}
    assert per_day(archive, "America/New_York") == {"2026-09-20": 1, FIRST: 1}


def test_changes_of_unknown_time_count_when_they_were_sealed(archive: Archive, tmp_path: Path) -> None:
    archive.office.write(row({"id": 1}, at=0), row({"id": 2}))
    found = counted(archive, tmp_path / "out")
    assert found["changes"] == 2
    assert "1 change has no known time" in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_an_empty_period_is_a_report_too_and_what_is_missing_before_it_is_none_of_its_gaps(
    history: Archive, tmp_path: Path
) -> None:
    [folder] = history.root.glob("*/office/0000000002-*")
    shutil.rmtree(folder)
    found = counted(history, tmp_path / "out.html", start="2027-01-01", end="2027-01-31", zone="UTC")
    assert (found["changes"], found["packets"], found["gaps"]) == (0, 0, [])
    assert "Nothing was changed in this period." in (tmp_path / "out.html").read_text("utf-8")


def test_a_conflict_is_told_with_its_versions(history: Archive, tmp_path: Path) -> None:
    found = counted(history, tmp_path / "out")
    assert (found["conflicts"], found["open_conflicts"]) == (1, 1)
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "name = Chloe" in page and "name = Clio" in page


def test_a_packet_that_was_withheld_is_said_first(history: Archive, tmp_path: Path) -> None:
    [folder] = history.root.glob("*/office/0000000002-*")
    shutil.rmtree(folder)
    found = counted(history, tmp_path / "out")
    assert found["level"] == "bad"
    assert "office/2" in found["verdict"][0] and "missing" in found["verdict"][0]
    assert [(gap["origin"], gap["first"], gap["last"]) for gap in found["gaps"]] == [("office", 2, 2)]


def test_a_packet_that_was_altered_is_in_no_figure(history: Archive, tmp_path: Path) -> None:
    whole = counted(history, tmp_path / "whole")["changes"]
    part = next(history.root.glob("*/site-b/*/*.parquet"))
    part.write_bytes(part.read_bytes()[:-9] + b"something")
    result = command("report", history.root, "--out", tmp_path / "out", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 5
    assert found["changes"] < whole
    assert "does not verify" in found["verdict"][0]


def test_a_home_and_a_stick_are_told_alike(office: Place, branch: Place, share: Path, tmp_path: Path) -> None:
    branch.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    office.sql("DELETE FROM customers WHERE id = 'c2'")
    meet(share, [office, branch])
    stick = tmp_path / "stick"
    shutil.copytree(share / "nodes", stick / "nodes")
    for packet in (share / "packets" / "acme").glob("*/*"):  # people copy what they like where they like
        shutil.copytree(packet, stick / packet.parent.name / packet.name)
    found = [satchel.report(place, out=tmp_path / "r") for place in (office.home, stick)]
    assert len({(entry["changes"], entry["packets"], entry["conflicts"], entry["level"]) for entry in found}) == 1
    assert {entry["network"] for entry in found} == {"acme"}
    assert found[0]["level"] == "good"


def test_parked_rows_are_those_of_the_home_and_without_one_the_page_says_so(
    office: Place, branch: Place, share: Path, tmp_path: Path
) -> None:
    for place, name in ((office, "c8"), (branch, "c9")):
        place.sql(
            "CREATE TABLE IF NOT EXISTS later (id TEXT PRIMARY KEY)",
            f"INSERT INTO customers VALUES ('{name}', 'Eve', 'Ulm')",
        )
    meet(share, [office, branch])
    page = tmp_path / "r.html"
    satchel.report(office.home, out=page)
    assert "known to its home alone" not in page.read_text("utf-8")
    satchel.report(share, out=page)
    assert "known to its home alone" in page.read_text("utf-8")
    office.db.rename(tmp_path / "away.db")
    satchel.report(office.home, out=page)
    assert "could not be asked" in page.read_text("utf-8")


def test_what_was_pruned_is_not_counted_and_said(office: Place, branch: Place, share: Path, tmp_path: Path) -> None:
    office.sql("UPDATE customers SET name = 'Adam' WHERE id = 'c1'")
    meet(share, [office, branch])
    office.node.snapshot()
    office.node.prune()
    branch.sql("UPDATE stock SET pieces = 5")
    meet(share, [office, branch])
    found = satchel.report(office.home, out=tmp_path / "r.html")
    assert (found["changes"], found["level"]) == (4, "care")  # of the snapshot the three rows
    assert "2 packets were pruned here: office/1 to 2." in found["verdict"][0]


def test_a_dry_run_writes_nothing_and_says_the_same(history: Archive, tmp_path: Path) -> None:
    trial = counted(history, tmp_path / "changes.csv", dry_run=True)
    assert not (tmp_path / "changes.csv").exists()
    done = counted(history, tmp_path / "changes.csv")
    assert {**trial, "dry_run": False} == done
    assert [path.name for path in tmp_path.glob("*.csv")] == ["changes.csv"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--from", "2026-03-01"], "2026-03-01 is a day in no zone"),
        (["--from", "2026-03-01T10:00"], "is a time in no zone"),
        (["--zone", "Nowhere/Land"], "there is no zone"),
        (["--out", "x.pdf"], "is no kind of report"),
    ],
)
def test_wrong_words_are_told_in_two_lines(history: Archive, tmp_path: Path, words: list[str], says: str) -> None:
    result = command("report", history.root, "--out", tmp_path / "out", *words)
    assert result.exit_code == 2
    assert says in result.stderr.splitlines()[0]
    assert result.stderr.splitlines()[1].startswith("  hint: ")
    assert not (tmp_path / "out").exists()


def test_an_archive_is_left_as_it_is(history: Archive, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is inside of"):
        counted(history, history.root / "report")
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="is a file"):
        counted(history, tmp_path / "file")
    with pytest.raises(UsageError, match="nowhere"):
        satchel.report(tmp_path / "nowhere", out=tmp_path / "out")


def test_names_that_attack_stay_text_on_the_way_through(archive: Archive, tmp_path: Path) -> None:
    archive.office.write(row({"id": 1, "name": "<script>alert(1)</script>"}, by="<script>alert(2)</script>"))
    counted(archive, tmp_path / "out")
    assert "<script" not in (tmp_path / "out" / "report.html").read_text("utf-8")
    assert cube(tmp_path / "out")[0]["person"] == "<script>alert(2)</script>"
