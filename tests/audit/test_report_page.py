"""The page and the plots of a report, from facts that are made up."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, timedelta
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from satchel.audit.report.facts import Facts
from satchel.audit.report.page import SERIES, render
from satchel.audit.report.plots import WIDTH, bar, nice_step, squares, time_bars
from satchel.audit.report.tables import csv_files
from satchel.audit.report.verdict import verdict
from tests.audit.report_facts import ATTACK, QUOTED, VERIFIED, conflict, facts, gap, problem

EMPTY: dict[str, Any] = {"cube": [], "packets": [], "conflicts": [], "untimed": 0}
VOID = {"meta", "br", "rect", "line"}


class Checker(HTMLParser):
    """Every tag of ours and no other, closed in order; no attribute that runs or fetches anything."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.style = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "img", "link", "iframe", "object", "a")
        for name, value in attrs:
            assert not name.startswith("on") and name not in ("src", "href", "style"), (tag, name)
            assert "http" not in (value or "") or name == "http-equiv"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["style"]:
            self.style += data
        else:
            self.text.append(data)


def read(found: Facts) -> str:
    """The text of the page, after a look at its markup."""
    page = render(found)
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    assert "url(" not in checker.style and "@import" not in checker.style
    return re.sub(r"\s+", " ", " ".join(checker.text))


@pytest.mark.parametrize("found", [facts(), facts(1, 1), facts(50, 400), facts(70, 3), facts(2, 31, **EMPTY)])
def test_the_page_is_whole_and_needs_nothing_from_elsewhere(found: Facts) -> None:
    text = read(found)
    assert f"{found.changes:,}" in text
    assert "What was changed in acme" in text


def test_no_name_and_no_value_becomes_markup() -> None:
    parked = [
        {"table": ATTACK, "key": '["<b>"]', "kind": "unique", "state": ATTACK, "why": QUOTED, "since": ATTACK, "id": ""}
    ]
    found = facts(
        3, 3, network=ATTACK, conflicts=[conflict(ATTACK, QUOTED, ATTACK, closed_by=ATTACK, how=ATTACK, rule=QUOTED)],
        parked=parked, gaps=[gap(ATTACK)], warnings=[QUOTED],
        verification={**VERIFIED, "problems": [problem(ATTACK, QUOTED)], "root": ATTACK},
        database=ATTACK, places=[ATTACK], software=QUOTED,
    )  # fmt: skip
    found.cube = [
        type(count)(
            count.day, f"{ATTACK}{count.table}", f"{QUOTED}{count.site}", f"{ATTACK}{count.person}", count.op, 1
        )
        for count in found.cube
    ]
    text = read(found)
    assert ATTACK in text
    assert "\u202e" not in text and "\x00" not in text
    assert "\\u202e" in text


def test_a_period_without_changes_says_so() -> None:
    text = read(facts(2, 31, **EMPTY))
    assert "Nothing was changed in this period." in text
    assert "By table" not in text


def test_figures_add_up() -> None:
    found = facts(3, 5)
    text = read(found)
    for name in {count.table for count in found.cube}:
        total = sum(count.changes for count in found.cube if count.table == name)
        assert f"{name} " in text and f"{total:,}" in text


@pytest.mark.parametrize(
    ("changes", "level", "says"),
    [
        ({"conflicts": []}, "good", "Complete and unaltered: 412 packets verified, none is missing."),
        ({}, "care", "To be decided: 1 conflict is open."),
        ({"pruned": [gap("office", 1, 9)], "conflicts": []}, "care", "9 packets were pruned here: office/1 to 9."),
        ({"gaps": [gap()]}, "bad", "Incomplete: 3 packets are missing: branch/12 to 14."),
        ({"verification": {**VERIFIED, "problems": [problem()]}}, "bad", "1 packet or file does not verify: branch/9."),
    ],
)
def test_the_first_sentence_says_whether_it_can_be_relied_on(changes: dict[str, Any], level: str, says: str) -> None:
    found = facts(2, 3, **changes)
    assert verdict(found).level == level
    text = read(found)
    assert text.index(says) < text.index("Changes per")


def test_a_gap_that_verify_names_is_no_problem_of_its_own() -> None:
    found = facts(2, 3, verification={**VERIFIED, "problems": [problem(reason="gap: branch/8 missing before it")]})
    assert found.problems == []


def test_long_lists_are_cut_on_the_page_and_whole_in_the_csv() -> None:
    found = facts(2, 3, conflicts=[conflict()] * 250)
    assert "And 50 more" in read(found)
    assert csv_files(found)["conflicts.csv"].count(b"7f3a21bc09") == 250


def test_what_is_open_stands_before_what_is_settled() -> None:
    settled = [conflict(closed_by="office/9", how="resolved")] * 250
    assert " open " in read(facts(2, 3, conflicts=[*settled, conflict()]))


def test_the_csv_has_every_figure_and_no_formula() -> None:
    found = facts(2, 3, conflicts=[conflict("=cmd()", by="@x")])
    files = csv_files(found)
    rows = list(csv.DictReader(io.StringIO(files["changes.csv"].decode("utf-8-sig"), newline="")))
    assert sum(int(row["changes"]) for row in rows) == found.changes
    assert b",'=cmd()," in files["conflicts.csv"]
    assert b"2026-03-04T09:30:00.000Z" in files["conflicts.csv"]


def shapes(svg: str, css: str) -> list[dict[str, str]]:
    return [entry.attrib for entry in ElementTree.fromstring(svg).iter("rect") if entry.attrib["class"] == css]


def days(count: int) -> list[date]:
    return [date(2026, 2, 20) + timedelta(days=n) for n in range(count)]


def test_bars_are_as_high_as_what_they_count_and_stand_on_each_other() -> None:
    svg = time_bars(days(2), "day", {"insert": [10, 0], "update": [0, 20], "delete": [10, 20]}, SERIES)
    (insert,), (update,) = shapes(svg, "insert"), shapes(svg, "update")
    low, high = shapes(svg, "delete")
    assert float(update["height"]) == pytest.approx(2 * float(insert["height"]), abs=0.05)
    assert float(low["y"]) + float(low["height"]) == pytest.approx(float(insert["y"]), abs=0.05)
    assert float(high["x"]) > float(low["x"])


@pytest.mark.parametrize("count", [1, 2, 12, 31, 99])
def test_labels_do_not_touch_and_stay_inside(count: int) -> None:
    for svg in (
        time_bars(days(count), "day", {"insert": [1] * count, "update": [0] * count, "delete": [0] * count}, SERIES),
        squares(days(count), "day", {"a": [1] * count}),
    ):
        free = 0.0
        found = [e for e in ElementTree.fromstring(svg).iter("text") if e.attrib.get("text-anchor") == "middle"]
        assert found[0].text == "2026-02-20"
        for entry in found:
            half = len(entry.text or "") * 6.5 / 2
            assert float(entry.attrib["x"]) - half >= free
            free = float(entry.attrib["x"]) + half
        assert free <= WIDTH + 1


def test_the_busiest_square_is_the_darkest_and_silence_is_empty() -> None:
    svg = squares(days(3), "day", {"a": [0, 1, 100]})
    assert [len(shapes(svg, f"shade{shade}")) for shade in range(6)] == [1, 1, 0, 0, 0, 1]


def test_a_lying_bar_has_the_shares_of_its_parts() -> None:
    svg = bar([10, 30, 0], SERIES, 40)
    assert [float(shapes(svg, css)[0]["width"]) for css in ("insert", "update")] == [50, 150]
    assert shapes(svg, "delete") == []


@pytest.mark.parametrize(
    ("top", "step"), [(0, 1), (4, 1), (6, 2), (30, 10), (49, 10), (51, 20), (2400, 500), (10**7, 2 * 10**6)]
)
def test_grid_lines_stand_at_round_numbers(top: int, step: int) -> None:
    assert nice_step(top) == step


@pytest.mark.parametrize(
    ("count", "labels"), [(9, ["0", "2", "10"]), (24_000, ["0", "5 k", "25 k"]), (900_000, ["0", "0.2 M", "1 M"])]
)
def test_the_numbers_at_an_axis_are_short_and_of_one_kind(count: int, labels: list[str]) -> None:
    svg = time_bars(days(1), "day", {"insert": [count], "update": [0], "delete": [0]}, SERIES)
    found = [e.text for e in ElementTree.fromstring(svg).iter("text") if e.attrib["text-anchor"] == "end"]
    assert (found[0], found[1], found[-1]) == tuple(labels)
