"""Deciding on the files of `nodes/`: whose card is accepted, which configurations and statements count (T1-T10)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from satchel.errors import BadPacket, FormatTooNew, VerificationFailed
from satchel.packet.agreed import Agreed
from satchel.packet.card import Card, CardOnFile, read_card
from satchel.packet.chain import Decided
from satchel.packet.configuration import Configuration
from satchel.packet.envelope import Envelope, read_envelope
from satchel.packet.keys import PublicKey
from satchel.packet.limits import DEFAULT_LIMITS, Limits
from satchel.packet.members import Member, Members
from satchel.packet.problem import Problem, Waiting
from satchel.packet.revoking import decide_revocations, require_admin
from satchel.packet.said import RETIRE, REVOKE, Said
from satchel.packet.statement import Statement


def decide_members(root: PublicKey | None, files: Iterable[bytes], limits: Limits) -> Members:
    """See Members.from_files."""
    return _Files(files, limits).decide(root)


def check_node_file(members: Members, data: bytes) -> None:
    """See Members.check."""
    envelope = read_envelope(data, members.limits)
    with suppress(FormatTooNew):
        if envelope.payload_type == Card.payload_type:
            read_card(data, members.limits)
    signers = members.with_keyid(envelope.signatures[0].keyid)
    if envelope.payload_type not in (Configuration.payload_type, Statement.payload_type) or not signers:
        return
    if not any(envelope.verify(signer.key) for signer in signers):
        raise BadPacket(f"it is not signed by {signers[0].name}, as it says")


def node_file_name(data: bytes, limits: Limits = DEFAULT_LIMITS) -> str:
    """The name of a signed file in `nodes/`, whoever brought it under whatever name. BadPacket if it is none. What this
    version does not know keeps a name by its hash, so that it travels on."""
    envelope = read_envelope(data, limits)
    for kind in (Card, Configuration, Statement):
        if envelope.payload_type == kind.payload_type:
            try:
                return kind.parse(envelope.payload, limits).file_name
            except FormatTooNew:
                break
    return f"file-{hashlib.sha256(data).hexdigest()[:12]}.json"


class _Files:
    """The files, sorted by what they say they are."""

    def __init__(self, files: Iterable[bytes], limits: Limits) -> None:
        self._limits = limits
        self._cards: list[CardOnFile] = []
        self._signed: list[tuple[Envelope, bytes]] = []
        self._waiting: list[Waiting] = []
        self._problems: list[Problem] = []
        for data in sorted(set(files)):
            label = f"nodes/{hashlib.sha256(data).hexdigest()[:8]}"
            try:
                self._take(data)
            except FormatTooNew as newer:
                self._waiting.append(Waiting(label, f"an upgrade: {newer.message}"))
            except BadPacket as bad:
                self._problems.append(Problem("", label, bad.reason))

    def _take(self, data: bytes) -> None:
        envelope = read_envelope(data, self._limits)
        if envelope.payload_type == Card.payload_type:
            self._cards.append(read_card(data, self._limits))
        elif envelope.payload_type in (Configuration.payload_type, Statement.payload_type):
            self._signed.append((envelope, data))

    def decide(self, pinned: PublicKey | None) -> Members:
        root = self._root(pinned)
        network = root.card.network.id, root.card.network.name

        def revocations_of(decided: Decided, admin: CardOnFile) -> list[tuple[Statement, bytes]]:
            introduced = Members(*network, PublicKey.parse(root.card.key), _members(decided.accepted))
            return list(self._revocations(introduced, admin))

        decided, bans = decide_revocations(root, self._cards, revocations_of)
        members = _members(decided.accepted)
        waiting = [(card, needs) for card, needs in decided.waiting if card.name not in bans.cuts]
        self._waiting += [Waiting(f"the card of {card.name}", needs) for card, needs in waiting]
        self._problems += [Problem("", card.card.file_name, reason) for card, reason in decided.refused]
        refused = _refused_keys(decided)
        introduced = Members(*network, PublicKey.parse(root.card.key), members, refused_keys=refused, bans=bans)
        judged = [(self._judge(envelope, introduced), file) for envelope, file in self._signed]
        configurations = [(document, file) for document, file in judged if isinstance(document, Configuration)]
        return Members(
            *network,
            introduced.root,
            members,
            tuple(_agreed(*each) for each in sorted(configurations, key=lambda each: each[0].rank)),
            tuple(_said(document) for document, _ in judged if isinstance(document, Statement)),
            tuple(self._waiting),
            tuple(self._problems),
            tuple(alarm for name, alarm in decided.alarms if name not in bans.cuts),
            refused,
            bans,
            self._limits,
        )

    def _revocations(self, members: Members, admin: CardOnFile) -> Iterator[tuple[Statement, bytes]]:
        """What an admin has signed to revoke others. What is wrong with a file is said when all are judged."""
        keyid = PublicKey.parse(admin.card.key).keyid
        for envelope, _ in self._signed:
            if envelope.payload_type != Statement.payload_type or envelope.signatures[0].keyid != keyid:
                continue
            if REVOKE.encode() not in envelope.payload:
                continue  # most are of other kinds, and verifying costs
            with suppress(BadPacket, FormatTooNew):
                said = _read_signed(Statement, envelope, members.with_keyid(keyid), members, self._limits)
                if isinstance(said, Statement) and said.kind == REVOKE and said.node == admin.name:
                    yield said, envelope.payload

    def _root(self, pinned: PublicKey | None) -> CardOnFile:
        founders = [card for card in self._cards if card.certificate is None]
        if pinned is not None:
            founders = [card for card in founders if card.card.key == pinned.text]
        if not founders:
            raise VerificationFailed("the founder's card is missing", "Put the folder nodes/ beside the packets.")
        if len({(card.card.key, card.card.network.id) for card in founders}) > 1:
            names = "; ".join(sorted(f"{card.card.network.name}, by {card.name}" for card in founders))
            raise VerificationFailed(
                f"there are several founders' cards: {names}",
                "Name the folders of one network only; a program can also pin the founder's key.",
            )
        return min(founders, key=lambda card: card.hash)

    def _judge(self, envelope: Envelope, members: Members) -> Configuration | Statement | None:
        """The document, if a member who may say so has signed it; otherwise it is noted why not."""
        kind = Configuration if envelope.payload_type == Configuration.payload_type else Statement
        label = f"{envelope.payload_type.rpartition('.')[2].removesuffix('+json')} signed by "
        keyid = envelope.signatures[0].keyid
        signers = members.with_keyid(keyid)
        if not signers and (reason := members.refused(keyid)) is None:
            self._waiting.append(Waiting(label + keyid, "the card of its signer"))
            return None
        try:
            if not signers:
                raise BadPacket(f"the card of its signer was refused: {reason}")
            return _read_signed(kind, envelope, signers, members, self._limits)
        except FormatTooNew as newer:
            self._waiting.append(Waiting(label + keyid, f"an upgrade: {newer.message}"))
        except BadPacket as bad:
            self._problems.append(Problem("", label + (signers[0].name if signers else keyid), bad.reason))
        return None


def _read_signed(
    kind: type[Configuration] | type[Statement],
    envelope: Envelope,
    signers: Sequence[Member],
    members: Members,
    limits: Limits,
) -> Configuration | Statement:
    verified = [signer for signer in signers if envelope.verify(signer.key)]
    if len(envelope.signatures) != 1 or not verified:
        raise BadPacket("the signature is not right")
    document = kind.parse(envelope.payload, limits)
    said_by = document.signer if isinstance(document, Configuration) else document.node
    signer = next((member for member in verified if member.name == said_by), None)
    if signer is None:
        raise BadPacket(f"says that it is of {said_by}, and is signed by {verified[0].name}")
    if document.network.id != members.network_id:
        raise BadPacket(f"of another network: {document.network.name}")
    if isinstance(document, Configuration) and signer.role != "admin":
        raise BadPacket(f"{signer.name} is no admin and cannot change the configuration")
    if isinstance(document, Statement):
        require_admin(document, signer.role == "admin")
    if signer.role == "reader" and not (isinstance(document, Statement) and document.kind == RETIRE):
        raise BadPacket(f"{signer.name} is a reader")
    if members.bans.bans(signer.name, envelope.payload):
        raise BadPacket(f"{signer.name} was revoked, and this is not among what still counts")
    return document


def _agreed(document: Configuration, file: bytes) -> Agreed:
    return Agreed(document.file_name, document.version, document.options.follows, file)


def _said(document: Statement) -> Said:
    return Said(document.kind, document.node, document.at, document.about, document.conflict)


def _members(accepted: Sequence[CardOnFile]) -> tuple[Member, ...]:
    """One member a name; of several cards of one key the one that allows most."""
    best: dict[str, Member] = {}
    order = ("reader", "member", "admin")
    for card in sorted(accepted, key=lambda card: (order.index(card.role), card.hash)):
        inviter = None if card.certificate is None else card.certificate.inviter.node
        best[card.name] = Member(card.name, card.role, PublicKey.parse(card.card.key), inviter)
    return tuple(best[name] for name in sorted(best))


def _refused_keys(decided: Decided) -> dict[str, str]:
    good = {card.card.key for card in decided.accepted} | {card.card.key for card, _ in decided.waiting}
    return {PublicKey.parse(c.card.key).keyid: why for c, why in decided.refused if c.card.key not in good}
