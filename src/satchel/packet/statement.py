"""Statements of members: small signed facts that every node should know and that no packet carries (step T10)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from satchel.errors import BadPacket
from satchel.model.ids import node_of
from satchel.model.vector import Mark, Vector
from satchel.packet.document import Document, Network, NodeName, ShortHash, Text, Time, WireVector, refused_models
from satchel.packet.keys import PrivateKey
from satchel.packet.said import RETIRE, REVOKE, SEEN
from satchel.packet.wire import from_wire, time_text, to_wire

Kind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]{0,30}$")]


class Statement(Document):
    """Something that a member says. Kinds that this version does not know are kept and ignored.

    seen      somebody has looked at `conflict`, which was passed over
    retire    nobody waits for the node `about` any more; no cut
    revoke    of the node `about` counts what `cuts` has of its origins (last packet that counts; an origin that is not
              named counts for nothing), and of the files that it signed those in `documents` (sha256 of the signed
              bytes, 16 hex digits)
    """

    payload_type: ClassVar[str] = "application/vnd.satchel.statement+json"

    network: Network
    kind: Kind
    node: NodeName
    at: Time
    conflict: Text | None = Field(default=None)
    about: NodeName | None = Field(default=None)
    cuts: WireVector | None = Field(default=None)
    documents: tuple[ShortHash, ...] | None = Field(default=None)

    def check(self) -> None:
        """BadPacket unless it says all that its kind has to say."""
        if self.kind in (RETIRE, REVOKE) and self.about is None:
            raise BadPacket(f"a statement of kind {self.kind} names no node")
        if self.kind == REVOKE and any(node_of(origin) != self.about for origin in self.cuts or {}):
            raise BadPacket(f"it cuts an origin that is not of {self.about}")

    @property
    def marks(self) -> dict[str, Mark]:
        """Where it cuts: the last packet of each origin that counts."""
        return from_wire(self.cuts or {})

    @property
    def file_name(self) -> str:
        """Its name in `nodes/`."""
        return f"{self.kind}-{self.node}-{hashlib.sha256(self.to_bytes()).hexdigest()[:12]}.json"


def make_seen(key: PrivateKey, network: Network, node: str, conflict: str, at: int) -> bytes:
    """The signed statement that somebody has looked at this conflict. `at` in milliseconds since 1970 UTC."""
    with refused_models():
        statement = Statement(network=network, kind=SEEN, node=node, at=time_text(at), conflict=conflict)
    return statement.seal(key)


def make_retirement(key: PrivateKey, network: Network, node: str, about: str, at: int) -> bytes:
    """The signed statement that nobody waits for the node `about` any more. `at` in milliseconds since 1970 UTC."""
    with refused_models():
        statement = Statement(network=network, kind=RETIRE, node=node, at=time_text(at), about=about)
    return statement.seal(key)


def make_revocation(
    key: PrivateKey, network: Network, node: str, about: str, cuts: Vector, documents: Iterable[str], at: int
) -> bytes:
    """The signed statement that the node `about` is trusted up to these packets and documents only. `documents`: the
    first 16 hex digits of the sha256 of each. `at` in milliseconds since 1970 UTC."""
    with refused_models():
        statement = Statement(
            network=network,
            kind=REVOKE,
            node=node,
            at=time_text(at),
            about=about,
            cuts=to_wire({origin: mark for origin, mark in cuts.items() if mark.seq}),  # what is not named is cut at 0
            documents=tuple(sorted(set(documents))),
        )
    return statement.seal(key)
