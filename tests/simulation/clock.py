"""Clocks of the simulated machines: satchel's and the one that the capture triggers read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace

import satchel.sync.site as site

EPOCH = 1_790_000_000_000  # milliseconds since 1970 UTC: where a simulation begins
_DAY_MS, _JULIAN_1970 = 86_400_000, 2440587.5


@dataclass
class Clock:
    """The time of the world in milliseconds; it only goes forward."""

    now: int = EPOCH

    def go(self, milliseconds: int) -> None:
        self.now += milliseconds


def set_clock(db: sqlite3.Connection, at: int) -> None:
    """The clock of the machine on which an application writes."""
    db.create_function("julianday", -1, lambda *_: at / _DAY_MS + _JULIAN_1970)


@contextmanager
def showing(at: int) -> Iterator[None]:
    """Satchel on this machine reads `at` from its clock."""
    before = site.time
    site.time = SimpleNamespace(time_ns=lambda: at * 1_000_000)  # type: ignore[assignment]
    try:
        yield
    finally:
        site.time = before
