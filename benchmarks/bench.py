"""One run of the benchmark: where it works, how much, and what its measures share."""

from __future__ import annotations

import os
import shutil
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any

from benchmarks.measure import NotMeasured
from benchmarks.process import ROOT, Failed, Taken, call, call_here

ALTERNATIVES = ROOT / ".venv-bench"  # made by `make bench`: apsw, pygeodiff, zstandard, pouchdb; satchel is not in it

LONG, FEWER = 10.0, 3  # seconds of one run, and how many there are then
VERY_LONG = 60.0  # once
LANES = 2


@dataclass(slots=True)
class Bench:
    """`scale` 1.0 is the workload as it is described; `runs`: of what does not take long."""

    folder: Path
    scale: float = 1.0
    runs: int = 5
    python: Path = Path(sys.executable)
    alternatives: Path = ALTERNATIVES
    say: Callable[[str], None] = print
    here: bool = False  # our side in this process: fast, for a run that is about whether it works
    _made: dict[str, Any] = field(default_factory=dict)
    _locks: defaultdict[str, RLock] = field(default_factory=lambda: defaultdict(RLock))
    _guard: RLock = field(default_factory=RLock)

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What several measures need is made once."""
        with self._guard:
            lock = self._locks[name]
        with lock:
            if name not in self._made:
                self._made[name] = make()
            return self._made[name]

    def prepare(self, needs: Sequence[Callable[[Bench], object]]) -> None:
        """Makes what the measures need, two at a time: nothing is timed meanwhile. What fails is tried again by the
        measure, which tells."""

        def make(need: Callable[[Bench], object]) -> None:
            with suppress(Failed, NotMeasured):
                need(self)

        with ThreadPoolExecutor(1 if self.here else LANES) as lanes:
            list(lanes.map(make, needs))

    def clear(self, *names: str) -> None:
        """What is not needed any more need not fill the disk."""
        for name in names:
            self._made.pop(name, None)
            remove(self.folder / name)

    def count(self, full: int, least: int = 1) -> int:
        """A number of the workload at this scale."""
        return max(least, round(full * self.scale))

    def ours(self, function: str, **arguments: Any) -> Taken:
        """Work of satchel, or of the application beside it, in a process of its own."""
        return call_here(function, **arguments) if self.here else call(self.python, function, **arguments)

    def theirs(self, function: str, *, needs: Sequence[str] = (), **arguments: Any) -> Taken:
        """Work of an alternative in a process of its own. NotMeasured if it is not installed."""
        python = self.alternatives / "bin" / "python"
        for module in needs:
            _look_for(self.alternatives, module)
        return call(python if python.is_file() else self.python, function, **arguments)

    def copy(self, source: Path, name: str = "run") -> Path:
        """A fresh copy of a file or folder, flushed, so that no run pays for what the one before wrote."""
        target = self.folder / name
        remove(target)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copyfile(source, target)
        for path in [target, *target.rglob("*")]:
            if path.is_file():
                _flush(path)
        return target

    def fresh(self, name: str) -> Path:
        """An empty folder."""
        remove(self.folder / name)
        (self.folder / name).mkdir(parents=True)
        return self.folder / name

    def rounds(self, *sides: Callable[[], Taken], runs: int | None = None) -> list[list[Taken]]:
        """Takes all sides in turn, so that whatever else the machine does meets them alike; the first one changes. What
        takes long is taken less often."""
        takes: list[list[Taken]] = [[] for _ in sides]
        for number in range(runs or self.runs):
            longest = max((side[0].seconds for side in takes if side), default=0.0)
            if number >= (1 if longest > VERY_LONG else FEWER if longest > LONG else number + 1):
                break
            order = list(range(len(sides)))
            for place in order if number % 2 == 0 else reversed(order):
                takes[place].append(sides[place]())
        return takes


def remove(path: Path) -> None:
    """Takes a file or folder away, and a database's side files."""
    if path.is_dir():
        shutil.rmtree(path)
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)


def _flush(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _look_for(alternatives: Path, module: str) -> None:
    places = alternatives.glob(f"lib/python3*/site-packages/{module}*")
    if not any(places):
        raise NotMeasured(f"{module} is not installed: `make bench` does it where there is a build for this system")
