"""Wall clock and processor time of a piece of work."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Span:
    """`seconds` by the wall, `cpu` seconds of this process and its children, user and system."""

    seconds: float = 0.0
    cpu: float = 0.0

    def as_json(self) -> dict[str, float]:
        """{seconds, cpu}."""
        return {"seconds": self.seconds, "cpu": self.cpu}


def _cpu() -> float:
    return sum(os.times()[:4])


@contextmanager
def timed() -> Iterator[Span]:
    """Fills the span at the end."""
    span = Span()
    cpu, began = _cpu(), time.perf_counter()
    yield span
    span.seconds, span.cpu = time.perf_counter() - began, _cpu() - cpu
