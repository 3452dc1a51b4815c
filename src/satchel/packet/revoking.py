"""What a revocation takes away: packets beyond its cuts, and files that it does not name (docs/spec/trust.md, steps
V1-V5). A pure function of the signed files, in whatever order they came."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from satchel.errors import BadPacket, FormatTooNew
from satchel.packet.bans import Bans, document_digest
from satchel.packet.card import Card, CardOnFile, Certificate, read_card
from satchel.packet.chain import Decided, decide_cards
from satchel.packet.envelope import read_envelope
from satchel.packet.keys import PublicKey
from satchel.packet.said import RETIRE, REVOKE
from satchel.packet.statement import Statement


def bans_card(bans: Bans, card: CardOnFile) -> bool:
    """Whether the certificate of a card does not count any more."""
    certificate = card.certificate
    if certificate is None or certificate.inviter.node not in bans.documents:
        return False
    return bans.bans(certificate.inviter.node, Certificate.open(card.certificate_file).payload)


def _and(bans: Bans, statement: Statement) -> Bans:
    """With one more revocation."""
    about = str(statement.about)
    documents = frozenset(statement.documents or ())
    kept = documents & bans.documents[about] if about in bans.documents else documents
    cuts = {**bans.cuts, about: (*bans.cuts.get(about, ()), statement.marks)}
    return Bans(cuts, {**bans.documents, about: kept})


Revocations = Callable[[Decided, CardOnFile], Iterable[tuple[Statement, bytes]]]


def decide_revocations(
    root: CardOnFile, cards: Sequence[CardOnFile], revocations_of: Revocations
) -> tuple[Decided, Bans]:
    """Admins are heard one after the other, the founder first, then whom it invited, and so on: where two revoke each
    other, the one nearer to the founder is heard. `revocations_of` gives the revocations that an accepted admin has
    signed, each with the bytes that were signed."""
    bans, heard = Bans(), set[str]()
    decided = decide_cards(root, cards)
    while True:
        speaker = next((c for c in decided.accepted if c.role == "admin" and c.name not in heard), None)
        if speaker is None:
            return _with_banned(decided, [card for card in cards if bans_card(bans, card)]), bans
        heard.add(speaker.name)
        said = sorted(revocations_of(decided, speaker), key=lambda said: said[1])
        counting = [statement for statement, payload in said if not bans.bans(speaker.name, payload)]
        for statement in counting:
            bans = _and(bans, statement)
        if counting:
            decided = decide_cards(root, [card for card in cards if not bans_card(bans, card)])


def _with_banned(decided: Decided, banned: Sequence[CardOnFile]) -> Decided:
    known = {card.hash for card in decided.accepted}
    refused = [
        (card, f"{card.certificate.inviter.node}, who invited it, was revoked")
        for card in banned
        if card.certificate is not None and card.hash not in known
    ]
    return Decided(decided.accepted, decided.waiting, (*decided.refused, *refused), decided.alarms)


def require_admin(statement: Statement, is_admin: bool) -> None:
    """BadPacket unless the signer may say so: an admin retires and revokes; everybody may retire itself."""
    statement.check()
    if statement.kind == RETIRE and statement.about == statement.node:
        return
    if statement.kind in (RETIRE, REVOKE) and not is_admin:
        raise BadPacket(f"{statement.node} is no admin and cannot {statement.kind} {statement.about}")
    if statement.kind == REVOKE and statement.about == statement.node:
        raise BadPacket(f"{statement.node} cannot revoke itself")


def documents_of(files: Iterable[bytes], node: str, key: PublicKey) -> list[str]:
    """The digests of all that a node has signed among these files of `nodes/`: statements, configurations, and the
    certificates of those whom it invited."""
    found = []
    for data in files:
        with suppress(BadPacket, FormatTooNew):
            envelope = read_envelope(data)
            if envelope.payload_type == Card.payload_type:
                card = read_card(data)
                if card.certificate is not None and card.certificate.inviter.node == node:
                    found.append(document_digest(Certificate.open(card.certificate_file).payload))
            elif envelope.verify(key):
                found.append(document_digest(envelope.payload))
    return found
