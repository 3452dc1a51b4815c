"""The quarantine's own folder: its size has bounds, kills and damage leave no half of an entry."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from satchel.exchange import open_exchange
from satchel.exchange.listing import Place as Found
from satchel.files.faults import faults
from satchel.sync.quarantine import PACKET, Bad, Quarantine
from tests.exchange.contract import Killed

NOW = 1_790_000_000_000


def put(quarantine: Quarantine, root: Path, number: int, size: int = 1000) -> None:
    folder = root / f"{number:010d}-00000000"
    folder.mkdir(parents=True)
    (folder / "t.parquet").write_bytes(bytes(size))
    bad = Bad(f"office/{number}", "altered", "t.parquet")
    quarantine.put(open_exchange(root), Found(folder, folder.name), b"marker %d" % number, bad)


def test_the_files_of_the_oldest_go_first_and_their_reasons_stay(tmp_path: Path) -> None:
    for number in range(1, 6):
        quarantine = Quarantine(tmp_path / "q", NOW + number * 1000, most_bytes=4500)
        put(quarantine, tmp_path / "stick", number)
    entries = {entry.packet: entry for entry in quarantine.entries()}
    assert {packet: entry.files for packet, entry in entries.items()} == {
        "office/1": False, "office/2": False, "office/3": True, "office/4": True, "office/5": True,
    }  # fmt: skip
    assert all(entry.reason == "altered" for entry in entries.values())
    assert quarantine.warnings == ["the files of office/2 left the quarantine to make room; its reason stays"]
    held = sum(path.stat().st_size for path in (tmp_path / "q").rglob("*.parquet"))
    assert held == 3000


def test_what_is_too_large_to_keep_keeps_its_reason(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "q", NOW, most_bytes=500)
    put(quarantine, tmp_path / "stick", 1)
    assert [(entry.packet, entry.files) for entry in quarantine.entries()] == [("office/1", False)]


def test_a_flood_of_bad_packets_pushes_nothing_out_and_is_said(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "q", NOW, most_entries=3)
    for number in range(1, 7):
        put(quarantine, tmp_path / "stick", number)
    assert [entry.packet for entry in quarantine.entries()] == ["office/1", "office/2", "office/3"]
    (warning,) = quarantine.warnings
    assert "full (3 packets)" in warning


def nth(number: int) -> Callable[[str, Path], None]:
    """Kills at the given step of the file layer."""
    count = itertools.count(1)

    def hook(step: str, path: Path) -> None:
        if next(count) == number:
            raise Killed

    return hook


def test_a_kill_while_an_entry_is_made_leaves_no_half_of_one(tmp_path: Path) -> None:
    for number in itertools.count(1):
        root = tmp_path / str(number)
        quarantine = Quarantine(root / "q", NOW)
        try:
            with faults(nth(number)):
                put(quarantine, root / "stick", 1)
        except Killed:
            pass
        else:
            break
        if (root / "stick").exists():
            shutil.rmtree(root / "stick")
        again = Quarantine(root / "q", NOW)
        put(again, root / "stick", 1)
        (entry,) = again.entries()
        assert (root / "q" / entry.id / "t.parquet").stat().st_size == 1000
    assert number > 8


def test_a_kill_while_a_packet_leaves_the_archive_loses_nothing_of_it(tmp_path: Path) -> None:
    bad = Bad("office/1", "cannot be decoded", "t.parquet", "ab" * 32, PACKET)
    for number in itertools.count(1):
        root = tmp_path / str(number)
        source = root / "0000000001-00000000"
        source.mkdir(parents=True)
        (source / "manifest.json").write_bytes(b"{}")
        (source / "t.parquet").write_bytes(bytes(1000))
        quarantine = Quarantine(root / "q", NOW)
        try:
            with faults(nth(number)):
                quarantine.put_folder(source, bad)
        except Killed:
            whole_here = (source / "manifest.json").exists() and (source / "t.parquet").exists()
            again = Quarantine(root / "q", NOW)
            assert whole_here or again.entries()
            if whole_here:
                again.put_folder(source, bad)
        else:
            break
        (entry,) = Quarantine(root / "q", NOW).entries()
        assert (root / "q" / entry.id / "t.parquet").read_bytes() == bytes(1000)
        assert not (source / "manifest.json").exists()
    assert number > 8


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, json.dumps({"packet": 1}).encode()])
def test_a_damaged_reason_stops_nothing(tmp_path: Path, content: bytes) -> None:
    put(Quarantine(tmp_path / "q", NOW), tmp_path / "stick", 1)
    quarantine = Quarantine(tmp_path / "q", NOW)
    (reason,) = (tmp_path / "q").rglob("reason.json")
    reason.write_bytes(content)
    (entry,) = quarantine.entries()
    assert "damaged" in entry.reason
    quarantine.clear("office/2", "", "0000000002-00000000", "")
    quarantine.remove(entry)
    assert quarantine.entries() == []
