"""Roles: admins sign, members seal, readers only acknowledge; and changes of the configuration that cross each other
(PROTOCOL, Members and configuration)."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

import satchel
from satchel.errors import SatchelError, UsageError
from tests.sync.sites import Place, differences, emptied, meet, opened, packets_in

KEYS = "SELECT id FROM customers ORDER BY id"


def join_as(inviter: Place, name: str, role: str, db: Path) -> Place:
    place = Place(name, inviter.root, db)
    invitation = inviter.root / f"{name}.invite"
    inviter.node.invite(name, out=invitation, role=role)
    satchel.join(invitation, place.home, db=db)
    return place


def join_empty(inviter: Place, name: str, role: str) -> Place:
    return join_as(inviter, name, role, emptied(inviter.db, inviter.root / f"{name}.db"))


@pytest.fixture
def reader(office: Place) -> Place:
    place = join_empty(office, "archive", "reader")
    meet(office.root / "share", [office, place])
    return place


@pytest.fixture
def deputy(office: Place, branch: Place, share: Path) -> Place:
    """A second admin, at rest with office and branch."""
    place = join_empty(office, "deputy", "admin")
    meet(share, [office, branch, place])
    return place


def test_a_reader_acknowledges_and_gets_everything(office: Place, reader: Place) -> None:
    office.sql("INSERT INTO customers VALUES ('c3', 'Cleo', NULL)")
    meet(office.root / "share", [office, reader])
    assert not differences(office.dump(), reader.dump())
    assert office.node.status()["peers"][0]["behind"] == 0


def test_what_is_changed_at_a_reader_stays_there_and_it_says_so(office: Place, reader: Place) -> None:
    share = office.root / "share"
    reader.sql("INSERT INTO customers VALUES ('r1', 'Rita', NULL)")
    report = reader.node.sync(share)
    assert report.sealed == []
    [words] = [warning for warning in report.warnings if "reader" in warning]
    assert words.startswith("archive is a reader: 1 changed row stays in this database only")
    status = reader.node.status()
    assert status["pending"] == 1 and "archive is a reader: what is changed here goes to nobody" in status["sentence"]
    office.sql("INSERT INTO customers VALUES ('c3', 'Cleo', NULL)")
    office.node.sync(share)
    assert reader.node.sync(share).applied == ["office/2"]
    assert reader.rows(KEYS) == [("c1",), ("c2",), ("c3",), ("r1",)]
    assert packets_in(reader.home / "packets") == {"office/1", "office/2"}


def test_a_reader_brings_no_rows_into_the_network(office: Place, branch: Place, share: Path) -> None:
    db = emptied(office.db, office.root / "archive.db")
    with opened(db) as connection:
        connection.execute("INSERT INTO customers VALUES ('r1', 'Rita', NULL)")
    reader = join_as(office, "archive", "reader", db)
    office.node.sync(share)
    with pytest.raises(SatchelError, match="archive is a reader, and its database has rows"):
        reader.node.sync(share)
    assert reader.rows(KEYS) == [("r1",)] and reader.node.status()["state"] == "joining"


def test_only_admins_invite_and_change_the_configuration(office: Place, branch: Place, reader: Place) -> None:
    for place in (branch, reader):
        for act in (
            lambda place=place: place.node.set_policy("*", "latest"),
            lambda place=place: place.node.revoke("office"),
            lambda place=place: place.node.invite("other", out=place.root / f"{place.name}-other.invite"),
        ):
            with pytest.raises(SatchelError, match=r"no admin|may not invite"):
                act()


# -- the configuration


def test_another_policy_decides_open_conflicts_again_everywhere(office: Place, branch: Place, share: Path) -> None:
    office.sql("UPDATE stock SET pieces = 1")
    time.sleep(0.01)  # the newer one
    branch.sql("UPDATE stock SET pieces = 2")
    meet(share, [office, branch])
    assert office.rows("SELECT pieces FROM stock") == [(2,)]
    report = office.node.set_policy("stock", "priority:office")
    assert report.policies == {"stock": "priority:office"}
    assert office.rows("SELECT pieces FROM stock") == [(1,)]
    meet(share, [office, branch])
    assert branch.rows("SELECT pieces FROM stock") == [(1,)]
    assert not differences(office.dump(), branch.dump())


def test_conflicts_come_and_go_with_the_policy(office: Place, branch: Place, share: Path) -> None:
    office.sql("UPDATE customers SET name = 'Adele' WHERE id = 'c1'")
    time.sleep(0.01)  # the branch's is the newer one
    branch.sql("UPDATE customers SET town = 'Rome' WHERE id = 'c1'")
    meet(share, [office, branch])
    assert office.node.conflicts() == []  # merge: two columns
    office.node.set_policy("customers", "latest")
    meet(share, [office, branch])
    for place in (office, branch):
        [entry] = place.node.conflicts()
        assert entry["columns"] == ["name", "town"]
        assert place.rows("SELECT name, town FROM customers WHERE id = 'c1'") == [("Ada", "Rome")]
    branch_entry, office_entry = branch.node.conflicts()[0], office.node.conflicts()[0]
    assert branch_entry["id"] == office_entry["id"]
    office.node.set_policy("customers", "merge")
    meet(share, [office, branch])
    for place in (office, branch):
        assert place.node.conflicts() == []
        assert place.rows("SELECT name, town FROM customers WHERE id = 'c1'") == [("Adele", "Rome")]


def test_of_two_changes_that_cross_each_other_one_holds_everywhere(
    office: Place, branch: Place, deputy: Place, share: Path
) -> None:
    office.sql("UPDATE stock SET pieces = 1")
    branch.sql("UPDATE stock SET pieces = 2")
    meet(share, [office, branch, deputy])
    office.node.set_policy("stock", "priority:office")
    deputy.node.set_policy("stock", "priority:branch")  # later, so its stamp is higher
    for place in (branch, deputy, office, branch):
        place.node.sync(share)
    for place in (office, branch, deputy):
        assert {t["policy"] for t in place.node.tables()["tables"] if t["table"] == "stock"} == {"priority:branch"}
        assert place.rows("SELECT pieces FROM stock") == [(2,)]


def test_a_packet_waits_for_the_configuration_that_it_was_sealed_under(
    office: Place, branch: Place, share: Path
) -> None:
    office.node.set_policy("*", "latest")
    office.sql("UPDATE stock SET pieces = 7")
    stick = office.root / "stick"
    office.export(stick)
    nodes = {path: path.read_bytes() for path in (stick / "nodes").glob("config-*")}
    newest = max(nodes)
    newest.unlink()
    report = branch.node.import_(stick)
    assert report.applied == []
    assert [entry["for"] for entry in report.waiting] == ["version 2 of the configuration"]
    newest.write_bytes(nodes[newest])
    assert branch.node.import_(stick).applied == ["office/2"]


def test_a_policy_that_there_is_not_is_refused(office: Place) -> None:
    with pytest.raises(SatchelError):
        office.node.set_policy("stock", "loudest")
    with pytest.raises(UsageError, match="no replicated table is called nothing"):
        office.node.set_policy("nothing", "latest")
    with pytest.raises(UsageError, match="merge is the policy of stock already"):
        office.node.set_policy("stock", "merge")


# -- silence


def test_a_silent_member_is_warned_about_and_never_forgotten(office: Place, branch: Place, share: Path) -> None:
    settings = office.home / "satchel.toml"
    text = settings.read_text()
    settings.write_text(text + "\n[status]\nloud_after_days = 0\n")
    status = office.node.status()
    assert "nothing was heard of branch for" in json.dumps(status["overdue"])
    assert [node["silent"] for node in office.node.nodes()["nodes"] if node["node"] == "branch"] == [0]
    assert [peer["node"] for peer in status["peers"]] == ["branch"]
    settings.write_text(text)
    assert "nothing was heard" not in office.node.status()["sentence"]
