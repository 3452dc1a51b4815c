"""A watch of a home, and talking to one that runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satchel.daemon.requests import Desk
from satchel.errors import SatchelError, UsageError
from satchel.sync.home import Home

if TYPE_CHECKING:
    from satchel.daemon.watch import Watch

DIRECTIONS = ("both", "push", "pull")
_SHORTEST = 1.0  # seconds between two rounds


def make_watch(
    home: Path, tell: Callable[[str, object], None], exchanges: tuple[str, ...], every: float | None, direction: str
) -> Watch:
    """A watch with the pace of `satchel.toml`; `every` in seconds. UsageError: no such direction, or too often."""
    from satchel.daemon.pace import Pace
    from satchel.daemon.watch import Watch

    if direction not in DIRECTIONS:
        raise UsageError(f"a watch goes {', '.join(DIRECTIONS)}, not {direction}", "name one of them")
    settings = Home.at(home).settings()
    seconds = settings.every_minutes * 60 if every is None else every
    if seconds < _SHORTEST:
        raise UsageError("a watch cannot sync more than once a second", "it also does when something happens")
    pace = replace(Pace(), every=seconds, settle=settings.settle_seconds)
    return Watch(home, tell, names=exchanges, pace=pace, direction=direction)


def state_of(home: Path) -> dict[str, Any]:
    """How the watch is; {running: false} without one."""
    found = Desk(home).state()
    return {"running": found is not None, **(found or {})}


def ask(home: Path, what: str, exchanges: Sequence[str | Path] = ()) -> dict[str, Any]:
    """Asks the watch. Folders are told by their whole path: it may stand in another one."""
    desk = Desk(home)
    if not desk.is_open():
        raise SatchelError(f"no watch runs in {home}", "start one with `satchel watch`")
    known = Home.at(home).settings().exchanges
    return desk.ask(what, tuple(str(name) if str(name) in known else os.path.abspath(name) for name in exchanges))


def service(home: Path, what: str, *, kind: str | None, jsonl: bool, dry_run: bool) -> dict[str, Any]:
    """The watch as a service of the system: `install`, `remove`, `status`, or `print` a definition of a kind."""
    from satchel.daemon import service as services
    from satchel.daemon.definition import definition

    found = services.service_of(home, jsonl=jsonl)
    if what == "print":
        chosen = kind or services.usual_kind()
        return {"service": found.name, "kind": chosen, "definition": definition(found, chosen)}
    if what == "status":
        return services.status(found)
    return (services.install if what == "install" else services.remove)(found, dry_run=dry_run)
