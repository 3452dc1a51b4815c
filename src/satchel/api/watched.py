"""What a node can do about the watch of its home."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from satchel.api.events import Events

if TYPE_CHECKING:
    from satchel.daemon.watch import Watch


class Watched:
    """A part of `Node`."""

    home: Path
    _events: Events

    def watch(self, *exchanges: str | Path, every: float | None = None, direction: str = "both") -> Watch:
        """Something to `run()` until it is told to `stop()`: syncs on a schedule (`every` seconds), when the database
        changed, and when something arrives. `direction`: both | push | pull. UsageError for another one."""
        from satchel.api.watching import make_watch

        return make_watch(self.home, self._events.tell, tuple(map(str, exchanges)), every, direction)

    def watching(self) -> dict[str, Any]:
        """How the watch of this home is: {running, state: idle | working | paused, pid, started, next, why, rounds,
        last: {at, seconds, trouble}, away: [exchange], failures}."""
        from satchel.api.watching import state_of

        return state_of(self.home)

    def ask_watch(self, what: str, *exchanges: str | Path) -> dict[str, Any]:
        """Asks a running watch to `sync` now, to `pause`, `resume` or `stop`, and waits for its answer (of a sync: the
        report). SatchelError: none runs, or what it says."""
        from satchel.api.watching import ask

        return ask(self.home, what, exchanges)

    def service(
        self, what: str = "status", *, kind: str | None = None, jsonl: bool = False, dry_run: bool = False
    ) -> dict[str, Any]:
        """The watch as a service of the system: `install`, `remove`, `status`, or `print` the definition for a kind
        (systemd | launchd | task). NotSupported: this system has none that satchel can install."""
        from satchel.api.watching import service

        return service(self.home, what, kind=kind, jsonl=jsonl, dry_run=dry_run)
