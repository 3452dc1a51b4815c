"""Watches of real homes, in threads of the test."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from satchel.api.events import EVENTS, Events
from satchel.daemon.pace import Pace
from satchel.daemon.watch import Watch
from satchel.sync.report import Report
from tests.sync.places import branch, clinic, office, share, templates
from tests.sync.sites import Place

__all__ = ["branch", "clinic", "office", "share", "templates"]

QUICK = Pace(every=600, settle=0.05, unrest=0.5, hurry=0.02, crowd=0.5, look=0.1, beat=0.02, first_pause=0.1)
LONGEST = 20.0  # seconds until a test gives up


def until(holds: Callable[[], object], what: str = "it never came") -> None:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < LONGEST, what
        time.sleep(0.01)


@dataclass
class Watched:
    """A watch in a thread, and what it told."""

    watch: Watch
    thread: threading.Thread
    told: list[tuple[str, Any]] = field(default_factory=list)

    def names(self) -> list[str]:
        return [event for event, _ in self.told]

    def heard(self, event: str, times: int = 1) -> None:
        until(lambda: self.names().count(event) >= times, f"never heard {event}: {self.names()}")

    def reports(self) -> list[Report]:
        return [about for event, about in self.told if event == "sync-finished"]

    def idle(self) -> None:
        """Nothing more is due but the schedule."""
        until(lambda: self.reports() and (self.watch.calendar.due() or (1e9, ""))[0] - time.monotonic() > 60)

    def stop(self) -> None:
        self.watch.stop()
        self.thread.join(LONGEST)
        assert not self.thread.is_alive()


Start = Callable[..., Watched]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a watch of a place; at the end of the test all are stopped."""
    running: list[Watched] = []

    def begin(place: Place, *names: Path | str, direction: str = "both", **pace: float) -> Watched:
        told: list[tuple[str, Any]] = []
        events = Events(place.home)
        for event in EVENTS:
            events.on(event, lambda event, about: told.append((event, about)))
        watch = Watch(
            place.home,
            events.tell,
            names=tuple(map(str, names)),
            pace=replace(QUICK, **pace),
            direction=direction,
        )
        found = Watched(watch, threading.Thread(target=watch.run, daemon=True), told)
        running.append(found)
        found.thread.start()
        found.heard("watch-started")
        return found

    yield begin
    for each in running:
        each.stop()
