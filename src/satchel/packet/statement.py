"""Statements of members: small signed facts that every node should know and that no packet carries (step T10)."""

from __future__ import annotations

import hashlib
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from satchel.packet.document import Document, Network, NodeName, Text, Time, refused_models, time_text
from satchel.packet.keys import PrivateKey

SEEN = "seen"
Kind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]{0,30}$")]


class Statement(Document):
    """Something that a member says. Kind `seen`: somebody has looked at a conflict that was passed over. Kinds that
    this version does not know are kept and ignored."""

    payload_type: ClassVar[str] = "application/vnd.satchel.statement+json"

    network: Network
    kind: Kind
    node: NodeName
    at: Time
    conflict: Text | None = Field(default=None)

    @property
    def file_name(self) -> str:
        """Its name in `nodes/`."""
        return f"{self.kind}-{self.node}-{hashlib.sha256(self.to_bytes()).hexdigest()[:12]}.json"


def make_seen(key: PrivateKey, network: Network, node: str, conflict: str, at: int) -> bytes:
    """The signed statement that somebody has looked at this conflict. `at` in milliseconds since 1970 UTC."""
    with refused_models():
        statement = Statement(network=network, kind=SEEN, node=node, at=time_text(at), conflict=conflict)
    return statement.seal(key)
