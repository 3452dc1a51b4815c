"""What is wrong, and where: one line of every report on packets."""

from __future__ import annotations

from typing import NamedTuple


class Problem(NamedTuple):
    """INTERFACE, verify. `packet` as `site-a/12`, `file` a name in its folder; either may be empty."""

    packet: str
    file: str
    reason: str


class Waiting(NamedTuple):
    """Something that is no attack and cannot be judged yet: `what` waits for `needs`."""

    what: str
    needs: str
