"""The archive of a home: the contract of an exchange, and the two halves of a seal."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from satchel.errors import BadPacket, SatchelError
from satchel.exchange import Archive
from satchel.files import FileTrouble
from satchel.files.faults import faults
from tests.exchange.contract import (
    CONTENT,
    MARKER,
    RELATIVE,
    SIZES,
    ExchangeContract,
    FaultContract,
    Killed,
    check_whole,
    is_visible,
    nth,
    steps_of,
)


@pytest.fixture
def make_exchange(tmp_path: Path) -> Callable[[str], Archive]:
    def make(name: str) -> Archive:
        (tmp_path / name).mkdir()
        return Archive(tmp_path / name, "acme")

    return make


@pytest.fixture
def exchange(make_exchange: Callable[[str], Archive]) -> Archive:
    return make_exchange("packets")


class TestArchive(ExchangeContract, FaultContract):
    """The archive keeps the contract of an exchange."""


def seal(archive: Archive) -> None:
    folder = archive.open_packet(RELATIVE)
    for name, data in CONTENT.items():
        (folder / name).write_bytes(data)
    archive.flush_parts(RELATIVE, CONTENT)
    archive.put_marker(RELATIVE, MARKER, SIZES)


def test_a_sealed_packet_lies_where_the_protocol_says(exchange: Archive, tmp_path: Path) -> None:
    assert exchange.relative("site-a", 12, "5f0c9a17") == RELATIVE
    seal(exchange)
    assert (tmp_path / "packets" / "acme" / "site-a" / "0000000012-5f0c9a17" / "manifest.json").read_bytes() == MARKER
    check_whole(exchange, tmp_path / "staging")


def test_acknowledgements_lie_inside_of_the_archive(exchange: Archive, tmp_path: Path) -> None:
    exchange.put_side_file("acks/site-a.json", b"x")
    assert (tmp_path / "packets" / "acks" / "site-a.json").read_bytes() == b"x"


def test_parts_without_marker_are_invisible_and_are_thrown_away_by_the_next_seal(exchange: Archive) -> None:
    folder = exchange.open_packet(RELATIVE)
    (folder / "left.parquet").write_bytes(b"x")
    assert not is_visible(exchange)
    assert [place.name for place in exchange.listing().incomplete] == [folder.name]
    assert list(exchange.open_packet(RELATIVE).iterdir()) == []


def test_a_packet_that_is_there_is_not_sealed_over(exchange: Archive) -> None:
    seal(exchange)
    with pytest.raises(SatchelError):
        exchange.open_packet(RELATIVE)
    assert exchange.has_packet(RELATIVE, MARKER, SIZES)


def test_a_marker_is_not_put_over_parts_that_are_not_as_written(exchange: Archive) -> None:
    folder = exchange.open_packet(RELATIVE)
    for name, data in CONTENT.items():
        (folder / name).write_bytes(data)
    (folder / "stock.parquet").write_bytes(b"short")
    with pytest.raises(FileTrouble) as trouble:
        exchange.put_marker(RELATIVE, MARKER, SIZES)
    assert trouble.value.errno == errno.EIO
    assert trouble.value.path.name == "stock.parquet"
    assert not is_visible(exchange)


def test_putting_the_marker_may_be_killed_at_any_step_and_is_finished_later(
    make_exchange: Callable[[str], Archive], tmp_path: Path
) -> None:
    def prepared(name: str) -> Archive:
        archive = make_exchange(name)
        folder = archive.open_packet(RELATIVE)
        for part, data in CONTENT.items():
            (folder / part).write_bytes(data)
        archive.flush_parts(RELATIVE, CONTENT)
        return archive

    steps = steps_of(lambda: prepared("probe").put_marker(RELATIVE, MARKER, SIZES))
    probe = prepared("count")
    count = len(steps_of(lambda: probe.put_marker(RELATIVE, MARKER, SIZES)))
    assert 8 < count < len(steps)
    for number in range(count):
        archive = prepared(f"kill-{number}")
        with faults(nth(number, Killed())), pytest.raises(Killed):
            archive.put_marker(RELATIVE, MARKER, SIZES)
        assert is_visible(archive) == archive.has_packet(RELATIVE, MARKER, SIZES)
        archive.put_marker(RELATIVE, MARKER, SIZES)
        check_whole(archive, tmp_path / f"staging-{number}")
        archive.put_marker(RELATIVE, MARKER, SIZES)


def test_a_marker_whose_flush_failed_is_taken_back(exchange: Archive) -> None:
    folder = exchange.open_packet(RELATIVE)

    def hook(step: str, path: Path) -> None:
        if step == "fsync" and path.name == "manifest.json":
            raise OSError(errno.EIO, "no")

    with faults(hook), pytest.raises(FileTrouble):
        exchange.put_marker(RELATIVE, MARKER, {})
    assert list(folder.iterdir()) == []


def test_a_part_whose_flush_failed_is_said(exchange: Archive) -> None:
    (exchange.open_packet(RELATIVE) / "a.parquet").write_bytes(b"x")
    with faults(nth(0, OSError(errno.EIO, "no"))), pytest.raises(FileTrouble):
        exchange.flush_parts(RELATIVE, ["a.parquet"])
    with pytest.raises(BadPacket):
        exchange.flush_parts(RELATIVE, ["../a.parquet"])


def test_a_collected_packet_goes_from_staging_into_the_archive(
    exchange: Archive, parts: Mapping[str, Path], tmp_path: Path
) -> None:
    exchange.publish_packet(RELATIVE, parts, MARKER)
    check_whole(exchange, tmp_path / "staging")


@pytest.mark.parametrize("network", ["acks", "nodes", "..", "", "A", "a/b"])
def test_a_network_that_cannot_be_a_folder_is_refused(tmp_path: Path, network: str) -> None:
    with pytest.raises(BadPacket):
        Archive(tmp_path, network).relative("site-a", 1, "00000000")
