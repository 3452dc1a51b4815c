"""An exchange that is a folder: a share, a stick, an inbox or outbox (PROTOCOL, Exchange folders).

<exchange>/satchel.json          network id and format version
<exchange>/packets/...           packets
<exchange>/nodes/, acks/         side files
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satchel.errors import ExchangeUnreachable, SatchelError
from satchel.exchange.names import LABEL
from satchel.exchange.tree import PacketTree
from satchel.files import FileTrouble, Throttle, read_limited, replace, throttled

if TYPE_CHECKING:
    from satchel.exchange.listing import IsKnown, Listing, Place

FORMAT = 1  # of the layout of an exchange
_LABEL_LIMIT = 64 * 1024  # bytes
# What a share says that is not there now, and a stick that was pulled out.
_AWAY_NAMES = (
    "ECONNABORTED",
    "ECONNRESET",
    "EHOSTDOWN",
    "EHOSTUNREACH",
    "ENETDOWN",
    "ENETUNREACH",
    "ENODEV",
    "ENOTCONN",
    "ENXIO",
    "ESHUTDOWN",
    "ESTALE",
    "ETIMEDOUT",
)
_AWAY = frozenset(getattr(errno, name) for name in _AWAY_NAMES if hasattr(errno, name))  # not every system has each


def open_exchange(path: Path, network_id: str | None = None, *, create: bool = False) -> FolderExchange:
    """Opens a folder as an exchange; with `create` it is given its `satchel.json` where that is missing (the folder
    itself is never made: a stick that is not there must not become a folder on the disk). Without `satchel.json`
    anything may be read. ExchangeUnreachable: no such folder, or it cannot be listed. SatchelError: it belongs to
    another network, or to a later version of satchel; nothing was written."""
    exchange = FolderExchange(path)
    with exchange.reaching():
        _check_folder(path)
        label = _read_label(path)
        if label is None and create and network_id is not None:
            replace(path / LABEL, _label_bytes(network_id))
            label = _read_label(path)  # another network may have been quicker
    if label is not None:
        exchange.network_id = _checked_label(path, label, network_id)
    return exchange


class FolderExchange:
    """Implements `Exchange`. `network_id` is what `satchel.json` says, None without one. Made by `open_exchange`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.network_id: str | None = None
        self.throttle: Throttle | None = None  # of the line to it
        self._tree = PacketTree(path, path / "packets")

    def listing(self, is_known: IsKnown | None = None) -> Listing:
        """Everything of ours below the folder, complete or not, but for packets whose folders are known by name."""
        with self.reaching():
            return self._tree.listing(is_known)

    def has_packet(self, relative: str, marker: bytes, sizes: Mapping[str, int]) -> bool:
        """Whether the packet lies there with this marker and every part (name -> bytes) in its size."""
        with self.reaching():
            return self._tree.has_packet(relative, marker, sizes)

    def publish_packet(self, relative: str, parts: Mapping[str, Path], marker: bytes) -> None:
        """Drops a packet: parts (name -> file to copy), then the marker. Again changes nothing."""
        with self.reaching():
            self._tree.publish_packet(relative, parts, marker)

    def remove_packet(self, relative: str) -> None:
        """Takes a packet away, marker first. For the own outbox only: nothing of others' is removed."""
        with self.reaching():
            self._tree.remove_packet(relative)

    def read_marker(self, place: Place, limit: int) -> bytes | None:
        """The marker's bytes; None: it is gone. BadPacket: more than `limit` bytes, or no regular file."""
        with self.reaching():
            return self._tree.read_marker(place, limit)

    def part_sizes(self, place: Place) -> dict[str, int]:
        """Parts that are there: name in lower case -> bytes."""
        with self.reaching():
            return self._tree.part_sizes(place)

    def collect_packet(self, place: Place, target: Path, sizes: Mapping[str, int]) -> tuple[str, ...]:
        """Copies the named parts into `target`. Returns parts that are missing or short; nothing was copied then.
        BadPacket: a part is longer than its size."""
        with self.reaching():
            return self._tree.collect_packet(place, target, sizes)

    def put_side_file(self, relative: str, data: bytes) -> None:
        """Replaces `acks/<node>.json` or `nodes/...json` as a whole."""
        with self.reaching():
            self._tree.put_side_file(relative, data)

    def read_side_file(self, relative: str, limit: int) -> bytes | None:
        """A side file at its proper place; None: there is none. BadPacket: more than `limit` bytes."""
        with self.reaching():
            return self._tree.read_side_file(relative, limit)

    def read_listed(self, path: Path, limit: int) -> bytes | None:
        """A side file that the listing found; None: it is gone. BadPacket: more than `limit` bytes."""
        with self.reaching():
            return self._tree.read_listed(path, limit)

    @contextmanager
    def reaching(self) -> Iterator[None]:
        """Tells a place that is gone from one that refuses: ExchangeUnreachable instead of FileTrouble. Looks before,
        so that nothing is written where a stick is only usually mounted."""
        if not os.path.isdir(self.path):
            raise _unreachable(self.path)
        try:
            with throttled(self.throttle):
                yield
        except FileTrouble as trouble:
            if not trouble.path.is_relative_to(self.path):
                raise  # something of ours, not of the exchange
            if trouble.errno in _AWAY or not os.path.isdir(self.path):
                raise _unreachable(self.path) from trouble
            raise


def _unreachable(path: Path) -> ExchangeUnreachable:
    return ExchangeUnreachable(
        f"the exchange {path} cannot be reached now", "connect the share or the stick, then run the same command again"
    )


def _check_folder(path: Path) -> None:
    """Lists it once: a folder that cannot be listed is no exchange."""
    try:
        with os.scandir(path):
            pass
    except OSError as error:
        raise _unreachable(path) from error


def _label_bytes(network_id: str) -> bytes:
    return json.dumps({"format": FORMAT, "network": network_id}, indent=1).encode() + b"\n"


def _read_label(path: Path) -> dict[str, Any] | None:
    """Content of satchel.json, None without one. SatchelError: it says nothing."""
    try:
        label = json.loads(read_limited(path / LABEL, _LABEL_LIMIT))
    except FileTrouble as trouble:
        if trouble.errno == errno.ENOENT:
            return None
        raise
    except (ValueError, RecursionError) as error:
        raise _unreadable_label(path) from error
    if not isinstance(label, dict):
        raise _unreadable_label(path)
    return label


def _unreadable_label(path: Path) -> SatchelError:
    return SatchelError(f"{path / LABEL} is damaged", "remove it; the next export writes it anew")


def _checked_label(path: Path, label: dict[str, Any], network_id: str | None) -> str:
    """The network's id. SatchelError: not ours, or a later format."""
    found, version = label.get("network"), label.get("format")
    if not isinstance(found, str) or not isinstance(version, int):
        raise _unreadable_label(path)
    if version > FORMAT:
        raise SatchelError(f"the exchange {path} has format {version}, this satchel knows {FORMAT}", "upgrade satchel")
    if network_id is not None and found != network_id:
        raise SatchelError(f"the exchange {path} belongs to another network", "name another folder for this network")
    return found
