"""Every step of the file layer times every error that it may have, on the command line: the portable matrix of faults.

A command runs in a forked process with one error at one step; or with an error at every step from one on (`from`), as
on a medium that gives up. It must end with two lines and one of the exit codes below; the same process then repeats it
without faults, everybody meets, and all promises hold.

Run as a program: `python -m tests.faults.matrix FOLDER [COMMAND [FIRST STRIDE]]`.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from click.testing import CliRunner

from satchel.cli import main
from satchel.files.faults import faults
from tests.kills.steps import Steps, forked
from tests.kills.sweep import expected, recovered
from tests.kills.world import Parts

ERRORS = ("ENOSPC", "EDQUOT", "EROFS", "EIO", "EACCES", "ENAMETOOLONG", "ENODEV", "ESTALE", "EMFILE", "from EIO")
ALLOWED = frozenset({0, 1, 3, 6, 11, 12})  # 12: it is the key that cannot be read
SITES = {"export": "a", "receive": "b", "sync": "a"}
WORDS = {"export": "export", "receive": "import", "sync": "sync"}


@dataclass
class Fault:
    """A hook of the file layer that fails at a step, from 1; at 0 it only counts."""

    at: int = 0
    error: str = "EIO"
    count: int = 0

    def __call__(self, step: str, path: Path) -> None:
        self.count += 1
        whole = self.error.startswith("from ")
        if self.at and (self.count >= self.at if whole else self.count == self.at):
            number = getattr(errno, self.error.removeprefix("from "))
            raise OSError(number, os.strerror(number), str(path))


@dataclass
class Found:
    """What a command's part of the matrix showed."""

    command: str
    steps: int = 0
    cells: int = 0
    tried: int = 0
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        size = f"{self.command}: {self.steps} steps x {len(ERRORS)} errors = {self.cells} cells"
        return f"{size}, {self.tried} tried, {len(self.broken)} broke a promise"


def invoke(world: Parts, fault: Fault) -> None:
    """The command on the command line, with a fault. AssertionError: it does not end as it should."""
    home = world.root / SITES[world.command]
    words = ["--home", str(home), WORDS[world.command], str(world.share)]
    with faults(fault):
        ended = CliRunner().invoke(main, words)
    assert ended.exit_code in ALLOWED, (ended.exit_code, ended.output)
    assert "internal error" not in ended.output, ended.output
    lines = [line for line in ended.stderr.splitlines() if not line.startswith("satchel: warning: ")]
    if ended.exit_code in (0, 3):
        assert not lines, lines
    else:
        message, hint = lines
        assert message.startswith("satchel: ") and hint.startswith("  hint: "), lines


def sweep(folder: Path, command: str, first: int, stride: int) -> Found:
    """Tries the cells first, first + stride ... (from 1), each in a fresh copy of the world."""
    found = Found(command)
    wanted = json.loads(_forked(lambda: json.dumps(expected(folder / "e", command))))
    _forked(lambda: str(Parts(folder / "original", command).prepare()))
    found.steps = int(_forked(lambda: _counted(_copied(folder, command))))
    cells = list(product(range(1, found.steps + 1), ERRORS))
    found.cells = len(cells)
    for step, error in cells[first - 1 :: stride]:
        world = _copied(folder, command)
        try:
            _forked(lambda world=world, step=step, error=error: _tried(world, Fault(step, error), wanted))  # type: ignore[misc]
        except AssertionError as problem:
            found.broken.append(f"{error} at step {step}: {problem}")
        found.tried += 1
    return found


def _copied(folder: Path, command: str) -> Parts:
    root = folder / "world"
    with suppress(FileNotFoundError):
        shutil.rmtree(root)
    shutil.copytree(folder / "original", root)
    return Parts(root, command)


def _counted(world: Parts) -> str:
    fault = Fault()
    invoke(world, fault)
    return str(fault.count)


def _tried(world: Parts, fault: Fault, wanted: object) -> str:
    invoke(world, fault)
    recovered(world, wanted)
    return ""


def _forked(work: Callable[[], str]) -> str:
    """What `work` says, in a process of its own. AssertionError: what it raised."""
    read, write = os.pipe()

    def run() -> None:
        os.write(write, work().encode())

    end = forked(Steps(), run)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    assert end.code == 0, end.said
    return said


def _results(words: list[str]) -> Iterator[Found]:
    folder, commands = Path(tempfile.mkdtemp(dir=words[0])), words[1:2] or list(SITES)
    first, stride = map(int, words[2:4] or (1, 1))
    for command in commands:
        yield sweep(folder / command, command, first, stride)


if __name__ == "__main__":
    bad = 0
    for result in _results(sys.argv[1:]):
        print(result, *result.broken, sep="\n  ", flush=True)
        bad += len(result.broken)
    sys.exit(bad > 0)
