"""A copy at an exchange that went bad there is replaced by whoever has a good one, once somebody has said so."""

from __future__ import annotations

from pathlib import Path

import satchel
from tests.sync.sites import Place, found_network, join_network, make_database


def two(root: Path) -> tuple[Place, Place, Path]:
    """Office and branch, a share, and a packet office/2 that the branch has not taken yet."""
    schema = "CREATE TABLE t (id TEXT PRIMARY KEY, x)"
    office = found_network(root, make_database(root / "office.db", schema, "INSERT INTO t VALUES ('1', 1)"))
    branch = join_network(office, "branch", make_database(root / "branch.db", schema))
    share = root / "share"
    share.mkdir()
    for place in (office, branch, office):
        place.node.sync(share)
    office.sql("INSERT INTO t VALUES ('2', 2)")
    office.node.sync(share)
    return office, branch, share


def spoil(share: Path) -> None:
    (part,) = share.glob("packets/*/office/0000000002-*/t.parquet")
    data = bytearray(part.read_bytes())
    data[100] ^= 1
    part.write_bytes(data)


def test_a_copy_that_somebody_has_in_quarantine_is_dropped_anew(tmp_path: Path) -> None:
    office, branch, share = two(tmp_path)
    spoil(share)
    assert [entry["packet"] for entry in branch.node.sync(share).quarantined] == ["office/2"]
    assert office.node.sync(share).dropped == ["office/2"]
    assert branch.node.sync(share).applied == ["office/2"]
    assert branch.node.status()["quarantined"] == []
    assert branch.dump() == office.dump()
    assert satchel.verify(share)["problems"] == []


def test_a_good_copy_is_left_alone_whatever_somebody_says(tmp_path: Path) -> None:
    office, branch, share = two(tmp_path)
    spoil(share)
    branch.node.sync(share)  # its acknowledgement speaks of a bad copy, as one on another stick could be
    (part,) = share.glob("packets/*/office/0000000002-*/t.parquet")
    (own,) = office.home.glob("packets/*/office/0000000002-*/t.parquet")
    part.write_bytes(own.read_bytes())
    before = part.stat()
    assert office.node.sync(share).dropped == []
    assert (part.stat().st_mtime_ns, part.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_a_dry_run_replaces_nothing(tmp_path: Path) -> None:
    office, branch, share = two(tmp_path)
    spoil(share)
    branch.node.sync(share)
    (part,) = share.glob("packets/*/office/0000000002-*/t.parquet")
    before = part.read_bytes()
    assert office.node.sync(share, dry_run=True).dropped == ["office/2"]  # it would be
    assert part.read_bytes() == before
