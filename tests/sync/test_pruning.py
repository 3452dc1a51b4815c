"""Pruning: what everybody has leaves the archive, and nobody is left behind."""

from __future__ import annotations

import shutil
from pathlib import Path

import satchel
from satchel.sync.site import now_ms
from tests.sync.sites import Place, differences, emptied, join_network, meet, opened, packets_in


def settled(office: Place, branch: Place) -> None:
    """Some packets of both; everybody has acknowledged everything, a snapshot too is covered by that."""
    share = office.root / "share"
    office.sql("UPDATE customers SET name = 'Adam' WHERE id = 'c1'", "DELETE FROM customers WHERE id = 'c2'")
    meet(share, [office, branch])
    branch.sql("UPDATE stock SET pieces = 5")
    meet(share, [office, branch])


def without(exchange: Path) -> Path:
    """Somebody has cleared the share of packets."""
    shutil.rmtree(exchange / "packets")
    return exchange


def archived(place: Place) -> set[str]:
    return packets_in(place.home / "packets" / "acme")


def test_nothing_goes_without_a_snapshot(office: Place, branch: Place) -> None:
    settled(office, branch)
    report = office.node.prune()
    assert report.packets == [] and "no snapshot is here" in report.kept[0]
    assert archived(office) == {"office/1", "office/2", "branch/1"}


def test_what_everybody_has_goes_and_its_manifest_stays(office: Place, branch: Place) -> None:
    settled(office, branch)
    office.node.snapshot()
    tried = office.node.prune(dry_run=True)
    assert archived(office) == {"office/1", "office/2", "branch/1"}
    report = office.node.prune()
    assert report.packets == tried.packets == ["branch/1", "office/1", "office/2"]
    assert report.bytes == tried.bytes > 0
    assert archived(office) == set()
    assert len(list((office.home / "packets" / "acme").rglob("pruned.json"))) == 3
    found = satchel.verify(office.home / "packets")
    assert (found["packets"], found["pruned"], found["snapshots"], found["problems"]) == (0, 3, 1, [])
    assert office.node.prune().packets == []


def test_nothing_goes_that_a_member_has_not_acknowledged(office: Place, branch: Place, share: Path) -> None:
    settled(office, branch)
    office.node.snapshot()
    late = join_network(office, "clinic", emptied(office.db, office.root / "clinic.db"))
    shutil.copytree(late.home / "packets" / "nodes", share / "nodes", dirs_exist_ok=True)
    office.node.import_(share)
    report = office.node.prune()
    assert report.packets == [] and report.kept == ["clinic has acknowledged nothing yet"]


def test_a_snapshot_counts_once_everybody_has_acknowledged_what_it_covers(
    office: Place, branch: Place, share: Path
) -> None:
    settled(office, branch)
    office.sql("UPDATE stock SET pieces = 6")
    office.node.snapshot()  # covers an edit that nobody has yet
    report = office.node.prune()
    assert report.packets == [] and report.kept == ["no snapshot is here that all members have acknowledged"]
    meet(share, [office, branch])
    assert len(office.node.prune().packets) == 4


def test_packets_of_the_last_days_are_kept(office: Place, branch: Place) -> None:
    settled(office, branch)
    office.node.snapshot()
    report = office.node.prune(keep_days=1)
    assert report.packets == [] and report.kept == ["3 packets are younger than that"]


def test_the_newest_snapshot_that_counts_stays(office: Place, branch: Place) -> None:
    settled(office, branch)
    first, second = office.node.snapshot(), office.node.snapshot()
    report = office.node.prune()
    assert (report.snapshot, report.snapshots) == (second.snapshot, [first.snapshot])
    assert [path.name for path in (office.home / "packets" / "snapshots").iterdir()] == [Path(second.path).name]


def test_deleted_rows_are_forgotten_where_that_is_asked_for(office: Place, branch: Place, share: Path) -> None:
    settled(office, branch)
    office.node.snapshot()
    assert office.node.prune().tombstones == {}
    assert office.node.history("customers", "c2")
    assert office.node.prune(deleted=True).tombstones == {"customers": 1}
    assert office.node.history("customers", "c2") == []
    branch.sql("INSERT INTO customers VALUES ('c2', 'Bea', 'Ulm')")
    meet(share, [office, branch])
    assert not differences(office.dump(), branch.dump())
    assert office.node.conflicts() == []


def test_deleted_rows_stay_known_while_somebody_may_join_with_a_copy(office: Place, branch: Place) -> None:
    settled(office, branch)
    office.node.invite("clinic", out=office.root / "clinic.invite")
    report = office.node.prune(deleted=True)
    assert report.tombstones == {} and "clinic may join" in report.kept[-1]


def test_a_late_joiner_gets_the_snapshot_with_what_came_after(office: Place, branch: Place, share: Path) -> None:
    settled(office, branch)
    made = office.node.snapshot()
    for place in (office, branch):
        place.node.import_(office.home / "packets")
    office.node.prune()
    office.sql("UPDATE stock SET pieces = 8")
    without(share)
    late = join_network(office, "clinic", emptied(office.db, office.root / "clinic.db"))
    assert made.snapshot in office.node.sync(share).dropped
    report = late.node.sync(share)
    assert report.installed == [made.snapshot] and report.applied == ["office/3"]
    assert not differences(office.dump(), late.dump())
    assert satchel.verify(late.home / "packets")["problems"] == []
    meet(share, [office, branch, late])
    assert not differences(branch.dump(), late.dump())


def test_a_member_that_lost_what_was_pruned_is_healed_and_keeps_its_own_work(
    office: Place, branch: Place, clinic: Place, share: Path
) -> None:
    behind = clinic.root / "clinic-backup"
    shutil.copytree(clinic.home, behind)
    shutil.copyfile(clinic.db, clinic.root / "clinic-backup.db")
    settled(office, branch)
    meet(share, [office, branch, clinic])
    office.node.snapshot()
    assert office.node.prune().packets
    without(share)
    shutil.rmtree(clinic.home)
    shutil.copytree(behind, clinic.home)
    shutil.copyfile(clinic.root / "clinic-backup.db", clinic.db)
    clinic.sql("INSERT INTO customers VALUES ('c7', 'Gus', 'Kiel')")
    for _ in range(4):
        for place in (clinic, office, branch):
            place.node.sync(share)
    assert not differences(office.dump(), clinic.dump())
    assert clinic.rows("SELECT name FROM customers WHERE id IN ('c1', 'c7') ORDER BY id") == [("Adam",), ("Gus",)]


def test_history_and_a_table_made_anew_cope_with_a_pruned_archive(office: Place, branch: Place, share: Path) -> None:
    settled(office, branch)
    office.node.snapshot()
    office.node.prune()
    [version] = office.node.history("customers", "c1")
    assert (version["origin"], version["seq"], version["outcome"]) == ("office", 2, "shown")
    assert version["row"]["name"] == "Adam"
    with opened(office.db) as connection:  # as migrations of an ORM do it
        connection.execute("CREATE TABLE stock_new (id TEXT PRIMARY KEY, pieces INTEGER)")
        connection.execute("INSERT INTO stock_new SELECT * FROM stock")
        connection.execute("DROP TABLE stock")
        connection.execute("ALTER TABLE stock_new RENAME TO stock")
    assert office.node.sync(share).sealed == []
    with opened(office.db) as connection:
        connection.execute("UPDATE stock SET pieces = 1")
    meet(share, [office, branch])
    assert branch.rows("SELECT pieces FROM stock") == [(1,)]


def test_verify_names_a_pruned_packet_that_nothing_stands_for(office: Place, branch: Place) -> None:
    settled(office, branch)
    office.node.snapshot()
    office.node.prune()
    shutil.rmtree(office.home / "packets" / "snapshots")
    reasons = {problem["reason"] for problem in satchel.verify(office.home / "packets")["problems"]}
    assert reasons == {"it was pruned, and no snapshot here covers it"}


def test_an_admin_makes_another_snapshot_for_whoever_needs_one(office: Place, branch: Place, share: Path) -> None:
    settled(office, branch)
    made = office.node.snapshot()
    office.node.prune()
    shutil.rmtree(office.home / "packets" / "snapshots")
    without(share)
    before = now_ms()
    late = join_network(office, "clinic", emptied(office.db, office.root / "clinic.db"))
    [dropped] = [name for name in office.node.sync(share).dropped if name.startswith("snapshots/")]
    assert dropped != made.snapshot and int(dropped.rpartition("-")[2]) >= before
    assert late.node.sync(share).installed == [dropped]
    assert not differences(office.dump(), late.dump())


def test_a_snapshot_that_knows_more_of_a_restored_database_opens_a_new_epoch(
    office: Place, branch: Place, clinic: Place
) -> None:
    for suffix in ("-home", ".db"):
        source = clinic.root / f"clinic{suffix}"
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, clinic.root / f"backup{suffix}")
    clinic.sql("UPDATE stock SET pieces = 9")
    settled(office, branch)
    meet(office.root / "share", [clinic, office, branch])
    made = office.node.snapshot()
    shutil.rmtree(clinic.home)
    shutil.copytree(clinic.root / "backup-home", clinic.home)
    shutil.copyfile(clinic.root / "backup.db", clinic.db)
    clinic.sql("UPDATE customers SET town = 'Worms' WHERE id = 'c1'")
    stick = clinic.root / "stick"
    shutil.copytree(Path(made.path), stick / "snapshots" / Path(made.path).name)
    report = clinic.node.sync(stick)
    assert report.installed == [made.snapshot]
    assert clinic.node.status()["origin"].startswith("clinic.")
    assert report.sealed == [f"{clinic.node.status()['origin']}/1"]
    meet(stick, [clinic, office, branch])
    assert not differences(office.dump(), clinic.dump())
    assert office.rows("SELECT town FROM customers WHERE id = 'c1'") == [("Worms",)]
