"""Cards: who is a member (docs/spec/trust.md, steps T1-T4).

The founder's card signs itself and is the root. Every other card holds a certificate, an inviter's word that whoever
has the invitation's key may be a node of this name; it is signed by that key and by the node's own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import AfterValidator

from satchel.errors import BadPacket, KeyTrouble
from satchel.packet.document import Document, Model, Network, NodeName, Time, refused_models
from satchel.packet.keys import PrivateKey, PublicKey
from satchel.packet.limits import DEFAULT_LIMITS, Limits
from satchel.packet.roles import Role
from satchel.packet.wire import time_text


def _key_text(text: str) -> str:
    try:
        return PublicKey.parse(text).text
    except KeyTrouble as error:
        raise ValueError(error.message) from error


def _file_text(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64") from error
    return text


KeyText = Annotated[str, AfterValidator(_key_text)]
FileText = Annotated[str, AfterValidator(_file_text)]  # a signed file inside another, in base64


class Inviter(Model):
    """Who gave a certificate: name and key, for a name alone could be another's by now."""

    node: NodeName
    key: KeyText


class Certificate(Document):
    """An inviter's word: the bearer of `key` may join as `node`, until `expires`. Signed by the inviter."""

    payload_type: ClassVar[str] = "application/vnd.satchel.certificate+json"

    network: Network
    node: NodeName
    role: Role
    expires: Time
    key: KeyText
    inviter: Inviter


class Card(Document):
    """A node's name and key. Signed by that key; an invited node's by the invitation's key as well."""

    payload_type: ClassVar[str] = "application/vnd.satchel.card+json"

    network: Network
    node: NodeName
    key: KeyText
    created: Time
    certificate: FileText | None

    @property
    def file_name(self) -> str:
        """Its name in `nodes/`; two cards of one name and different keys stand side by side."""
        return f"card-{self.node}-{PublicKey.parse(self.key).keyid[:8]}.json"


@dataclass(frozen=True, slots=True)
class CardOnFile:
    """A card that is right in itself: signed by the keys that it names. Whether its inviter may invite is decided by
    satchel.packet.chain. `hash` of the signed file, hex."""

    card: Card
    certificate: Certificate | None
    certificate_file: bytes
    hash: str

    @property
    def name(self) -> str:
        """The node."""
        return self.card.node

    @property
    def role(self) -> Role:
        """What the node may do, by its certificate; the founder is an admin."""
        return "admin" if self.certificate is None else self.certificate.role

    @property
    def identity(self) -> tuple[str, str]:
        """Name and key."""
        return self.card.node, self.card.key


def make_founder_card(key: PrivateKey, network: Network, node: str, created: int) -> bytes:
    """The root of a network: a signed file. `created` in milliseconds since 1970 UTC."""
    with refused_models():
        card = Card(network=network, node=node, key=key.public.text, created=time_text(created), certificate=None)
    return card.seal(key)


def read_card(data: bytes, limits: Limits = DEFAULT_LIMITS) -> CardOnFile:
    """A card that is right in itself. BadPacket if it is none, FormatTooNew for a newer format."""
    envelope = Card.open(data, limits)
    card = Card.parse(envelope.payload, limits)
    digest = hashlib.sha256(data).hexdigest()
    if not envelope.verify(PublicKey.parse(card.key)):
        raise BadPacket(f"the card of {card.node} is not signed by the key that it names")
    if card.certificate is None:
        return CardOnFile(card, None, b"", digest)
    certificate_file = base64.b64decode(card.certificate)
    certificate = Certificate.parse(Certificate.open(certificate_file, limits).payload, limits)
    if not envelope.verify(PublicKey.parse(certificate.key)):
        raise BadPacket(f"the card of {card.node} is not signed by its invitation's key")
    if (card.node, card.network.id) != (certificate.node, certificate.network.id):
        raise BadPacket(f"the card of {card.node} is not for the node or network that was invited")
    return CardOnFile(card, certificate, certificate_file, digest)
