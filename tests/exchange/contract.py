"""What every kind of exchange must do. A new kind's test file subclasses `ExchangeContract` and gives the fixture
`exchange`; one that lives in the local file system also subclasses `FaultContract` (killed and failing drops)."""

from __future__ import annotations

import errno
import itertools
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from satchel.errors import BadPacket, SatchelError
from satchel.exchange.base import Exchange
from satchel.exchange.listing import Place
from satchel.exchange.names import packet_path
from satchel.files import FileTrouble
from satchel.files.faults import faults

RELATIVE = packet_path("acme", "site-a", 12, "5f0c9a17")
MARKER = b'{"signed": "manifest"}\n'
CONTENT = {"customers.parquet": b"c" * 3000, "quotes.parquet": b"", "stock.parquet": os.urandom(5000)}
SIZES = {name: len(data) for name, data in CONTENT.items()}


class Killed(BaseException):
    """The process dies here."""


def only_place(exchange: Exchange) -> Place:
    listing = exchange.listing()
    assert len(listing.packets) == 1
    return listing.packets[0]


def check_whole(exchange: Exchange, target: Path) -> None:
    """The packet is there, and comes out as it went in."""
    assert exchange.has_packet(RELATIVE, MARKER, SIZES)
    place = only_place(exchange)
    assert exchange.read_marker(place, 1000) == MARKER
    assert exchange.collect_packet(place, target, SIZES) == ()
    assert {name: (target / name).read_bytes() for name in CONTENT} == CONTENT


class ExchangeContract:
    """The behaviour of `Exchange`."""

    def test_an_empty_exchange_lists_nothing(self, exchange: Exchange) -> None:
        listing = exchange.listing()
        assert (listing.packets, listing.incomplete, listing.nodes, listing.acks) == ([], [], [], [])

    def test_a_dropped_packet_is_found_and_collected(
        self, exchange: Exchange, parts: Mapping[str, Path], tmp_path: Path
    ) -> None:
        assert not exchange.has_packet(RELATIVE, MARKER, SIZES)
        exchange.publish_packet(RELATIVE, parts, MARKER)
        check_whole(exchange, tmp_path / "staging")
        place = only_place(exchange)
        assert (place.origin, place.name) == ("site-a", "0000000012-5f0c9a17")
        assert exchange.part_sizes(place) == SIZES

    def test_dropping_again_writes_nothing(self, exchange: Exchange, parts: Mapping[str, Path]) -> None:
        exchange.publish_packet(RELATIVE, parts, MARKER)
        steps: list[str] = []
        with faults(lambda step, path: steps.append(step)):
            exchange.publish_packet(RELATIVE, parts, MARKER)
        assert not {"create", "write", "rename", "remove"} & set(steps)

    def test_another_marker_or_size_is_not_that_packet(self, exchange: Exchange, parts: Mapping[str, Path]) -> None:
        exchange.publish_packet(RELATIVE, parts, MARKER)
        assert not exchange.has_packet(RELATIVE, MARKER[:-1], SIZES)
        assert not exchange.has_packet(RELATIVE, MARKER + b" ", SIZES)
        assert not exchange.has_packet(RELATIVE, MARKER, SIZES | {"stock.parquet": 4999})
        assert not exchange.has_packet(RELATIVE, MARKER, SIZES | {"more.parquet": 0})

    def test_a_packet_without_parts_is_one(self, exchange: Exchange) -> None:
        exchange.publish_packet(RELATIVE, {}, MARKER)
        assert exchange.has_packet(RELATIVE, MARKER, {})

    def test_several_origins_and_forks_lie_side_by_side(self, exchange: Exchange, parts: Mapping[str, Path]) -> None:
        paths = {
            packet_path("acme", origin, seq, suffix)
            for origin, seq, suffix in [
                ("site-a", 1, "00000000"),
                ("site-a", 1, "00000001"),
                ("site-a.x7k2", 1, "00000000"),
                ("site-b~0a1b2c3d", 99_999_999_999, "00000000"),
            ]
        }
        for path in paths:
            exchange.publish_packet(path, parts, MARKER)
        assert {f"acme/{place.origin}/{place.name}" for place in exchange.listing().packets} == paths

    def test_a_removed_packet_is_gone_and_the_rest_is_not(
        self, exchange: Exchange, parts: Mapping[str, Path], tmp_path: Path
    ) -> None:
        other = packet_path("acme", "site-a", 13, "5f0c9a17")
        exchange.publish_packet(RELATIVE, parts, MARKER)
        exchange.publish_packet(other, parts, MARKER)
        exchange.remove_packet(other)
        exchange.remove_packet(other)
        check_whole(exchange, tmp_path / "staging")

    def test_collecting_tells_missing_and_short_parts_and_copies_nothing(
        self, exchange: Exchange, parts: Mapping[str, Path], tmp_path: Path
    ) -> None:
        exchange.publish_packet(RELATIVE, parts, MARKER)
        wanted = SIZES | {"customers.parquet": 3001, "more.parquet": 1}
        target = tmp_path / "staging"
        assert set(exchange.collect_packet(only_place(exchange), target, wanted)) == {
            "customers.parquet",
            "more.parquet",
        }
        assert not target.exists()

    def test_a_part_longer_than_announced_is_bad(
        self, exchange: Exchange, parts: Mapping[str, Path], tmp_path: Path
    ) -> None:
        exchange.publish_packet(RELATIVE, parts, MARKER)
        with pytest.raises(BadPacket) as bad:
            exchange.collect_packet(only_place(exchange), tmp_path / "staging", SIZES | {"customers.parquet": 2999})
        assert bad.value.file == "customers.parquet"

    def test_a_marker_beyond_the_limit_is_bad(self, exchange: Exchange, parts: Mapping[str, Path]) -> None:
        exchange.publish_packet(RELATIVE, parts, MARKER)
        with pytest.raises(BadPacket):
            exchange.read_marker(only_place(exchange), len(MARKER) - 1)

    def test_what_vanished_since_it_was_listed_is_missing(
        self, exchange: Exchange, parts: Mapping[str, Path], tmp_path: Path
    ) -> None:
        exchange.publish_packet(RELATIVE, parts, MARKER)
        place = only_place(exchange)
        exchange.remove_packet(RELATIVE)
        assert exchange.read_marker(place, 1000) is None
        assert exchange.part_sizes(place) == {}
        assert set(exchange.collect_packet(place, tmp_path / "staging", SIZES)) == {
            name for name, size in SIZES.items()
        }

    @pytest.mark.parametrize(
        "relative",
        [
            "",
            "acme/site-a",
            "../site-a/0000000012-5f0c9a17",
            "acme/../0000000012-5f0c9a17",
            "acme/site-a/..",
            "/acme/site-a/0000000012-5f0c9a17",
            "acme//0000000012-5f0c9a17",
            "acme/site-a/0000000012-5f0c9a17/",
            "acme/site-a/0000000012-5F0C9A17",
            "acme/site-a/12-5f0c9a17",
            "acme/site-a/0000000012-5f0c9a17\n",
            "acme/Site-A/0000000012-5f0c9a17",
            "acme\\site-a\\0000000012-5f0c9a17",
            "acks/site-a/0000000012-5f0c9a17",
            "nodes/site-a/0000000012-5f0c9a17",
        ],
    )
    def test_no_packet_path_that_is_not_ours_is_used(
        self, exchange: Exchange, parts: Mapping[str, Path], relative: str
    ) -> None:
        for use in (
            lambda: exchange.publish_packet(relative, parts, MARKER),
            lambda: exchange.has_packet(relative, MARKER, SIZES),
            lambda: exchange.remove_packet(relative),
        ):
            with pytest.raises(BadPacket):
                use()
        assert exchange.listing().packets == []

    @pytest.mark.parametrize(
        "name",
        [
            "../a.parquet",
            "/a.parquet",
            "a/b.parquet",
            "A.parquet",
            "a.PARQUET",
            ".parquet",
            "a",
            "manifest.json",
            "a\0.parquet",
        ],
    )
    def test_no_part_name_that_is_not_ours_is_used(
        self, exchange: Exchange, parts: Mapping[str, Path], tmp_path: Path, name: str
    ) -> None:
        with pytest.raises(BadPacket):
            exchange.publish_packet(RELATIVE, {name: next(iter(parts.values()))}, MARKER)
        assert exchange.listing().packets == []
        exchange.publish_packet(RELATIVE, parts, MARKER)
        with pytest.raises(BadPacket):
            exchange.collect_packet(only_place(exchange), tmp_path / "staging", {name: 1})

    def test_side_files_are_replaced_as_a_whole_and_listed(self, exchange: Exchange) -> None:
        assert exchange.read_side_file("acks/site-a.json", 100) is None
        exchange.put_side_file("acks/site-a.json", b"a long first one")
        exchange.put_side_file("acks/site-a.json", b"second")
        exchange.put_side_file("acks/manifest.json", b"of a node of that name")
        exchange.put_side_file("nodes/site-a.json", b"card")
        assert exchange.read_side_file("acks/site-a.json", 100) == b"second"
        listing = exchange.listing()
        assert [path.name for path in listing.acks] == ["manifest.json", "site-a.json"]
        assert [path.name for path in listing.nodes] == ["site-a.json"]
        assert exchange.read_listed(listing.nodes[0], 100) == b"card"
        assert listing.packets == listing.incomplete == []

    def test_a_side_file_beyond_the_limit_is_bad(self, exchange: Exchange) -> None:
        exchange.put_side_file("acks/site-a.json", b"12345")
        with pytest.raises(BadPacket):
            exchange.read_side_file("acks/site-a.json", 4)

    @pytest.mark.parametrize(
        "relative", ["acks/../x.json", "other/a.json", "acks/A.json", "acks/.json", "a.json", "acks/a"]
    )
    def test_no_side_path_that_is_not_ours_is_used(self, exchange: Exchange, relative: str) -> None:
        with pytest.raises(BadPacket):
            exchange.put_side_file(relative, b"x")
        with pytest.raises(BadPacket):
            exchange.read_side_file(relative, 10)

    def test_several_nodes_drop_one_packet_at_the_same_time(
        self, exchange: Exchange, parts: Mapping[str, Path], tmp_path: Path
    ) -> None:
        troubles: list[BaseException] = []
        start = threading.Barrier(4)

        def work() -> None:
            start.wait()
            try:
                exchange.publish_packet(RELATIVE, parts, MARKER)
                exchange.put_side_file("acks/site-a.json", MARKER)
            except SatchelError as trouble:
                troubles.append(trouble)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert troubles == []
        check_whole(exchange, tmp_path / "staging")


def steps_of(work: Callable[[], Any]) -> list[str]:
    steps: list[str] = []
    with faults(lambda step, path: steps.append(step)):
        work()
    return steps


def steps_of_a_drop(make_exchange: Callable[[str], Exchange], parts: Mapping[str, Path]) -> list[str]:
    exchange = make_exchange("probe")
    return steps_of(lambda: exchange.publish_packet(RELATIVE, parts, MARKER))


def nth(number: int, trouble: BaseException) -> Callable[[str, Path], None]:
    """Raises at the step of that number."""
    counter = itertools.count()

    def hook(step: str, path: Path) -> None:
        if next(counter) == number:
            raise trouble

    return hook


def is_visible(exchange: Exchange) -> bool:
    return bool(exchange.listing().packets)


class FaultContract:
    """A drop that is killed, or that the medium fails, at each of its steps."""

    def check_all_or_nothing(self, exchange: Exchange, target: Path) -> None:
        if is_visible(exchange):
            check_whole(exchange, target)
        assert is_visible(exchange) == exchange.has_packet(RELATIVE, MARKER, SIZES)

    def test_a_kill_at_any_step_leaves_all_or_nothing_and_a_second_drop_repairs(
        self, make_exchange: Callable[[str], Exchange], parts: Mapping[str, Path], tmp_path: Path
    ) -> None:
        steps = steps_of_a_drop(make_exchange, parts)
        assert {"create", "write", "fsync", "rename", "fsync-folder", "make-folder"} <= set(steps)
        for number in range(len(steps)):
            exchange = make_exchange(f"kill-{number}")
            with faults(nth(number, Killed())), pytest.raises(Killed):
                exchange.publish_packet(RELATIVE, parts, MARKER)
            self.check_all_or_nothing(exchange, tmp_path / f"a-{number}")
            exchange.publish_packet(RELATIVE, parts, MARKER)
            check_whole(exchange, tmp_path / f"b-{number}")

    def test_a_drop_may_be_killed_again_and_again(
        self, make_exchange: Callable[[str], Exchange], parts: Mapping[str, Path], tmp_path: Path
    ) -> None:
        exchange = make_exchange("again")
        for number in range(200):
            try:
                with faults(nth(number, Killed())):
                    exchange.publish_packet(RELATIVE, parts, MARKER)
            except Killed:
                self.check_all_or_nothing(exchange, tmp_path / "a")
            else:
                break
        else:
            pytest.fail("it never comes to an end")
        check_whole(exchange, tmp_path / "b")

    def test_the_leftovers_of_a_killed_drop_are_swept(
        self, make_exchange: Callable[[str], Exchange], parts: Mapping[str, Path]
    ) -> None:
        exchange = make_exchange("swept")
        rename = steps_of_a_drop(make_exchange, parts).index("rename")
        with faults(nth(rename, Killed())), pytest.raises(Killed):
            exchange.publish_packet(RELATIVE, parts, MARKER)
        assert [place.name for place in exchange.listing().incomplete] == ["0000000012-5f0c9a17"]
        exchange.publish_packet(RELATIVE, parts, MARKER)
        assert {path.name for path in only_place(exchange).path.iterdir()} == {*CONTENT, "manifest.json"}

    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
    def test_a_medium_that_fails_at_any_step_gets_all_or_nothing(
        self, make_exchange: Callable[[str], Exchange], parts: Mapping[str, Path], tmp_path: Path, number: int
    ) -> None:
        steps = steps_of_a_drop(make_exchange, parts)
        for step in range(len(steps)):
            exchange = make_exchange(f"fail-{step}")
            with faults(nth(step, OSError(number, os.strerror(number)))):
                try:
                    exchange.publish_packet(RELATIVE, parts, MARKER)
                except FileTrouble as trouble:
                    assert trouble.errno == number
                    assert not is_visible(exchange)
                    assert exchange.listing().incomplete == []
                else:  # only the sweep afterwards may fail without a word
                    assert step == len(steps) - 1
            exchange.publish_packet(RELATIVE, parts, MARKER)
            check_whole(exchange, tmp_path / f"b-{step}")

    def test_a_medium_that_turns_read_only_at_any_step_has_no_half_packet(
        self, make_exchange: Callable[[str], Exchange], parts: Mapping[str, Path], tmp_path: Path
    ) -> None:
        steps = steps_of_a_drop(make_exchange, parts)
        for first in range(len(steps)):
            exchange = make_exchange(f"read-only-{first}")
            counter = itertools.count()

            def hook(step: str, path: Path, counter: Any = counter, first: int = first) -> None:
                if next(counter) >= first and step not in ("open", "stat", "list"):
                    raise OSError(errno.EROFS, "read-only")

            with faults(hook):
                try:
                    exchange.publish_packet(RELATIVE, parts, MARKER)
                except FileTrouble as trouble:
                    assert trouble.errno == errno.EROFS
            self.check_all_or_nothing(exchange, tmp_path / f"a-{first}")

    def test_a_removal_killed_at_any_step_never_leaves_a_marker_over_missing_parts(
        self, make_exchange: Callable[[str], Exchange], parts: Mapping[str, Path], tmp_path: Path
    ) -> None:
        for number in range(100):
            exchange = make_exchange(f"remove-{number}")
            exchange.publish_packet(RELATIVE, parts, MARKER)
            try:
                with faults(nth(number, Killed())):
                    exchange.remove_packet(RELATIVE)
            except Killed:
                self.check_all_or_nothing(exchange, tmp_path / f"a-{number}")
                exchange.remove_packet(RELATIVE)
                assert exchange.listing().packets == exchange.listing().incomplete == []
            else:
                break
        else:
            pytest.fail("it never comes to an end")

    def test_no_file_is_flushed_again_after_its_fsync_failed(
        self, make_exchange: Callable[[str], Exchange], parts: Mapping[str, Path], tmp_path: Path
    ) -> None:
        exchange = make_exchange("fsync")
        failed: set[int] = set()
        flushed: list[int] = []

        def hook(step: str, path: Path) -> None:
            if step == "fsync":
                flushed.append(path.stat().st_ino)
                if path.name == "stock.parquet" and not failed:
                    failed.add(path.stat().st_ino)
                    keep = path.with_name("kept-so-that-its-number-is-not-used-again")
                    os.link(path, tmp_path / keep.name)
                    raise OSError(errno.EIO, "no")

        with faults(hook), pytest.raises(FileTrouble):
            exchange.publish_packet(RELATIVE, parts, MARKER)
        with faults(hook):
            exchange.publish_packet(RELATIVE, parts, MARKER)
        assert [flushed.count(number) for number in failed] == [1]
        check_whole(exchange, tmp_path / "staging")
