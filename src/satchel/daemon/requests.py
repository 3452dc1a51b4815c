"""What other processes ask of a running watch, and what it answers: small files in the home, nothing to listen on.

watch/lock             held as long as a watch runs
watch/<id>.request     {what, words}: asked
watch/<id>.answer      {ok, result} or {ok, error, hint, exit_code}: answered
watch/state.json       how the watch is
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from satchel.errors import HomeBusy, SatchelError
from satchel.files import make_folders, names_in, read_limited, remove_file, replace
from satchel.sync.lock import HomeLock, is_locked

FOLDER = "watch"
STATE = "state.json"
_LIMIT = 4 << 20  # bytes
_BEAT = 0.05  # seconds between two looks for an answer
_ATTEMPTS = 10
_TAKEN = 5.0  # seconds after which a request that nobody took is taken back


@dataclass(frozen=True, slots=True)
class Request:
    """`what`: sync | pause | resume | stop; `words`: exchanges."""

    id: str
    what: str
    words: tuple[str, ...] = ()


class Desk:
    """The folder `watch/` of a home, from both sides."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / FOLDER

    # -- the side of the watch

    @contextmanager
    def open(self) -> Iterator[None]:
        """As long as it is open, this process is the home's watch. HomeBusy: another one is."""
        busy = HomeBusy(
            f"another satchel watches {self.home}",
            "`satchel watch status` says how it is, `satchel watch stop` ends it",
        )
        make_folders(self.folder)
        with self._lock(busy):
            self._clear()
            yield
            with suppress(SatchelError):
                remove_file(self.folder / STATE)

    def _lock(self, busy: HomeBusy) -> HomeLock:
        """Whoever only asks whether it is held holds it for a moment: tried more than once."""
        for _ in range(_ATTEMPTS):
            if not is_locked(self.folder):
                break
            time.sleep(_BEAT)
        return HomeLock(self.folder, busy)

    def _clear(self) -> None:
        """Removes what earlier watches and askers left; the lock is held."""
        for name in names_in(self.folder):
            if name.endswith((".request", ".answer", ".tmp")):
                remove_file(self.folder / name)

    def requests(self) -> Iterator[Request]:
        """What was asked since; each is given once."""
        for name in names_in(self.folder):
            if name.endswith(".request"):
                with suppress(SatchelError, ValueError, KeyError, TypeError):
                    raw = json.loads(read_limited(self.folder / name, _LIMIT))
                    remove_file(self.folder / name)
                    yield Request(name.removesuffix(".request"), str(raw["what"]), tuple(map(str, raw["words"])))

    def answer(self, request: Request, result: Mapping[str, Any] | SatchelError) -> None:
        """Tells whoever asked."""
        if isinstance(result, SatchelError):
            said = {"ok": False, "error": result.message, "hint": result.hint, "exit_code": result.exit_code}
        else:
            said = {"ok": True, "result": result}
        replace(self.folder / f"{request.id}.answer", json.dumps(said).encode())

    def show(self, state: Mapping[str, Any]) -> None:
        """How the watch is, for whoever looks."""
        replace(self.folder / STATE, json.dumps(state).encode())

    # -- the side of everybody else

    def is_open(self) -> bool:
        """Whether a watch runs in this home."""
        return is_locked(self.folder)

    def state(self) -> dict[str, Any] | None:
        """How the watch is; None: none runs."""
        if not self.is_open():
            return None
        with suppress(SatchelError, ValueError):
            found = json.loads(read_limited(self.folder / STATE, _LIMIT))
            return found if isinstance(found, dict) else {}
        return {}

    def ask(self, what: str, words: tuple[str, ...] = (), still: Callable[[], object] = lambda: None) -> dict[str, Any]:
        """Asks the watch and waits for its answer. SatchelError: what it says, or that it is gone or does not hear."""
        name = os.urandom(8).hex()
        asked, answered = self.folder / f"{name}.request", self.folder / f"{name}.answer"
        replace(asked, json.dumps({"what": what, "words": words}).encode())
        try:
            self._wait(asked, answered, still)
            said = json.loads(read_limited(answered, _LIMIT))
        finally:
            for path in (asked, answered):
                with suppress(SatchelError):
                    remove_file(path)
        if said["ok"]:
            return dict(said["result"])
        problem = SatchelError(said["error"], said["hint"])
        problem.exit_code = said["exit_code"]
        raise problem

    def _wait(self, asked: Path, answered: Path, still: Callable[[], object]) -> None:
        began = time.monotonic()
        while not answered.exists():
            still()
            if not self.is_open() and not answered.exists():
                raise SatchelError("the watch ended before it answered", "run the same command again")
            if time.monotonic() - began > _TAKEN and asked.exists() and not self._is_working():
                raise SatchelError("the watch of this home does not answer", "end it, and start it again")
            time.sleep(_BEAT)

    def _is_working(self) -> bool:
        """In a long round it hears nothing; that is no fault."""
        return (self.state() or {}).get("state") == "working"
