"""Long work on a terminal: one line that says what is done, how far it is, how fast, and how long it will take."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import TextIO

from satchel.model.progress import Listener, Stage

PATIENCE = 1.0  # seconds that nobody needs to be told of
_PACE = 0.2  # seconds between two drawings
_SETTLE = 2.0  # seconds before a rate is worth saying


class Line(Listener):
    """Draws the line while the block lasts, from a thread of its own: the work only counts."""

    def __init__(self, terminal: TextIO, doing: str) -> None:
        super().__init__()
        self._terminal = terminal
        self._doing = doing
        self._began = time.monotonic()
        self._since: tuple[int, float, int] = (0, self._began, 0)  # which stage, since when, how much was done then
        self._drawn = False
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._draw, daemon=True, name="progress")

    def __enter__(self) -> Line:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()
        if self._drawn:
            self._write("")

    def _draw(self) -> None:
        pause = PATIENCE
        while not self._done.wait(pause):
            self._write(self.text(time.monotonic()))
            self._drawn, pause = True, _PACE

    def text(self, now: float) -> str:
        """The line as it is at a moment (monotonic seconds)."""
        stages = list(self.stages)
        if not stages:
            return f"{self._doing} ... {_lasting(now - self._began)}"
        stage = stages[-1]
        if self._since[0] != id(stage):
            self._since = (id(stage), now, stage.done)
        _, began, before = self._since
        return ", ".join([f"{stage.doing} {_amount(stage)}", *_pace(stage, stage.done - before, now - began)])

    def _write(self, text: str) -> None:
        from shutil import get_terminal_size

        width = max(get_terminal_size().columns - 1, 10)
        self._terminal.write(f"\r{text[:width]}\x1b[K")
        self._terminal.flush()


def _amount(stage: Stage) -> str:
    return f"{stage.done:,} {stage.unit}" if stage.total is None else f"{stage.done:,} of {stage.total:,} {stage.unit}"


def _pace(stage: Stage, done: int, seconds: float) -> list[str]:
    """Rate and time left, as soon as they mean something."""
    if seconds < _SETTLE or not done:
        return []
    rate = done / seconds
    said = [f"{rate:,.0f} a second" if rate >= 1 else f"{seconds / done:,.1f} s each"]
    if stage.total is not None and stage.total > stage.done:
        said.append(f"{_lasting((stage.total - stage.done) / rate)} left")
    return said


def _lasting(seconds: float) -> str:
    whole = int(seconds + 0.5)
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 7200 else f"{whole // 3600} h {whole % 3600 // 60} min"
