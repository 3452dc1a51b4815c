"""An exchange that is a folder: the contract, and what people and systems do to folders."""

from __future__ import annotations

import errno
import itertools
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from satchel.errors import ExchangeUnreachable, SatchelError
from satchel.exchange import FolderExchange, open_exchange
from satchel.exchange.listing import DEPTH
from satchel.files import FileTrouble
from satchel.files.faults import faults
from tests.exchange.contract import (
    CONTENT,
    MARKER,
    RELATIVE,
    SIZES,
    ExchangeContract,
    FaultContract,
    check_whole,
    only_place,
)

NETWORK = "8f14e45f-ceea-467f-a8d2-0b6c4f7d9f01"
OTHER = "45c48cce-2e2d-4fbd-9a1a-fc51c7c6ad26"


@pytest.fixture
def make_exchange(tmp_path: Path) -> Callable[[str], FolderExchange]:
    def make(name: str) -> FolderExchange:
        (tmp_path / name).mkdir()
        return open_exchange(tmp_path / name, NETWORK, create=True)

    return make


@pytest.fixture
def exchange(make_exchange: Callable[[str], FolderExchange]) -> FolderExchange:
    return make_exchange("share")


class TestFolderExchange(ExchangeContract, FaultContract):
    """The folder keeps the contract."""


def tree_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


# -- opening


def test_the_first_who_writes_labels_the_folder(tmp_path: Path) -> None:
    assert open_exchange(tmp_path).network_id is None
    assert tree_of(tmp_path) == set()
    assert open_exchange(tmp_path, NETWORK, create=True).network_id == NETWORK
    assert json.loads((tmp_path / "satchel.json").read_bytes()) == {"format": 1, "network": NETWORK}
    assert open_exchange(tmp_path).network_id == NETWORK
    assert tree_of(tmp_path) == {"satchel.json"}


def test_a_folder_of_another_network_is_refused_and_untouched(tmp_path: Path) -> None:
    open_exchange(tmp_path, OTHER, create=True)
    before = (tmp_path / "satchel.json").read_bytes()
    for create in (True, False):
        with pytest.raises(SatchelError) as trouble:
            open_exchange(tmp_path, NETWORK, create=create)
        assert "another network" in trouble.value.message
        assert trouble.value.hint
    assert tree_of(tmp_path) == {"satchel.json"}
    assert (tmp_path / "satchel.json").read_bytes() == before


def test_another_network_that_labels_it_at_the_same_time_is_noticed(tmp_path: Path) -> None:
    def hook(step: str, path: Path) -> None:
        if step == "fsync-folder":
            (tmp_path / "satchel.json").write_text(json.dumps({"network": OTHER, "format": 1}))

    with faults(hook), pytest.raises(SatchelError) as trouble:
        open_exchange(tmp_path, NETWORK, create=True)
    assert "another network" in trouble.value.message


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "damaged"),
        (b"[]", "damaged"),
        (b"{}", "damaged"),
        (b'{"network": 1, "format": 1}', "damaged"),
        (b"\xff\xfe", "damaged"),
        (b'{"network": "x", "format": 2}', "format 2"),
        (b" " * 100_000, "more than"),
    ],
)
def test_a_label_that_says_nothing_is_refused(tmp_path: Path, content: bytes, word: str) -> None:
    (tmp_path / "satchel.json").write_bytes(content)
    with pytest.raises(SatchelError) as trouble:
        open_exchange(tmp_path, NETWORK, create=True)
    assert word in trouble.value.message
    assert trouble.value.hint
    assert (tmp_path / "satchel.json").read_bytes() == content


def test_unknown_fields_of_the_label_are_kept(tmp_path: Path) -> None:
    (tmp_path / "satchel.json").write_text(json.dumps({"network": NETWORK, "format": 1, "later": True}))
    open_exchange(tmp_path, NETWORK, create=True)
    assert json.loads((tmp_path / "satchel.json").read_bytes())["later"] is True


def test_a_folder_that_is_not_there_is_unreachable_and_is_not_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "stick", tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ExchangeUnreachable) as trouble:
            open_exchange(path, NETWORK, create=True)
        assert trouble.value.exit_code == 6
        assert trouble.value.hint
    assert tree_of(tmp_path) == {"file"}


def test_a_stick_that_is_pulled_out_is_unreachable(
    exchange: FolderExchange, parts: Mapping[str, Path], tmp_path: Path
) -> None:
    exchange.publish_packet(RELATIVE, parts, MARKER)
    place = only_place(exchange)
    shutil.rmtree(exchange.path)
    for work in (
        exchange.listing,
        lambda: exchange.publish_packet(RELATIVE, parts, MARKER),
        lambda: exchange.put_side_file("acks/site-a.json", b"x"),
        lambda: exchange.read_marker(place, 1000),
    ):
        with pytest.raises(ExchangeUnreachable):
            work()
        assert not exchange.path.exists()


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EHOSTDOWN, errno.ETIMEDOUT])
def test_a_share_that_drops_out_is_unreachable(
    exchange: FolderExchange, parts: Mapping[str, Path], number: int
) -> None:
    def hook(step: str, path: Path) -> None:
        if path.is_relative_to(exchange.path):
            raise OSError(number, os.strerror(number))

    with faults(hook), pytest.raises(ExchangeUnreachable):
        exchange.publish_packet(RELATIVE, parts, MARKER)
    with faults(hook), pytest.raises(ExchangeUnreachable):
        exchange.listing()


def test_trouble_with_the_own_archive_is_not_taken_for_the_exchange(
    exchange: FolderExchange, parts: Mapping[str, Path]
) -> None:
    parts["stock.parquet"].unlink()
    with pytest.raises(FileTrouble) as trouble:
        exchange.publish_packet(RELATIVE, parts, MARKER)
    assert trouble.value.path == parts["stock.parquet"]
    assert exchange.listing().packets == exchange.listing().incomplete == []


# -- what is found


def test_packets_are_found_wherever_people_copied_them(
    exchange: FolderExchange, parts: Mapping[str, Path], tmp_path: Path
) -> None:
    exchange.publish_packet(RELATIVE, parts, MARKER)
    whole = only_place(exchange).path
    other = tmp_path / "stick"
    for target in ("flat", "from Anna/packets/acme/site-a/0000000012-5f0c9a17", "copy (1)", "a/b/c/d"):
        shutil.copytree(whole, other / target)
    shutil.copytree(exchange.path / "packets", other / "old" / "packets")
    shutil.copytree(whole, other / "flat" / "dropped on the other by mistake")
    found = open_exchange(other).listing()
    assert len(found.packets) == 6
    assert all(open_exchange(other).read_marker(place, 1000) == MARKER for place in found.packets)


def test_a_packet_folder_named_itself_is_one(exchange: FolderExchange, parts: Mapping[str, Path]) -> None:
    exchange.publish_packet(RELATIVE, parts, MARKER)
    path = only_place(exchange).path
    assert [place.path for place in open_exchange(path).listing().packets] == [path]


def test_the_walk_ends_at_a_depth(tmp_path: Path) -> None:
    for depth in (DEPTH, DEPTH + 1):
        folder = tmp_path.joinpath(f"deep-{depth}", *["d"] * (depth - 1))
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_bytes(MARKER)
    assert [place.path.relative_to(tmp_path).parts[0] for place in open_exchange(tmp_path).listing().packets] == [
        f"deep-{DEPTH}"
    ]


def test_links_are_not_followed_and_loops_end(
    exchange: FolderExchange, parts: Mapping[str, Path], tmp_path: Path
) -> None:
    exchange.publish_packet(RELATIVE, parts, MARKER)
    outside = tmp_path / "outside"
    shutil.copytree(only_place(exchange).path, outside / "packet")
    (exchange.path / "out").symlink_to(outside)
    (exchange.path / "loop").symlink_to(exchange.path)
    (exchange.path / "packets" / "loop").symlink_to("..")
    (exchange.path / "dangling").symlink_to("nowhere")
    linked = exchange.path / "linked"
    linked.mkdir()
    (linked / "manifest.json").symlink_to(outside / "packet" / "manifest.json")
    (linked / "acks").mkdir()
    (linked / "acks" / "site-a.json").symlink_to(outside / "packet" / "manifest.json")
    listing = exchange.listing()
    assert [place.path.parent.name for place in listing.packets] == ["site-a"]
    assert listing.incomplete == listing.acks == []


def test_an_exchange_may_itself_be_named_by_a_link(
    exchange: FolderExchange, parts: Mapping[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(exchange.path)
    linked = open_exchange(tmp_path / "link", NETWORK)
    linked.publish_packet(RELATIVE, parts, MARKER)
    check_whole(exchange, tmp_path / "staging")


def test_nothing_is_dropped_through_a_link(exchange: FolderExchange, parts: Mapping[str, Path], tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (exchange.path / "acks").symlink_to(outside)
    (exchange.path / "packets" / "acme").mkdir(parents=True)
    (exchange.path / "packets" / "acme" / "site-a").symlink_to(outside)
    with pytest.raises(FileTrouble) as trouble:
        exchange.publish_packet(RELATIVE, parts, MARKER)
    assert trouble.value.errno == errno.ELOOP
    with pytest.raises(FileTrouble):
        exchange.put_side_file("acks/site-a.json", b"x")
    assert tree_of(outside) == set()


def test_what_is_not_ours_is_ignored(exchange: FolderExchange, parts: Mapping[str, Path]) -> None:
    exchange.publish_packet(RELATIVE, parts, MARKER)
    place = only_place(exchange).path
    for folder in (
        "System Volume Information",
        ".Trashes",
        ".fseventsd",
        ".Spotlight-V100",
        "$RECYCLE.BIN",
        "@eaDir",
        ".stversions",
    ):
        shutil.copytree(place, exchange.path / folder / "packet")
    for folder in (exchange.path, place, exchange.path / "empty", exchange.path / "acks", exchange.path / "nodes"):
        folder.mkdir(exist_ok=True)
        for name in (
            ".DS_Store",
            "Thumbs.db",
            "desktop.ini",
            "._manifest.json",
            "._a.parquet",
            "manifest (1).json",
            "manifest (conflicted copy 2024-05-01).json",
            "manifest.sync-conflict-20240501-120000-ABCDEFG.json",
            "a (1).parquet",
            "notes.txt",
        ):
            (folder / name).write_bytes(b"x")
    listing = exchange.listing()
    assert [found.path for found in listing.packets] == [place]
    assert listing.incomplete == listing.acks == listing.nodes == []
    assert exchange.has_packet(RELATIVE, MARKER, SIZES)


def test_side_files_are_found_wherever_people_copied_them(tmp_path: Path) -> None:
    for name in ("acks/site-a.json", "from Anna/acks/site-b.json", "x/packets/nodes/site-a.json", "Acks2/no.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    listing = open_exchange(tmp_path).listing()
    assert [str(path.relative_to(tmp_path)) for path in listing.acks] == [
        str(Path("acks/site-a.json")),
        str(Path("from Anna/acks/site-b.json")),
    ]
    assert [path.name for path in listing.nodes] == ["site-a.json"]


def test_names_in_another_case_are_the_same_names(tmp_path: Path, parts: Mapping[str, Path]) -> None:
    folder = tmp_path / "STICK" / "PACKETS" / "ACME" / "SITE-A" / "0000000012-5F0C9A17"
    folder.mkdir(parents=True)
    for name, data in CONTENT.items():
        (folder / name.upper()).write_bytes(data)
    (folder / "MANIFEST.JSON").write_bytes(MARKER)
    (tmp_path / "STICK" / "ACKS").mkdir()
    (tmp_path / "STICK" / "ACKS" / "SITE-A.JSON").write_bytes(b"ack")
    exchange = open_exchange(tmp_path / "STICK")
    place = only_place(exchange)
    assert exchange.read_marker(place, 1000) == MARKER
    assert exchange.part_sizes(place) == SIZES
    assert exchange.collect_packet(place, tmp_path / "staging", SIZES) == ()
    assert {name: (tmp_path / "staging" / name).read_bytes() for name in CONTENT} == CONTENT
    assert len(exchange.listing().acks) == 1


def test_of_two_names_that_differ_in_case_the_lower_one_counts(
    exchange: FolderExchange, parts: Mapping[str, Path], tmp_path: Path
) -> None:
    exchange.publish_packet(RELATIVE, parts, MARKER)
    place = only_place(exchange)
    (place.path / "STOCK.PARQUET").write_bytes(b"other")
    if len(list(place.path.iterdir())) == len(CONTENT) + 1:
        pytest.skip("this file system does not tell case apart")
    check_whole(exchange, tmp_path / "staging")


def test_a_folder_below_that_cannot_be_listed_is_named_and_hides_nothing_else(
    exchange: FolderExchange, parts: Mapping[str, Path]
) -> None:
    exchange.publish_packet(RELATIVE, parts, MARKER)
    (exchange.path / "closed").mkdir()

    def hook(step: str, path: Path) -> None:
        if step == "list" and path.name == "closed":
            raise OSError(errno.EACCES, "no")

    with faults(hook):
        listing = exchange.listing()
    assert len(listing.packets) == 1
    assert [trouble.path for trouble in listing.unreadable] == [exchange.path / "closed"]


def test_listing_opens_no_file(exchange: FolderExchange, parts: Mapping[str, Path]) -> None:
    exchange.publish_packet(RELATIVE, parts, MARKER)
    steps: list[str] = []
    with faults(lambda step, path: steps.append(step)):
        assert len(exchange.listing().packets) == 1
    assert set(steps) == {"list"}


# -- arriving in any order


def test_parts_and_marker_may_arrive_in_any_order(tmp_path: Path) -> None:
    files = CONTENT | {"manifest.json": MARKER}
    for number, order in enumerate(itertools.permutations(files)):
        root, staging = tmp_path / str(number), tmp_path / f"staging-{number}"
        folder = root / "packet"
        folder.mkdir(parents=True)
        exchange = open_exchange(root)
        for arrived, name in enumerate(order, 1):
            (folder / name).write_bytes(files[name])
            listing = exchange.listing()
            assert len(listing.packets) + len(listing.incomplete) == 1
            assert bool(listing.packets) == ("manifest.json" in order[:arrived])
            place = [*listing.packets, *listing.incomplete][0]
            missing = exchange.collect_packet(place, staging, SIZES)
            assert set(missing) == set(CONTENT) - set(order[:arrived])
        assert {name: (staging / name).read_bytes() for name in CONTENT} == CONTENT


def test_a_part_that_is_still_growing_is_missing(
    exchange: FolderExchange, parts: Mapping[str, Path], tmp_path: Path
) -> None:
    exchange.publish_packet(RELATIVE, parts, MARKER)
    place = only_place(exchange)
    os.truncate(place.path / "stock.parquet", 4999)
    assert exchange.collect_packet(place, tmp_path / "staging", SIZES) == ("stock.parquet",)
    assert not exchange.has_packet(RELATIVE, MARKER, SIZES)


def test_a_part_that_becomes_short_while_it_is_copied_is_missing(
    exchange: FolderExchange, parts: Mapping[str, Path], tmp_path: Path
) -> None:
    exchange.publish_packet(RELATIVE, parts, MARKER)
    place = only_place(exchange)

    def hook(step: str, path: Path) -> None:
        if step == "create" and path.name == "stock.parquet":
            os.truncate(place.path / "stock.parquet", 10)

    with faults(hook):
        assert exchange.collect_packet(place, tmp_path / "staging", SIZES) == ("stock.parquet",)
    assert not (tmp_path / "staging" / "stock.parquet").exists()


def test_collecting_over_an_earlier_attempt_takes_the_new_bytes(
    exchange: FolderExchange, parts: Mapping[str, Path], tmp_path: Path
) -> None:
    exchange.publish_packet(RELATIVE, parts, MARKER)
    (tmp_path / "staging").mkdir()
    (tmp_path / "staging" / "stock.parquet").write_bytes(b"of a killed attempt")
    check_whole(exchange, tmp_path / "staging")


# -- repairing


@pytest.mark.parametrize(
    "damage", ["short part", "missing part", "other marker", "empty marker", "long part", "linked marker"]
)
def test_dropping_again_repairs_what_was_damaged(
    exchange: FolderExchange, parts: Mapping[str, Path], tmp_path: Path, damage: str
) -> None:
    exchange.publish_packet(RELATIVE, parts, MARKER)
    folder = only_place(exchange).path
    if damage == "short part":
        os.truncate(folder / "stock.parquet", 1)
    elif damage == "missing part":
        (folder / "stock.parquet").unlink()
    elif damage == "long part":
        (folder / "stock.parquet").write_bytes(b"x" * 6000)
    elif damage == "linked marker":
        (folder / "manifest.json").rename(tmp_path / "elsewhere")
        (folder / "manifest.json").symlink_to(tmp_path / "elsewhere")
    else:
        (folder / "manifest.json").write_bytes(b"" if damage == "empty marker" else MARKER.upper())
    assert not exchange.has_packet(RELATIVE, MARKER, SIZES)
    exchange.publish_packet(RELATIVE, parts, MARKER)
    check_whole(exchange, tmp_path / "staging")


def test_while_a_damaged_packet_is_repaired_it_is_invisible(
    exchange: FolderExchange, parts: Mapping[str, Path]
) -> None:
    exchange.publish_packet(RELATIVE, parts, MARKER)
    folder = only_place(exchange).path
    os.truncate(folder / "stock.parquet", 1)
    seen: list[bool] = []

    def hook(step: str, path: Path) -> None:
        if step in ("create", "write", "rename"):
            seen.append((folder / "manifest.json").exists())

    with faults(hook):
        exchange.publish_packet(RELATIVE, parts, MARKER)
    assert seen
    assert not any(seen)


def test_a_folder_is_never_renamed(exchange: FolderExchange, parts: Mapping[str, Path]) -> None:
    renamed: list[Path] = []
    with faults(lambda step, path: renamed.append(path) if step == "rename" else None):
        exchange.publish_packet(RELATIVE, parts, MARKER)
    assert [path.name for path in renamed] == ["manifest.json"]
    assert renamed[0].is_file()


def test_the_steps_of_a_drop_come_in_the_order_of_the_protocol(
    exchange: FolderExchange, parts: Mapping[str, Path]
) -> None:
    steps: list[tuple[str, str]] = []
    with faults(lambda step, path: steps.append((step, path.name))):
        exchange.publish_packet(RELATIVE, {"stock.parquet": parts["stock.parquet"]}, MARKER)
    folder = "0000000012-5f0c9a17"
    assert [entry for entry in steps if entry[0] not in ("open", "stat", "list", "write")][6:] == [
        ("make-folder", folder),
        ("fsync-folder", "site-a"),
        ("create", "stock.parquet"),
        ("fsync", "stock.parquet"),
        ("create", "manifest.json.tmp"),
        ("fsync", "manifest.json.tmp"),
        ("rename", "manifest.json"),
        ("fsync", "manifest.json"),
        ("fsync-folder", folder),
        ("fsync-folder", "site-a"),
    ]
    assert steps[-3:-1] == [("open", "manifest.json"), ("stat", "stock.parquet")]
