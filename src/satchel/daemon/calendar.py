"""When the next round is due, and why: pure, all times are monotonic seconds that the caller brings."""

from __future__ import annotations

from dataclasses import dataclass, field

from satchel.daemon.pace import Pace

START, SCHEDULE, CHANGED, ARRIVED, ASKED, AGAIN, LEAVING = (
    "start",
    "schedule",
    "database changed",
    "something arrived",
    "asked for",
    "more to do",
    "leaving",
)


@dataclass(slots=True)
class _Unrest:
    """Something that goes on happening: when it began, and when it happened last."""

    first: float | None = None
    last: float = 0.0

    def note(self, now: float) -> None:
        self.first = now if self.first is None else self.first
        self.last = now

    def due(self, quiet: float, longest: float) -> float | None:
        """When it has been quiet long enough, or lasted too long; None: nothing happened."""
        return None if self.first is None else min(self.last + quiet, self.first + longest)


@dataclass(slots=True)
class Calendar:
    """Notes what happened, and answers what follows from it."""

    pace: Pace
    paused: bool = False
    failures: int = 0  # rounds in a row that failed
    _busy: int = 0  # rounds in a row that did something
    _planned: tuple[float, str] = (0.0, START)
    _not_before: float = 0.0
    _asked: bool = False
    _written: _Unrest = field(default_factory=_Unrest)
    _arriving: _Unrest = field(default_factory=_Unrest)

    def changed(self, now: float) -> None:
        """The application wrote."""
        self._written.note(now)

    def arrived(self, now: float) -> None:
        """Something came to an exchange."""
        self._arriving.note(now)

    def asked(self) -> None:
        """Somebody wants a round now, also while it is paused or held back after a failure."""
        self._asked = True

    def began(self) -> None:
        """A round begins: it takes all that was noted so far."""
        self._asked = False
        self._written, self._arriving = _Unrest(), _Unrest()

    def quiet(self) -> None:
        """It was not the application that wrote."""
        self._written = _Unrest()

    def finished(self, now: float, *, did: bool) -> None:
        """A round ended well. One that did something is followed by another at once: what came meanwhile, and what it
        made possible, must not wait for the schedule."""
        self.failures = 0
        self._not_before = 0.0
        self._busy = self._busy + 1 if did else 0
        again = self.pace.hurry * 2.0 ** max(self._busy - 5, 0)  # two programs may undo what the other did
        self._planned = (now + again, AGAIN) if did and again < self.pace.every else (now + self.pace.every, SCHEDULE)

    def failed(self, now: float) -> None:
        """A round ended badly: the next ones wait longer and longer."""
        pause = min(self.pace.first_pause * 2.0**self.failures, self.pace.most_pause, max(self.pace.every, 1.0))
        self.failures += 1
        self._not_before = now + pause
        self._planned = (now + pause, SCHEDULE)

    def due(self) -> tuple[float, str] | None:
        """When the next round is due, and why; None: not as long as it is paused."""
        if self._asked:
            return 0.0, ASKED
        if self.paused:
            return None
        reasons = [self._planned]
        if (written := self._written.due(self.pace.settle, self.pace.unrest)) is not None:
            reasons.append((written, CHANGED))
        if (arriving := self._arriving.due(self.pace.hurry, self.pace.crowd)) is not None:
            reasons.append((arriving, ARRIVED))
        at, why = min(reasons)
        return max(at, self._not_before), why
