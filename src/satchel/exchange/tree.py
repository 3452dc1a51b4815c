"""Packets and side files in a folder of the local file system, as exchange and archive both have them."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path

from satchel.errors import BadPacket
from satchel.exchange import drop
from satchel.exchange.listing import IsKnown, Listing, Place, read_listing, read_sizes
from satchel.exchange.names import (
    MARKER,
    PART_NAME,
    checked_packet_path,
    checked_part_name,
    checked_side_path,
)
from satchel.files import (
    FileTrouble,
    copy_new,
    make_folders,
    read_limited,
    remove_file,
    remove_folder,
    replace,
    trouble_with,
)

_GONE = frozenset({errno.ENOENT, errno.ENOTDIR})
_NOT_TO_BE_READ = frozenset({errno.EFBIG, errno.ELOOP, errno.EINVAL})


class PacketTree:
    """Implements `Exchange` in a folder: `packets` holds <network>/<origin>/<packet>, `root` has nodes/ and acks/.

    Names from callers and packets are checked before they become a path; no link below the folders is followed.
    """

    def __init__(self, root: Path, packets: Path) -> None:
        self.root = root
        self.packets = packets

    def listing(self, is_known: IsKnown | None = None) -> Listing:
        """Everything of ours below the root, but for packets whose folders are known by name."""
        return read_listing(self.root) if is_known is None else read_listing(self.root, is_known)

    def packet_folder(self, relative: str) -> Path:
        """The packet's folder, whether it is there or not. BadPacket: not a packet's path. FileTrouble: ELOOP, a link
        stands on the way to it."""
        folder = self.packets / checked_packet_path(relative)
        return self._free_of_links(folder)

    def has_packet(self, relative: str, marker: bytes, sizes: Mapping[str, int]) -> bool:
        """Whether the packet lies there with this marker and every part (name -> bytes) in its size."""
        return drop.has_packet(self.packet_folder(relative), marker, sizes)

    def publish_packet(self, relative: str, parts: Mapping[str, Path], marker: bytes) -> None:
        """Drops a packet: parts (name -> file to copy), then the marker (see drop)."""
        for name in parts:
            checked_part_name(name)
        drop.drop_packet(self.packet_folder(relative), parts, marker)

    def remove_packet(self, relative: str) -> None:
        """Takes a packet away: the marker first, then it is invisible, then the rest."""
        folder = self.packet_folder(relative)
        drop.withdraw_marker(folder)
        remove_folder(folder)

    def read_marker(self, place: Place, limit: int) -> bytes | None:
        """The marker's bytes; None: it is gone. BadPacket: more than `limit` bytes, or no regular file."""
        name, _ = read_sizes(place.path).get(MARKER, ("", 0))
        return self.read_listed(place.path / name, limit) if name else None

    def part_sizes(self, place: Place) -> dict[str, int]:
        """Parts that are there: name in lower case -> bytes."""
        return {name: size for name, (_, size) in read_sizes(place.path).items() if PART_NAME.fullmatch(name)}

    def collect_packet(self, place: Place, target: Path, sizes: Mapping[str, int]) -> tuple[str, ...]:
        """Copies the named parts into `target`, unflushed: a start after a kill throws them away. Returns parts that
        are missing or short; nothing was copied then. BadPacket: a part is longer than its size."""
        there = read_sizes(place.path)
        short = tuple(name for name, size in sizes.items() if there.get(checked_part_name(name), ("", -1))[1] < size)
        if short:
            return short
        make_folders(target)
        for name, size in sizes.items():
            actual, found = there[name]
            if found > size:
                raise BadPacket(f"{found} bytes where the manifest says {size}", name)
            if not _copy_part(place.path / actual, target / name, size):
                return (name,)
        return ()

    def put_side_file(self, relative: str, data: bytes) -> None:
        """Replaces `acks/<node>.json` or `nodes/...json` as a whole."""
        path = self._side_file(relative)
        make_folders(path.parent)
        replace(path, data)

    def read_side_file(self, relative: str, limit: int) -> bytes | None:
        """A side file at its proper place; None: there is none. BadPacket: more than `limit` bytes."""
        return self.read_listed(self._side_file(relative), limit)

    def read_listed(self, path: Path, limit: int) -> bytes | None:
        """A file that the listing found; None: it is gone. BadPacket: more than `limit` bytes, or no regular file."""
        try:
            return read_limited(path, limit)
        except FileTrouble as trouble:
            if trouble.errno in _GONE:
                return None
            if trouble.errno in _NOT_TO_BE_READ:
                raise BadPacket(trouble.message.removeprefix(f"{path}: "), path.name) from trouble
            raise

    def _side_file(self, relative: str) -> Path:
        return self._free_of_links(self.root / checked_side_path(relative))

    def _free_of_links(self, path: Path) -> Path:
        """What lies behind a link is found by no listing, and a stranger may have laid it."""
        step = path
        while step != self.root:
            if step.is_symlink():
                raise trouble_with(step, errno.ELOOP)
            step = step.parent
        return path


def _copy_part(source: Path, target: Path, size: int) -> bool:
    """Copies one part; False: it became short or vanished since it was listed."""
    remove_file(target)
    try:
        if copy_new(source, target, limit=size, flush=False) == size:
            return True
    except FileTrouble as trouble:
        if trouble.errno not in _GONE:
            raise
    remove_file(target)
    return False
