"""What the capture log of one row between two seals says, and what it comes to (PROTOCOL, Capture and Seal)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from satchel.model.value import Value


@dataclass(frozen=True, slots=True)
class Entry:
    """One log row. kind: I insert, U update, D delete, M a row that a REPLACE may have displaced.

    `written`: the columns that a U changed (empty: none). `old`: D and M: the whole old row; U: the old values of the
    written columns. `at`: wall clock in milliseconds since 1970 UTC.
    """

    id: int
    kind: str
    at: int
    written: frozenset[str] = frozenset()
    old: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Net:
    """The net effect on a row. `written`: stamp of each column that was written; `image`: a delete's last image.

    `fresh`: an insert: what was there before has no part in it, and `written` has every column.
    """

    deleted: bool
    clock: int
    written: Mapping[str, int]
    fresh: bool = False
    image: Mapping[str, Value] | None = None
