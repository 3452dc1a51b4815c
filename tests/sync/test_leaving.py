"""Members who leave: retired or revoked (PROTOCOL, Members and configuration; ADR 20)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import satchel
from satchel.errors import SatchelError, UsageError
from satchel.sync import taking_out
from tests.sync.clones import clone, hand_over, seal
from tests.sync.sites import (
    Place,
    differences,
    emptied,
    found_network,
    join_network,
    make_database,
    meet,
    packets_in,
)

LOCAL = (
    "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT UNIQUE)",
    "CREATE TABLE invoices (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers (id), total INTEGER)",
    "INSERT INTO customers VALUES (1, 'Ada')",
    "INSERT INTO invoices VALUES (1, 1, 10)",
)


def states(place: Place) -> dict[str, str]:
    return {node["node"]: node["state"] for node in place.node.nodes()["nodes"]}


def peers(place: Place) -> list[str]:
    return [peer["node"] for peer in place.node.status()["peers"]]


def insert(place: Place, *keys: str) -> None:
    place.sql(*(f"INSERT INTO customers VALUES ('{key}', 'by {place.name}', NULL)" for key in keys))


def keys(place: Place) -> set[str]:
    return {key for (key,) in place.rows("SELECT id FROM customers")}


@pytest.fixture
def stolen(office: Place, branch: Place, clinic: Place, share: Path) -> Place:
    """The branch, whose packets 1 and 2 everybody has; the second was not made by its owner."""
    insert(branch, "good")
    meet(share, [office, branch, clinic])
    insert(branch, "bad")
    branch.sql("UPDATE stock SET pieces = 666")
    meet(share, [branch, office, clinic])
    return branch


# -- retired


def test_nobody_waits_for_a_retired_node(office: Place, branch: Place, clinic: Place, share: Path) -> None:
    report = office.node.retire("branch")
    assert report.state == "retired"
    meet(share, [office, clinic])
    assert states(office)["branch"] == states(clinic)["branch"] == "retired"
    assert peers(office) == ["clinic"]
    insert(office, "c3")
    meet(share, [office, clinic])
    assert office.node.status()["sentence"].startswith("All is well")
    stick = office.root / "stick"
    stick.mkdir()
    assert office.node.export(stick).dropped == []


def test_what_a_retired_node_sealed_counts_whenever_it_turns_up(office: Place, branch: Place, share: Path) -> None:
    insert(branch, "late")
    stick = branch.root / "stick"
    branch.export(stick)
    office.node.retire("branch")
    assert office.node.import_(stick).applied == ["branch/1"]
    assert "late" in keys(office)


def test_a_node_may_retire_itself_and_no_member_another(office: Place, branch: Place, clinic: Place) -> None:
    with pytest.raises(SatchelError, match="branch is no admin and cannot retire clinic") as refused:
        branch.node.retire("clinic")
    assert refused.value.hint == "do it at office"
    assert branch.node.retire("branch").state == "retired"
    with pytest.raises(UsageError, match="branch is retired already"):
        branch.node.retire("branch")


def test_the_last_admin_stays(office: Place, branch: Place) -> None:
    with pytest.raises(UsageError, match="office is the last admin"):
        office.node.retire("office")


def test_a_dry_run_of_leaving_changes_nothing(office: Place, branch: Place, clinic: Place, share: Path) -> None:
    for key in ("one", "two"):
        insert(branch, key)
        branch.node.sync(share)
    office.node.sync(share)
    before = office.state()
    assert office.node.retire("branch", dry_run=True).dry_run
    report = office.node.revoke("branch", at=["1"], dry_run=True)
    assert report.taken_out == ["branch/2"]
    assert office.state() == before


# -- revoked


def test_what_was_applied_here_counts_unless_a_cut_is_named(office: Place, stolen: Place) -> None:
    report = office.node.revoke("branch")
    assert report.cuts == {"branch": 2} and report.taken_out == []
    assert "bad" in keys(office)


def test_a_cut_at_a_packet_takes_out_what_came_after_it(
    office: Place, branch: Place, clinic: Place, share: Path
) -> None:
    insert(branch, "good")
    meet(share, [office, branch, clinic])
    insert(branch, "bad")
    branch.sql("UPDATE stock SET pieces = 666")
    branch.node.sync(share)
    office.node.sync(share)
    assert "bad" in keys(office)
    report = office.node.revoke("branch", at=["branch/1"])
    assert report.cuts == {"branch": 1} and report.taken_out == ["branch/2"]
    assert report.rows == {"inserted": 0, "updated": 1, "deleted": 1}
    assert keys(office) == {"c1", "c2", "good"}
    assert office.rows("SELECT pieces FROM stock") == [(4,)]
    assert office.vector()["branch"] == 1
    assert packets_in(office.home / "packets") == {"office/1", "branch/1"}
    [entry] = office.node.status()["quarantined"]
    assert entry["packet"] == "branch/2" and entry["reason"].startswith("revoked: nothing after branch/1 counts")
    office.node.sync(share)
    report = clinic.node.sync(share)
    assert [entry["packet"] for entry in report.quarantined] == ["branch/2"] and report.applied == []
    assert clinic.node.sync(share).quarantined == []  # told once
    assert not differences(office.dump(), clinic.dump())
    assert states(clinic) == {"office": "active", "branch": "revoked", "clinic": "active"}


def test_who_had_applied_more_takes_it_out_when_it_hears_of_it(
    office: Place, branch: Place, clinic: Place, share: Path
) -> None:
    insert(branch, "good")
    meet(share, [office, branch, clinic])
    insert(branch, "bad", "worse")
    branch.node.sync(share)
    clinic.node.sync(share)  # the office has not applied it
    clinic.sql("UPDATE customers SET town = 'Rome' WHERE id = 'bad'", "DELETE FROM customers WHERE id = 'worse'")
    insert(clinic, "innocent")
    clinic.node.sync(share)
    assert office.node.revoke("branch").cuts == {"branch": 1}
    office.node.sync(share)
    report = clinic.node.sync(share)
    assert report.taken_out == ["branch/2"]
    assert "branch was revoked: branch/2 was taken out of this database and lies in quarantine" in report.warnings
    meet(share, [office, clinic])
    # what an innocent node made of it stays, with the values that it took over
    assert office.rows("SELECT id, name, town FROM customers WHERE id = 'bad'") == [("bad", "by branch", "Rome")]
    assert keys(office) == {"c1", "c2", "good", "bad", "innocent"}
    assert not differences(office.dump(), clinic.dump())
    assert office.node.status()["waiting"] == [] == clinic.node.status()["waiting"]
    assert office.vector() == clinic.vector()
    for place in (office, clinic):  # an archive that lacks what does not count lacks nothing
        assert satchel.verify(place.home / "packets")["problems"] == []


def test_of_several_revocations_the_lowest_cut_holds(office: Place, branch: Place, share: Path) -> None:
    for key in ("one", "two", "three"):
        insert(branch, key)
        branch.node.sync(share)
    office.node.sync(share)
    assert office.node.revoke("branch", at=["2"]).taken_out == ["branch/3"]
    office.node.revoke("branch", at=["branch/1"])
    assert office.vector()["branch"] == 1 and keys(office) == {"c1", "c2", "one"}
    office.node.revoke("branch")
    assert office.vector()["branch"] == 1


@pytest.mark.slow
def test_who_joins_later_gets_what_counts(office: Place, branch: Place, clinic: Place, share: Path) -> None:
    insert(branch, "one")
    branch.node.sync(share)
    office.node.sync(share)
    insert(branch, "two")
    branch.node.sync(share)
    clinic.node.sync(share)
    clinic.sql("UPDATE customers SET town = 'Rome' WHERE id IN ('one', 'two')")
    clinic.node.sync(share)
    assert office.node.revoke("branch").cuts == {"branch": 1}
    meet(share, [office, clinic])
    newcomer = join_network(office, "new", emptied(office.db, office.root / "new.db"))
    meet(share, [office, clinic, newcomer])
    assert not differences(office.dump(), newcomer.dump()) and not differences(office.dump(), clinic.dump())
    assert states(newcomer)["branch"] == "revoked" and peers(newcomer) == ["clinic", "office"]
    [run] = [run for run in clinic.node.log() if run["report"].get("taken_out")]
    assert run["report"]["taken_out"] == ["branch/2"]
    assert "revoke branch" in {run["command"] for run in office.node.log()}


def test_a_cut_at_nothing_takes_out_all(office: Place, branch: Place, clinic: Place, share: Path) -> None:
    insert(branch, "one")
    branch.node.sync(share)
    office.node.sync(share)
    assert office.node.revoke("branch", at=["0"]).cuts == {"branch": 0}
    meet(share, [office, clinic])
    assert keys(office) == keys(clinic) == {"c1", "c2"} and "branch" not in office.vector()
    with pytest.raises(UsageError, match="no packet of branch"):
        office.node.revoke("branch", at=["clinic/0"])


def test_a_cut_lies_on_the_end_of_a_seal_that_was_applied(office: Place, branch: Place, share: Path) -> None:
    insert(branch, "one")
    meet(share, [office, branch])
    for at, words in (
        ("7", "branch/7 has not been applied here"),
        ("x", "is no packet"),
        ("office/1", "is no packet of branch"),
    ):
        with pytest.raises(UsageError, match=words):
            office.node.revoke("branch", at=[at])
    with pytest.raises(UsageError, match="cannot revoke itself"):
        office.node.revoke("office")
    with pytest.raises(UsageError, match="there is no node nobody"):
        office.node.revoke("nobody")


def test_what_everybody_has_built_on_is_not_cut_off(office: Place, stolen: Place, share: Path) -> None:
    office.node.sync(share)
    # the clinic's acknowledgement covers branch/2, and so does the office
    with pytest.raises(UsageError, match="branch/2 is stable") as refused:
        office.node.revoke("branch", at=["1"])
    assert "cut at 2 or later" in refused.value.hint


def test_a_revoked_node_says_so_and_seals_nothing_more(office: Place, branch: Place, share: Path) -> None:
    insert(branch, "good")
    meet(share, [office, branch])
    office.node.revoke("branch")
    office.node.sync(share)
    insert(branch, "more")
    with pytest.raises(SatchelError, match=r"branch was revoked by office on 20..-..-..: of branch only") as told:
        branch.node.sync(share)
    assert "invitation under a new name" in told.value.hint
    insert(branch, "still here")
    for act in (
        lambda: branch.node.export(branch.root / "stick"),
        lambda: branch.node.import_(share),
        lambda: branch.node.invite("other"),
    ):
        with pytest.raises(SatchelError, match="branch was revoked"):
            act()
    status = branch.node.status()
    assert "branch was revoked by office" in status["sentence"] and status["pending"] == 1
    assert {"more", "still here"} <= keys(branch)


def test_a_name_that_was_revoked_is_not_given_again(office: Place, branch: Place) -> None:
    office.node.revoke("branch")
    with pytest.raises(UsageError, match="there is a node branch already"):
        office.node.invite("branch", out=office.root / "again.invite")


def test_an_invitation_that_was_lost_is_revoked(office: Place, branch: Place, share: Path) -> None:
    thief = join_network(office, "field", emptied(office.db, office.root / "field.db"))
    office.node.revoke("field")
    shutil.copytree(thief.home / "packets" / "nodes", share / "nodes", dirs_exist_ok=True)
    office.node.sync(share)
    assert states(office)["field"] == "revoked" and peers(office) == ["branch"]


def test_own_numbers_follow_when_rows_are_taken_out(tmp_path: Path) -> None:
    office = found_network(tmp_path, make_database(tmp_path / "office.db", *LOCAL), key_scope={})
    others = [join_network(office, n, emptied(office.db, tmp_path / f"{n}.db")) for n in ("branch", "clinic")]
    branch, clinic = others
    share = tmp_path / "share"
    meet(share, [office, branch, clinic])
    branch.sql("INSERT INTO customers VALUES (2, 'Bob')", "INSERT INTO invoices VALUES (2, 2, 20)")
    branch.node.sync(share)
    clinic.sql("INSERT INTO customers VALUES (2, 'Cleo')", "INSERT INTO invoices VALUES (2, 2, 30)")
    clinic.node.sync(share)
    clinic.sql("INSERT INTO invoices SELECT 9, id, 40 FROM customers WHERE name = 'Bob'")
    clinic.node.sync(share)
    office.node.revoke("branch")  # the office has nothing of it
    meet(share, [office, clinic])
    wanted = [("Ada", 10), ("Cleo", 30)]
    query = "SELECT c.name, i.total FROM invoices i JOIN customers c ON c.id = i.customer ORDER BY i.total"
    assert office.rows(query) == wanted == clinic.rows(query)
    # the clinic's invoice for Bob is kept, out of the table: its customer is gone
    for place in (office, clinic):
        [parked] = place.node.conflicts()
        assert (parked["table"], parked["kind"]) == ("invoices", "foreign-key")
    clinic.sql("INSERT INTO customers VALUES (7, 'Dan')", "INSERT INTO invoices VALUES (7, 7, 70)")
    meet(share, [office, clinic])
    assert office.rows(query) == clinic.rows(query) == [*wanted, ("Dan", 70)]


def test_a_kill_between_database_and_archive_is_made_good(
    office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("one", "two"):
        insert(branch, key)
        branch.node.sync(share)
    office.node.sync(share)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(taking_out, "_sweep", killed)
        with pytest.raises(KeyboardInterrupt):
            office.node.revoke("branch", at=["1"])
    assert keys(office) == {"c1", "c2", "one"}
    assert "branch/2" in packets_in(office.home / "packets")
    report = office.node.sync(share)
    assert report.applied == [] and keys(office) == {"c1", "c2", "one"}
    assert packets_in(office.home / "packets") == {"office/1", "branch/1"}
    assert [entry["packet"] for entry in office.node.status()["quarantined"]] == ["branch/2"]


def test_what_was_written_meanwhile_is_sealed_before_anything_is_taken_out(
    office: Place, branch: Place, clinic: Place, share: Path
) -> None:
    insert(branch, "bad")
    branch.node.sync(share)
    clinic.node.sync(share)
    office.node.revoke("branch")
    office.node.sync(share)
    clinic.sql("UPDATE customers SET town = 'Rome' WHERE id = 'bad'")
    report = clinic.node.sync(share)
    assert report.sealed == ["clinic/1"] and report.taken_out == ["branch/1"]
    meet(share, [office, clinic])
    assert office.rows("SELECT name, town FROM customers WHERE id = 'bad'") == [("by branch", "Rome")]


@pytest.mark.slow
def test_what_was_pruned_comes_back_from_a_snapshot(office: Place, branch: Place, share: Path) -> None:
    office.sql("UPDATE customers SET town = 'Oslo' WHERE id = 'c1'")
    meet(share, [office, branch])
    office.node.snapshot()
    office.sql("INSERT INTO customers VALUES ('later', 'x', NULL)")
    meet(share, [office, branch])
    meet(share, [office, branch])
    pruned = office.node.prune(keep_days=0)
    assert "office/2" in pruned.packets
    branch.sql("UPDATE customers SET town = 'Hell'", "DELETE FROM stock")
    branch.node.sync(share)
    assert office.node.sync(share).applied == ["branch/1"]
    assert office.node.revoke("branch", at=["0"]).warnings == []
    rows = [("c1", "Oslo"), ("c2", "Bonn"), ("later", None)]
    assert office.rows("SELECT id, town FROM customers ORDER BY id") == rows
    assert office.rows("SELECT id, pieces FROM stock") == [("s1", 4)]


@pytest.mark.slow
def test_the_branches_of_a_clone_are_cut_by_their_hashes(
    office: Place, branch: Place, clinic: Place, share: Path
) -> None:
    twin = clone(branch)
    for place in (branch, twin):
        for number in (1, 2):
            seal(place, f"INSERT INTO stock VALUES ('{'t' if place is twin else 'b'}{number}', {number})")
    hand_over(branch, clinic)  # the clinic knows one side, and calls it by the plain name
    hand_over(branch, office)
    hand_over(twin, office)
    names = sorted(origin for origin in office.vector() if origin.startswith("branch~"))
    assert len(names) == 2 and clinic.vector()["branch"] == 2
    report = office.node.revoke("branch", at=[f"{names[0]}/1", f"{names[1]}/1"])
    assert sorted(report.taken_out) == [f"{name}/2" for name in names]
    assert office.rows("SELECT id FROM stock ORDER BY id") == [("b1",), ("s1",), ("t1",)]
    meet(share, [office, clinic])
    hand_over(twin, clinic)
    meet(share, [office, clinic])
    assert clinic.rows("SELECT id FROM stock ORDER BY id") == [("b1",), ("s1",), ("t1",)]
    assert clinic.vector() == office.vector()


@pytest.mark.parametrize("cut", ["branch/0", "branch/1"])
def test_who_writes_a_revoked_node_s_row_anew_is_understood_by_all(
    office: Place, branch: Place, clinic: Place, share: Path, cut: str
) -> None:
    if cut == "branch/1":
        insert(branch, "good")
        meet(share, [branch])
    insert(branch, "bad")
    meet(share, [branch, office])  # nobody else has it: a cut before it is allowed
    office.sql("UPDATE customers SET name = 'kept' WHERE id = 'bad'")
    office.node.sync(share)
    office.node.revoke("branch", at=[cut])
    office.sql("UPDATE customers SET town = 'Ulm' WHERE id = 'bad'")
    meet(share, [office, clinic])
    assert differences(office.dump(), clinic.dump()) == {}
    assert office.rows("SELECT name, town FROM customers WHERE id = 'bad'") == [("kept", "Ulm")]
    assert [entry["packet"] for entry in clinic.node.status()["quarantined"]] == [cut[:-1] + str(int(cut[-1]) + 1)]


def test_a_snapshot_made_after_a_revocation_is_right(office: Place, branch: Place, clinic: Place, share: Path) -> None:
    insert(branch, "bad")
    meet(share, [branch, office])
    office.sql("UPDATE customers SET name = 'kept' WHERE id = 'bad'")
    office.node.sync(share)
    office.node.revoke("branch", at=["branch/0"])
    office.node.snapshot(share)
    meet(share, [office, clinic])
    for folder in (share, office.home / "packets"):
        assert satchel.verify(folder)["problems"] == []
    assert differences(office.dump(), clinic.dump()) == {}
