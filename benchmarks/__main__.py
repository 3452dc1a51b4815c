"""`python -m benchmarks`: takes the measures, prints a table, writes JSON. `make bench` is all of it."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import growth, machine, table
from benchmarks.bench import Bench
from benchmarks.clock import timed
from benchmarks.measure import NotMeasured, chosen
from benchmarks.measures import MEASURES
from benchmarks.process import Failed

GROWTH = "growth"  # the points of the plot; not a measure


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="a measure, a glob or a part of names"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="1.0: the whole workload")
    parser.add_argument("--runs", type=int, default=5, help="of what is short; the median counts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the results")
    parser.add_argument("--dir", type=Path, help="where to work; a folder on a disk, some GB free")
    parser.add_argument("--list", action="store_true", help="the measures' names")
    return parser.parse_args(words)


Keep = Callable[[dict[str, Any]], None]


def run(bench: Bench, names: Sequence[str], keep: Keep = lambda document: None) -> dict[str, Any]:
    """Takes the measures and prints a line for each: {machine, scale, runs, seconds, results}. `keep` gets what there
    is after each, so that an interrupted run was not for nothing."""
    rows: list[dict[str, Any]] = []
    facts = machine.describe(bench.alternatives)
    measures = chosen(MEASURES, names)
    bench.prepare(list(dict.fromkeys(need for measure in measures for need in measure.needs)))
    print(table.head(), flush=True)
    for measure in measures:
        with timed() as span:
            row = measure.result(bench)
        row["took"] = {name: round(seconds, 1) for name, seconds in span.as_json().items()}
        rows.append(row)
        print(table.line(row), flush=True)
        keep({"machine": facts, "scale": bench.scale, "runs": bench.runs, "results": rows})
    document = {"machine": facts, "scale": bench.scale, "runs": bench.runs, "results": rows}
    if not names or GROWTH in names:
        document[GROWTH] = _growth(bench, document)
    return document


def _growth(bench: Bench, document: dict[str, Any]) -> dict[str, Any] | None:
    """None if it could not be taken; then a row says why."""
    try:
        return growth.take(bench)
    except (Failed, NotMeasured) as trouble:
        print(f"{GROWTH}: {trouble}", flush=True)
        document["results"].append({"name": GROWTH, "goal": None, "ratio": None, "met": None, "failed": str(trouble)})
        return None


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def main(words: Sequence[str] | None = None) -> int:
    """The exit code."""
    wish = _arguments(words)
    if wish.list:
        print("\n".join(f"{m.name:<20} {m.what}; against {m.against}" for m in chosen(MEASURES, wish.only)))
        return 0
    if not chosen(MEASURES, wish.only) and GROWTH not in wish.only:
        print(f"there is no measure {', '.join(wish.only)}; --list names them", file=sys.stderr)
        return 2

    def keep(document: dict[str, Any]) -> None:
        if wish.json:
            wish.json.parent.mkdir(parents=True, exist_ok=True)
            wish.json.write_text(json.dumps({**document, "took": span.as_json()}, indent=1) + "\n")

    with tempfile.TemporaryDirectory(prefix="satchel-bench-", dir=wish.dir) as folder, timed() as span:
        document = run(Bench(Path(folder), wish.scale, wish.runs, say=_say), wish.only, keep)
    keep(document)
    print(f"took {span.seconds:.0f} s, {span.cpu:.0f} s of them of a processor")
    return 1 if any("failed" in row for row in document["results"]) else 0


if __name__ == "__main__":
    sys.exit(main())
