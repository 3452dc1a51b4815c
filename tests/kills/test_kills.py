"""A kill at any instant is harmless (PROTOCOL, Promise 5): each command is killed at its steps, restarted, checked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kills import sweep
from tests.kills.restored import Restored
from tests.kills.world import Parts
from tests.property.member import scratch

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="a kill is tried in a forked process")


def swept(folder: Path, command: str, first: int, stride: int) -> dict[str, object]:
    """In a process of its own: one that has worked with Arrow's threads cannot be forked."""
    words = [sys.executable, "-m", "tests.kills.sweep", str(folder), command, str(first), str(stride)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout))


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch() as folder:
        yield Path(folder)


@pytest.mark.parametrize("command", ["init", "join", "receive", "sync", "shop-merge"])
def test_a_command_killed_at_some_of_its_steps_breaks_no_promise(folder: Path, command: str) -> None:
    found = swept(folder, command, 9, 23)
    assert int(str(found["steps"])) > 9
    assert int(str(found["killed"])) >= 1
    assert found["broken"] == []


# Every step: `python -m tests.kills.sweep FOLDER COMMAND 1 1`; here every fifth of the commands on their own, and fewer
# where only the database is another, which takes minutes less.
@pytest.mark.slow
@pytest.mark.parametrize("command", sweep.WORLDS)
def test_a_command_killed_at_many_of_its_steps_breaks_no_promise(folder: Path, command: str) -> None:
    found = swept(folder, command, 2, 11 if command in {*Parts.commands, *Restored.commands} else 43)
    print(f"{command}: killed at {found['killed']} of {found['steps']} steps, {found['broken']} broke a promise")
    assert found["broken"] == []
