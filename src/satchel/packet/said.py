"""A statement that is accepted, as the rooms ask for it; the signed one is satchel.packet.statement's."""

from __future__ import annotations

from dataclasses import dataclass

SEEN, RETIRE, REVOKE = "seen", "retire", "revoke"


@dataclass(frozen=True, slots=True)
class Said:
    """What `node` says, at the time `at` (RFC 3339): `about` a node, or of a `conflict`. Kinds that this version does
    not know are kept."""

    kind: str
    node: str
    at: str
    about: str | None = None
    conflict: str | None = None
