"""Joining: empty, as a copy, with rows of its own; edits made before the first import."""

from __future__ import annotations

from pathlib import Path

import pytest

import satchel
from satchel.errors import SatchelError
from tests.sync.sites import (
    GLOBAL,
    Place,
    copied,
    differences,
    emptied,
    found_network,
    join_network,
    make_database,
    meet,
    packets_in,
)


def joined(office: Place, share: Path, db: Path) -> Place:
    """A branch that has joined and imported once."""
    branch = join_network(office, "branch", db)
    share.mkdir(exist_ok=True)
    office.node.export(share)
    branch.node.sync(share)
    return branch


def test_an_empty_database_is_filled_and_has_nothing_to_say(office: Place, share: Path) -> None:
    branch = joined(office, share, emptied(office.db, office.root / "branch.db"))
    assert differences(office.dump(), branch.dump()) == {}
    assert branch.vector() == {"office": 1}
    assert packets_in(share) == {"office/1"}
    assert branch.node.sync(share).sealed == []


def test_a_copy_makes_no_packet(office: Place, share: Path) -> None:
    copy = copied(office.db, office.root / "copy.db")
    plain = emptied(office.db, office.root / "branch.db")
    with_rows = Place("x", office.root, copy)
    for table in ("customers", "stock"):
        for row in with_rows.rows(f"SELECT * FROM {table}"):
            make_database(plain, f"INSERT INTO {table} VALUES {row}")
    before = office.dump()
    branch = joined(office, share, plain)
    assert [differences(before, place.dump()) for place in (office, branch)] == [{}, {}]
    assert branch.vector() == {"office": 1}
    assert branch.node.status()["pending"] == 0
    assert packets_in(share) == {"office/1"}


def test_rows_of_its_own_join_and_change_nothing_that_members_see(office: Place, share: Path) -> None:
    db = make_database(
        emptied(office.db, office.root / "branch.db"),
        "INSERT INTO customers VALUES ('c1', 'Ada', 'Rom'), ('c9', 'Zoe', 'Oslo')",
    )
    branch = join_network(office, "branch", db)
    share.mkdir()
    office.node.export(share)
    preview = branch.node.import_(share, dry_run=True)
    assert preview.joined is not None
    assert (preview.joined.same, preview.joined.added, preview.joined.beside) == (0, 1, 1)
    report = branch.node.sync(share)
    assert report.joined == preview.joined
    office.node.sync(share)
    meet(share, [office, branch])
    assert differences(office.dump(), branch.dump()) == {}
    assert office.rows("SELECT id, town FROM customers ORDER BY id") == [("c1", "Ulm"), ("c2", "Bonn"), ("c9", "Oslo")]
    (conflict,) = office.node.conflicts()
    assert {(v["origin"], v["row"]["town"]) for v in conflict["versions"]} == {("office", "Ulm"), ("branch", "Rom")}
    assert [v["at"] is None for v in sorted(conflict["versions"], key=lambda v: v["origin"])] == [True, False]
    office.node.resolve(all=True, take="branch")
    meet(share, [office, branch])
    assert branch.rows("SELECT town FROM customers WHERE id = 'c1'") == [("Rom",)]


@pytest.mark.parametrize("copy", [False, True])
def test_edits_between_join_and_the_first_import_are_kept(office: Place, share: Path, copy: bool) -> None:
    """They are ordinary edits: with their own time, on top of what the network has."""
    db = emptied(office.db, office.root / "branch.db")
    if copy:
        make_database(
            db,
            "INSERT INTO customers VALUES ('c1', 'Ada', 'Ulm'), ('c2', 'Bob', 'Bonn')",
            "INSERT INTO stock VALUES ('s1', 4)",
        )
    branch = join_network(office, "branch", db)
    branch.sql("INSERT INTO customers VALUES ('c5', 'Eva', 'Linz')")
    if copy:
        branch.sql("UPDATE customers SET town = 'Trier' WHERE id = 'c1'", "DELETE FROM customers WHERE id = 'c2'")
    status = branch.node.status()
    assert (status["vector"], status["state"], status["node"]) == ({}, "joining", "branch")
    share.mkdir()
    office.node.export(share)
    branch.node.sync(share)
    meet(share, [office, branch])
    assert differences(office.dump(), branch.dump()) == {}
    found = dict(office.rows("SELECT id, town FROM customers"))  # type: ignore[arg-type]
    assert found == ({"c1": "Trier", "c5": "Linz"} if copy else {"c1": "Ulm", "c2": "Bonn", "c5": "Linz"})
    assert branch.vector()["branch"] >= 1
    (version,) = (v for v in office.node.history("customers", "c5") if v["origin"] == "branch")
    assert version["at"] is not None
    assert office.node.conflicts() == []


def test_a_node_that_is_joining_seals_and_drops_nothing(office: Place, share: Path) -> None:
    branch = join_network(office, "branch", emptied(office.db, office.root / "branch.db"))
    branch.sql("INSERT INTO customers VALUES ('c5', 'Eva', 'Linz')")
    share.mkdir()
    for report in (branch.node.export(share), branch.node.sync(share), branch.node.import_()):
        assert (report.sealed, report.applied) == ([], [])
    assert packets_in(share) == set()
    assert branch.rows("SELECT id FROM customers") == [("c5",)]
    waiting = branch.node.status()["waiting"]
    assert waiting == [{"packet": "branch", "for": "office/1"}]


def test_it_joins_only_when_everything_up_to_the_inviters_vector_is_here(office: Place, share: Path) -> None:
    share.mkdir()
    office.node.export(share)
    for pieces in (1, 2):
        office.sql(f"UPDATE stock SET pieces = {pieces}")
        office.node.sync(share)
    branch = join_network(office, "branch", emptied(office.db, office.root / "branch.db"))
    half, rest = office.root / "half", office.root / "rest"
    office.export(half)
    office.export(rest)
    for path in half.rglob("0000000002-*"):
        path.rename(office.root / "held back")
    report = branch.node.import_(half)
    assert report.applied == []
    assert [entry["for"] for entry in report.waiting] == ["office/2", "office/3"]
    assert branch.node.status()["state"] == "joining"
    assert branch.dump()["stock"] == []
    assert branch.node.import_(rest).applied == ["office/1", "office/2", "office/3"]
    assert branch.node.status()["state"] == "active"
    assert differences(office.dump(), branch.dump()) == {}


def test_who_joined_can_invite_the_next_one(office: Place, branch: Place, share: Path) -> None:
    """An invitation of an admin: whoever reads it knows the founder's key only."""
    office.node.invite("deputy", out=office.root / "deputy.invite", role="admin")
    deputy = Place("deputy", office.root, emptied(office.db, office.root / "deputy.db"))
    satchel.join(office.root / "deputy.invite", deputy.home, db=deputy.db)
    meet(share, [office, deputy])
    last = join_network(deputy, "last", emptied(office.db, office.root / "last.db"))
    meet(share, [deputy, last, office, branch])
    last.sql("UPDATE stock SET pieces = 77")
    meet(share, [last, branch])
    assert branch.rows("SELECT pieces FROM stock") == [(77,)]
    with pytest.raises(SatchelError):
        branch.node.invite("friend", out=office.root / "friend.invite")
    assert not (office.root / "friend.invite").exists()


def test_a_network_of_some_tables_leaves_the_others_alone(tmp_path: Path) -> None:
    schema = (
        "CREATE TABLE shared (id TEXT PRIMARY KEY, v TEXT)",
        "CREATE TABLE private (id TEXT PRIMARY KEY, v TEXT)",
        "CREATE TABLE keyless (v TEXT)",
        "INSERT INTO shared VALUES ('a', '1')",
        "INSERT INTO private VALUES ('p', '1')",
        "INSERT INTO keyless VALUES ('k')",
    )
    office = found_network(tmp_path, make_database(tmp_path / "office.db", *schema), tables=["sh*"], key_scope=GLOBAL)
    left_out = {entry["table"]: entry["reason"] for entry in office.node.status()["left_out"]}
    assert left_out.keys() == {"private", "keyless"}
    assert "key" in left_out["keyless"]
    branch = join_network(office, "branch", emptied(office.db, tmp_path / "branch.db"))
    office.sql("UPDATE shared SET v = '2'", "UPDATE private SET v = '2'", "UPDATE keyless SET v = '2'")
    meet(tmp_path / "share", [office, branch])
    assert branch.rows("SELECT * FROM shared") == [("a", "2")]
    assert branch.rows("SELECT * FROM private") == branch.rows("SELECT * FROM keyless") == []


def test_a_table_with_another_key_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    make_database(tmp_path / "a.db", "CREATE TABLE t (a TEXT PRIMARY KEY, b TEXT)")
    make_database(tmp_path / "b.db", "CREATE TABLE t (a TEXT, b TEXT PRIMARY KEY)")
    satchel.init(tmp_path / "a", db=tmp_path / "a.db", node="a", network="n")
    satchel.open(tmp_path / "a").invite("b", out=tmp_path / "b.invite")
    with pytest.raises(SatchelError, match="has the key b here and a elsewhere"):
        satchel.join(tmp_path / "b.invite", tmp_path / "b", db=tmp_path / "b.db")
    assert not (tmp_path / "b").exists()
