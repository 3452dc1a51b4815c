"""A dry run says what would be done, and does none of it."""

from __future__ import annotations

from pathlib import Path

import pytest

import satchel
from tests.sync.sites import GLOBAL, Place, contents, emptied, join_network, logical, make_database, meet, moved


@pytest.fixture
def parted(office: Place, branch: Place, share: Path) -> tuple[Place, Place]:
    """Both have edits that are not sent; the share has a packet of the office that the branch lacks."""
    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'", "INSERT INTO stock VALUES ('s2', 2)")
    office.node.sync(share)
    office.sql("UPDATE stock SET pieces = 5 WHERE id = 's1'")
    branch.sql("UPDATE customers SET town = 'Bern' WHERE id = 'c1'", "DELETE FROM customers WHERE id = 'c2'")
    return office, branch


def unchanged(place: Place, *folders: Path) -> list[object]:
    return [place.state(), *(contents(folder) for folder in folders)]


def test_export(parted: tuple[Place, Place], tmp_path: Path) -> None:
    office, _ = parted
    stick = tmp_path / "stick"
    stick.mkdir()
    before = unchanged(office, stick)
    report = office.node.export(stick, dry_run=True)
    assert unchanged(office, stick) == before
    assert (report.sealed, report.dropped, report.pending) == ([], ["office/2"], 1)
    assert report.bytes_dropped > 500
    assert office.node.export(stick).dropped == ["office/2", "office/3"]


def test_export_to_the_outbox(parted: tuple[Place, Place]) -> None:
    office, _ = parted
    before = office.state()
    assert office.node.export(dry_run=True).dropped == ["office/2"]
    assert office.state() == before


@pytest.mark.parametrize("command", ["import_", "sync"])
def test_import_and_sync(parted: tuple[Place, Place], share: Path, command: str) -> None:
    _, branch = parted
    before = unchanged(branch, share)
    report = getattr(branch.node, command)(share, dry_run=True)
    assert unchanged(branch, share) == before
    assert (report.applied, report.sealed, report.dry_run, report.pending) == (["office/2"], [], True, 2)
    assert branch.node.status()["pending"] == 2
    again = getattr(branch.node, command)(share)
    assert (again.applied, again.sealed) == (["office/2"], ["branch/1"])
    assert again.rows == report.rows  # what is pending here is newer than the update that comes
    assert (again.rows.inserted, again.rows.updated, again.rows.conflicts) == (1, 0, 1)


def test_sync_without_an_exchange(parted: tuple[Place, Place]) -> None:
    _, branch = parted
    before = branch.state()
    assert moved(branch.node.sync(dry_run=True)) == (0, 0, 0)
    assert branch.state() == before


def test_what_waits_and_what_is_bad_is_said(parted: tuple[Place, Place], share: Path) -> None:
    _, branch = parted
    (part,) = share.glob("packets/acme/office/0000000002-*/stock.parquet")
    whole = part.read_bytes()
    part.write_bytes(whole[:-1])
    before = branch.state()
    assert [entry["packet"] for entry in branch.node.import_(share, dry_run=True).waiting] == ["office/2"]
    part.write_bytes(whole[:-1] + b"\0")
    report = branch.node.import_(share, dry_run=True)
    assert [entry["packet"] for entry in report.quarantined] == ["office/2"]
    part.write_bytes(whole)
    assert branch.state() == before


@pytest.mark.parametrize("words", [{"take": "branch"}, {"set": {"town": "Ems"}}, {"delete": True}])
def test_resolve(parted: tuple[Place, Place], share: Path, words: dict[str, object]) -> None:
    office, branch = parted
    meet(share, [office, branch])
    (conflict,) = office.node.conflicts()
    office.sql("UPDATE stock SET pieces = 6 WHERE id = 's1'")
    before = office.state()
    report = office.node.resolve(conflict["id"], dry_run=True, **words)  # type: ignore[arg-type]
    assert office.state() == before
    assert (report["resolved"], report["sealed"], report["dry_run"]) == ([conflict["id"]], [], True)
    assert office.node.resolve(all=True, take="branch", dry_run=True)["resolved"] == [conflict["id"]]
    assert office.state() == before


def test_resolve_seen(parted: tuple[Place, Place], share: Path) -> None:
    office, branch = parted
    meet(share, [office, branch])
    office.sql("UPDATE customers SET name = 'A' WHERE id = 'c1'")
    office.node.sync(share)
    (conflict,) = office.node.conflicts()
    before = office.state()
    assert office.node.resolve(conflict["id"], seen=True, dry_run=True)["seen"] == [conflict["id"]]
    assert office.state() == before


def test_invite(parted: tuple[Place, Place], tmp_path: Path) -> None:
    office, _ = parted
    before = office.state()
    report = office.node.invite("clinic", out=tmp_path / "clinic.invite", dry_run=True)
    assert (report.node, report.sealed, report.dry_run) == ("clinic", [], True)
    assert not (tmp_path / "clinic.invite").exists()
    assert office.state() == before


def test_init(tmp_path: Path) -> None:
    db = make_database(tmp_path / "new.db", "CREATE TABLE t (id TEXT PRIMARY KEY)", "CREATE TABLE k (v TEXT)")
    before = logical(db), sorted(tmp_path.iterdir())
    report = satchel.init(tmp_path / "home", db=db, node="a", network="n", key_scope=GLOBAL, dry_run=True)
    assert (logical(db), sorted(tmp_path.iterdir())) == before
    assert [table["table"] for table in report.tables] == ["t"]
    assert [entry["table"] for entry in report.left_out] == ["k"]


def test_join(office: Place, tmp_path: Path) -> None:
    office.node.invite("branch", out=tmp_path / "branch.invite")
    db = emptied(office.db, tmp_path / "branch.db")
    before = logical(db), (tmp_path / "branch.invite").read_bytes(), sorted(tmp_path.iterdir())
    report = satchel.join(tmp_path / "branch.invite", tmp_path / "home", db=db, dry_run=True)
    assert (logical(db), (tmp_path / "branch.invite").read_bytes(), sorted(tmp_path.iterdir())) == before
    assert (report.node, report.network, report.dry_run) == ("branch", "acme", True)
    satchel.join(tmp_path / "branch.invite", tmp_path / "home", db=db)


def test_the_first_import(office: Place, tmp_path: Path) -> None:
    """It says what joining will do: what is the same, what comes in, what stands beside."""
    db = make_database(
        emptied(office.db, tmp_path / "branch.db"),
        "INSERT INTO customers VALUES ('c1', 'Ada', 'Ulm'), ('c2', 'Bob', 'Rom'), ('c3', 'Cem', 'Genf')",
    )
    branch = join_network(office, "branch", db)
    branch.sql("INSERT INTO stock VALUES ('s9', 9)")
    share = tmp_path / "share"
    office.export(share)
    before = unchanged(branch, share)
    report = branch.node.import_(share, dry_run=True)
    assert unchanged(branch, share) == before
    assert report.joined is not None
    assert (report.joined.same, report.joined.added, report.joined.beside) == (1, 1, 1)
    assert report.applied == ["office/1"]
    assert branch.node.status()["state"] == "joining"
    assert branch.node.import_(share).joined == report.joined


def test_detach_leaves_the_rows_and_a_dry_run_everything(parted: tuple[Place, Place], tmp_path: Path) -> None:
    _, branch = parted
    before, rows = branch.state(), branch.dump()
    assert branch.node.detach(dry_run=True) == {"database": str(branch.db), "pending": 2, "dry_run": True}
    assert branch.state() == before
    branch.node.detach()
    assert branch.dump() == rows
    assert branch.rows("SELECT name FROM sqlite_master WHERE name LIKE '\\_satchel%' ESCAPE '\\'") == []
