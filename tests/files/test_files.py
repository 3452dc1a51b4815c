"""The file layer: what it leaves behind when a step fails, and when the process dies at a step."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from satchel.errors import SatchelError
from satchel.files import (
    FileTrouble,
    copy_new,
    fsync_file,
    fsync_folder,
    make_folders,
    open_regular,
    read_back,
    read_limited,
    remove_file,
    remove_folder,
    rename_file,
    replace,
    write_new,
)
from satchel.files.faults import fault_point, faults


class Killed(BaseException):
    """The process dies here."""


def fail_at(step: str, number: int = errno.ENOSPC) -> Callable[[str, Path], None]:
    def hook(found: str, path: Path) -> None:
        if found == step:
            raise OSError(number, os.strerror(number), str(path))

    return hook


def kill_at(step: str) -> Callable[[str, Path], None]:
    def hook(found: str, path: Path) -> None:
        if found == step:
            raise Killed

    return hook


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_new_file_has_its_bytes_and_the_steps_come_in_order(tmp_path: Path) -> None:
    steps: list[str] = []
    with faults(lambda step, path: steps.append(step)):
        write_new(tmp_path / "a", b"x" * (3 << 20))
    assert (tmp_path / "a").read_bytes() == b"x" * (3 << 20)
    assert steps == ["create", "write", "write", "write", "fsync"]


def test_a_new_file_never_touches_one_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(FileTrouble) as trouble:
        write_new(tmp_path / "a", b"new")
    assert trouble.value.errno == errno.EEXIST
    assert (tmp_path / "a").read_bytes() == b"old"


def test_a_new_file_can_be_for_its_owner_only(tmp_path: Path) -> None:
    write_new(tmp_path / "key", b"secret", mode=0o600)
    assert os.name == "nt" or (tmp_path / "key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("step", ["create", "write", "fsync"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_what_fails_leaves_no_new_file_and_says_why(tmp_path: Path, step: str, number: int) -> None:
    (tmp_path / "source").write_bytes(b"x" * 100)
    for write in (
        lambda target: write_new(target, b"data"),
        lambda target: copy_new(tmp_path / "source", target),
    ):
        with faults(fail_at(step, number)), pytest.raises(SatchelError) as trouble:
            write(tmp_path / "a")
        assert isinstance(trouble.value, FileTrouble)
        assert trouble.value.errno == number
        assert trouble.value.path == tmp_path / "a"
        assert str(tmp_path / "a") in trouble.value.message
        assert trouble.value.hint
        assert isinstance(trouble.value.__cause__, OSError)
        assert names(tmp_path) == ["source"]


def test_a_failed_fsync_is_not_tried_again(tmp_path: Path) -> None:
    flushed: list[Path] = []

    def hook(step: str, path: Path) -> None:
        if step == "fsync":
            flushed.append(path)
            raise OSError(errno.EIO, "no")

    with faults(hook), pytest.raises(FileTrouble):
        write_new(tmp_path / "a", b"data")
    with faults(hook), pytest.raises(FileTrouble):
        replace(tmp_path / "a", b"data")
    assert len(flushed) == len(set(flushed)) == 2


@pytest.mark.parametrize("step", ["create", "write", "fsync", "rename"])
def test_replacing_that_fails_or_is_killed_keeps_the_old(tmp_path: Path, step: str) -> None:
    replace(tmp_path / "a", b"old")
    with faults(fail_at(step)), pytest.raises(FileTrouble):
        replace(tmp_path / "a", b"new")
    assert names(tmp_path) == ["a"]
    with faults(kill_at(step)), pytest.raises(Killed):
        replace(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    replace(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"


def test_copying_is_bounded_and_counts_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(os.urandom(2_500_000))
    assert copy_new(tmp_path / "a", tmp_path / "b") == 2_500_000
    assert (tmp_path / "b").read_bytes() == (tmp_path / "a").read_bytes()
    assert copy_new(tmp_path / "a", tmp_path / "c", limit=1_500_000) == 1_500_000
    assert (tmp_path / "c").read_bytes() == (tmp_path / "a").read_bytes()[:1_500_000]


def test_copying_what_is_not_there_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileTrouble) as trouble:
        copy_new(tmp_path / "a", tmp_path / "b")
    assert trouble.value.errno == errno.ENOENT
    assert names(tmp_path) == []


def test_reading_stops_at_the_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert read_limited(tmp_path / "a", 5) == b"12345"
    with pytest.raises(FileTrouble) as trouble:
        read_limited(tmp_path / "a", 4)
    assert trouble.value.errno == errno.EFBIG


def test_links_are_followed_only_when_asked(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.raises(FileTrouble) as trouble:
        read_limited(tmp_path / "link", 10)
    assert trouble.value.errno == errno.ELOOP
    assert read_limited(tmp_path / "link", 10, follow_links=True) == b"x"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_does_not_hold_the_reader(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileTrouble) as trouble:
        open_regular(tmp_path / "pipe")
    assert trouble.value.errno == errno.EINVAL


def test_reading_a_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(FileTrouble) as trouble:
        read_limited(tmp_path, 10)
    assert "\n" not in trouble.value.message


def test_reading_back_notices_another_content(tmp_path: Path) -> None:
    write_new(tmp_path / "a", b"data")
    read_back(tmp_path / "a", b"data")
    for other in (b"datb", b"dat", b"data1"):
        with pytest.raises(FileTrouble) as trouble:
            read_back(tmp_path / "a", other)
        assert trouble.value.errno in (errno.EIO, errno.EFBIG)


def test_folders_are_made_with_those_above_and_their_names_are_flushed(tmp_path: Path) -> None:
    steps: list[tuple[str, Path]] = []
    with faults(lambda step, path: steps.append((step, path))):
        make_folders(tmp_path / "a" / "b")
        make_folders(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    if os.name != "nt":
        assert steps == [
            ("make-folder", tmp_path / "a"),
            ("fsync-folder", tmp_path),
            ("make-folder", tmp_path / "a" / "b"),
            ("fsync-folder", tmp_path / "a"),
        ]


def test_a_folder_that_another_node_makes_meanwhile_is_fine(tmp_path: Path) -> None:
    def hook(step: str, path: Path) -> None:
        if step == "make-folder":
            path.mkdir()

    with faults(hook):
        make_folders(tmp_path / "a")
    assert (tmp_path / "a").is_dir()


def test_a_file_in_the_way_of_a_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    for path in (tmp_path / "a", tmp_path / "a" / "b"):
        with pytest.raises(FileTrouble) as trouble:
            make_folders(path)
        assert trouble.value.errno in (errno.EEXIST, errno.ENOTDIR)


@pytest.mark.skipif(os.name == "nt", reason="Windows flushes folders by itself")
def test_a_file_system_that_cannot_flush_folders_is_no_trouble_and_a_dying_one_is(tmp_path: Path) -> None:
    seen: list[str] = []

    def hook(step: str, path: Path) -> None:
        seen.append(step)
        fail_at("fsync-folder", errno.EINVAL)(step, path)

    with faults(hook):
        fsync_folder(tmp_path)
    assert seen == ["fsync-folder"]
    with faults(fail_at("fsync-folder", errno.EIO)), pytest.raises(FileTrouble) as trouble:
        fsync_folder(tmp_path)
    assert trouble.value.errno == errno.EIO


def test_a_file_written_by_another_library_can_be_flushed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    steps: list[str] = []
    with faults(lambda step, path: steps.append(step)):
        fsync_file(tmp_path / "a")
    assert steps == ["fsync"]
    with faults(fail_at("fsync", errno.EIO)), pytest.raises(FileTrouble):
        fsync_file(tmp_path / "a")


def test_renaming_takes_the_place_of_the_file_there(tmp_path: Path) -> None:
    write_new(tmp_path / "a", b"new")
    write_new(tmp_path / "b", b"old")
    rename_file(tmp_path / "a", tmp_path / "b")
    assert names(tmp_path) == ["b"]
    assert (tmp_path / "b").read_bytes() == b"new"


def test_removing_a_folder_removes_links_and_not_what_they_lead_to(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_bytes(b"x")
    make_folders(tmp_path / "gone" / "below")
    (tmp_path / "gone" / "below" / "file").write_bytes(b"x")
    (tmp_path / "gone" / "link").symlink_to(tmp_path / "kept")
    remove_folder(tmp_path / "gone")
    remove_folder(tmp_path / "gone")
    remove_file(tmp_path / "gone")
    assert names(tmp_path) == ["kept"]
    assert names(tmp_path / "kept") == ["file"]


def test_removing_that_fails_is_said(tmp_path: Path) -> None:
    write_new(tmp_path / "a", b"x")
    with faults(fail_at("remove", errno.EROFS)), pytest.raises(FileTrouble) as trouble:
        remove_file(tmp_path / "a")
    assert trouble.value.errno == errno.EROFS
    assert "read-only" in trouble.value.message


def test_the_hook_is_gone_after_the_block(tmp_path: Path) -> None:
    with faults(fail_at("create")):
        pass
    fault_point("create", tmp_path)
    write_new(tmp_path / "a", b"x")
    assert names(tmp_path) == ["a"]


def test_a_rename_is_tried_again_where_another_node_takes_the_name_just_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some clients of SMB remove the old file and then rename: two that do it at once find the name taken."""
    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "old").write_bytes(b"old")
    tries = []
    real = os.replace

    def twice_taken(source: Path, target: Path) -> None:
        tries.append(target)
        if len(tries) < 3:
            raise FileExistsError(errno.EEXIST, "it exists already", str(target))
        real(source, target)

    monkeypatch.setattr("satchel.files.write.os.replace", twice_taken)
    rename_file(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old").read_bytes() == b"new"


def test_a_rename_that_is_refused_every_time_is_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "new").write_bytes(b"new")

    def taken(source: Path, target: Path) -> None:
        raise FileExistsError(errno.EEXIST, "it exists already", str(target))

    monkeypatch.setattr("satchel.files.write.os.replace", taken)
    with pytest.raises(FileTrouble) as told:
        rename_file(tmp_path / "new", tmp_path / "old")
    assert told.value.errno == errno.EEXIST
