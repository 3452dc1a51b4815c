"""A cloned node: both sides' work is applied, under the names of two branches, on every node that knows both
(PROTOCOL, Trouble: clone, fork)."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

import satchel
from satchel.packet.envelope import read_envelope
from satchel.packet.manifest import manifest_hash
from satchel.sync.opening import reading, working
from satchel.sync.pruning import stability_of
from satchel.sync.sealing import seal_pending, write_parts
from tests.sync.clones import assert_equal, clone, conflicts, gossip, hand_over, seal, versions
from tests.sync.sites import Place, emptied, found_network, join_network, make_database, meet

BRANCH = re.compile(r"branch~[0-9a-f]{8}")


def branches(place: Place) -> list[str]:
    return [origin for origin in place.vector() if BRANCH.fullmatch(origin)]


def test_both_sides_of_a_fork_are_applied_and_nothing_waits(office: Place, branch: Place) -> None:
    twin = clone(branch)
    assert seal(branch, "UPDATE customers SET town = 'Kiel' WHERE id = 'c1'") == ["branch/1"]
    assert seal(twin, "INSERT INTO stock VALUES ('s2', 5)") == ["branch/1"]
    hand_over(branch, office)
    assert office.vector()["branch"] == 1
    hand_over(twin, office)
    assert office.rows("SELECT town FROM customers WHERE id = 'c1'") == [("Kiel",)]
    assert office.rows("SELECT pieces FROM stock WHERE id = 's2'") == [(5,)]
    status = office.node.status()
    assert status["waiting"] == []
    assert sorted(status["vector"]) == sorted([*branches(office), "office"])
    assert len(branches(office)) == 2
    hashes = {name: status["heads"][name] for name in branches(office)}
    assert all(name == f"branch~{digest[:8]}" for name, digest in hashes.items())


@pytest.mark.parametrize(
    "order", [(2, 1, 0), *(pytest.param(order, marks=pytest.mark.slow) for order in [(0, 1, 2), (1, 2, 0), (1, 0, 2)])]
)
def test_whoever_is_heard_first_all_nodes_end_equal(
    office: Place, branch: Place, clinic: Place, order: tuple[int, ...]
) -> None:
    seal(branch, "UPDATE customers SET town = 'Bern' WHERE id = 'c1'")
    hand_over(branch, office)
    twin = clone(branch)
    seal(branch, "UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    seal(branch, "UPDATE stock SET pieces = 6 WHERE id = 's1'")
    seal(twin, "UPDATE customers SET town = 'Jena' WHERE id = 'c1'")
    hand_over(twin, clinic)
    seal(clinic, "UPDATE customers SET name = 'Eve' WHERE id = 'c1'")
    hand_over(branch, office)
    seal(office, "UPDATE stock SET pieces = 7 WHERE id = 's1'")
    seal(twin, "UPDATE customers SET name = 'Kim' WHERE id = 'c2'")
    places = [branch, twin, clinic]
    for place in order:
        hand_over(places[place], office)
    assert len(branches(office)) == 2
    gossip(office, branch, twin, clinic)
    assert_equal(office, branch, twin, clinic)
    assert office.vector()["branch"] == 1
    assert len(conflicts(office)) == 1


def test_three_clones_make_three_branches_and_a_branch_forks_again(office: Place, branch: Place, clinic: Place) -> None:
    seal(branch, "UPDATE stock SET pieces = 1 WHERE id = 's1'")
    two, three = clone(branch, "two"), clone(branch, "three")
    for place, town in ((branch, "Kiel"), (two, "Jena"), (three, "Rom")):
        seal(place, f"UPDATE customers SET town = '{town}' WHERE id = 'c1'")
    four = clone(three, "four")
    seal(three, "UPDATE customers SET name = 'Eve' WHERE id = 'c2'")
    seal(four, "UPDATE customers SET name = 'Kim' WHERE id = 'c2'")
    for place in (three, branch, four, two):
        hand_over(place, office)
    for place in (four, two, three, branch):
        hand_over(place, clinic)
    assert_equal(office, clinic)
    firsts = sorted(seq for name, seq in office.vector().items() if BRANCH.fullmatch(name))
    assert firsts == [2, 2, 2, 3, 3]
    assert office.vector()["branch"] == 1


def test_status_doctor_and_verify_name_a_fork_until_one_database_has_another_identity(
    office: Place, branch: Place
) -> None:
    twin = clone(branch)
    seal(branch, "UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    seal(twin, "UPDATE customers SET town = 'Jena' WHERE id = 'c1'")
    assert office.node.status()["forks"] == []
    hand_over(branch, office)
    hand_over(twin, office)
    status = office.node.status()
    [fork] = status["forks"]
    heads = {head["origin"]: (head["seq"], head["hash"]) for head in fork["branches"]}
    assert (fork["origin"], fork["first"], fork["settled"]) == ("branch", 1, False)
    assert heads == {name: (1, status["heads"][name]) for name in branches(office)}
    assert "two databases write as branch" in status["sentence"]
    assert any("was sealed more than once" in warning for warning in status["warnings"])
    told = [entry for entry in office.node.doctor()["findings"] if "was sealed more than once" in entry["what"]]
    assert [("rejoin" in entry["hint"], entry["level"]) for entry in told] == [(True, "warning")]
    found = satchel.verify(office.home / "packets")
    [problem] = found["problems"]
    assert all(f"{name}/1" in problem["reason"] for name in branches(office))
    invitation = office.root / "laptop.invite"
    office.node.invite("laptop", out=invitation)
    twin.node.rejoin(invitation)
    meet(office.root / "share", [office, branch, twin])
    for place in (office, branch, twin):
        status = place.node.status()
        assert [fork["settled"] for fork in status["forks"]] == [True]
        assert not any("sealed more than once" in warning for warning in status["warnings"])
        assert satchel.verify(place.home / "packets")["problems"] == []
    assert_equal(office, branch, twin)


def test_two_clones_that_bear_one_number_bear_two_rows(tmp_path: Path) -> None:
    schema = "CREATE TABLE invoices (id INTEGER PRIMARY KEY, customer TEXT)"
    office = found_network(tmp_path, make_database(tmp_path / "office.db", schema), key_scope={})
    branch = join_network(office, "branch", emptied(office.db, tmp_path / "branch.db"))
    hand_over(office, branch)
    seal(branch, "INSERT INTO invoices VALUES (57, 'Ada')")
    twin = clone(branch)
    seal(branch, "INSERT INTO invoices VALUES (58, 'Bob')")
    seal(twin, "INSERT INTO invoices VALUES (58, 'Cid')")
    seal(twin, "UPDATE invoices SET customer = 'Dan' WHERE id = 58")
    for place in (branch, twin):
        hand_over(place, office)
    gossip(office, branch, twin)
    for place in (office, branch, twin):
        assert sorted(name for (name,) in place.rows("SELECT customer FROM invoices")) == ["Ada", "Bob", "Dan"]
        assert place.vector() == office.vector()
        assert versions(place) == versions(office)
    gids = {gid for (gid,) in office.rows("SELECT k0 FROM _satchel_row_1")}
    assert all(gid.startswith("branch:") for gid in gids), "an identity keeps the name under which it was born"


def test_a_dry_run_shows_both_sides_and_learns_nothing(office: Place, branch: Place) -> None:
    twin = clone(branch)
    seal(branch, "UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    seal(twin, "UPDATE customers SET town = 'Jena' WHERE id = 'c2'")
    hand_over(branch, office)
    before = office.state()
    report = office.node.import_(twin.home / "packets", dry_run=True)
    assert len(report.applied) == 1
    assert BRANCH.fullmatch(report.applied[0].partition("/")[0])
    assert report.waiting == []
    assert office.state() == before
    assert office.node.import_(twin.home / "packets").applied == report.applied


def test_history_tells_the_branches_apart(office: Place, branch: Place) -> None:
    twin = clone(branch)
    seal(branch, "UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    seal(twin, "UPDATE customers SET town = 'Jena' WHERE id = 'c1'")
    for place in (branch, twin):
        hand_over(place, office)
    found = {entry["origin"]: entry["outcome"] for entry in office.node.history("customers", "c1")}
    assert found.keys() == {"office", *branches(office)}
    assert sorted(found.values()) == ["lost", "shown", "superseded"]


def test_a_packet_of_a_branch_waits_for_the_one_before_it_by_its_hash(office: Place, branch: Place) -> None:
    twin = clone(branch)
    seal(branch, "UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    hand_over(branch, office)
    seal(twin, "UPDATE customers SET town = 'Jena' WHERE id = 'c1'")
    seal(twin, "UPDATE customers SET town = 'Rom' WHERE id = 'c1'")
    first, second = sorted((twin.home / "packets" / "acme" / "branch").iterdir())
    stick = office.root / "stick"
    shutil.copytree(second, stick / second.name)
    report = office.node.import_(stick)
    assert report.applied == []
    [entry] = report.waiting
    digest = manifest_hash(read_envelope((first / "manifest.json").read_bytes()).payload)
    assert entry["for"].partition(" ")[0] == "branch/1"
    [ack] = (office.home / "packets" / "acks").glob("office.json")
    wanted = json.loads(read_envelope(ack.read_bytes()).payload)["wanted"]
    assert [w["hash"] for w in wanted] == [digest[:16]]
    shutil.copytree(first, stick / first.name)
    assert len(office.node.import_(stick).applied) == 2
    assert len(branches(office)) == 2


def test_a_share_brings_each_side_to_whoever_lacks_it(office: Place, branch: Place, clinic: Place) -> None:
    """Everybody has an acknowledgement that covers the number, of one packet or the other."""
    twin = clone(branch)
    seal(branch, "UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    seal(twin, "UPDATE customers SET town = 'Jena' WHERE id = 'c2'")
    hand_over(branch, office)
    hand_over(twin, clinic)
    meet(office.root / "other-share", [office, clinic])
    assert_equal(office, clinic)
    assert len(branches(office)) == 2
    assert all(peer["behind"] == 0 for peer in office.node.status()["peers"] if peer["node"] == "clinic")


def test_what_a_clone_seals_before_its_next_run_goes_on_in_its_own_branch(
    office: Place, branch: Place, clinic: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The application writes while the run that learns of the fork is still at work: no epoch is open yet."""
    seal(branch, "UPDATE stock SET pieces = 9 WHERE id = 's1'")
    twin = clone(branch)
    seal(branch, "UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    seal(twin, "UPDATE customers SET town = 'Jena' WHERE id = 'c1'")
    with monkeypatch.context() as patch:  # the packet of the twin came between look and collect
        patch.setattr("satchel.sync.epochs.sign_of_restore", lambda site, traces: None)
        hand_over(twin, branch)
    for place, name in ((branch, "Ann"), (branch, "Bob")):
        place.sql(f"UPDATE customers SET name = '{name}' WHERE id = 'c1'", "UPDATE stock SET pieces = pieces + 1")
        with working(place.home) as site:
            own = site.own_origin
            assert BRANCH.fullmatch(own)
            [sealed] = seal_pending(site)
            assert (sealed.dot.origin, site.origin) == (own, "branch")
    names = sorted(path.name[:10] for path in (branch.home / "packets" / "acme" / "branch").iterdir())
    assert names == ["0000000001", "0000000002", "0000000002", "0000000003", "0000000004"]
    hand_over(branch, office, clinic)
    assert office.vector()[own] == 4, office.node.status()["waiting"]
    assert office.rows("SELECT pieces FROM stock") == [(11,)]
    gossip(office, branch, twin, clinic)
    assert_equal(office, branch, twin, clinic)
    assert satchel.verify(office.home / "packets")["problems"][0]["packet"] == "branch/2"


def test_a_run_that_is_killed_after_it_learned_of_a_fork_goes_on(office: Place, branch: Place) -> None:
    twin = clone(branch)
    seal(branch, "UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    seal(twin, "UPDATE customers SET town = 'Jena' WHERE id = 'c1'")
    branch.sql("UPDATE customers SET name = 'Ann' WHERE id = 'c2'")
    with working(branch.home) as site, site.store.delta(site.rules) as delta:
        assert delta is not None
        delta.record(write_parts(site, delta), site.rules)  # its manifest is not written
    hand_over(twin, branch)
    assert len(branches(branch)) == 2
    hand_over(branch, office)
    hand_over(twin, office)
    gossip(office, branch, twin)
    assert_equal(office, branch, twin)


def test_who_acknowledged_another_side_has_not_acknowledged_this_one(
    office: Place, branch: Place, clinic: Place
) -> None:
    """Nothing may be pruned because of a number alone."""
    twin = clone(branch)
    seal(branch, "UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    seal(branch, "UPDATE customers SET town = 'Bern' WHERE id = 'c1'")
    seal(twin, "UPDATE customers SET town = 'Jena' WHERE id = 'c2'")
    hand_over(branch, office)
    hand_over(twin, clinic)
    acks = office.root / "only-acks"
    shutil.copytree(clinic.home / "packets" / "acks", acks / "acks")
    shutil.copytree(branch.home / "packets" / "acks", acks / "acks", dirs_exist_ok=True)
    office.node.import_(acks)
    with reading(office.home) as site:
        assert "branch" in site.store.vector()
        assert "branch" not in stability_of(site).upto
    [peer] = [peer for peer in office.node.status()["peers"] if peer["node"] == "clinic"]
    assert peer["behind"] == 2


def test_what_the_archive_has_lost_is_asked_for_by_its_new_name(office: Place, branch: Place) -> None:
    twin = clone(branch)
    seal(branch, "UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    seal(twin, "UPDATE customers SET town = 'Jena' WHERE id = 'c2'")
    hand_over(branch, office)
    office.sql("UPDATE stock SET pieces = 9")
    with working(office.home) as site:
        site.note(missing=json.dumps(["branch/1"]))
    shutil.rmtree(next((office.home / "packets" / "acme" / "branch").iterdir()))
    hand_over(twin, office)
    [lost] = office.node.status()["missing"]
    assert BRANCH.fullmatch(lost.partition("/")[0])
    hand_over(branch, office)
    seal(office, "UPDATE stock SET pieces = 10")
    assert office.node.status()["missing"] == []
