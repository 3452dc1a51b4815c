from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from satchel.errors import BadPacket
from satchel.files import FileTrouble
from satchel.model.vector import Mark
from satchel.packet.problem import Waiting
from satchel.packet.reader import open_packet
from satchel.packet.signing import SignedPacket
from satchel.packet.verify import SignedManifest, read_manifest, verify_chain, verify_parts
from tests.packet.builders import Acme, Site, customers


def read(acme: Acme, packet: SignedPacket) -> SignedManifest:
    found = read_manifest(packet.envelope, acme.members)
    assert isinstance(found, SignedManifest)
    return found


def test_a_member_s_manifest_is_read_with_its_hash(acme: Acme) -> None:
    packet, _ = acme.join("site-b").seal(customers(3))
    found = read(acme, packet)
    assert (found.manifest, found.hash, found.envelope) == (packet.manifest, packet.hash, packet.envelope)


def test_whole_parts_are_complete_and_valid(acme: Acme) -> None:
    packet, folder = acme.office.seal(customers(3))
    parts = verify_parts(folder, packet.manifest)
    assert parts.complete
    assert parts.valid


def test_a_missing_part_is_incomplete_and_not_invalid(acme: Acme) -> None:
    packet, folder = acme.office.seal(customers(3))
    (folder / "customers.parquet").unlink()
    parts = verify_parts(folder, packet.manifest)
    assert parts.incomplete == (("office/1", "customers.parquet", "missing"),)
    assert parts.invalid == ()
    with pytest.raises(BadPacket, match="missing"):
        open_packet(folder, packet.manifest)


def test_a_short_part_is_incomplete_and_not_invalid(acme: Acme) -> None:
    packet, folder = acme.office.seal(customers(3))
    part = folder / "customers.parquet"
    part.write_bytes(part.read_bytes()[:-1])
    parts = verify_parts(folder, packet.manifest)
    assert not parts.complete
    assert parts.invalid == ()


def test_a_longer_part_is_invalid(acme: Acme) -> None:
    packet, folder = acme.office.seal(customers(3))
    part = folder / "customers.parquet"
    part.write_bytes(part.read_bytes() + b"x")
    parts = verify_parts(folder, packet.manifest)
    assert parts.complete
    assert not parts.valid


def test_a_part_of_the_right_size_and_another_hash_is_invalid(acme: Acme) -> None:
    packet, folder = acme.office.seal(customers(3))
    part = folder / "customers.parquet"
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(data)
    parts = verify_parts(folder, packet.manifest)
    assert [(problem.file, problem.reason.split(":")[0]) for problem in parts.invalid] == [
        ("customers.parquet", "altered")
    ]
    with pytest.raises(BadPacket, match="altered"):
        open_packet(folder, packet.manifest)


def test_other_files_are_reported_and_ignored(acme: Acme) -> None:
    packet, folder = acme.office.seal(customers(3))
    for name in (".DS_Store", "customers (conflicted copy).parquet"):
        (folder / name).write_bytes(b"x")
    parts = verify_parts(folder, packet.manifest)
    assert parts.valid
    assert parts.extra == (".DS_Store", "customers (conflicted copy).parquet")


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_is_no_part(acme: Acme, tmp_path: Path) -> None:
    packet, folder = acme.office.seal(customers(3))
    part = folder / "customers.parquet"
    os.replace(part, tmp_path / "elsewhere")
    part.symlink_to(tmp_path / "elsewhere")
    assert [problem.reason for problem in verify_parts(folder, packet.manifest).invalid] == ["no regular file"]


def test_a_folder_that_is_gone_is_file_trouble(acme: Acme, tmp_path: Path) -> None:
    packet, _ = acme.office.seal(customers(3))
    with pytest.raises(FileTrouble):
        verify_parts(tmp_path / "nowhere", packet.manifest)


def chain_of(site: Site, acme: Acme, count: int) -> list[SignedManifest]:
    return [read(acme, site.seal(customers(1, first=i))[0]) for i in range(1, count + 1)]


def reasons(packets: list[SignedManifest]) -> list[tuple[str, str]]:
    return [(problem.packet, problem.reason) for problem in verify_chain(packets)]


def test_a_whole_chain_has_no_problems_in_any_order_with_duplicates(acme: Acme) -> None:
    packets = chain_of(acme.office, acme, 4)
    assert reasons([*packets[::-1], packets[1]]) == []


def test_a_gap_is_named(acme: Acme) -> None:
    packets = chain_of(acme.office, acme, 6)
    assert reasons([packets[0], packets[2], packets[5]]) == [
        ("office/3", "gap: office/2 missing before it"),
        ("office/6", "gap: office/4 to office/5 missing before it"),
    ]


def forked(acme: Acme) -> tuple[list[SignedManifest], list[SignedManifest]]:
    """One common packet, then two branches of two."""
    site = acme.join("site-b")
    common = chain_of(site, acme, 1)
    twin = Site("site-b", site.key, site.network, site.folder, site.last)
    return common + chain_of(site, acme, 2), common + chain_of(twin, acme, 2)


def test_a_fork_is_named_and_both_branches_hang_together(acme: Acme) -> None:
    one, two = forked(acme)
    assert reasons(one + two) == [
        ("site-b/2", "fork: 2 valid manifests have this number"),
        ("site-b/3", "fork: 2 valid manifests have this number"),
    ]


def test_a_packet_that_follows_another_one_is_named(acme: Acme) -> None:
    one, two = forked(acme)
    assert reasons([*one[:2], two[2]]) == [("site-b/3", "the hash of the packet before is not that of site-b/2")]


@pytest.mark.parametrize("bounds", [(3, 3), (2, 4)])
def test_a_group_that_its_packets_do_not_agree_on_is_named(acme: Acme, bounds: tuple[int, int]) -> None:
    packets = [read(acme, p) for p in acme.office.sign(acme.office.write(customers(30), max_rows=10))]
    changed: dict[str, Any] = packets[2].manifest.model_dump() | {"group": bounds}
    altered = SignedManifest(type(packets[2].manifest).model_validate(changed), packets[2].hash, b"")
    assert reasons(packets) == []
    assert reasons([*packets[:2], altered]) == [("office/3", "its group is not that of the packet before it")]


def test_a_packet_of_nobody_known_waits_for_the_card(acme: Acme) -> None:
    site = acme.join("site-b")
    packet, _ = site.seal(customers(1), context={"office": Mark(1, "0" * 16)})
    del acme.files[1]
    assert read_manifest(packet.envelope, acme.members) == Waiting("site-b/1", "the card of site-b")
