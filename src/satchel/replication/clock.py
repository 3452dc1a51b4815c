"""The time of a change (PROTOCOL, Stamps)."""

from __future__ import annotations

from collections.abc import Iterable

from satchel.model.stamp import stamp_of

# Stamps are signed 64-bit numbers on the wire. A clock beyond the year 4199 counts as that year: it wins all the same,
# and half of the range is left for counting on.
LATEST_MILLISECONDS = 2**46 - 1


def lift(wall_ms: int, known: Iterable[int] = ()) -> int:
    """The stamp of a change: its wall clock (milliseconds since 1970 UTC), lifted over the `known` stamps.

    Known are those of that row's own siblings and of this node's last change of it, nothing else, so that a wrong clock
    spoils only the rows that it touched. Never 0: that is time unknown.
    """
    return max(stamp_of(min(wall_ms, LATEST_MILLISECONDS)), max(known, default=0) + 1)
