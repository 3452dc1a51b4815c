"""Every measure runs and gives a ratio, at sizes that make the figures meaningless."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import growth, table
from benchmarks.bench import Bench
from benchmarks.measure import Finding, Measure, NotMeasured, Side, chosen
from benchmarks.measures import MEASURES
from benchmarks.process import Failed, Taken


def _quiet(words: str) -> None:
    """Nobody reads it."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """What the measures share is made once."""
    return Bench(tmp_path_factory.mktemp("bench"), scale=0.002, runs=1, say=_quiet, here=True)


@pytest.mark.slow
@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_a_measure_gives_a_ratio_or_says_why_not(bench: Bench, measure: Measure) -> None:
    row = measure.result(bench)
    assert "failed" not in row, row["failed"]
    if row["ratio"] is None:
        assert "installed" in row["not_measured"] or "node" in row["not_measured"]
    else:
        assert row["ratio"] > 0
        assert row["ours"] == pytest.approx(row["ratio"] * row["theirs"])
        assert row["runs"] >= 1


@pytest.mark.slow
def test_growth_has_points_on_every_axis(bench: Bench) -> None:
    try:
        points = growth.take(bench)
    except NotMeasured as why:
        pytest.skip(str(why))
    assert [len(points[axis]) for axis in ("changes", "rows", "packets")] == [3, 3, 3]


def test_names_are_unique_and_found_by_name_part_and_glob() -> None:
    assert len({measure.name for measure in MEASURES}) == len(MEASURES)
    assert [m.name for m in chosen(MEASURES, ["import"])] == ["import"]
    assert [m.name for m in chosen(MEASURES, ["cycle"])] == ["cycle-geodiff", "cycle-pouchdb"]
    assert [m.name for m in chosen(MEASURES, ["*-local"])] == [m.name for m in MEASURES if m.name.endswith("-local")]
    assert chosen(MEASURES, ["no such"]) == []
    assert chosen(MEASURES, []) == list(MEASURES)


def _row(tmp_path: Path, take: Finding | Exception) -> dict[str, object]:
    def run(bench: Bench) -> Finding:
        if isinstance(take, Exception):
            raise take
        return take

    return Measure("m", "what", "against", 1.5, run).result(Bench(tmp_path))


def test_the_median_counts_and_a_goal_is_met_or_not(tmp_path: Path) -> None:
    ours = Side.of([Taken(seconds, 1.0, 50.0) for seconds in (9.0, 3.0, 2.0)])
    row = _row(tmp_path, Finding(ours, Side.limit(2.0)))
    assert (row["ours"], row["ratio"], row["met"], row["runs"]) == (3.0, 1.5, True, 3)
    assert _row(tmp_path, Finding(ours, Side.limit(1.9)))["met"] is False
    assert "1.50" in table.line(row)


def test_what_cannot_be_had_or_fails_leaves_the_others_alone(tmp_path: Path) -> None:
    missing = _row(tmp_path, NotMeasured("no such library"))
    assert (missing["ratio"], missing["not_measured"]) == (None, "no such library")
    assert "no such library" in table.line(missing)
    failed = _row(tmp_path, Failed("Traceback\nValueError: 3"))
    assert "ValueError: 3" in table.line(failed) and "Traceback" not in table.line(failed)


def test_what_takes_long_is_taken_less_often(tmp_path: Path) -> None:
    bench = Bench(tmp_path, runs=5)
    for seconds, times in ((1.0, 5), (11.0, 3), (61.0, 1)):
        [takes] = bench.rounds(lambda seconds=seconds: Taken(seconds, 0, 0))
        assert len(takes) == times
