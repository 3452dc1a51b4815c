"""A fake Python API: the command line is tested without a database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from click.testing import CliRunner, Result

from satchel.cli import main

RUN: dict[str, Any] = {
    "sealed": [], "applied": [], "waiting": [], "quarantined": [], "dropped": [], "conflicts": 0, "seconds": 0.01,
    "rows": {"inserted": 0, "updated": 0, "deleted": 0}, "warnings": [], "exchange": None, "joined": None,
}  # fmt: skip
STATUS: dict[str, Any] = {
    "node": "office", "network": "acme", "origin": "office", "vector": {"office": 3}, "pending": 0, "state": "active",
    "sentence": "office of acme: branch lacks 2 packets.", "waiting": [], "quarantined": [], "left_out": [],
    "peers": [{"node": "branch", "vector": {}, "behind": 2, "heard": "2026-03-01T10:00:00.250Z"}],
    "conflicts": {"open": 0, "parked": 0, "passed_over": 0},
}  # fmt: skip


class Report:
    """What the API returns of a run."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data

    def as_json(self) -> dict[str, Any]:
        return dict(self.data)


@dataclass
class FakeApi:
    """Answers by name of the call; an exception is raised. `calls` are (name, positional, named)."""

    answers: dict[str, Any] = field(default_factory=dict)
    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)
    closed: int = 0

    def answer(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            self.calls.append((name, args, named))
            found = self.answers[name]
            if isinstance(found, BaseException):
                raise found
            return found

        return call

    def open(self, home: Path) -> FakeNode:
        self.answers.setdefault("open", None)
        self.answer("open")(home)
        return FakeNode(self)


class FakeNode:
    """A node whose every method answers what the test prepared."""

    def __init__(self, api: FakeApi) -> None:
        self.api = api

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return self.api.answer(name)

    def watching(self) -> dict[str, Any]:
        """No watch runs, unless the test says so; that it was asked is no call."""
        return self.api.answers.get("watching") or {"running": False}

    def __enter__(self) -> FakeNode:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, _: TracebackType | None) -> None:
        self.api.closed += 1


def run(*words: str) -> Result:
    """One invocation as a program would make it: nothing is a terminal."""
    return CliRunner().invoke(main, list(words))
