"""Invitations: a delegation that travels with its bearer, once, by hand (docs/spec/trust.md, steps I1-I5)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import AfterValidator

from satchel.errors import BadPacket, FormatTooNew, KeyTrouble, SatchelError, UsageError, VerificationFailed
from satchel.model.devices import is_device
from satchel.model.ids import NODE_NAME
from satchel.model.vector import Mark, Vector
from satchel.packet.card import Card, Certificate, FileText, Inviter, KeyText
from satchel.packet.document import Document, Network, NodeName, Time, WireVector, refused_models
from satchel.packet.keys import PrivateKey, PublicKey
from satchel.packet.members import Members
from satchel.packet.roles import ROLES, Role
from satchel.packet.wire import from_wire, time_text, time_value, to_wire

_ASK_AGAIN = "Ask whoever invited this node for a new invitation."


def _secret(text: str) -> str:
    try:
        PrivateKey.from_raw(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, KeyTrouble) as error:
        raise ValueError("not a private key") from error
    return text


class InvitationFile(Document):
    """What is carried by hand. Signed by the inviter; who has it can join, so it is as secret as a password."""

    payload_type: ClassVar[str] = "application/vnd.satchel.invitation+json"

    network: Network
    node: NodeName
    created: Time
    root: KeyText  # the founder's: the bearer pins it
    inviter: Inviter
    key: Annotated[str, AfterValidator(_secret)]
    certificate: FileText
    files: tuple[FileText, ...]  # of nodes/: cards, configuration, statements
    vector: WireVector


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that verified. `files` go into the new home's `nodes/`; `root` is pinned there; `vector` is what
    the node collects before it seals anything; `expires` in milliseconds since 1970 UTC."""

    network: Network
    node: str
    role: Role
    expires: int
    inviter: str
    root: PublicKey
    files: tuple[bytes, ...]
    members: Members
    vector: dict[str, Mark]
    certificate: bytes
    key: PrivateKey


def make_invitation(
    key: PrivateKey,
    members: Members,
    name: str,
    role: str,
    *,
    now: int,
    expires: int,
    files: Sequence[bytes],
    vector: Vector,
) -> bytes:
    """An invitation for one node, signed by the owner of `key`, who must be an admin. `files` are those of `nodes/`,
    `vector` the inviter's; times in milliseconds since 1970 UTC. UsageError if name or role will not do, or if the
    inviter may not invite."""
    allowed = _check_wish(members, name, role)
    inviter = next((m for m in members.members if m.key == key.public), None)
    if inviter is None or inviter.role != "admin":
        raise UsageError("this node may not invite", "Only an admin invites; ask one.")
    fresh = PrivateKey.generate()
    said_by = Inviter(node=inviter.name, key=key.public.text)
    certificate = Certificate(
        network=members.network,
        node=name,
        role=allowed,
        expires=time_text(expires),
        key=fresh.public.text,
        inviter=said_by,
    )
    with refused_models():
        invitation = InvitationFile(
            network=members.network,
            node=name,
            created=time_text(now),
            root=members.root.text,
            inviter=said_by,
            key=_text(fresh.raw()),
            certificate=_text(certificate.seal(key)),
            files=tuple(_text(file) for file in files),
            vector=to_wire(vector),
        )
    return invitation.seal(key)


def read_invitation(data: bytes, now: int) -> Invitation:
    """An invitation whose every signature holds. UsageError: it is none; VerificationFailed: it was altered;
    SatchelError: it has expired; FormatTooNew."""
    try:
        envelope = InvitationFile.open(data)
        invitation = InvitationFile.parse(envelope.payload)
    except FormatTooNew:
        raise
    except BadPacket as bad:
        raise UsageError(f"not an invitation: {bad.reason}", "Name the file that `satchel invite` wrote.") from bad
    if not envelope.verify(PublicKey.parse(invitation.inviter.key)):
        raise VerificationFailed("the invitation was altered", _ASK_AGAIN)
    try:
        read = _read_verified(invitation)
    except BadPacket as bad:
        raise VerificationFailed(f"the invitation is not right: {bad.reason}", _ASK_AGAIN) from bad
    if now > read.expires:
        raise SatchelError(f"the invitation expired on {time_text(read.expires)}", _ASK_AGAIN)
    return read


def make_card(invitation: Invitation, key: PrivateKey, created: int) -> bytes:
    """The invited node's card, signed by its own key and by the invitation's. `created` in milliseconds since 1970
    UTC."""
    card = Card(
        network=invitation.network,
        node=invitation.node,
        key=key.public.text,
        created=time_text(created),
        certificate=_text(invitation.certificate),
    )
    return card.seal(key, invitation.key)


def _check_wish(members: Members, name: str, role: str) -> Role:
    if not NODE_NAME.fullmatch(name) or is_device(name):
        raise UsageError(f"{name!r} is no name for a node", "Up to 31 of a-z, 0-9 and -, beginning with no dash.")
    if members.member(name) is not None:
        raise UsageError(f"there is a node {name} already", "Take another name.")
    for known in ROLES:
        if role == known:
            return known
    raise UsageError(f"{role!r} is no role", f"Roles are {', '.join(ROLES)}.")


def _read_verified(invitation: InvitationFile) -> Invitation:
    """The certificate is the inviter's, for this node and this key, and the inviter is an admin by the cards."""
    files = tuple(base64.b64decode(file) for file in invitation.files)
    members = Members.from_files(PublicKey.parse(invitation.root), files)
    inviter = members.member(invitation.inviter.node)
    if inviter is None or inviter.role != "admin" or inviter.key.text != invitation.inviter.key:
        raise BadPacket(f"{invitation.inviter.node} is no admin by the cards in it")
    certificate_file = base64.b64decode(invitation.certificate)
    envelope = Certificate.open(certificate_file)
    certificate = Certificate.parse(envelope.payload)
    key = PrivateKey.from_raw(base64.b64decode(invitation.key))
    networks = {invitation.network.id, certificate.network.id, members.network_id}
    fits = certificate.node == invitation.node and certificate.key == key.public.text and len(networks) == 1
    if not fits or certificate.inviter != invitation.inviter or not envelope.verify(inviter.key):
        raise BadPacket("its certificate is for something else")
    return Invitation(
        members.network,
        invitation.node,
        certificate.role,
        time_value(certificate.expires),
        inviter.name,
        members.root,
        files,
        members,
        from_wire(invitation.vector),
        certificate_file,
        key,
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
