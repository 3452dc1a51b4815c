"""Removing: what is gone already is no trouble, and no link is followed."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from satchel.files.faults import fault_point
from satchel.files.trouble import translated

_LEFTOVER = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")


def remove_file(path: Path) -> None:
    """Removes a file or link, if it is there."""
    with translated(path), suppress(FileNotFoundError):
        fault_point("remove", path)
        os.unlink(path)


def remove_folder(path: Path) -> None:
    """Removes a folder with all that is in it, if it is there. A link in it is removed, not what it leads to."""
    for entry, is_folder in _entries(path):
        if is_folder:
            remove_folder(entry)
        else:
            remove_file(entry)
    with translated(path), suppress(FileNotFoundError):
        fault_point("remove-folder", path)
        os.rmdir(path)


def remove_leftovers(folder: Path) -> None:
    """Removes what a killed `replace` left in a folder: `.NAME.xxxxxxxx.tmp`. Only where nobody else writes now."""
    for entry, is_folder in _entries(folder):
        if not is_folder and _LEFTOVER.fullmatch(entry.name):
            remove_file(entry)


def _entries(path: Path) -> list[tuple[Path, bool]]:
    with translated(path), suppress(FileNotFoundError), os.scandir(path) as entries:
        return [(Path(entry.path), entry.is_dir(follow_symlinks=False)) for entry in entries]
    return []
