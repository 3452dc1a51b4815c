"""Dropping a packet (PROTOCOL, Exchange folders: Drop). The numbers are the steps of that rule.

    1  make the packet's final folder; it is never renamed
    2  write and fsync the parts
    3  write manifest.json.tmp, fsync it
    4  rename it to manifest.json: from here on the packet exists
    5  fsync manifest.json, its folder and the folder above
    6  read back

Several nodes may drop one packet at one place at the same time, without locks. So nobody writes into or removes a file
that another may be writing: a name that is taken gets a whole new file renamed over it, which is right for both, since
both write the same bytes. Files that an earlier drop left are replaced the same way, never flushed a second time.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from satchel.errors import SatchelError
from satchel.exchange.listing import read_sizes
from satchel.exchange.names import MARKER, MARKER_UNDER_WAY
from satchel.files import (
    FileTrouble,
    copy_new,
    file_size,
    fsync_file,
    fsync_folder,
    make_folders,
    read_back,
    read_limited,
    remove_file,
    rename_file,
    replace_with,
    stands,
    trouble_with,
    write_new,
)

# What stands at the marker's name is not this marker: absent, longer, a link, no file.
_ANOTHER = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EFBIG, errno.ELOOP, errno.EINVAL})


def has_packet(folder: Path, marker: bytes, sizes: Mapping[str, int]) -> bool:
    """Whether the folder holds this marker and every part in its size. The marker is looked at first: whoever drops
    the same packet just now has whole parts once it is there."""
    return has_marker(folder, marker) and missing_parts(folder, sizes) == ()


def has_marker(folder: Path, marker: bytes) -> bool:
    """Whether exactly this marker stands in the folder."""
    try:
        return read_limited(folder / MARKER, len(marker)) == marker
    except FileTrouble as trouble:
        if trouble.errno in _ANOTHER:
            return False
        raise


def missing_parts(folder: Path, sizes: Mapping[str, int]) -> tuple[str, ...]:
    """Parts that are not in the folder with exactly their size."""
    return tuple(name for name, size in sizes.items() if not _has_size(folder / name, size))


def _has_size(path: Path, size: int) -> bool:
    """Asks for the name: a listing may miss a file that another node replaces at that moment."""
    try:
        return file_size(path) == size
    except FileTrouble as trouble:
        if trouble.errno in _ANOTHER:
            return False
        raise


def drop_packet(folder: Path, parts: Mapping[str, Path], marker: bytes) -> None:
    """Makes the packet whole in its folder, whatever an earlier drop left there. FileTrouble: it is not there, and what
    this drop wrote is gone again as far as the medium lets it."""
    sizes = {name: file_size(source) for name, source in parts.items()}
    if has_packet(folder, marker, sizes):
        return
    withdraw_marker(folder)  # damaged: it must not stand over parts that are not whole
    made: list[Path] = []
    try:
        make_folders(folder)
        for name, source in parts.items():
            _put_part(folder / name, source)
            made.append(folder / name)
        put_marker(folder, marker, sizes)
    except FileTrouble as trouble:
        # Whoever finished first swept our temporary files away.
        if trouble.errno == errno.ENOENT and has_packet(folder, marker, sizes):
            return
        _take_back(folder, made)
        raise
    sweep(folder)


def put_marker(folder: Path, marker: bytes, sizes: Mapping[str, int]) -> None:
    """Steps 3 to 6, over parts that are flushed. FileTrouble: there is no marker; EIO if a part has not its size, or if
    something reads back differently."""
    _check_parts(folder, sizes)
    _rename_in(folder, marker)
    try:
        fsync_file(folder / MARKER)
        fsync_folder(folder)
        fsync_folder(folder.parent)
        read_back(folder / MARKER, marker)
        _check_parts(folder, sizes)
    except FileTrouble:
        with suppress(SatchelError):  # the first trouble is the one to tell
            withdraw_marker(folder)
        raise


def withdraw_marker(folder: Path) -> None:
    """Makes a packet invisible, for good, before anything else of it is touched."""
    if marker_stands(folder):
        remove_file(folder / MARKER)
        fsync_folder(folder)


def marker_stands(folder: Path) -> bool:
    """Whether anything has the marker's name."""
    return stands(folder / MARKER)


def _put_part(target: Path, source: Path) -> None:
    def write(path: Path) -> int:
        return copy_new(source, path)

    if not _write(target, write):
        replace_with(target, write)


def _rename_in(folder: Path, marker: bytes) -> None:
    def write(path: Path) -> None:
        write_new(path, marker)

    under_way = folder / MARKER_UNDER_WAY
    if not _write(under_way, write):
        replace_with(folder / MARKER, write)
        return
    try:
        rename_file(under_way, folder / MARKER)
    except FileTrouble:
        with suppress(SatchelError):
            remove_file(under_way)
        raise


def _write(path: Path, write: Callable[[Path], object]) -> bool:
    """Writes a new file; False: the name is taken, by a leftover or by another node that is at it."""
    try:
        write(path)
    except FileTrouble as trouble:
        if trouble.errno != errno.EEXIST:
            raise
        return False
    return True


def _check_parts(folder: Path, sizes: Mapping[str, int]) -> None:
    for name in missing_parts(folder, sizes):
        raise trouble_with(folder / name, errno.EIO, "it is not there as it was written")


def _take_back(folder: Path, made: list[Path]) -> None:
    """Removes the parts that this drop wrote, unless a marker stands over them: that of another node that finished
    meanwhile, or ours on a medium that lets nothing be removed."""
    with suppress(SatchelError, OSError):
        if marker_stands(folder):
            return
        for path in made:
            remove_file(path)
        os.rmdir(folder)


def sweep(folder: Path) -> None:
    """Takes away what killed drops of this packet left under temporary names."""
    with suppress(SatchelError):  # the packet is whole; leftovers harm nobody
        for name, _ in read_sizes(folder).values():
            if name.endswith(".tmp"):
                remove_file(folder / name)
