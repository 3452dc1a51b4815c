"""Homes that are being made: what an interrupted `init` or `join` left is recognised and taken away again.

A mark in the folder, written first and removed last, says that a home is being made there; its token stands in the
database too, so that nobody's tables but its own are removed. With `satchel.toml`, which is written last, the home
exists: from then on nothing here touches it.
"""

from __future__ import annotations

import json
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from satchel.errors import SatchelError
from satchel.files import make_folders, read_limited, remove_file, replace
from satchel.stores.base import Store
from satchel.sync.home import FOLDERS, KEY, SETTINGS, UNFINISHED, WITNESS
from satchel.sync.lock import LOCK_NAME

_OURS = (KEY, WITNESS, LOCK_NAME, UNFINISHED)
_NOT_IN_THE_WAY = frozenset({"README.md", ".gitkeep", ".gitignore", ".DS_Store", "Thumbs.db", "desktop.ini"})
_LIMIT = 1 << 16


def begin(home: Path) -> str:
    """Marks the folder as a home that is being made; the token."""
    token = secrets.token_hex(8)
    make_folders(home)
    replace(home / UNFINISHED, json.dumps({"token": token}).encode("ascii"))
    return token


def end(home: Path) -> None:
    """The home is whole."""
    remove_file(home / UNFINISHED)


def clear(home: Path, store: Store, *, dry_run: bool) -> None:
    """Takes away what an interrupted attempt left, in the folder and in the database. SatchelError if there is a home,
    or if the folder holds something else that would be in the way."""
    if (home / SETTINGS).exists():
        raise SatchelError(f"{home} is a home already", "take another folder, or use the home that is there")
    if home.exists() and not home.is_dir():
        raise SatchelError(f"{home} is no folder", "take another place for the home")
    token = _token(home)
    if store.is_installed():
        notes = store.notes()
        # without a network the tables are an attempt's, too: it was stopped before it could say whose
        if "network_id" not in notes or (token is not None and notes.get("token") == token):
            _refuse_dry(home, dry_run)
            store.detach()
    if token is not None:
        _refuse_dry(home, dry_run)
        wipe(home)
    _refuse_littered(home)


def _refuse_dry(home: Path, dry_run: bool) -> None:
    if dry_run:
        raise SatchelError(
            f"an interrupted attempt to make {home} is in the way", "run it without --dry-run: it is taken away first"
        )


def _token(home: Path) -> str | None:
    path = home / UNFINISHED
    if not path.is_file():
        return None
    try:
        return str(json.loads(read_limited(path, _LIMIT))["token"])
    except (ValueError, KeyError, TypeError):
        return ""


def _refuse_littered(home: Path) -> None:
    """What lies in the folders of a home would be taken for packets, or be removed as a leftover."""
    if (home / KEY).exists():
        raise SatchelError(
            f"{home} holds a key but no {SETTINGS}", "put the settings back, or take another folder for the home"
        )
    for name in FOLDERS:
        folder = home / name
        entries = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
        if entries - _NOT_IN_THE_WAY:
            raise SatchelError(f"{folder} is not empty", "take another folder for the home")


def wipe(home: Path) -> None:
    """Removes what was made in a folder that is no home yet: nothing of it was ever used."""
    for name in FOLDERS:
        for entry in list((home / name).iterdir()) if (home / name).is_dir() else []:
            if entry.name in _NOT_IN_THE_WAY:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                with suppress(OSError):
                    entry.unlink()
    for path in [*(home / name for name in _OURS), *home.glob(".*.tmp")]:
        with suppress(OSError):
            path.unlink()


def undo(home: Path, store: Store, *, fresh: bool, detach: bool) -> None:
    """After a failure: `fresh`: the folder was not there before; `detach`: the tables in the database are ours."""
    if detach:
        try:
            store.detach()
        except SatchelError:
            return  # the mark stays, by which the next attempt knows the tables for ours
    with suppress(OSError):
        wipe(home)
        for name in FOLDERS if fresh else ():
            (home / name).rmdir()
        if fresh:
            home.rmdir()
