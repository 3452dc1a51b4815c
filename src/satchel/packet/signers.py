"""Who signed a document: the steps that every kind of file signed by one member goes through (docs/spec/trust.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from satchel.errors import BadPacket, FormatTooNew
from satchel.packet.envelope import Envelope, open_envelope
from satchel.packet.problem import Waiting

if TYPE_CHECKING:
    from satchel.packet.document import Network
    from satchel.packet.limits import Limits
    from satchel.packet.members import Members


class _Signed(Protocol):
    @property
    def network(self) -> Network: ...


D = TypeVar("D", bound=_Signed)
Stranger = Callable[[Envelope], Waiting]


@dataclass(frozen=True, slots=True)
class Kind(Generic[D]):
    """A kind of document. `name`: in words, with its article; `file`: its name, if it has one; `author`: the node
    that a document says it is of."""

    payload_type: str
    name: str
    parse: Callable[[bytes, Limits], D]
    author: Callable[[D], str]
    file: str = ""


def read_signed(
    kind: Kind[D], data: bytes, members: Members, limits: Limits, stranger: Stranger | None = None
) -> tuple[D, Envelope] | Waiting:
    """A document that the member who is its author has signed. Waiting: no card of the signer is accepted yet (unless
    `stranger` decides otherwise), or the format is newer. BadPacket: it is not to be trusted."""
    envelope = open_envelope(data, kind.payload_type, limits)
    if len(envelope.signatures) != 1:
        raise BadPacket(f"{kind.name} has one signature", kind.file)
    signers = members.with_keyid(envelope.signatures[0].keyid)
    if not signers:
        return stranger(envelope) if stranger is not None else unknown_signer(kind, envelope)
    names = {member.name for member in signers if envelope.verify(member.key)}
    if not names:
        raise BadPacket("the signature is not right", kind.file)
    try:
        document = kind.parse(envelope.payload, limits)
    except FormatTooNew as newer:
        return Waiting(f"{kind.name} of {min(names)}", f"an upgrade: {newer.message}")
    check_network(kind, document, members)
    if (author := kind.author(document)) not in names:
        raise BadPacket(f"says that it is of {author}, and is signed by {min(names)}", kind.file)
    return document, envelope


def unknown_signer(kind: Kind[D], envelope: Envelope) -> Waiting:
    """Nobody has introduced who signed it."""
    return Waiting(kind.name, f"the card of its signer, {envelope.signatures[0].keyid}")


def check_network(kind: Kind[D], document: D, members: Members) -> None:
    """BadPacket if a document is of another network."""
    network = document.network
    if network.id != members.network_id:
        raise BadPacket(f"of another network: {network.name} ({network.id})", kind.file)
