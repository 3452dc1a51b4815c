"""A sample of the matrix of faults; all of it: `python -m tests.faults.matrix FOLDER`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.property.member import scratch

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch() as folder:
        yield Path(folder)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="a fault is tried in a forked process")
@pytest.mark.parametrize(("command", "first", "stride"), [("export", 18, 307), ("receive", 7, 307), ("sync", 11, 151)])
def test_no_error_at_any_step_of_the_file_layer_breaks_a_promise(
    folder: Path, command: str, first: int, stride: int
) -> None:
    words = [sys.executable, "-m", "tests.faults.matrix", str(folder), command, str(first), str(stride)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert "0 broke a promise" in done.stdout
