"""Snapshots: late joiners who cannot have all packets, and what is refused."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from satchel.errors import SatchelError, UsageError
from satchel.sync.opening import working
from satchel.sync.report import Report
from satchel.sync.snapshots import take
from tests.sync.clones import clone, hand_over, seal
from tests.sync.sites import Place, differences, emptied, join_network, make_database, meet, opened


def made(place: Place) -> Path:
    """A snapshot in the place's archive."""
    with working(place.home) as site:
        return take(site, Report()).folder


def edit_both(office: Place, branch: Place) -> None:
    """A conflict, a delete and an edit; at rest afterwards."""
    office.sql("UPDATE customers SET name = 'Adam' WHERE id = 'c1'", "DELETE FROM stock")
    branch.sql(
        "UPDATE customers SET name = 'Adele' WHERE id = 'c1'", "INSERT INTO customers VALUES ('c3', 'Cy', 'Trier')"
    )
    meet(office.root / "share", [office, branch])


def join_late(office: Place, exchange: Path, name: str = "clinic") -> Place:
    """A site that joins through an exchange from which the packets are gone."""
    late = join_network(office, name, emptied(office.db, office.root / f"{name}.db"))
    late.node.import_(exchange)
    return late


def conflicts_of(place: Place) -> dict[str, Any]:
    return {entry["id"]: (entry["kind"], entry["key"], entry["columns"]) for entry in place.node.conflicts()}


def stick_with_snapshot(office: Place) -> Path:
    """What an admin's stick looks like when the packets before were pruned everywhere."""
    stick = office.root / "stick"
    folder = made(office)
    shutil.copytree(folder, stick / "snapshots" / folder.name)
    shutil.copytree(office.home / "packets" / "nodes", stick / "nodes")
    return stick


def test_a_late_joiner_with_a_snapshot_shows_what_the_others_show(office: Place, branch: Place, share: Path) -> None:
    edit_both(office, branch)
    stick = stick_with_snapshot(office)
    late = join_late(office, stick)
    assert late.vector() == office.vector()
    assert not differences(office.dump(), late.dump())
    assert conflicts_of(late) == conflicts_of(office)
    assert [version.get("outcome") for version in late.node.history("customers", "c1")] == ["lost", "shown"]
    late.sql("UPDATE customers SET town = 'Trier' WHERE id = 'c3'", "INSERT INTO stock VALUES ('s1', 9)")
    branch.sql("UPDATE customers SET name = 'Bert' WHERE id = 'c2'")
    meet(share, [office, branch, late])
    assert not differences(office.dump(), late.dump())
    assert not differences(office.dump(), branch.dump())
    assert conflicts_of(late) == conflicts_of(branch) == conflicts_of(office)


def test_a_snapshot_is_not_installed_where_the_packets_are(office: Place, branch: Place, share: Path) -> None:
    edit_both(office, branch)
    office.node.snapshot(share)
    late = join_network(office, "clinic", emptied(office.db, office.root / "clinic.db"))
    report = late.node.sync(share)
    assert report.installed == []
    assert late.vector() == office.vector()


def test_a_dry_run_says_that_a_snapshot_would_be_installed_and_changes_nothing(office: Place, branch: Place) -> None:
    stick = stick_with_snapshot(office)
    late = join_network(office, "clinic", emptied(office.db, office.root / "clinic.db"))
    before = late.state()
    report = late.node.import_(stick, dry_run=True)
    assert report.installed == [f"snapshots/{next((stick / 'snapshots').iterdir()).name}"]
    assert late.state() == before


def test_own_unsent_work_survives_the_installation(office: Place, branch: Place, share: Path) -> None:
    late = join_network(office, "clinic", emptied(office.db, office.root / "clinic.db"))
    meet(share, [office, branch, late])
    late.sql("UPDATE customers SET town = 'Mainz' WHERE id = 'c2'", "INSERT INTO stock VALUES ('s2', 1)")
    edit_both(office, branch)
    late.sql("UPDATE stock SET pieces = 7 WHERE id = 's1'")
    stick = stick_with_snapshot(office)
    report = late.node.import_(stick)
    assert report.installed and report.sealed == ["clinic/1"]
    assert late.rows("SELECT town FROM customers WHERE id = 'c2'") == [("Mainz",)]
    assert late.rows("SELECT pieces FROM stock ORDER BY id") == [(7,), (1,)]  # the update wins over the unseen delete
    meet(share, [office, branch, late])
    assert not differences(office.dump(), late.dump())
    assert conflicts_of(late) == conflicts_of(office)


def test_rows_that_a_joiner_brings_add_and_never_change_what_members_see(
    office: Place, branch: Place, share: Path
) -> None:
    edit_both(office, branch)
    stick = stick_with_snapshot(office)
    brought = emptied(office.db, office.root / "clinic.db")
    with opened(brought) as connection:
        rows = [("c1", "Ada", "Ulm"), ("c2", "Bob", "Bonn"), ("c9", "Zoe", "Jena")]
        connection.executemany("INSERT INTO customers VALUES (?, ?, ?)", rows)
    late = join_network(office, "clinic", brought)
    report = late.node.import_(stick)
    assert report.joined is not None
    assert (report.joined.same, report.joined.added, report.joined.beside) == (1, 1, 1)
    assert any("old copies" in warning for warning in report.warnings)
    before = office.rows("SELECT * FROM customers WHERE id <> 'c9' ORDER BY id")
    meet(share, [office, branch, late])
    assert office.rows("SELECT * FROM customers WHERE id <> 'c9' ORDER BY id") == before
    assert not differences(office.dump(), late.dump())
    assert late.rows("SELECT name FROM customers WHERE id = 'c9'") == [("Zoe",)]


# -- what is refused


def test_only_an_admin_vouches_for_a_snapshot(office: Place, branch: Place, share: Path) -> None:
    with pytest.raises(SatchelError, match="branch is no admin"):
        branch.node.snapshot()
    folder = made(branch)  # whatever the command says
    shutil.copytree(folder, share / "snapshots" / folder.name)
    report = office.node.import_(share)
    assert [entry["packet"] for entry in report.quarantined] == [f"snapshots/{folder.name}"]
    assert "only an admin" in report.quarantined[0]["reason"]
    assert not (office.home / "packets" / "snapshots").exists()


def test_a_joining_node_makes_no_snapshot(office: Place) -> None:
    late = join_network(office, "branch", emptied(office.db, office.root / "branch.db"))
    with pytest.raises(UsageError, match="joining"):
        late.node.snapshot()


def spoil_part(folder: Path) -> None:
    part = folder / "customers.parquet"
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(bytes(data))


def spoil_covered(folder: Path) -> None:
    part = folder / "satchel-packets.parquet"
    part.write_bytes(part.read_bytes()[:-1] + b"\0")


def spoil_manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    envelope = json.loads(path.read_bytes())
    payload = base64.b64decode(envelope["payload"]).replace(b'"satchel-nodes.parquet"', b'"satchel-other.parquet"')
    envelope["payload"] = base64.b64encode(payload).decode()
    path.write_text(json.dumps(envelope, sort_keys=True, indent=1))


def lengthen_part(folder: Path) -> None:
    with (folder / "customers.parquet").open("ab") as file:
        file.write(b"more")


@pytest.mark.parametrize("spoil", [spoil_part, spoil_covered, spoil_manifest, lengthen_part])
def test_a_spoilt_snapshot_is_quarantined_and_a_good_one_is_welcome_afterwards(
    office: Place, branch: Place, spoil: Any
) -> None:
    stick = stick_with_snapshot(office)
    folder = next((stick / "snapshots").iterdir())
    spoil(folder)
    late = join_network(office, "clinic", emptied(office.db, office.root / "clinic.db"))
    report = late.node.import_(stick)
    assert [entry["packet"] for entry in report.quarantined] == [f"snapshots/{folder.name}"]
    assert late.vector() == {}
    shutil.rmtree(folder)
    shutil.copytree(office.home / "packets" / "snapshots" / folder.name, folder)
    assert late.node.import_(stick).installed == [f"snapshots/{folder.name}"]
    assert late.vector() == office.vector()
    assert late.node.status()["quarantined"] == []


def test_a_snapshot_that_is_still_arriving_is_left_alone(office: Place, branch: Place) -> None:
    stick = stick_with_snapshot(office)
    folder = next((stick / "snapshots").iterdir())
    (folder / "stock.parquet").unlink()
    late = join_network(office, "clinic", emptied(office.db, office.root / "clinic.db"))
    report = late.node.import_(stick)
    assert report.quarantined == [] and report.installed == []
    assert {"packet": f"snapshots/{folder.name}", "for": "the rest of its files (stock.parquet)"} in report.waiting


def test_a_snapshot_of_another_network_is_refused(office: Place, branch: Place, tmp_path: Path) -> None:
    from tests.sync.sites import SCHEMA, found_network

    (tmp_path / "other").mkdir()
    other = found_network(tmp_path / "other", make_database(tmp_path / "other" / "o.db", *SCHEMA))
    folder = made(other)
    stick = tmp_path / "stick"
    shutil.copytree(folder, stick / "snapshots" / folder.name)
    report = branch.node.import_(stick)
    assert report.installed == [] and branch.vector() == {"office": 1}


# -- forks


def test_a_snapshot_tells_a_late_joiner_of_a_fork(office: Place, branch: Place, share: Path) -> None:
    twin = clone(branch)
    seal(branch, "UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    seal(twin, "UPDATE customers SET town = 'Jena' WHERE id = 'c1'")
    for place in (branch, twin):
        hand_over(place, office)
    late = join_late(office, stick_with_snapshot(office))
    assert late.vector() == office.vector()
    assert not differences(office.dump(), late.dump())
    assert conflicts_of(late) == conflicts_of(office)
    seal(branch, "UPDATE customers SET name = 'Eve' WHERE id = 'c2'")
    hand_over(branch, late)
    assert late.rows("SELECT name FROM customers WHERE id = 'c2'") == [("Eve",)]


def test_a_snapshot_that_knows_of_a_fork_waits_where_it_is_not_known(office: Place, branch: Place, share: Path) -> None:
    late = join_network(office, "clinic", emptied(office.db, office.root / "clinic.db"))
    twin = clone(branch)
    seal(branch, "UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    seal(twin, "UPDATE customers SET town = 'Jena' WHERE id = 'c1'")
    hand_over(branch, office)
    office.node.export(office.root / "share")
    late.node.import_(office.root / "share")
    hand_over(twin, office)
    report = late.node.import_(stick_with_snapshot(office))
    assert report.installed == [] and any("fork" in entry["for"] for entry in report.waiting)
    hand_over(twin, late)
    assert not differences(office.dump(), late.dump())
