"""Kills and failures at real system calls (see calls): a sample; `make kills` tries all."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kills import strace
from tests.property.member import scratch

ROOT = Path(__file__).parents[2]

# Without leave to trace, test_kills does the same at the steps that satchel itself announces.
needs_strace = pytest.mark.skipif(bool(strace.why_not()), reason=f"the portable sweep has to do: {strace.why_not()}")


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch() as folder:
        yield Path(folder)


@needs_strace
@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "way", "first", "stride"),
    [
        ("init", "kill", 31, 97),
        ("export", "kill", 17, 71),
        ("receive", "kill", 23, 97),
        ("sync", "dies", 13, 53),
        ("snapshot", "kill", 29, 97),
        ("first", "fail", 100, 409),
    ],
)
def test_a_command_stopped_or_failed_at_some_system_calls_breaks_no_promise(
    folder: Path, command: str, way: str, first: int, stride: int
) -> None:
    words = [sys.executable, "-m", "tests.kills.calls", str(folder), command, way, str(first), str(stride)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    print(f"{command}, {way}: {found['points']} of {found['possible']} points, {found['broken']} broke a promise")
    assert found["possible"] > 80
    assert found["points"] >= 2
    assert found["broken"] == []


def test_points_are_counted_for_each_name_and_only_of_the_main_thread(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        '7 openat(AT_FDCWD</x>, "/elsewhere", O_RDONLY) = 3\n'
        '7 openat(AT_FDCWD</x>, "/home/new", O_WRONLY|O_CREAT) = 4</home/new>\n'
        '8 write(4</home/new>, "of another thread", 17) = 17\n'
        '7 write(4</home/new>, "abc", 3 <unfinished ...>\n'
        "7 <... write resumed>) = 3\n"
        "7 fsync(4</home/new>) = 0\n"
        "7 +++ exited with 0 +++\n"
    )
    calls = strace.calls_of(log, Path("/home"))
    assert [(call.name, call.number) for call in calls] == [("openat", 2), ("write", 1), ("fsync", 1)]
    assert all(map(strace.is_change, calls))
    rules = strace.fail_from(calls, 2, "EIO")
    assert "write:error=EIO:when=2+" in rules
    assert "fsync:error=EIO:when=1+" in rules
