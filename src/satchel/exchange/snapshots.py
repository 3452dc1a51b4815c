"""Snapshots beside the packets of an exchange or archive: `snapshots/<author>-<stamp>/`, dropped like packets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from satchel.errors import BadPacket
from satchel.exchange import drop
from satchel.exchange.listing import Place
from satchel.exchange.names import MARKER, SNAPSHOT_FOLDER, checked_part_name
from satchel.files import fsync_file, make_folders, remove_folder, stands

SNAPSHOTS = "snapshots"


def snapshot_folder(root: Path, name: str) -> Path:
    """Where a snapshot lies below an exchange or archive. BadPacket: a name that may not become a path, or a link."""
    if not SNAPSHOT_FOLDER.fullmatch(name):
        raise BadPacket(f"{name!r} is not a snapshot's folder")
    folder = root / SNAPSHOTS / name
    if folder.is_symlink() or folder.parent.is_symlink():
        raise BadPacket(f"{folder} is a link")
    return folder


def list_snapshots(root: Path) -> list[Place]:
    """The whole snapshots of an archive, by name."""
    folder = root / SNAPSHOTS
    names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    ours = [name for name in names if SNAPSHOT_FOLDER.fullmatch(name)]
    return [Place(folder / name, name) for name in ours if (folder / name / MARKER).is_file()]


def open_snapshot_folder(root: Path, name: str) -> Path:
    """Makes the folder for a snapshot about to be written and returns it, empty."""
    folder = snapshot_folder(root, name)
    drop.withdraw_marker(folder)
    remove_folder(folder)
    make_folders(folder)
    return folder


def put_snapshot_marker(root: Path, name: str, marker: bytes, sizes: Mapping[str, int]) -> None:
    """Makes a snapshot exist whose parts (name -> bytes) are in its folder. FileTrouble: it is not there."""
    folder = snapshot_folder(root, name)
    for part in sizes:
        fsync_file(folder / checked_part_name(part))
    if not drop.has_packet(folder, marker, sizes):
        drop.put_marker(folder, marker, sizes)


def drop_snapshot(root: Path, name: str, source: Path, marker: bytes, sizes: Mapping[str, int]) -> bool:
    """Puts a snapshot of an archive into an exchange; whether it was not there yet."""
    folder = snapshot_folder(root, name)
    if drop.has_packet(folder, marker, sizes):
        return False
    drop.drop_packet(folder, {part: source / checked_part_name(part) for part in sizes}, marker)
    return True


def remove_snapshot(root: Path, name: str) -> None:
    """Takes a snapshot out of the own archive: the marker first."""
    folder = snapshot_folder(root, name)
    drop.withdraw_marker(folder)
    remove_folder(folder)


def sweep_snapshots(root: Path) -> None:
    """Removes from the own archive what a killed command left of snapshots that were never whole."""
    folder = root / SNAPSHOTS
    for entry in sorted(folder.iterdir()) if folder.is_dir() else []:
        if SNAPSHOT_FOLDER.fullmatch(entry.name) and not entry.is_symlink() and not stands(entry / MARKER):
            remove_folder(entry)
