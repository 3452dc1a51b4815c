"""The book of a lake, `lake.json`: which packets went in, which files came out, and each one's sha256 (ADR 31).

A lake is derived: whoever doubts it makes it anew. Its book is not signed, and nothing in it replaces a signature: its
rows are shown only of packets whose manifests, with exactly the hashes that stand here, verified in the archive.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from dataclasses import replace as replaced
from pathlib import Path
from typing import Any, Self

from satchel.errors import SatchelError
from satchel.files import file_size, read_limited, remove_file, rename_file, replace, stands
from satchel.packet.members import Members

BOOK_NAME = "lake.json"
FORMAT = 1
LAKE_FOLDER = "lake"  # in a home
SETTINGS_NAME = "satchel.toml"
NEW = ".new"  # a file that the book does not name yet
_MAX_BYTES = 1 << 30
_FILE = re.compile(r"[a-z0-9][a-z0-9._-]*/\d{4}-\d\d/[0-9a-f]{16}\.parquet")


@dataclass(frozen=True, slots=True)
class LakeFile:
    """One file. `path` below the lake, as `orders/2026-01/0123456789abcdef.parquet`; `shape`: fingerprint of the
    table's columns; `memory`: bytes of its rows in memory; `stat`: its size and time when it was written; `packets`:
    those whose rows it holds, by place in the book."""

    table: str
    period: str
    path: str
    shape: str
    rows: int
    memory: int
    sha256: str
    stat: tuple[int, ...]
    packets: tuple[int, ...]


@dataclass(slots=True)
class LakeBook:
    """`packets`: (manifest hash, origin, seq) of all whose rows are in the files; `refused`: manifest hash and why, of
    packets that a member signed and whose rows are not as they must be."""

    network: str
    root: str
    packets: list[tuple[str, str, int]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    files: list[LakeFile] = field(default_factory=list)

    @property
    def known(self) -> set[str]:
        """Manifest hashes of everything that was looked at."""
        return {digest for digest, _, _ in self.packets} | self.refused.keys()

    def save(self, lake: Path) -> None:
        """Writes the book in the place of the one before, whole or not at all. FileTrouble."""
        document = {"satchel_lake": FORMAT, **asdict(self)}
        replace(lake / BOOK_NAME, json.dumps(document, indent=None, ensure_ascii=False).encode("utf-8"))

    @classmethod
    def load(cls, lake: Path) -> Self | None:
        """The book of a lake, None if there is none. SatchelError: it is not readable; FileTrouble."""
        path = lake / BOOK_NAME
        if not stands(path):
            return None
        hint = "Remove the folder and make the lake again: it is derived from the packets."
        try:
            document = json.loads(read_limited(path, _MAX_BYTES))
            if document.pop("satchel_lake") != FORMAT:
                raise SatchelError(f"{path} is of another version of satchel", hint)
            files = [_file(entry) for entry in document.pop("files")]
            packets = [(str(digest), str(origin), int(seq)) for digest, origin, seq in document.pop("packets")]
            refused = {str(digest): str(reason) for digest, reason in document.pop("refused").items()}
            return cls(str(document["network"]), str(document["root"]), packets, refused, files)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise SatchelError(f"{path} is no book of a lake", hint) from error

    def forget(self, files: Iterable[LakeFile]) -> None:
        """Takes files out, and the packets that had rows in them, which are to be read again; so other files that hold
        rows of these packets go as well."""
        gone = set(files)
        lost: set[int] = set()
        while more := {place for file in gone for place in file.packets} - lost:
            lost |= more
            gone |= {file for file in self.files if not lost.isdisjoint(file.packets)}
        if not gone:
            return
        kept = [place for place in range(len(self.packets)) if place not in lost]
        new_place = {place: at for at, place in enumerate(kept)}
        self.packets = [self.packets[place] for place in kept]
        left = [file for file in self.files if file not in gone]
        self.files = [replaced(file, packets=tuple(new_place[place] for place in file.packets)) for file in left]


def _file(entry: dict[str, Any]) -> LakeFile:
    found = LakeFile(**{**entry, "stat": tuple(entry["stat"]), "packets": tuple(entry["packets"])})
    if not _FILE.fullmatch(found.path):
        raise ValueError(found.path)
    return found


def stat_of(path: Path) -> tuple[int, ...] | None:
    """What shows that nobody wrote to a file of a lake since: its size and time. None: it cannot be seen."""
    try:
        found = os.stat(path, follow_symlinks=False)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def settle(lake: Path, book: LakeBook) -> None:
    """Brings a save that was interrupted to its end: files that the book names get their names; those that it does
    not name go. Only files with names of ours are touched. FileTrouble."""
    named = {file.path for file in book.files}
    for path in sorted(named):
        if not stands(lake / path) and stands(lake / f"{path}{NEW}"):
            rename_file(lake / f"{path}{NEW}", lake / path)
    for found in sorted(lake.glob("*/*/*.parquet*")):
        relative = found.relative_to(lake).as_posix()
        if _FILE.fullmatch(relative.removesuffix(NEW)) and relative not in named:
            remove_file(found)


def size_of(lake: Path, book: LakeBook) -> int:
    """Bytes of all files of a lake."""
    return sum(file_size(lake / file.path) for file in book.files)


def find_lake(paths: Sequence[Path | str]) -> Path | None:
    """The lake of a home, where the one path is the home or its archive and there is a lake."""
    if len(paths) != 1:
        return None
    path = Path(paths[0])
    home = path if (path / SETTINGS_NAME).is_file() else path.parent
    is_home = (home / SETTINGS_NAME).is_file() and path in (home, home / "packets")
    lake = home / LAKE_FOLDER
    return lake if is_home and stands(lake / BOOK_NAME) else None


def rows_checked(paths: Sequence[Path | str], members: Members) -> frozenset[str]:
    """Packets whose rows were looked at when they went into the home's lake, by manifest hash: as long as signature
    and hashes hold, these are the same rows. Nothing where there is no lake of these members, or none to be read."""
    with suppress(SatchelError):
        lake = find_lake(paths)
        book = LakeBook.load(lake) if lake is not None else None
        if book is not None and (book.network, book.root) == (members.network.id, members.root.keyid):
            return frozenset(digest for digest, _, _ in book.packets)
    return frozenset()
