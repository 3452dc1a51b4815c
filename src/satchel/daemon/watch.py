"""The watch: one process that keeps a home and its exchanges together (INTERFACE, watch).

It looks at the database (its files change), at the exchanges (names appear; events of the file system are only a hint)
and at its desk (what other processes ask), and plays a round when the calendar says so. Nothing that happens in a round
ends it: an exchange that is away, a full disk, a locked database, a bad packet.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from satchel.daemon import round as rounds
from satchel.daemon.calendar import CHANGED, LEAVING, Calendar
from satchel.daemon.door import Door
from satchel.daemon.observer import Observer
from satchel.daemon.pace import Pace
from satchel.daemon.requests import Desk, Request
from satchel.errors import SatchelError
from satchel.model.stamp import rfc3339
from satchel.stores.registry import pulse_of
from satchel.sync.exchange_settings import ExchangeSettings
from satchel.sync.home import SETTINGS, Home
from satchel.sync.site import now_ms

Listener = Callable[[str, object], None]  # event, what it is about
NOWHERE = "watch/nowhere"  # in place of a stick that was never plugged in
IDLE, WORKING, PAUSED = "idle", "working", "paused"


class Watch:
    """Watches a home until `stop`. `names`: exchanges instead of those of `satchel.toml`; `direction`: both, or only
    push (what is here goes out) or pull.

    Events that `tell` hears beside those of a run: watch-started, watch-stopped, exchange-away, exchange-back (a name),
    watch-paused, watch-resumed."""

    def __init__(
        self,
        home: Path,
        tell: Listener,
        *,
        names: Sequence[str] = (),
        pace: Pace | None = None,
        direction: str = "both",
    ) -> None:
        self._home, self._names, self._direction = home, tuple(names), direction
        self._tell = tell
        self.pace = pace or Pace()
        self.calendar = Calendar(self.pace)
        self._desk = Desk(home)
        self._doors: dict[str, Door] = {}
        self._exchanges: dict[str, ExchangeSettings] = {}  # none: inbox and outbox
        self._wake = threading.Event()
        self._observer = Observer(self._wake.set)
        self._database: str | None = None
        self._pulse: object = None
        self._settings_seen = -1
        self._asked: list[Request] = []
        self._state: dict[str, Any] = {"pid": os.getpid(), "started": rfc3339(now_ms()), "rounds": 0, "last": None}
        self._working = False
        self._stopping = False

    def stop(self) -> bool:
        """Ends the watch after what it does now, and one more round. From any thread or signal handler. Whether it was
        in the middle of a round, or told to stop before: then whoever cannot wait may interrupt it, without harm."""
        busy = self._working or self._stopping
        self._stopping = True
        self._wake.set()
        return busy

    def run(self) -> None:
        """Until `stop`. HomeBusy: another watch runs here. NoHome: there is no home."""
        Home.at(self._home).settings()
        with self._desk.open():
            self._tell("watch-started", str(self._home))
            try:
                self._look(time.monotonic(), hurry=True)
                while not self._stopping:
                    self._step()
                self._round(LEAVING)
            finally:
                self._observer.stop()
                self._tell("watch-stopped", str(self._home))

    # -- one beat

    def _step(self) -> None:
        now = time.monotonic()
        self._hear()
        self._feel(now)
        hurry = self._wake.is_set()
        self._wake.clear()
        if self._stopping:
            return
        self._look(now, hurry=hurry)
        due = self.calendar.due()
        if due is not None and due[0] <= now:
            self._play(due[1])
        else:
            self._wake.wait(min(self.pace.beat, due[0] - now) if due else self.pace.beat)

    def _hear(self) -> None:
        """What other processes ask."""
        with suppress(SatchelError):
            for request in self._desk.requests():
                self._obey(request)

    def _obey(self, request: Request) -> None:
        if request.what == "sync":
            self._asked.append(request)
            self.calendar.asked()
            return
        if request.what in ("pause", "resume"):
            self.calendar.paused = request.what == "pause"
            self._tell(f"watch-{request.what}d", str(self._home))
            self._show(PAUSED if self.calendar.paused else IDLE)
        elif request.what == "stop":
            self.stop()
        self._desk.answer(request, {"done": request.what})

    def _feel(self, now: float) -> None:
        """Whether somebody wrote to the database; whether it was the application is asked when it is quiet."""
        if self._database is None:
            return
        pulse = pulse_of(self._database)
        if pulse != self._pulse:
            self.calendar.changed(now)
            self._pulse = pulse

    # -- exchanges

    def _look(self, now: float, *, hurry: bool = False) -> None:
        """What came; who went away, and came back."""
        self._read_settings()
        for door in self._doors.values():
            was_away = door.away
            fresh = door.look(now, self.pace, hurry=hurry)
            if door.away != was_away:
                self._tell("exchange-away" if door.away else "exchange-back", door.name)
            if fresh or (was_away and not door.away):
                self.calendar.arrived(now)
        self._observer.follow(folder for door in self._doors.values() for folder in door.arrivals.folders)

    def _read_settings(self) -> None:
        """`satchel.toml` as it is now; one that is wrong is told by the next round, and changes nothing here."""
        with suppress(OSError, SatchelError):
            seen = os.stat(self._home / SETTINGS).st_mtime_ns
            if seen != self._settings_seen:
                self._settings_seen = seen
                self._follow(Home.at(self._home))
        self._find_doors()

    def _follow(self, home: Home) -> None:
        settings = home.settings()
        database = str(home.database(settings))
        if database != self._database:
            self._database, self._pulse = database, pulse_of(database)
        known = settings.exchanges
        names = self._names or tuple(known)
        self._exchanges = {name: known.get(name) or ExchangeSettings(os.path.abspath(name)) for name in names}

    def _find_doors(self) -> None:
        """A stick is wherever it was plugged in just now."""
        for name, exchange in self._exchanges.items() or {"inbox": ExchangeSettings("inbox")}.items():
            folder = exchange.folder(self._home)
            known = self._doors.get(name)
            if folder is not None and (known is None or known.place != folder):
                self._doors[name] = Door(name, folder, away=known is not None and known.away)
            elif folder is None and known is None:
                self._doors[name] = Door(name, self._home / NOWHERE, away=True)
        for name in self._doors.keys() - (self._exchanges.keys() or {"inbox"}):
            del self._doors[name]

    # -- a round

    def _play(self, why: str) -> None:
        """The round that is due, unless nothing came of what called for it."""
        if why == CHANGED and not rounds.is_pending(self._home):
            self.calendar.quiet()
            return
        self._round(why)

    def _round(self, why: str) -> None:
        asked, self._asked = self._asked, []
        self._look(time.monotonic(), hurry=True)  # before: what comes during the round is seen after it
        self.calendar.began()
        self._show(WORKING, why)
        self._tell("sync-started", why)
        self._working = True
        try:
            outcome = rounds.play_round(self._home, self._places(asked), self._direction, self._tell)
        finally:
            self._working = False
        now = time.monotonic()
        if outcome.failed:
            self.calendar.failed(now)
        else:
            self.calendar.finished(now, did=outcome.did)
        if outcome.pending:
            self.calendar.changed(now)
        if outcome.pulse is not None:
            self._pulse = outcome.pulse
        self._told(outcome, asked)

    def _places(self, asked: Sequence[Request]) -> Sequence[Path] | None:
        """The exchanges that are there; None: inbox and outbox. Somebody who asked may have named others."""
        if not self._exchanges and not any(request.words for request in asked):
            return None
        words = [word for request in asked for word in request.words]
        if words and all(request.words for request in asked):
            return [self._doors[word].place if word in self._doors else Path(word) for word in dict.fromkeys(words)]
        others = [Path(word) for word in dict.fromkeys(words) if word not in self._doors]
        return [door.place for door in self._doors.values() if not door.away and self._exchanges] + others

    def _told(self, outcome: rounds.Outcome, asked: Sequence[Request]) -> None:
        trouble = outcome.trouble
        if trouble is not None and (outcome.failed or asked):
            self._tell("sync-failed", trouble)
        else:
            self._tell("sync-finished", outcome.report)
        self._state["rounds"] += 1
        self._state["last"] = {
            "at": rfc3339(now_ms()),
            "seconds": round(outcome.report.seconds, 3),
            "trouble": trouble.message if trouble else "",
        }
        for request in asked:
            with suppress(SatchelError):  # it is gone, or the disk is full
                self._desk.answer(request, trouble or outcome.report.as_json())
        self._show(PAUSED if self.calendar.paused else IDLE)

    def _show(self, state: str, why: str = "") -> None:
        """For whoever looks. A disk that is full must not end the watch."""
        due = self.calendar.due()
        self._state |= {
            "state": state,
            "why": why,
            "next": None if due is None else rfc3339(now_ms() + int(max(due[0] - time.monotonic(), 0) * 1000)),
            "away": [door.name for door in self._doors.values() if door.away],
            "failures": self.calendar.failures,
        }
        with suppress(SatchelError):
            self._desk.show(self._state)
