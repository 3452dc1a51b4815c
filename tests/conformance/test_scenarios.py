"""The black-box scenarios of `../shared/conformance`, replayed by the script that lies there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT.parent / "shared" / "conformance" / "run.py"
CHUNKS = 6  # processes that xdist can spread; one for each scenario would import everything too often
SECONDS = 300
NOT_HERE = "not for SQLite"


def scenarios() -> list[dict[str, Any]]:
    if not SCRIPT.is_file():
        pytest.skip("there is no ../shared/conformance beside the repository")
    found: list[dict[str, Any]] = json.loads((SCRIPT.parent / "scenarios.json").read_text(encoding="utf-8"))
    return found


# every sixth one in the tests of all day, the rest with the slow ones
@pytest.mark.parametrize("chunk", [0, *(pytest.param(chunk, marks=pytest.mark.slow) for chunk in range(1, CHUNKS))])
def test_every_scenario_that_is_for_sqlite_passes(chunk: int) -> None:
    ids = [scenario["id"] for scenario in scenarios()][chunk::CHUNKS]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    environment.pop("SATCHEL_HOME", None)
    run = subprocess.run(
        [sys.executable, str(SCRIPT), "--json", *ids],
        cwd=SCRIPT.parent, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    verdicts = {entry["id"]: entry for entry in map(json.loads, run.stdout.splitlines())}
    assert verdicts.keys() == set(ids), run.stderr
    others = {name: entry for name, entry in verdicts.items() if entry["verdict"] != "passed"}
    assert {name: entry["why"] for name, entry in others.items() if entry["why"] != NOT_HERE} == {}
    assert run.returncode == 0, run.stderr
