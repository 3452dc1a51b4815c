"""Packets of an archive whose parts were removed: the signed manifest stays for ever, under another name.

    1  write pruned.json, the exact bytes of manifest.json, flushed
    2  remove manifest.json: from here on the packet is not there any more
    3  remove the parts

A kill after 1 leaves a whole packet; after 2 a pruned one, whose parts the next start removes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from satchel.exchange import drop
from satchel.exchange.listing import read_sizes
from satchel.exchange.names import MARKER, PACKET_FOLDER, PART_NAME
from satchel.files import fsync_folder, read_limited, remove_file, replace, stands

PRUNED = "pruned.json"


def is_pruned(folder: Path) -> bool:
    """Whether only the manifest of this packet is kept."""
    return (folder / PRUNED).is_file() and not stands(folder / MARKER)


def prune_packet(folder: Path, limit: int) -> int:
    """Keeps the manifest and nothing else; the bytes that were freed. FileTrouble: what is left is whole, or pruned."""
    replace(folder / PRUNED, read_limited(folder / MARKER, limit))
    fsync_folder(folder)
    drop.withdraw_marker(folder)
    return _remove_parts(folder)


def _remove_parts(folder: Path) -> int:
    freed = 0
    for lowered, (name, size) in read_sizes(folder).items():
        if PART_NAME.fullmatch(lowered):
            remove_file(folder / name)
            freed += size
    return freed


def sweep_pruned(packets: Path) -> None:
    """Brings an interrupted prune to its end, in the network's folder of an archive."""
    for folder in _packet_folders(packets):
        drop.sweep(folder)
        if is_pruned(folder):
            _remove_parts(folder)


def _packet_folders(packets: Path) -> Iterator[Path]:
    for origin in sorted(packets.iterdir()) if packets.is_dir() else []:
        for folder in sorted(origin.iterdir()) if origin.is_dir() and not origin.is_symlink() else []:
            if PACKET_FOLDER.fullmatch(folder.name):
                yield folder
