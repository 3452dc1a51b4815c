"""Where packets lie below the paths of an audit: by listing alone, read-only, no link followed (PROTOCOL, Collect).

The same rules as those of collecting, for an auditor's machine, which has neither a home nor an exchange to join.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from satchel.audit.home_limits import limits_of
from satchel.errors import UsageError
from satchel.files import FileTrouble
from satchel.files.trouble import translated
from satchel.model.ids import parse_dot
from satchel.packet.limits import DEFAULT_LIMITS, Limits
from satchel.packet.manifest import MANIFEST_NAME, PRUNED_NAME
from satchel.packet.snapshot import SNAPSHOT_FOLDER

DEPTH = 8  # levels of folders below a path
# Other programs put these beside what people copy; a leading dot needs no mention.
NOT_OURS = frozenset(
    {"$recycle.bin", "#recycle", "#snapshot", "@eadir", "lost+found", "system volume information", "thumbs.db",
     "desktop.ini"}
)  # fmt: skip
_COPY_MARK = ".sync-conflict-"
_SIDE_NAME = re.compile(r"[a-z0-9][a-z0-9._~-]{0,99}\.json")
_PART_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}\.parquet")


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that holds a packet, or parts of one. `marker`: the manifest's name as it is written there."""

    folder: Path
    marker: str = MANIFEST_NAME

    @property
    def guess(self) -> str:
        """The packet's name by the folders' names, e.g. `site-a/12`: what is not verified has no better one."""
        seq = self.folder.name.partition("-")[0].lstrip("0")
        try:
            return str(parse_dot(f"{self.folder.parent.name}/{seq}"))
        except ValueError:
            return self.folder.name


@dataclass(slots=True)
class Found:
    """Everything of ours, in order of path."""

    packets: list[Place] = field(default_factory=list)
    incomplete: list[Place] = field(default_factory=list)  # parts and no manifest: may still be arriving
    pruned: list[Place] = field(default_factory=list)  # packets of an archive of which only the manifest is kept
    snapshots: list[Place] = field(default_factory=list)
    nodes: list[Path] = field(default_factory=list)
    acks: list[Path] = field(default_factory=list)
    unreadable: list[FileTrouble] = field(default_factory=list)
    limits: Limits = DEFAULT_LIMITS  # on what is read there

    @property
    def is_empty(self) -> bool:
        """Nothing of ours lies there."""
        return not (self.packets or self.incomplete or self.pruned or self.snapshots or self.nodes or self.acks)


def find_places(paths: Iterable[Path | str]) -> Found:
    """Walks the paths; of a home only its archive is looked at. UsageError: no path, or one that is no folder;
    FileTrouble: a path that cannot be listed (folders below it are only noted)."""
    paths = list(paths)
    roots = [_root(Path(path)) for path in paths]
    if not roots:
        raise UsageError("no folder was named", "Name an archive, an exchange or a stick.")
    found, entered = Found(limits=limits_of([Path(path) for path in paths])), set[Path]()
    for root in roots:
        for folder, files in _walk(root, DEPTH, found, top=True):
            real = folder.resolve()
            if real not in entered:  # paths may overlap
                entered.add(real)
                _sort_in(folder, files, found)
    return found


def is_foreign(name: str) -> bool:
    """What systems and sync programs leave behind."""
    lowered = name.lower()
    return lowered.startswith(".") or lowered in NOT_OURS or _COPY_MARK in lowered


def _root(path: Path) -> Path:
    if not path.is_dir():
        raise UsageError(f"there is no folder {path}", "Name an archive, an exchange or a stick.")
    is_home = (path / "satchel.toml").is_file() and (path / "packets").is_dir()
    return path / "packets" if is_home else path


def _walk(folder: Path, depth: int, found: Found, *, top: bool) -> Iterator[tuple[Path, list[str]]]:
    try:
        files, folders = _list(folder)
    except FileTrouble as trouble:
        if top:
            raise
        found.unreadable.append(trouble)
        return
    yield folder, files
    if depth:
        for name in folders:
            yield from _walk(folder / name, depth - 1, found, top=False)


def _list(folder: Path) -> tuple[list[str], list[str]]:
    files: list[str] = []
    folders: list[str] = []
    with translated(folder), os.scandir(folder) as entries:
        for entry in entries:
            if is_foreign(entry.name) or entry.is_symlink() or _is_junction(entry):
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            elif entry.is_file(follow_symlinks=False):
                files.append(entry.name)
    return sorted(files), sorted(folders)


def _is_junction(entry: os.DirEntry[str]) -> bool:
    """Windows has links between folders that are no symbolic links."""
    return os.name == "nt" and getattr(entry.stat(follow_symlinks=False), "st_reparse_tag", 0) != 0


def _sort_in(folder: Path, files: list[str], found: Found) -> None:
    """Names are compared without case: FAT and some copying programs change it."""
    kind = folder.name.lower()
    if kind in ("nodes", "acks"):
        side = found.nodes if kind == "nodes" else found.acks
        side += [folder / name for name in files if _SIDE_NAME.fullmatch(name.lower())]
        return
    lowered = {name.lower(): name for name in files}
    if SNAPSHOT_FOLDER.fullmatch(kind):
        if MANIFEST_NAME in lowered:
            found.snapshots.append(Place(folder, lowered[MANIFEST_NAME]))
    elif PRUNED_NAME in lowered and MANIFEST_NAME not in lowered:
        found.pruned.append(Place(folder, lowered[PRUNED_NAME]))
    elif MANIFEST_NAME in lowered:
        found.packets.append(Place(folder, lowered[MANIFEST_NAME]))
    elif f"{MANIFEST_NAME}.tmp" in lowered or any(_PART_NAME.fullmatch(name) for name in lowered):
        found.incomplete.append(Place(folder))
