"""An exchange as the watch sees it: there or away, and what came since the last look."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from satchel.daemon.arrivals import Arrivals
from satchel.daemon.pace import Pace

_PATIENCE = 60.0  # seconds that a packet may be arriving while the watch stands beside it


@dataclass(slots=True)
class Door:
    """All times are monotonic seconds. `away`: whether it was not there at the last look."""

    name: str
    place: Path
    arrivals: Arrivals = field(init=False)
    away: bool = False
    _next: float = 0.0
    _expecting: float = 0.0

    def __post_init__(self) -> None:
        self.arrivals = Arrivals(self.place)

    def look(self, now: float, pace: Pace, *, hurry: bool) -> int:
        """How many things came since the last look. Looks when it is time, at once with `hurry`, and all the time at
        what is arriving just now."""
        if hurry or now >= self._next:
            return self._look_at_all(now, pace)
        if self.arrivals.arriving and now < self._expecting:
            return self.arrivals.look_at_arriving()
        return 0

    def _look_at_all(self, now: float, pace: Pace) -> int:
        before = self.arrivals.arriving
        began = time.monotonic()
        fresh = self.arrivals.look()
        took = time.monotonic() - began
        self._next = now + max(pace.look, took / pace.share)
        self.away = self.arrivals.lost
        if self.arrivals.arriving - before:
            self._expecting = now + _PATIENCE
        return fresh
