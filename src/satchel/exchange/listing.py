"""Finding packets by listing alone: nothing is opened, no link followed (PROTOCOL, Exchange folders: Collect).

People copy what they like where they like, so packets are found by their marker a few levels deep, not by their path.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from satchel.exchange.names import MARKER, MARKER_UNDER_WAY, PART_NAME, SIDE_FOLDERS, SIDE_NAME, SNAPSHOT_FOLDER
from satchel.files.faults import fault_point
from satchel.files.trouble import FileTrouble, translated

IsKnown = Callable[[str, str], bool]
DEPTH = 8  # levels of folders below the one that is named
_JUNCTION = 0xA0000003  # Windows: a link between folders that is_symlink does not tell
# Folders that systems and sync programs put beside what people copy; those with a leading dot need no mention.
_NOT_OURS = frozenset({"$recycle.bin", "#recycle", "#snapshot", "@eadir", "lost+found", "system volume information"})
# Other programs mark a conflicted copy by a space and brackets, which no name of ours has.
_COPY_MARK = ".sync-conflict-"


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that holds a packet, or will: `name` is the folder's, `origin` what the folder above suggests."""

    path: Path
    name: str

    @property
    def origin(self) -> str:
        """The name of the folder above, in lower case as all our names are: a guess, the manifest decides."""
        return self.path.parent.name.lower()

    @property
    def seq(self) -> int | None:
        """The number that the folder's name begins with, None without one: a guess, the manifest decides."""
        digits = self.name.partition("-")[0]
        return int(digits) if digits.isdecimal() and digits.isascii() else None


@dataclass(slots=True)
class Listing:
    """What one walk found, in order of path. A packet without marker is incomplete: it may still be arriving."""

    packets: list[Place] = field(default_factory=list)
    incomplete: list[Place] = field(default_factory=list)
    nodes: list[Path] = field(default_factory=list)  # nodes/*.json
    acks: list[Path] = field(default_factory=list)  # acks/*.json
    snapshots: list[Place] = field(default_factory=list)  # whole ones
    unreadable: list[FileTrouble] = field(default_factory=list)  # folders that could not be listed


@dataclass(frozen=True, slots=True)
class _Folder:
    """One folder as it was listed: names of regular files and of folders that are to be entered."""

    path: Path
    files: tuple[str, ...]
    folders: tuple[str, ...]


def _nothing(origin: str, name: str) -> bool:
    return False


def read_listing(root: Path, is_known: IsKnown = _nothing) -> Listing:
    """Walks the folder. A packet's folder that is known by the name of its own and of the one above, both in lower
    case, is not entered and stands in no list. FileTrouble: the folder itself cannot be listed; folders below that
    cannot are only noted."""
    found = Listing()
    for folder in _walk(_read_folder(root), DEPTH, found, is_known):
        _sort_in(folder, found)
    return found


def _walk(folder: _Folder, depth: int, found: Listing, is_known: IsKnown) -> Iterator[_Folder]:
    yield folder
    if depth == 0:
        return
    origin = folder.path.name.lower()
    for name in folder.folders:
        if is_known(origin, name.lower()):
            continue
        try:
            below = _read_folder(folder.path / name)
        except FileTrouble as trouble:
            found.unreadable.append(trouble)
        else:
            yield from _walk(below, depth - 1, found, is_known)


def _read_folder(path: Path) -> _Folder:
    files: list[str] = []
    folders: list[str] = []
    with translated(path):
        fault_point("list", path)
        with os.scandir(path) as entries:
            for entry in entries:
                if _is_foreign(entry.name) or _is_link(entry):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif entry.is_file(follow_symlinks=False):
                    files.append(entry.name)
    return _Folder(path, tuple(sorted(files)), tuple(sorted(folders)))


def _sort_in(folder: _Folder, found: Listing) -> None:
    """Names are compared without case: FAT and some copying programs change it."""
    kind = folder.path.name.lower()
    if kind in SIDE_FOLDERS:  # here a manifest.json is the file of a node of that name
        side = found.nodes if kind == "nodes" else found.acks
        side.extend(folder.path / name for name in folder.files if SIDE_NAME.fullmatch(name.lower()))
        return
    names = {name.lower() for name in folder.files}
    if SNAPSHOT_FOLDER.fullmatch(kind):
        if MARKER in names:
            found.snapshots.append(Place(folder.path, kind))
    elif MARKER in names:
        found.packets.append(Place(folder.path, folder.path.name))
    elif MARKER_UNDER_WAY in names or any(PART_NAME.fullmatch(name) for name in names):
        found.incomplete.append(Place(folder.path, folder.path.name))


def _is_foreign(name: str) -> bool:
    """What systems and sync programs leave behind, AppleDouble files and conflicted copies included."""
    lowered = name.lower()
    return lowered.startswith(".") or lowered in _NOT_OURS or _COPY_MARK in lowered


def _is_link(entry: os.DirEntry[str]) -> bool:
    if entry.is_symlink():
        return True
    return os.name == "nt" and getattr(entry.stat(follow_symlinks=False), "st_reparse_tag", 0) == _JUNCTION


def read_sizes(folder: Path) -> dict[str, tuple[str, int]]:
    """Regular files of one folder: name in lower case -> (name as it is, bytes). Of names that differ in case only, the
    lower-case one counts. A folder that is gone has none."""
    sizes: dict[str, tuple[str, int]] = {}
    try:
        with translated(folder):
            fault_point("list", folder)
            with os.scandir(folder) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    with suppress(FileNotFoundError):  # renamed or removed since; the others count
                        if entry.is_file(follow_symlinks=False):
                            sizes[entry.name.lower()] = (entry.name, entry.stat(follow_symlinks=False).st_size)
    except FileTrouble as trouble:
        if not isinstance(trouble.__cause__, (FileNotFoundError, NotADirectoryError)):
            raise
    return sizes
