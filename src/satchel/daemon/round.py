"""One round of the watch: what `satchel sync` does, with whatever exchanges are there; trouble is an outcome."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from satchel.errors import ExchangeUnreachable, SatchelError
from satchel.stores.registry import pulse_of
from satchel.sync import running
from satchel.sync.opening import reading, working
from satchel.sync.report import Report
from satchel.sync.site import Site

BOTH, PUSH, PULL = "both", "push", "pull"
Listener = Callable[[str, object], None]
_log = logging.getLogger("satchel.watch")


@dataclass(slots=True)
class Outcome:
    """`trouble`: why it failed, or what could not be reached at its end; `pending`: whether the application wrote
    meanwhile; `pulse`: of the database afterwards."""

    report: Report
    trouble: SatchelError | None = None
    pending: bool = False
    pulse: object = None

    @property
    def did(self) -> bool:
        """Whether anything came of it that may make more possible."""
        report = self.report
        return bool(report.sealed or report.applied or report.dropped or report.installed or report.taken_out)

    @property
    def failed(self) -> bool:
        """A place that went away is no failure."""
        return self.trouble is not None and not isinstance(self.trouble, ExchangeUnreachable)


def play_round(home: Path, places: Sequence[Path] | None, direction: str, listener: Listener) -> Outcome:
    """Opens the home for one run and closes it again. `places`: exchanges, none of them if they are all away; None: the
    home names none, so inbox and outbox. Never raises but for what ends a process."""
    outcome = Outcome(Report())
    try:
        with working(home) as site:
            try:
                _run(site, places, direction, listener, outcome.report)
            except SatchelError as trouble:
                outcome.trouble = trouble
            outcome.pulse = pulse_of(site.store.url)
            outcome.pending = not site.joining and site.store.pending() > 0
    except SatchelError as trouble:
        outcome.trouble = outcome.trouble or trouble
    except Exception as bug:  # a watch never dies of one round; the log has the traceback
        _log.debug("a round failed", exc_info=True)
        what = " ".join(f"{type(bug).__name__}: {bug}".split())
        outcome.trouble = SatchelError(f"internal error: {what}; please report", "run it with -v to see the traceback")
    return outcome


def _run(site: Site, places: Sequence[Path] | None, direction: str, listener: Listener, report: Report) -> None:
    if direction == PUSH:
        for place in [None] if places is None else places:
            running.export(site, place, report=report)
    elif direction == PULL:
        if places is None or places:  # none at all would be the inbox
            running.import_(site, places or [], listener=listener, report=report)
    elif places is None:
        running.inbox_outbox(site, listener=listener, report=report)
    else:
        running.sync(site, places, listener=listener, report=report)


def is_pending(home: Path) -> bool:
    """Whether the application wrote what is not sealed yet; no if that cannot be told now."""
    try:
        with reading(home) as site:
            return not site.joining and site.store.pending() > 0
    except SatchelError:
        return False
