"""What a command has to say, as blocks: lines, notes and tables. How they look is up to output.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under column names. A table without `header` continues the line above it."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    title: str = ""
    header: bool = True


@dataclass(frozen=True, slots=True)
class Note:
    """A line that is no data: it goes to stderr, so that a pipe gets rows only."""

    text: str


Block = str | Table | Note
Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command returns: the JSON document, the page for people, the exit code."""

    data: Data
    page: Callable[[Data], Iterable[Block]]
    exit_code: int = 0


def listing(columns: Sequence[str], rows: Sequence[Sequence[object]], empty: str, title: str = "") -> Block:
    """A table, or a note that there is nothing to list."""
    return Table(columns, rows, title) if rows else Note(empty)


def optional(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str) -> Iterable[Table]:
    """A table only if it has rows."""
    return [Table(columns, rows, title)] if rows else []


def plural(count: int, one: str, many: str = "") -> str:
    """`1 packet`, `3 packets`."""
    return f"{count:,} {one}" if count == 1 else f"{count:,} {many or one + 's'}"


def count(value: object) -> int:
    """A number of things, given as the number or as the things."""
    if isinstance(value, int):
        return value
    return len(value) if isinstance(value, Sized) else 0


def size(number: int | None) -> str:
    """Bytes as people say them: `3.4 MB`."""
    if number is None:
        return "?"
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if number >= scale:
            return f"{number / scale:.1f} {unit}"
    return f"{number} bytes"


def enumerate_some(names: Sequence[str], shown: int = 4) -> str:
    """The first few names, and how many more there are."""
    rest = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {rest:,} more" if rest > 0 else "")


def when(moment: str | None) -> str:
    """An RFC 3339 time as people read it, to the second, in UTC; empty for none."""
    if not moment:
        return ""
    try:
        parsed = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    return parsed.replace(tzinfo=parsed.tzinfo or UTC).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
