"""The archive of a home, `packets/`: every packet that this node sealed or applied, verifiable alone.

packets/<network>/<origin>/<seq>-<suffix>/     as in an exchange
packets/nodes/, packets/acks/                  beside them
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from satchel.errors import SatchelError
from satchel.exchange import drop
from satchel.exchange.names import checked_part_name, packet_path
from satchel.exchange.tree import PacketTree
from satchel.files import fsync_file, make_folders, remove_folder


class Archive(PacketTree):
    """A home's `packets/` for one network (`network` is its name). The folder is ours: errors are FileTrouble."""

    def __init__(self, root: Path, network: str) -> None:
        super().__init__(root, root)
        self.network = network

    def relative(self, origin: str, seq: int, suffix: str) -> str:
        """Where a packet lies. BadPacket: a name that may not become a path."""
        return packet_path(self.network, origin, seq, suffix)

    def open_packet(self, relative: str) -> Path:
        """Makes the folder for a packet about to be sealed and returns it, empty. SatchelError: a packet is there."""
        folder = self.packet_folder(relative)
        if drop.marker_stands(folder):
            raise SatchelError(
                f"the packet {relative} is already in the archive", "run `satchel verify` on the archive"
            )
        remove_folder(folder)
        make_folders(folder)
        return folder

    def flush_parts(self, relative: str, names: Iterable[str]) -> None:
        """Flushes parts that were written into the folder of `open_packet` (PROTOCOL, Seal: write-ahead 2)."""
        folder = self.packet_folder(relative)
        for name in names:
            fsync_file(folder / checked_part_name(name))

    def put_marker(self, relative: str, marker: bytes, sizes: Mapping[str, int]) -> None:
        """Makes a sealed packet exist, its parts (name -> bytes) being flushed (PROTOCOL, Seal: write-ahead 4). Again
        changes nothing. FileTrouble: EIO, a part is not there as it was written."""
        folder = self.packet_folder(relative)
        if not drop.has_packet(folder, marker, sizes):
            drop.put_marker(folder, marker, sizes)
        drop.sweep(folder)
