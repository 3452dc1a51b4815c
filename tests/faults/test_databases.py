"""The database itself has no room, cannot be written, is held by the application; two satchels in one home."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import satchel.stores.sqlite.connection as connections
from tests.faults.said import said
from tests.sync.sites import Place, differences, meet, opened

HOLD = """
import sys
from pathlib import Path
from satchel.sync.lock import HomeLock
with HomeLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
WIDE = "INSERT INTO stock SELECT hex(randomblob(400)), value FROM json_each('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]')"


def impatient(place: Place) -> None:
    """Waits for the application a twentieth of a second."""
    settings = place.home / "satchel.toml"
    settings.write_text(settings.read_text().replace("lock_timeout = 10", "lock_timeout = 0.05"))


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Databases opened by satchel may grow by so many pages."""
    room = [0]
    plain = connections._open

    def small(path: Path, mode: str, timeout: float) -> sqlite3.Connection:
        connection = plain(path, mode, timeout)
        if mode == "mode=rw":
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages + room[0]}")
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(connections, "_open", small)
        yield room


@pytest.mark.parametrize("room", [0, 1, 3, 6, 12])
def test_a_database_without_room_is_said_and_nothing_is_half_applied(
    office: Place, branch: Place, share: Path, full: list[int], monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    full[0] = 100_000
    for _ in range(3):
        office.sql(WIDE)
    office.sql("UPDATE customers SET town = 'Kiel'")
    office.node.sync(share)
    branch.sql("UPDATE customers SET name = 'pending'")
    before, full[0] = branch.dump(), room
    found = said(branch, "sync", share)
    assert (found.code, f"the disk that holds {branch.db} is full" in found.message) == (1, True), found
    with opened(branch.db) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert branch.vector().get("office") == 1
    assert branch.node.status()["quarantined"] == []
    assert differences(before, branch.dump()) == {}
    full[0] = 100_000
    assert said(branch, "sync", share).code == 0
    meet(share, [office, branch])
    assert differences(office.dump(), branch.dump()) == {}


def test_a_seal_without_room_loses_no_edit(office: Place, branch: Place, share: Path, full: list[int]) -> None:
    full[0] = 0
    with opened(office.db) as db:
        db.execute("VACUUM")
    for _ in range(3):
        office.sql(WIDE)
    found = said(office, "sync", share)
    assert found.code in (0, 1), found
    full[0] = 100_000
    assert said(office, "sync", share).code == 0
    meet(share, [office, branch])
    assert differences(office.dump(), branch.dump()) == {}


def test_a_disk_that_is_full_under_home_and_database_is_said(office: Place, branch: Place, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], check=False)
    if made.returncode != 0:
        pytest.skip("this user may not mount a file system")
    try:
        shutil.copytree(branch.home, disk / "branch-home")
        shutil.copyfile(branch.db, disk / "branch.db")
        settings = disk / "branch-home" / "satchel.toml"
        settings.write_text(settings.read_text().replace(str(branch.root), str(disk)))
        moved = Place("branch", disk, disk / "branch.db")
        for _ in range(4):
            office.sql(WIDE)
        office.node.sync(office.root / "share")
        for left in (0, 8, 40, 100):
            free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
            (disk / "films").write_bytes(b"x" * max(0, free - left * 1024))
            found = said(moved, "sync", office.root / "share")
            assert (found.code, "full" in found.message or "no space" in found.message) == (1, True), (left, found)
            with opened(moved.db) as db:
                assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            (disk / "films").unlink()
        meet(office.root / "share", [moved, office])
        assert differences(office.dump(), moved.dump()) == {}
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_database_that_became_read_only_is_said(office: Place, tmp_path: Path) -> None:
    """Root may write whatever the modes say, so the file system itself is made read-only."""
    office.sql("UPDATE stock SET pieces = 9")
    disk = office.db.parent / "bound"
    disk.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], check=False)
    if made.returncode != 0:
        pytest.skip("this user may not mount a file system")
    try:
        shutil.copyfile(office.db, disk / "office.db")
        settings = office.home / "satchel.toml"
        settings.write_text(settings.read_text().replace(str(office.db), str(disk / "office.db")))
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        found = said(office, "sync", tmp_path)
        assert (found.code, "cannot be written" in found.message) == (1, True), found
        assert said(office, "status").code == 0
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.parametrize("lock", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
@pytest.mark.parametrize("command", ["export", "sync", "import"])
def test_an_application_that_holds_the_database_is_waited_for_and_named(
    office: Place, branch: Place, share: Path, command: str, lock: str
) -> None:
    impatient(branch)
    office.sql("UPDATE stock SET pieces = 9")
    office.node.sync(share)
    branch.sql("UPDATE customers SET town = 'Kiel'")
    with closing(sqlite3.connect(branch.db, isolation_level=None)) as application:
        application.execute(lock)
        found = said(branch, command, share)
        assert (found.code, "locked by another program" in found.message) == (1, True), found
        application.execute("ROLLBACK")
    assert said(branch, command, share).code == 0
    meet(share, [branch, office])
    assert differences(office.dump(), branch.dump()) == {}


def test_an_application_that_reads_for_long_holds_up_a_commit_and_loses_nothing(
    office: Place, branch: Place, share: Path
) -> None:
    """A commit that fails leaves the transaction open; it must not stay so."""
    impatient(branch)
    office.sql("UPDATE stock SET pieces = 9")
    office.node.sync(share)
    with closing(sqlite3.connect(branch.db, isolation_level=None)) as application:
        application.execute("BEGIN")
        application.execute("SELECT * FROM stock").fetchall()
        found = said(branch, "sync", share)
        assert (found.code, "locked by another program" in found.message) == (1, True), found
        application.execute("COMMIT")
    assert said(branch, "sync", share).code == 0
    assert branch.rows("SELECT pieces FROM stock") == [(9,)]


def test_a_lock_is_gone_with_the_process_that_was_killed(office: Place, branch: Place, share: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(office.home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdin is not None and other.stdout is not None
    with other.stdin, other.stdout:
        assert other.stdout.readline() == "held\n"
        assert said(office, "sync", share).code == 11
        other.kill()
        other.wait()
    assert said(office, "sync", share).code == 0


def test_an_application_that_lets_go_in_time_is_waited_for(office: Place, branch: Place, share: Path) -> None:
    office.sql("UPDATE stock SET pieces = 9")
    with closing(sqlite3.connect(office.db, isolation_level=None, check_same_thread=False)) as application:
        application.execute("BEGIN IMMEDIATE")
        later = threading.Timer(0.3, application.execute, ["COMMIT"])
        later.start()
        assert said(office, "sync", share).code == 0
        later.join()
