"""Stamps: milliseconds UTC and a counter in one 64-bit number (PROTOCOL, Stamps).

`stamp = milliseconds << 16 | counter`; 0 is time unknown. Ties between equal numbers are broken by node, then dot.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

COUNTER_BITS = 16
UNKNOWN = 0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def stamp_of(milliseconds: int) -> int:
    """The lowest stamp of a millisecond (since 1970, UTC)."""
    return milliseconds << COUNTER_BITS


def milliseconds_of(stamp: int) -> int:
    """The milliseconds since 1970 (UTC) that a stamp stands for."""
    return stamp >> COUNTER_BITS


def rfc3339(milliseconds: int) -> str:
    """Milliseconds since 1970 as RFC 3339 in UTC, e.g. `2026-05-03T10:00:00.000Z`. Years beyond 9999 are shown as
    9999: a wrong clock must not stop anybody."""
    try:
        moment = _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        moment = datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
