"""Undo where the past is not plain: pruned, forked, joined with rows, in a changed schema, at a reader."""

from __future__ import annotations

from pathlib import Path

import pytest

import satchel
from satchel.errors import SatchelError, UsageError
from satchel.exchange.pruned import prune_packet
from satchel.sync import reverting, sealing
from tests.sync.clones import clone, gossip, seal
from tests.sync.sites import Place, copied, differences, join_network, meet

ROWS = "SELECT * FROM customers ORDER BY id"


def newest(place: Place) -> str:
    return f"{place.name}/{place.vector()[place.name]}"


def pruned(office: Place, branch: Place, share: Path) -> None:
    """Everything up to now is gone from the archive of the office; a snapshot has it."""
    office.sql("UPDATE customers SET name = 'Adam' WHERE id = 'c1'")
    meet(share, [office, branch])
    office.node.snapshot()
    assert office.node.prune().packets


def test_what_was_pruned_is_known_by_the_snapshot(office: Place, branch: Place, share: Path) -> None:
    pruned(office, branch, share)
    before = office.rows(ROWS)
    branch.sql("UPDATE customers SET name = 'X', town = 'Y'", "DELETE FROM stock")
    meet(share, [office, branch])
    assert office.node.revert(newest(branch))["left"] == []
    assert office.rows(ROWS) == before
    assert office.rows("SELECT pieces FROM stock") == [(4,)]


def test_where_the_snapshot_is_newer_than_what_the_author_had_seen_the_row_is_left(
    office: Place, branch: Place, share: Path
) -> None:
    branch.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'", "INSERT INTO stock VALUES ('s2', 1)")
    meet(share, [office, branch])
    office.node.snapshot()
    (baseline,) = (office.home / "packets" / "acme" / "office").glob("0000000001-*")
    prune_packet(baseline, 1 << 20)
    report = office.node.revert(newest(branch))
    assert {entry["why"] for entry in report["left"]} == {"what it was is in packets that were pruned"}
    assert (len(report["left"]), report["sealed"]) == (2, [])


def test_a_packet_that_was_pruned_itself_is_refused_in_words(office: Place, branch: Place, share: Path) -> None:
    pruned(office, branch, share)
    with pytest.raises(UsageError, match="office/2 was pruned"):
        office.node.revert("office/2")


def test_a_damaged_archive_is_named_and_nothing_is_changed(office: Place, branch: Place, share: Path) -> None:
    branch.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    meet(share, [office, branch])
    (part,) = (office.home / "packets" / "acme" / "office").glob("0000000001-*/customers.parquet")
    part.write_bytes(part.read_bytes()[:-20] + b"x" * 20)
    before = office.dump(), office.vector()
    with pytest.raises(SatchelError, match="the archive's copy of office/1 cannot be read"):
        office.node.revert(newest(branch))
    assert (office.dump(), office.vector()) == before


def test_packets_of_a_branch_of_a_fork_are_undone_by_their_names(office: Place, branch: Place) -> None:
    twin = clone(branch)
    seal(branch, "UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    seal(twin, "UPDATE customers SET town = 'Rom' WHERE id = 'c2'")
    gossip(office, branch, twin)
    packets = sorted(f"{origin}/{seq}" for origin, seq in office.vector().items() if "~" in origin)
    assert len(packets) == 2
    for packet in packets:
        assert office.node.revert(packet)["counts"]["update"] == 1
    assert office.rows("SELECT town FROM customers ORDER BY id") == [("Ulm",), ("Bonn",)]
    gossip(office, branch, twin)
    assert differences(office.dump(), twin.dump()) == {}


def test_what_a_joining_site_brought_along_can_be_taken_back(office: Place, share: Path) -> None:
    other = copied(office.db, office.root / "other.db")
    late = join_network(office, "late", other)
    satchel.open(late.home)
    late.sql("INSERT INTO stock VALUES ('s9', 9)")
    meet(share, [office, late])
    assert office.rows("SELECT count(*) FROM stock") == [(2,)]
    assert office.node.revert(newest(late))["counts"]["delete"] == 1
    meet(share, [office, late])
    assert late.rows("SELECT id FROM stock") == [("s1",)]


def test_a_column_that_came_since_keeps_its_value(office: Place, branch: Place, share: Path) -> None:
    branch.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'", "DELETE FROM customers WHERE id = 'c2'")
    meet(share, [office, branch])
    mistake = newest(branch)
    for place in (office, branch):
        place.sql("ALTER TABLE customers ADD COLUMN mail TEXT DEFAULT 'none'")
    office.sql("UPDATE customers SET mail = 'a@b' WHERE id = 'c1'")
    meet(share, [office, branch])
    office.node.revert(mistake)
    meet(share, [office, branch])
    assert office.rows(ROWS) == branch.rows(ROWS) == [("c1", "Ada", "Ulm", "a@b"), ("c2", "Bob", "Bonn", "none")]


def test_a_reader_reverts_nothing(office: Place, share: Path) -> None:
    office.node.invite("reader", out=office.root / "reader.invite", role="reader")
    reader = Place("reader", office.root, office.root / "reader.db")
    reader.sql("CREATE TABLE customers (id TEXT PRIMARY KEY, name TEXT, town TEXT)")
    reader.sql("CREATE TABLE stock (id TEXT PRIMARY KEY, pieces INTEGER)")
    satchel.join(office.root / "reader.invite", reader.home, db=reader.db)
    with pytest.raises(UsageError, match="still joining"):
        reader.node.revert("office/1")
    meet(share, [office, reader])
    with pytest.raises(SatchelError, match="is a reader"):
        reader.node.revert("customers", "c1", to="office/1")


@pytest.mark.parametrize("where", ["publish", "_refuse_misfits"])
def test_a_stop_in_the_middle_leaves_all_of_it_or_nothing(
    office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    branch.sql("UPDATE customers SET town = 'Kiel'")
    meet(share, [office, branch])
    before, vector = office.rows(ROWS), office.vector()

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(reverting if where == "_refuse_misfits" else sealing, where, stop)
        with pytest.raises(KeyboardInterrupt):
            office.node.revert(newest(branch))
    done = where == "publish"
    assert (office.rows(ROWS) != before) == done
    assert (office.vector() != vector) == done
    meet(share, [office, branch])  # brings to its end what was recorded, and discards what was not
    assert office.rows(ROWS) == branch.rows(ROWS)
    assert satchel.verify(office.home / "packets")["problems"] == []
    assert office.node.revert(newest(branch))["counts"]["same" if done else "update"] == 2
