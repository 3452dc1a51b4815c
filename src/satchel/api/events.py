"""What happens while a node works: told to callbacks, and to the commands that `satchel.toml` names under [hooks]."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from satchel.errors import SatchelError, UsageError
from satchel.sync.home import Home
from satchel.sync.settings import EVENTS as OF_A_RUN
from satchel.sync.settings import Settings

OF_A_WATCH = ("watch-started", "exchange-away", "exchange-back", "watch-paused", "watch-resumed", "watch-stopped")
EVENTS = (*OF_A_RUN, *OF_A_WATCH, "hook-failed")
_DURING = ("packet-applied", "conflict")  # told while the home is locked: their hooks run when it is free again
Callback = Callable[..., object]


class Events:
    """Callbacks and hooks of one home."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._callbacks: dict[str, list[Callback]] = defaultdict(list)
        self._due: list[tuple[str, object]] = []
        self._settings: Settings | None = None

    def on(self, event: str, callback: Callback) -> None:
        """Calls `callback(event, about)` from now on. UsageError: there is no such event."""
        if event not in EVENTS:
            raise UsageError(f"there is no event {event}", f"events are {', '.join(EVENTS)}")
        self._callbacks[event].append(callback)

    def tell(self, event: str, about: object) -> None:
        """Calls everybody who wanted to hear of it. What a callback raises goes on; a hook that fails is an event."""
        for callback in self._callbacks[event]:
            callback(event, about)
        if event.endswith("-started"):
            self._read_settings()
        if self._settings is None or not self._settings.hooks:
            return
        self._due.append((event, about))
        if event not in _DURING:
            due, self._due = self._due, []
            for happened in due:
                self._run_hook(self._settings, *happened)

    def _read_settings(self) -> None:
        """As they are when a run begins; those that are wrong stop the run itself, and say so there."""
        with suppress(SatchelError):
            self._settings = Home.at(self._home).settings()

    def _run_hook(self, settings: Settings, event: str, about: object) -> None:
        command = settings.hooks.get(event)
        if command is None:
            return
        from satchel.daemon.hooks import run_hook

        try:
            run_hook(command, {**document(event, about), "home": str(self._home), "node": settings.node})
        except SatchelError as problem:
            import logging

            logging.getLogger("satchel.hooks").warning("%s", problem.message)
            for callback in self._callbacks["hook-failed"]:
                callback("hook-failed", problem)


def document(event: str, about: object) -> dict[str, Any]:
    """An event as JSON: event, at (RFC 3339, UTC), and what it is about."""
    from satchel.model.stamp import rfc3339
    from satchel.sync.report import Report

    said: dict[str, Any] = {"event": event, "at": rfc3339(time.time_ns() // 1_000_000)}
    if isinstance(about, Report):
        return said | {"report": about.as_json()}
    if isinstance(about, SatchelError):
        return said | {"error": about.message, "hint": about.hint}
    names = {"packet-applied": "packet", "conflict": "conflicts", "sync-started": "why"}
    if event.startswith("exchange-"):
        return said | {"exchange": about}
    return said | {names.get(event, "about"): about if isinstance(about, int | str) else str(about)}
