"""Every kill and every failure, of every world: hours. `make kills`; `make kills KILLS_EVERY=20` tries a twentieth.

Prints a line for each sweep, and in the end how many points were covered. Exit code 1: one of them broke a promise.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from tests.faults import matrix
from tests.kills import calls, strace, sweep
from tests.property.member import scratch

# One error at one call, reading ones too: some 2,000 calls for each command, most of them alike.
_FAIL_EVERY = 23


@dataclass(frozen=True)
class Task:
    """One sweep: `how` is portable, matrix, or a way of calls."""

    how: str
    command: str
    stride: int


@dataclass
class Told:
    """What a sweep found. `covered`: points at which a command was disturbed."""

    line: str
    covered: int
    broken: list[str] = field(default_factory=list)


def tasks(every: int) -> Iterator[Task]:
    """All sweeps. Without strace the portable ones."""
    for command in sweep.WORLDS:
        yield Task("portable", command, every)
    for command in matrix.SITES:
        yield Task("matrix", command, every)
    for way in calls.WAYS if not strace.why_not() else ():
        for command in sweep.WORLDS:
            yield Task(way, command, every * (_FAIL_EVERY if way == "fail" else 1))


def run(task: Task) -> Told:
    """One sweep in a folder of its own."""
    with scratch() as name:
        folder = Path(name)
        if task.how == "portable":
            done = sweep.sweep(folder, task.command, 1, task.stride)
            line = f"{task.command}: killed at {done['killed']} of {done['steps']} steps of satchel's own"
            return Told(line, done["killed"], list(map(str, done["broken"])))
        if task.how == "matrix":
            found = matrix.sweep(folder, task.command, 1, task.stride)
            return Told(f"faults: {found}", found.tried, found.broken)
        seen = calls.sweep_calls(folder, task.command, task.how, 1, task.stride)
        line = f"{task.command}: {task.how} at {seen.points} of {seen.possible} points among system calls"
        return Told(line, seen.points, list(map(str, seen.broken)))


def main(every: int, workers: int) -> int:
    if strace.why_not():
        print(f"no system call is stopped ({strace.why_not()}): the portable sweeps are what runs", flush=True)
    covered, broken = 0, 0
    # A process for each sweep: one that has worked with Arrow's threads cannot be forked.
    with get_context("spawn").Pool(workers, maxtasksperchild=1) as pool:
        for told in pool.imap_unordered(run, tasks(every)):
            covered, broken = covered + told.covered, broken + len(told.broken)
            print(told.line, *told.broken, sep="\n  ", flush=True)
    print(f"{covered} points covered, {broken} broke a promise")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
