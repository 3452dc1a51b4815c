"""What a folder of packets says to somebody who has no home: who belongs, by the cards in it, and what they have."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from satchel.errors import BadPacket, SatchelError
from satchel.exchange.folder import FolderExchange, open_exchange
from satchel.exchange.listing import Listing
from satchel.packet.ack import Ack, open_ack
from satchel.packet.limits import DEFAULT_LIMITS
from satchel.packet.members import Members
from satchel.packet.problem import Waiting
from satchel.packet.receipt import newer

LIMIT = DEFAULT_LIMITS.envelope_bytes


@dataclass(frozen=True, slots=True)
class Bystander:
    """A folder, listed once. The founder is whoever its one founder's card names: here nobody has a key to compare."""

    exchange: FolderExchange
    listing: Listing
    members: Members

    @staticmethod
    def at(path: Path) -> Bystander:
        """Opens a folder. ExchangeUnreachable; SatchelError: there are no cards in it; VerificationFailed: cards that
        fit no founder, or two founders."""
        exchange = open_exchange(path)
        listing = exchange.listing()
        if not listing.nodes:
            raise SatchelError(f"there are no cards in {path}", "name a folder in which satchel exchanges packets")
        data = (exchange.read_listed(card, LIMIT) for card in listing.nodes)
        members = Members.from_files(None, [each for each in data if each is not None])
        if exchange.network_id not in (None, members.network.id):
            raise SatchelError(f"the cards in {path} are of another network than its packets", "name another folder")
        return Bystander(exchange, listing, members)

    def acks(self) -> list[Ack]:
        """The acknowledgements that their nodes signed; others are passed over: who imports here is told of them."""
        return acks_in(self.exchange, self.listing, self.members)


def acks_in(exchange: FolderExchange, listing: Listing, members: Members) -> list[Ack]:
    """The acknowledgements of an exchange that their nodes signed."""
    found = []
    for path in listing.acks:
        with suppress(BadPacket):
            data = exchange.read_listed(path, LIMIT)
            ack = None if data is None else open_ack(data, members)
            if ack is not None and not isinstance(ack, Waiting):
                found.append(ack)
    return found


def newest(acks: Iterable[Ack]) -> dict[str, Ack]:
    """Of each node the one that holds."""
    found: dict[str, Ack] = {}
    for ack in acks:
        if ack.node not in found or newer(ack, found[ack.node]):
            found[ack.node] = ack
    return found
