"""What a place must be able to do to carry packets: it moves named bytes and knows nothing of what is in them.

A further kind of exchange implements `Exchange` and passes tests/exchange/contract.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from satchel.exchange.listing import IsKnown, Listing, Place


class Exchange(Protocol):
    """Packets below `packets/`, side files in `nodes/` and `acks/`.

    `relative` of a packet is what names.packet_path makes. Every method may raise ExchangeUnreachable (the place is
    gone) and FileTrouble (it refuses); what was whole stays whole then.
    """

    def listing(self, is_known: IsKnown | None = None) -> Listing:
        """Everything of ours that is there, complete or not. `is_known` tells by the names of a packet's folder and of
        the one above (origin), in lower case, which packets need not be looked at: they stand in no list then."""

    def has_packet(self, relative: str, marker: bytes, sizes: Mapping[str, int]) -> bool:
        """Whether the packet lies there with this marker and every part (name -> bytes) in its size."""

    def publish_packet(self, relative: str, parts: Mapping[str, Path], marker: bytes) -> None:
        """Drops a packet: parts (name -> file to copy), then the marker. Again changes nothing; what an earlier drop
        left behind is repaired."""

    def remove_packet(self, relative: str) -> None:
        """Takes a packet away, marker first. For the own outbox and for what was never published."""

    def read_marker(self, place: Place, limit: int) -> bytes | None:
        """The marker's bytes; None: it is gone. BadPacket: more than `limit` bytes, or no regular file."""

    def part_sizes(self, place: Place) -> dict[str, int]:
        """Parts that are there: name in lower case -> bytes."""

    def collect_packet(self, place: Place, target: Path, sizes: Mapping[str, int]) -> tuple[str, ...]:
        """Copies the named parts into `target`, never more than the bytes named. Returns parts that are missing or
        short: then it is incomplete and nothing was copied. BadPacket: a part is longer than that."""

    def put_side_file(self, relative: str, data: bytes) -> None:
        """Replaces `acks/<node>.json` or `nodes/...json` as a whole."""

    def read_side_file(self, relative: str, limit: int) -> bytes | None:
        """A side file at its proper place; None: there is none. BadPacket: more than `limit` bytes."""

    def read_listed(self, path: Path, limit: int) -> bytes | None:
        """A side file that the listing found; None: it is gone. BadPacket: more than `limit` bytes."""
