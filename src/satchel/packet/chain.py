"""Which cards are accepted: a pure function of the cards on file, in whatever order they came (steps T5-T8)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from satchel.packet.card import CardOnFile, Certificate
from satchel.packet.keys import PublicKey
from satchel.packet.wire import time_value

Identity = tuple[str, str]  # name and key


@dataclass(frozen=True, slots=True)
class Decided:
    """Every card that was given is in exactly one of these; with a reason where it is not accepted."""

    accepted: tuple[CardOnFile, ...]
    waiting: tuple[tuple[CardOnFile, str], ...]
    refused: tuple[tuple[CardOnFile, str], ...]
    alarms: tuple[tuple[str, str], ...]  # node, in words


def decide_cards(root: CardOnFile, cards: Iterable[CardOnFile]) -> Decided:
    """Follows certificates from the root. Of two cards with one name and different keys both wait, and so does whoever
    they invited: nobody can tell which is meant. Only cards that would be accepted count there, so that no stranger can
    put a member on hold; the root itself cannot be displaced."""
    others = sorted((card for card in cards if card.hash != root.hash), key=lambda card: card.hash)
    introduced = _introduced(root, others)
    doubtful = _names_with_two_keys(introduced) - {root.name}
    accepted = _introduced(root, [card for card in others if card.name not in doubtful])
    hashes = {card.hash for card in accepted}
    reached = _Reached.by(introduced)
    waiting: list[tuple[CardOnFile, str]] = []
    refused: list[tuple[CardOnFile, str]] = []
    for card in others:
        if card.hash in hashes:
            continue
        waits, reason = _why_not(root, card, reached, doubtful)
        (waiting if waits else refused).append((card, reason))
    words = "two cards with the name {} and different keys: both wait"
    alarms = tuple((name, words.format(name)) for name in sorted(doubtful))
    return Decided(tuple(accepted), tuple(waiting), tuple(refused), alarms)


def _introduced(root: CardOnFile, cards: Sequence[CardOnFile]) -> list[CardOnFile]:
    """The root and all cards that a chain of certificates leads to. Grows until nothing is added."""
    found, left = [root], list(cards)
    admins = {root.identity}
    while True:
        news = [card for card in left if not _objection(root, card, admins)]
        if not news:
            return found
        found += news
        admins |= {card.identity for card in news if card.role == "admin"}
        known = {card.hash for card in news}
        left = [card for card in left if card.hash not in known]


def _objection(root: CardOnFile, card: CardOnFile, admins: Collection[Identity]) -> str:
    """Why a card is not accepted where these are the admins; "" if it is."""
    certificate = card.certificate
    if certificate is None:
        return "it founds a network of its own"
    if objection := _objection_to_card(root, card, certificate):
        return objection
    if (certificate.inviter.node, certificate.inviter.key) not in admins:
        return f"{certificate.inviter.node}, who invited it, is no admin"
    if not _signed_by_inviter(certificate, card.certificate_file):
        return f"its certificate is not signed by {certificate.inviter.node}"
    return ""


def _objection_to_card(root: CardOnFile, card: CardOnFile, certificate: Certificate) -> str:
    """Why a card is not accepted whoever gave the certificate."""
    if card.card.network.id != root.card.network.id:
        return f"it is of another network: {card.card.network.name}"
    if card.name == root.name and card.card.key != root.card.key:
        return "it has the founder's name and another key"
    if time_value(card.card.created) > time_value(certificate.expires):
        return f"the invitation had expired on {certificate.expires}"
    return ""


def _signed_by_inviter(certificate: Certificate, file: bytes) -> bool:
    return Certificate.open(file).verify(PublicKey.parse(certificate.inviter.key))


def _names_with_two_keys(cards: Iterable[CardOnFile]) -> set[str]:
    keys: dict[str, set[str]] = defaultdict(set)
    for card in cards:
        keys[card.name].add(card.card.key)
    return {name for name, known in keys.items() if len(known) > 1}


@dataclass(frozen=True, slots=True)
class _Reached:
    """Whom a chain of certificates leads to, doubtful names included."""

    hashes: frozenset[str]
    identities: frozenset[Identity]
    admins: frozenset[Identity]

    @staticmethod
    def by(cards: Sequence[CardOnFile]) -> _Reached:
        return _Reached(
            frozenset(card.hash for card in cards),
            frozenset(card.identity for card in cards),
            frozenset(card.identity for card in cards if card.role == "admin"),
        )


def _why_not(root: CardOnFile, card: CardOnFile, reached: _Reached, doubtful: Collection[str]) -> tuple[bool, str]:
    """Whether a card that is not accepted waits, and for what or why not."""
    if card.hash in reached.hashes:
        if card.name in doubtful:
            return True, f"somebody to say which card of {card.name} is meant"
        return True, "its inviter, of whom there are two cards"
    certificate = card.certificate
    if certificate is not None:
        # What can be said against it whoever invited it is said at once; only then does it wait for its inviter.
        inviter = (certificate.inviter.node, certificate.inviter.key)
        if inviter not in reached.identities and not _objection_to_card(root, card, certificate):
            return True, f"the card of {certificate.inviter.node}"
    return False, _objection(root, card, reached.admins)
