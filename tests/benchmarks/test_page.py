"""The page's figures come from the results, all of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks import page
from benchmarks.measures import MEASURES

MACHINE = {
    "when": "2026-11-20T20:00+00:00", "cores": 2, "memory": 24, "system": "Linux x86_64", "python": "3.11.7",
    "sqlite": "3.40.1", "versions": {"pyarrow": "26"}, "load": 0.1,
}  # fmt: skip


def _document(**row: Any) -> dict[str, Any]:
    usual = {
        "name": "import", "what": "import", "against": "apply", "goal": 1.2, "unit": "s", "ours": 1.5, "theirs": 1.0,
        "ratio": 1.5, "met": False, "memory": {"ours": 200.0, "theirs": 30.0}, "runs": 5, "note": "",
    }  # fmt: skip
    local = {**usual, "name": "import-local"}
    took = {"seconds": 600.0, "cpu": 540.0}
    return {"machine": MACHINE, "scale": 1.0, "took": took, "results": [{**usual, **row}, local]}


def test_a_row_says_what_came_out_and_whether_the_goal_was_met() -> None:
    text = page.figures(_document())
    assert "| `import` import | 1.50 s | apply | 1.00 s | 1.50 | 1.2 | **no** | 200 MiB | 5 |" in text
    assert "`import-local`" in text.partition("each database hands out")[2]


def test_what_was_not_measured_says_why_and_a_draft_says_so() -> None:
    text = page.figures({**_document(ratio=None, met=None, not_measured="no node"), "scale": 0.1})
    assert "not measured" in text
    assert "- `import`: not measured here: no node." in text
    assert "a draft" in text


def test_the_figures_replace_the_ones_before_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "performance.md"
    target.write_text("before\n<!-- figures -->\nold\n<!-- end of figures -->\nafter\n", encoding="utf-8")
    page.write(_document(), target)
    page.write(_document(), target)
    text = target.read_text(encoding="utf-8")
    assert text.startswith("before\n") and text.endswith("after\n")
    assert "old" not in text and text.count("`import` import") == 1
    assert json.loads((tmp_path / "performance.json").read_text(encoding="utf-8"))["results"][0]["ratio"] == 1.5


def test_the_page_explains_every_measure() -> None:
    text = page.PAGE.read_text(encoding="utf-8").partition("## What each row means")[2]
    missing = [m.name for m in MEASURES if f"`{m.name.removesuffix('-local')}`" not in text]
    assert missing == []


def test_the_page_stands_on_the_results_beside_it() -> None:
    document = json.loads(page.PAGE.with_suffix(".json").read_text(encoding="utf-8"))
    assert page.figures(document) in page.PAGE.read_text(encoding="utf-8")
