"""A slow line stays usable: no more bytes per second than may go over it (docs/reference/settings.md, bandwidth)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_SMALLEST = 4096  # bytes of a piece
_PIECES = 8  # per second


class Throttle:
    """Counts what goes over one line, and waits so that it is never more than `rate` bytes per second on average."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._free_at = 0.0  # monotonic seconds: when what was sent so far is through

    def spend(self, count: int) -> None:
        """Waits until these bytes may be sent."""
        now = time.monotonic()
        self._free_at = max(self._free_at, now) + count / self.rate
        if self._free_at > now:
            time.sleep(self._free_at - now)


_current: ContextVar[Throttle | None] = ContextVar("throttle", default=None)


@contextmanager
def throttled(throttle: Throttle | None) -> Iterator[None]:
    """What is copied, read or written meanwhile keeps to the rate; None: no limit."""
    token = _current.set(throttle)
    try:
        yield
    finally:
        _current.reset(token)


def piece_size(usual: int) -> int:
    """Bytes to copy at a time: small enough that others get through in between."""
    throttle = _current.get()
    return usual if throttle is None else min(usual, max(throttle.rate // _PIECES, _SMALLEST))


def spend(count: int) -> None:
    """Waits as long as the current line needs for so many bytes; not at all where there is no limit."""
    throttle = _current.get()
    if throttle is not None:
        throttle.spend(count)
