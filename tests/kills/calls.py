"""Stops or fails a command at its system calls (see strace), restarts it, and looks whether every promise holds.

Three ways: `kill` before every call that changes or flushes something; `fail` one call, reading ones too, with each
error that it may have; `dies`: whatever changes something fails from one call on, as on a medium that gives up.

Run as a program: `python -m tests.kills.calls FOLDER COMMAND WAY FIRST STRIDE`; prints one JSON document.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kills.steps import End, Steps, forked
from tests.kills.strace import (
    CHANGING,
    READING,
    REFUSED,
    Call,
    calls_of,
    fail_at,
    fail_from,
    is_change,
    kill_at,
    traced,
)
from tests.kills.sweep import WORLDS, expected, recovered

WAYS = ("kill", "fail", "dies")
ALLOWED = frozenset({1, 3, 6, 11, 12})  # exit codes that an operating system may bring about (INTERFACE)
_SPACE = ("ENOSPC", "EIO")
_NAMES = ("EACCES", "EIO")
ERRORS = {
    **dict.fromkeys((*CHANGING, *READING), ("EIO",)),
    "openat": ("EACCES", "EIO", "EMFILE"),
    "mkdir": ("ENOSPC", "EROFS", "EACCES", "ENAMETOOLONG"),
    "rename": (*_SPACE, "EROFS", "EACCES"),
    "unlink": ("EROFS", *_NAMES),
    "newfstatat": _NAMES,
    **dict.fromkeys(("write", "pwrite64", "fsync", "fdatasync", "ftruncate"), _SPACE),
}


@dataclass(frozen=True)
class Point:
    """Where and how a run is disturbed."""

    name: str
    rules: Sequence[str]


@dataclass
class Found:
    """What a sweep saw. `points`: disturbed runs, `felt`: those that did not simply come to their end."""

    command: str
    way: str
    possible: int = 0
    points: int = 0
    felt: int = 0
    broken: list[list[str]] = field(default_factory=list)


def points_of(way: str, calls: Sequence[Call]) -> list[Point]:
    """Every point of a way, in the order of the calls."""
    found = []
    changing = [call for call in calls if is_change(call)]
    for index, call in enumerate(changing if way != "fail" else calls):
        where = f"{call.name} #{call.number} {call.about[:120]}"
        if way == "kill":
            found.append(Point(where, kill_at(call)))
        elif way == "dies":
            found.append(Point(f"EIO from {where}", fail_from(changing, index, "EIO")))
        else:
            errors = (*ERRORS[call.name], "ENOSPC") if "O_CREAT" in call.about else ERRORS[call.name]
            found += [Point(f"{error} at {where}", fail_at(call, error)) for error in errors]
    return found


def trouble_with_end(end: End, way: str) -> str:
    """What is wrong with how a disturbed run ended; empty: nothing."""
    if end.code == 0 or (way == "kill" and end.code == -9):
        return ""
    message, _, hint = end.said.partition("\n")
    if end.code - REFUSED not in ALLOWED:
        return f"ended with {end.code}: {end.said}"
    return "" if message and hint and "\n" not in hint else f"not two lines: {end.said!r}"


def sweep_calls(folder: Path, command: str, way: str, first: int, stride: int) -> Found:
    """Disturbs points first, first + stride ... (from 1), each in a fresh copy of the world."""
    kind, found = WORLDS[command], Found(command, way)
    told = folder / "expected.json"
    for prepare in (
        lambda: told.write_text(json.dumps(expected(folder / "e", command))),
        lambda: kind(folder / "original", command).prepare(),
    ):
        end = forked(Steps(), prepare)
        assert end.code == 0, end.said
    wanted = json.loads(told.read_text())
    tempfile.gettempdir()  # it tries places by writing there, once in a process
    calls = _listed(folder, command)
    points = points_of(way, calls)
    found.possible = len(points)
    for number in range(first, len(points) + 1, stride):
        point = points[number - 1]
        root = folder / f"w{number}"
        shutil.copytree(folder / "original", root)
        world = kind(root, command)
        end = traced(world.run, folder / "log", point.rules)
        wrong = trouble_with_end(end, way)
        found.points += 1
        found.felt += end.code != 0
        end = forked(Steps(), lambda world=world: recovered(world, wanted))  # type: ignore[misc]
        wrong += f" afterwards: {end.said}" if end.code else ""
        if wrong:
            found.broken.append([str(number), point.name, wrong])
        shutil.rmtree(root)
    return found


def _listed(folder: Path, command: str) -> list[Call]:
    """The calls of an undisturbed run."""
    root = folder / "listed"
    shutil.copytree(folder / "original", root)
    end = traced(WORLDS[command](root, command).run, folder / "log")
    assert end.code == 0, end.said
    calls = calls_of(folder / "log", root)
    shutil.rmtree(root)
    return calls


def document(found: Found) -> dict[str, Any]:
    return {name: getattr(found, name) for name in ("command", "way", "possible", "points", "felt", "broken")}


if __name__ == "__main__":
    words = sys.argv[1:]
    print(json.dumps(document(sweep_calls(Path(words[0]), words[1], words[2], int(words[3]), int(words[4])))))
