"""What is left of nodes that were revoked; who may say so is decided in satchel.packet.revoking."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from satchel.model.ids import node_of
from satchel.model.vector import Mark

NOTHING = Mark(0, "")  # nothing of an origin counts


def document_digest(payload: bytes) -> str:
    """How a revocation names a document that still counts: by what was signed, not by how the file is written."""
    return hashlib.sha256(payload).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Bans:
    """What is left of each node that was revoked: of several revocations the least."""

    cuts: Mapping[str, tuple[Mapping[str, Mark], ...]] = field(default_factory=dict)  # node -> one vector a statement
    documents: Mapping[str, frozenset[str]] = field(default_factory=dict)  # node -> digests

    def cut(self, origin: str) -> Mark | None:
        """The last packet of an origin that counts (seq 0: none does); None: it is not cut."""
        said = self.cuts.get(node_of(origin))
        return None if said is None else min(marks.get(origin, NOTHING) for marks in said)

    def bans(self, node: str, payload: bytes) -> bool:
        """Whether something that a node signed does not count any more."""
        return node in self.documents and document_digest(payload) not in self.documents[node]
