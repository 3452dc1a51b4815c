"""What a watch says while it runs: a line for people where something happened, or a line of JSON for every event."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from satchel.cli.cell import visible
from satchel.cli.document import document as as_json
from satchel.cli.session import Session
from satchel.cli.summary import spoken

if TYPE_CHECKING:
    from satchel.api.node import Node


class WatchLog:
    """Prints events. For people, rounds in which nothing happened are silent, and trouble that goes on is told once."""

    def __init__(self, session: Session, *, jsonl: bool) -> None:
        self._streams = session.streams
        self._jsonl = jsonl
        self._trouble = ""

    def listen(self, node: Node) -> None:
        """Hears every event of a node."""
        from satchel.api.events import EVENTS

        for event in EVENTS:
            node.on(event, self.hear)

    def hear(self, event: str, about: object) -> None:
        """One event."""
        from satchel.api.events import document

        said = document(event, about)
        if self._jsonl:
            self._streams.data(as_json(said, indent=None) + "\n")
            return
        line = _LINES[event](self, said) if event in _LINES else ""
        if line:
            self._streams.data(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}  {visible(line)}\n")

    def _finished(self, said: dict[str, Any]) -> str:
        recovered = "works again; " if self._trouble else ""
        self._trouble = ""
        line = recovered + spoken(said["report"])
        return line.removesuffix("; ")

    def _failed(self, said: dict[str, Any]) -> str:
        if said["error"] == self._trouble:
            return ""
        self._trouble = said["error"]
        hint = f" ({said['hint']})" if said["hint"] else ""
        return f"failed: {said['error']}{hint}; it is tried again"

    def _hook_failed(self, said: dict[str, Any]) -> str:
        return f"{said['error']} ({said['hint']})"


_LINES: dict[str, Callable[[WatchLog, dict[str, Any]], str]] = {
    "watch-started": lambda _, said: f"watching {said['about']}",
    "watch-stopped": lambda _, said: "stopped",
    "watch-paused": lambda _, said: "paused",
    "watch-resumed": lambda _, said: "goes on",
    "exchange-away": lambda _, said: f"the exchange {said['exchange']} is away; what is written meanwhile is kept",
    "exchange-back": lambda _, said: f"the exchange {said['exchange']} is back",
    "sync-finished": WatchLog._finished,
    "sync-failed": WatchLog._failed,
    "hook-failed": WatchLog._hook_failed,
}
