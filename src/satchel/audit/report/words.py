"""Text for a page: nothing that comes from a packet is markup, moves the cursor, or turns the direction of text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

from satchel.audit.report.period import Period

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LONGEST = 300  # characters of a value in a table; the CSV has all


def safe(value: object) -> str:
    """A value as HTML; control characters as they are written in programs."""
    text = "" if value is None else str(value)
    if len(text) > _LONGEST:
        text = text[: _LONGEST - 1] + "…"
    return escape(_UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", text))


def plural(count: int, one: str, many: str = "") -> str:
    """`1 packet`, `3 packets`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def when(at: datetime | str | None, period: Period) -> str:
    """A moment in the zone of the report, to the minute; UTC where it has no zone of its own. Empty for none."""
    if at is None:
        return ""
    try:
        moment = datetime.fromisoformat(at) if isinstance(at, str) else at
        return f"{moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(period.zone):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError):
        return str(at)  # a clock beyond the calendar


def span(gap: Mapping[str, Any]) -> str:
    """Packets that are not here: `office/3`, `office/3 to 7`."""
    return f"{gap['origin']}/{gap['first']}" + (f" to {gap['last']}" if gap["last"] > gap["first"] else "")


def row_text(row: Mapping[str, Any], columns: list[str]) -> str:
    """`name = Ann, city = NULL`: the columns in question, or all of them."""
    chosen = [name for name in columns if name in row] or list(row)
    return ", ".join(f"{name} = {'NULL' if row[name] is None else row[name]}" for name in chosen)
