"""Times in questions: moments, never wall clocks of nobody knows where."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from satchel.errors import UsageError

_HINT = "write 2026-05-03T10:00Z for UTC, or the offset as in 2026-05-03T12:00+02:00"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPACED = re.compile(r"\s+(?=(?:[+-]\d\d(?::?\d\d)?|Z)$)", re.IGNORECASE)


def microseconds_of(value: object) -> int:
    """A moment in microseconds since 1970 UTC. UsageError: it is none, or one in no zone."""
    if isinstance(value, str):
        value = _parsed(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        raise UsageError(f"{value} is a day and no moment: where it ends depends on the zone", _HINT)
    if not isinstance(value, datetime):
        raise UsageError(f"{value!r} is no time", _HINT)
    if value.tzinfo is None:
        raise UsageError(f"{value.isoformat(' ')} is a time in no zone", _HINT)
    return (value - _EPOCH) // timedelta(microseconds=1)


def _parsed(text: str) -> date | datetime:
    bare = _SPACED.sub("", text.strip())
    try:
        return date.fromisoformat(bare) if len(bare) <= 10 else datetime.fromisoformat(bare)
    except ValueError as problem:
        raise UsageError(f"{text!r} is no time", _HINT) from problem
