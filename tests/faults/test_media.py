"""An exchange, or the disk of a home, that fails: what is whole stays, the next run goes on."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import satchel
from satchel.cli import main
from satchel.files.faults import faults
from satchel.sync.incoming import Intake
from tests.faults.said import said
from tests.sync.sites import Place, differences, meet, packets_in

Hook = Callable[[str, Path], None]


def failing(step: str, below: Path, number: int, *, once: bool = False) -> Hook:
    """A medium that fails at every such step below a folder, or at the first."""
    done = Counter[str]()

    def hook(now: str, path: Path) -> None:
        if now == step and path.is_relative_to(below) and not (once and done[step]):
            done[step] += 1
            raise OSError(number, os.strerror(number), str(path))

    return hook


def edit(place: Place, rows: int = 5) -> None:
    values = ", ".join(f"(hex(randomblob(8)), {number})" for number in range(rows))
    place.sql(f"INSERT INTO stock VALUES {values}")


@pytest.fixture
def stick(tmp_path: Path) -> Iterator[Path]:
    """A medium of its own with 200 KB."""
    folder = tmp_path / "stick"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if made.returncode != 0:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_stick_that_is_full_takes_what_fits_and_the_rest_comes_later(
    office: Place, branch: Place, stick: Path
) -> None:
    for _ in range(3):
        edit(office, 5000)
        office.node.export()
    found = said(office, "sync", stick)
    assert found.code == 3, found
    assert any("not everything fitted" in warning and "no space is left" in warning for warning in found.warnings)
    assert packets_in(stick)
    assert not satchel.verify(stick)["problems"]
    fitted = branch.node.import_(stick).applied
    assert fitted and set(fitted) < {"office/2", "office/3", "office/4"}
    assert said(office, "sync", stick).code == 3
    subprocess.run(["mount", "-o", "remount,size=4m", str(stick)], check=True)
    assert said(office, "sync", stick).code == 0
    meet(stick, [branch, office])
    assert differences(office.dump(), branch.dump()) == {}


def test_a_stick_without_any_room_is_said_and_nothing_half_is_left(office: Place, branch: Place, stick: Path) -> None:
    office.node.export(stick)
    (stick / "films").write_bytes(b"x" * (os.statvfs(stick).f_bavail * os.statvfs(stick).f_frsize))
    edit(office)
    found = said(office, "sync", stick)
    assert found.code == 3
    assert any("no space is left" in warning for warning in found.warnings), found
    (stick / "films").unlink()
    assert said(office, "sync", stick).code == 0
    assert branch.node.sync(stick).applied == ["office/2"]


def test_a_stick_that_is_read_only_is_read_and_said(office: Place, branch: Place, stick: Path) -> None:
    edit(office)
    assert said(office, "export", stick).code == 0
    subprocess.run(["mount", "-o", "remount,ro", str(stick)], check=True)
    edit(branch)
    assert said(branch, "import", stick).code == 0
    found = said(branch, "sync", stick)
    assert (found.code, "read-only" in found.message) == (1, True), found
    assert branch.vector() == {"office": 2, "branch": 1}
    subprocess.run(["mount", "-o", "remount,rw", str(stick)], check=True)
    assert said(branch, "sync", stick).code == 0


def test_a_stick_that_is_unmounted_in_the_middle_is_unreachable(office: Place, branch: Place, stick: Path) -> None:
    edit(office)
    steps = Counter[str]()

    def pull(step: str, path: Path) -> None:
        if path.is_relative_to(stick) and step == "write":
            steps[step] += 1
            if steps[step] == 2:
                subprocess.run(["umount", "-l", str(stick)], check=True)
                subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(stick)], check=True)
                shutil.rmtree(stick, ignore_errors=True)  # the place it was mounted at stays, empty

    with faults(pull):
        found = said(office, "sync", stick)
    assert found.code in (1, 6), found
    assert said(office, "sync", stick).code == 0
    assert branch.node.sync(stick).applied == ["office/2"]


def test_a_share_that_disappears_in_the_middle_is_unreachable(office: Place, branch: Place, share: Path) -> None:
    edit(office)

    def gone(step: str, path: Path) -> None:
        if step == "fsync" and path.is_relative_to(share) and share.exists():
            share.rename(share.with_name("elsewhere"))

    with faults(gone):
        found = said(office, "sync", share)
    assert (found.code, "cannot be reached" in found.message) == (6, True), found
    share.with_name("elsewhere").rename(share)
    assert said(office, "sync", share).code == 0
    assert branch.node.sync(share).applied == ["office/2"]


def test_after_a_failed_flush_the_file_is_written_anew(office: Place, branch: Place, share: Path) -> None:
    edit(office)
    written: list[tuple[str, str]] = []

    def hook(step: str, path: Path) -> None:
        written.append((step, path.name))
        if step == "fsync" and path.suffix == ".parquet" and path.is_relative_to(share):
            raise OSError(errno.EIO, "the disk gave up")

    with faults(hook):
        found = said(office, "sync", share)
    assert (found.code, "does not read or write" in found.message) == (1, True), found
    assert packets_in(share) == {"office/1"}
    assert not list(share.rglob("0000000002-*/*"))
    written.clear()
    with faults(lambda step, path: written.append((step, path.name))):
        assert said(office, "sync", share).code == 0
    assert ("create", "stock.parquet") in written
    assert branch.node.sync(share).applied == ["office/2"]


def test_a_failed_flush_of_the_seal_leaves_the_edits_pending(office: Place, branch: Place, share: Path) -> None:
    edit(office, 1)
    with faults(failing("fsync", office.home / "packets", errno.EIO, once=True)):
        assert said(office, "sync", share).code == 1
    assert (office.vector(), office.node.status()["pending"]) == ({"office": 1}, 1)
    assert not list((office.home / "packets").rglob("0000000002-*/manifest.json"))
    assert said(office, "sync", share).code == 0
    assert branch.node.sync(share).applied == ["office/2"]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EROFS, "read-only"),
        (errno.EACCES, "access is denied"),
        (errno.ENAMETOOLONG, "too long"),
        (errno.EIO, "does not read or write"),
    ],
)
@pytest.mark.parametrize("step", ["create", "make-folder"])
def test_what_a_share_refuses_is_said_and_was_sealed(
    office: Place, branch: Place, share: Path, step: str, number: int, words: str
) -> None:
    edit(office)
    with faults(failing(step, share, number)):
        found = said(office, "sync", share)
    assert (found.code, words in found.message, str(share) in found.message) == (1, True, True), found
    assert packets_in(share) == {"office/1"}
    assert office.vector() == {"office": 2}
    assert said(office, "sync", share).code == 0
    assert branch.node.sync(share).applied == ["office/2"]


@pytest.mark.skipif(os.name == "nt", reason="names are limited otherwise")
def test_an_exchange_whose_name_is_too_long_is_said(office: Place, tmp_path: Path) -> None:
    edit(office)
    found = said(office, "export", tmp_path / ("long" * 100))
    assert (found.code, "long" in found.message) == (6, True) or "too long" in found.message, found
    assert office.vector() == {"office": 2}


def test_a_disk_that_cannot_read_a_packet_once_says_nothing_of_its_author(
    office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by failing every system call: a good packet was taken for a bad one of its author, for good."""

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    edit(office)
    office.node.sync(share)
    with monkeypatch.context() as patch:
        patch.setattr(Intake, "run", killed)
        with pytest.raises(Killed):
            branch.node.sync(share)
    below = branch.home / "packets" / "acme" / "office"
    parts = [path for path in below.rglob("*.parquet") if path.parent.name.startswith("0000000002")]
    with faults(failing("open", parts[0], errno.EIO, once=True)):
        said(branch, "sync", share)
    said(branch, "sync", share)
    status = branch.node.status()
    assert (status["vector"], status["quarantined"]) == ({"office": 2}, [])
    assert differences(office.dump(), branch.dump()) == {}


def test_a_home_without_an_archive_that_can_be_listed_is_no_bug(office: Place, branch: Place, share: Path) -> None:
    edit(office)
    with faults(failing("list", office.home / "packets" / "nodes", errno.EACCES)):
        found = said(office, "sync", share)
    assert (found.code, "access is denied" in found.message) == (1, True), found
    assert said(office, "sync", share).code == 0
    assert branch.node.sync(share).applied == ["office/2"]


@pytest.mark.parametrize(
    ("step", "number", "code"), [("write", errno.EIO, 1), ("write", errno.ENODEV, 6), ("open", errno.ENODEV, 6)]
)
def test_an_exchange_that_fails_half_way_does_not_stop_the_others(
    office: Place, branch: Place, share: Path, tmp_path: Path, step: str, number: int, code: int
) -> None:
    second = tmp_path / "second"
    second.mkdir()
    branch.sql("INSERT INTO stock VALUES ('of the branch', 1)")
    branch.node.export(share)
    branch.node.export(second)
    edit(office)
    with faults(failing(step, share, number)):
        found = said(office, "sync", share, second)
    assert (found.code, str(share) in found.message) == (code, True), found
    assert office.vector() == {"office": 2, "branch": 1}
    assert packets_in(second) >= {"office/2"}
    assert said(office, "sync", share, second).code == 0
    assert branch.node.sync(share).applied == ["office/2"]


@pytest.mark.skipif(os.name == "nt", reason="a folder in use cannot be removed there")
def test_a_folder_that_is_gone_under_ones_feet_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "stick"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.delenv("SATCHEL_HOME", raising=False)
    here.rmdir()
    ended = CliRunner().invoke(main, ["status"])
    assert (ended.exit_code, "internal error" in ended.output) == (1, False), ended.output
    assert "whether the medium is there" in ended.stderr
