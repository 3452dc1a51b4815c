"""A backup is put back on a disk that does not read everything."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

import pytest

from satchel.errors import SatchelError
from satchel.files.faults import faults
from tests.kills.restored import Restored


@pytest.mark.parametrize("part", ["orders.parquet", "parts.parquet"])
def test_what_the_own_archive_cannot_read_at_a_restore_is_read_from_the_share(tmp_path: Path, part: str) -> None:
    """Found by failing every system call: rows that were pending in the backup stood there twice."""
    world = Restored(tmp_path / "w", "restored")
    world.prepare()
    own = world.root / "a" / "packets" / "acme" / "a"

    def dying(step: str, path: Path) -> None:
        if step == "open" and path.is_relative_to(own) and path.name == part:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    with faults(dying), suppress(SatchelError):
        world.run()
    world.again()
    world.settle()
    world.check()
    orders = world.outcome()[1]
    assert orders[0] == ["in the backup", "in the backup, too", "lost", "of b", "since the restore"]


@pytest.mark.parametrize("step", ["list", "open"])
def test_a_manifest_that_the_own_archive_cannot_read_at_a_restore_is_read_from_the_share(
    tmp_path: Path, step: str
) -> None:
    world = Restored(tmp_path / "w", "restored")
    world.prepare()
    (lost,) = (world.root / "a" / "packets" / "acme" / "a").glob("0000000002-*")
    failed = []

    def dying(now: str, path: Path) -> None:
        if now == step and path in (lost, lost / "manifest.json") and not failed:
            failed.append(path)
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    with faults(dying), suppress(SatchelError):
        world.run()
    assert failed
    world.again()
    world.settle()
    world.check()
    orders = world.outcome()[1]
    assert orders[0] == ["in the backup", "in the backup, too", "lost", "of b", "since the restore"]
