"""A restored backup is noticed before anything is sealed, and goes on in an epoch of its own (PROTOCOL, Trouble)."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from satchel.errors import SatchelError
from satchel.packet.envelope import read_envelope
from satchel.packet.manifest import manifest_hash
from tests.sync.backups import BOTH, DATABASE, HOME, backup
from tests.sync.sites import Place, contents, differences, meet, packets_in

EPOCH = re.compile(r"office\.[a-z0-9]{4}")


def origin(place: Place) -> str:
    return str(place.node.status()["origin"])


def is_epoch(name: str) -> bool:
    return EPOCH.fullmatch(name) is not None


def equal(*places: Place) -> None:
    for place in places[1:]:
        assert not differences(places[0].dump(), place.dump())
        assert place.vector() == places[0].vector()
        assert place.node.status()["waiting"] == []


@pytest.fixture
def restored(office: Place, branch: Place, share: Path) -> Callable[[Sequence[str]], Place]:
    """The office, which has sealed and sent two packets that its database (or home, or both) does not know."""

    def restore(what: Sequence[str]) -> Place:
        old = backup(office)
        office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
        office.node.sync(share)
        office.sql("INSERT INTO stock VALUES ('lost', 3)")
        office.node.sync(share)
        old.restore(*what)
        return office

    return restore


@pytest.mark.parametrize("what", [DATABASE, BOTH], ids=["database", "both"])
def test_a_restored_database_goes_on_in_an_epoch_of_its_own_and_gets_back_what_it_had_sent(
    restored: Callable[[Sequence[str]], Place], branch: Place, share: Path, what: Sequence[str]
) -> None:
    office = restored(what)
    office.sql("UPDATE customers SET name = 'Eve' WHERE id = 'c2'")
    report = office.node.sync(share)
    new = origin(office)
    assert is_epoch(new)
    assert report.sealed == [f"{new}/1"]
    assert report.applied == ["office/2", "office/3"]
    assert [line for line in report.warnings if "a backup was restored" in line and new in line]
    meet(share, [branch, office])
    equal(office, branch)
    assert office.rows("SELECT town FROM customers WHERE id = 'c1'") == [("Kiel",)]
    assert office.rows("SELECT name FROM customers WHERE id = 'c2'") == [("Eve",)]
    assert office.rows("SELECT pieces FROM stock WHERE id = 'lost'") == [(3,)]
    assert office.node.sync(share).warnings == []
    assert origin(office) == new


def test_edits_since_the_restore_have_seen_only_what_the_restored_database_had(
    restored: Callable[[Sequence[str]], Place], branch: Place, share: Path
) -> None:
    office = restored(DATABASE)
    office.sql("UPDATE customers SET town = 'Husum' WHERE id = 'c1'")
    office.node.sync(share)
    meet(share, [branch, office])
    equal(office, branch)
    (conflict,) = branch.node.conflicts()
    assert {v["origin"] for v in conflict["versions"]} == {"office", origin(office)}
    for place in (office, branch):
        assert place.rows("SELECT town FROM customers WHERE id = 'c1'") == [("Husum",)]
    branch.node.resolve(conflict["id"], take="office")  # the newest of the node's
    meet(share, [branch, office])
    assert office.node.conflicts() == []
    assert office.rows("SELECT town FROM customers WHERE id = 'c1'") == [("Husum",)]


def test_without_an_edit_since_the_restore_nothing_is_sealed(
    restored: Callable[[Sequence[str]], Place], branch: Place, share: Path
) -> None:
    office = restored(BOTH)
    assert office.node.sync(share).sealed == []
    meet(share, [office, branch])
    equal(office, branch)
    office.sql("UPDATE stock SET pieces = 9 WHERE id = 's1'")
    assert office.node.sync(share).sealed == [f"{origin(office)}/1"]


@pytest.mark.parametrize(
    "command",
    [
        lambda office: office.node.export(),
        lambda office: office.node.import_(),
        lambda office: office.node.sync(),
        lambda office: office.node.invite("x", out=office.root / "x.invite"),
    ],
    ids=["export", "import", "sync", "invite"],
)
def test_every_command_that_seals_looks_first(
    restored: Callable[[Sequence[str]], Place], branch: Place, share: Path, command: Callable[[Place], object]
) -> None:
    office = restored(DATABASE)
    office.sql("UPDATE stock SET pieces = 9 WHERE id = 's1'")
    command(office)
    assert is_epoch(origin(office))
    assert packets_in(office.home / "packets" / "acme" / origin(office)) == {f"{origin(office)}/1"}
    meet(share, [office, branch])
    equal(office, branch)


def test_a_resolution_looks_first(office: Place, branch: Place, share: Path) -> None:
    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    branch.sql("UPDATE customers SET town = 'Bern' WHERE id = 'c1'")
    meet(share, [office, branch])
    (conflict,) = office.node.conflicts()
    old = backup(office)
    office.sql("UPDATE stock SET pieces = 7 WHERE id = 's1'")
    office.node.sync(share)
    old.restore(*DATABASE)
    done = office.node.resolve(conflict["id"], take="branch")
    assert [line for line in done["warnings"] if "a backup was restored" in line]
    assert done["sealed"] == [f"{origin(office)}/1"]
    assert is_epoch(origin(office))
    meet(share, [office, branch])
    equal(office, branch)
    assert office.node.conflicts() == []
    assert office.rows("SELECT town FROM customers WHERE id = 'c1'") == [("Bern",)]
    assert office.rows("SELECT pieces FROM stock WHERE id = 's1'") == [(7,)]


def test_a_dry_run_says_what_would_happen_and_changes_nothing(
    restored: Callable[[Sequence[str]], Place], share: Path
) -> None:
    office = restored(DATABASE)
    office.sql("UPDATE stock SET pieces = 9 WHERE id = 's1'")
    before = office.state()
    report = office.node.sync(share, dry_run=True)
    assert [line for line in report.warnings if "a backup was restored" in line]
    assert report.applied == ["office/2", "office/3"]
    assert office.state() == before


@pytest.mark.parametrize("what", ["witness", "archive", "packets", "own ack", "peer's ack", "peer's packet"])
def test_each_trace_alone_is_enough(
    restored: Callable[[Sequence[str]], Place], branch: Place, share: Path, tmp_path: Path, what: str
) -> None:
    office = restored(BOTH)
    branch.node.sync(share)
    branch.sql("INSERT INTO stock VALUES ('s9', 9)")
    branch.node.sync(share)
    stick = tmp_path / "stick"
    stick.mkdir()
    if what == "witness":
        (office.home / "witness.json").write_bytes(newest_witness(office))
    elif what == "archive":
        shutil.copytree(share / "packets/acme/office", office.home / "packets/acme/office", dirs_exist_ok=True)
    elif what == "packets":
        shutil.copytree(share / "packets/acme/office", stick / "packets/acme/office")
    elif what == "own ack":
        (stick / "acks").mkdir()
        shutil.copyfile(share / "acks/office.json", stick / "acks/office.json")
    elif what == "peer's ack":
        (stick / "acks").mkdir()
        shutil.copyfile(share / "acks/branch.json", stick / "acks/branch.json")
    else:
        shutil.copytree(share / "packets/acme/branch", stick / "packets/acme/branch")
    office.sql("UPDATE stock SET pieces = 9 WHERE id = 's1'")
    report = office.node.sync(stick)
    assert is_epoch(origin(office))
    assert report.sealed == [f"{origin(office)}/1"]
    meet(share, [office, branch])
    equal(office, branch)


def newest_witness(office: Place) -> bytes:
    """The witness as it was after office/3."""
    marker = next((office.root / "share/packets/acme/office").glob("0000000003-*/manifest.json"))
    digest = manifest_hash(read_envelope(marker.read_bytes()).payload)
    return b'{"origins": {"office": [3, "%s"]}}' % digest.encode()


def test_a_home_that_was_restored_alone_opens_no_epoch_and_gets_its_packets_back(
    restored: Callable[[Sequence[str]], Place], branch: Place, share: Path
) -> None:
    office = restored(HOME)
    assert len(packets_in(office.home / "packets" / "acme")) == 1
    office.sql("UPDATE stock SET pieces = 9 WHERE id = 's1'")
    report = office.node.export()
    assert (report.sealed, origin(office)) == (["office/4"], "office")
    assert [line for line in report.warnings if "2 packets (office/2, office/3)" in line]
    office.node.sync(share)
    assert len(packets_in(office.home / "packets" / "acme")) == 4
    assert office.node.sync(share).warnings == []
    meet(share, [office, branch])
    equal(office, branch)


def test_packets_that_a_restored_home_lacks_are_asked_for_where_the_share_was_emptied(
    restored: Callable[[Sequence[str]], Place], branch: Place, share: Path, tmp_path: Path
) -> None:
    branch.node.sync(share)
    office = restored(HOME)
    branch.node.sync(share)
    stick = tmp_path / "stick"
    stick.mkdir()
    office.node.sync(stick)
    assert packets_in(office.home / "packets" / "acme") == {"office/1"}
    branch.node.sync(stick)
    office.node.sync(stick)
    assert packets_in(office.home / "packets" / "acme") == {"office/1", "office/2", "office/3"}
    assert office.node.sync(stick).warnings == []


def test_the_witness_of_a_restored_home_is_mended(restored: Callable[[Sequence[str]], Place]) -> None:
    office = restored(HOME)
    office.node.export()
    assert b"[3, " in (office.home / "witness.json").read_bytes()


def test_a_backup_restored_twice_opens_two_epochs(
    restored: Callable[[Sequence[str]], Place], branch: Place, share: Path
) -> None:
    office = restored(DATABASE)
    old = backup(office, "again")
    names = []
    for town in ("Ulm", "Jena"):
        old.restore(*BOTH)
        office.sql(f"UPDATE customers SET town = '{town}' WHERE id = 'c2'")
        office.node.sync(share)
        branch.node.sync(share)
        names.append(origin(office))
    assert len(set(names)) == 2
    meet(share, [office, branch])
    equal(office, branch)
    assert set(office.vector()) >= {"office", *names}


def test_a_backup_of_an_epoch_is_recognised_too(
    restored: Callable[[Sequence[str]], Place], branch: Place, share: Path
) -> None:
    office = restored(DATABASE)
    office.sql("UPDATE stock SET pieces = 1 WHERE id = 's1'")
    office.node.sync(share)
    first, old = origin(office), backup(office, "of-the-epoch")
    office.sql("UPDATE stock SET pieces = 2 WHERE id = 's1'")
    office.node.sync(share)
    old.restore(*BOTH)
    office.sql("UPDATE customers SET name = 'Zoe' WHERE id = 'c2'")
    office.node.sync(share)
    assert origin(office) not in (first, "office")
    meet(share, [office, branch])
    equal(office, branch)
    assert office.rows("SELECT pieces FROM stock WHERE id = 's1'") == [(2,)]
    assert office.node.status()["epochs"][-1]["predecessor"] == first


def test_an_acknowledgement_of_the_new_epoch_replaces_the_higher_one_and_brings_back_what_others_sent(
    office: Place, branch: Place, share: Path
) -> None:
    old = backup(office)
    branch.sql("INSERT INTO stock VALUES ('b', 1)")
    meet(share, [branch, office])
    old.restore(*BOTH)
    shutil.rmtree(share / "packets/acme/branch")
    office.node.sync(share)
    assert is_epoch(origin(office))
    assert office.rows("SELECT count(*) FROM stock WHERE id = 'b'") == [(0,)]
    branch.node.sync(share)
    office.node.sync(share)
    equal(office, branch)
    assert office.rows("SELECT count(*) FROM stock WHERE id = 'b'") == [(1,)]


def test_a_restore_to_the_newest_state_changes_nothing(office: Place, branch: Place, share: Path) -> None:
    office.sql("UPDATE stock SET pieces = 1 WHERE id = 's1'")
    office.node.sync(share)
    old = backup(office)
    office.node.sync(share)
    old.restore(*BOTH)
    office.sql("UPDATE stock SET pieces = 2 WHERE id = 's1'")
    assert office.node.sync(share).sealed == ["office/3"]
    assert origin(office) == "office"


def test_a_node_that_meets_another_packet_of_a_number_that_it_used_opens_an_epoch(
    office: Place, branch: Place, share: Path, tmp_path: Path
) -> None:
    old = backup(office)
    office.sql("UPDATE stock SET pieces = 1 WHERE id = 's1'")
    office.node.sync(share)
    old.restore(*BOTH)
    office.sql("INSERT INTO stock VALUES ('other', 1)")
    assert office.node.export().sealed == ["office/2"]  # nobody could have noticed
    office.sql("UPDATE customers SET name = 'Zoe' WHERE id = 'c2'")
    report = office.node.sync(share)
    assert is_epoch(origin(office))
    assert report.sealed == [f"{origin(office)}/1"]
    assert [line for line in report.warnings if "another office/2" in line]


def test_status_and_log_tell_of_the_epoch(restored: Callable[[Sequence[str]], Place], share: Path) -> None:
    office = restored(DATABASE)
    office.node.sync(share)
    (epoch,) = office.node.status()["epochs"]
    assert (epoch["origin"], epoch["predecessor"]) == (origin(office), "office")
    assert "office/3" in epoch["because"]
    assert any(origin(office) in finding["what"] for finding in office.node.doctor()["findings"])
    told = [run for run in office.node.log() if run["command"] == "epoch"]
    assert [run["report"]["epoch"]["origin"] for run in told] == [origin(office)]


def test_a_damaged_witness_stops_nobody(office: Place, branch: Place, share: Path) -> None:
    contents_ = (b"", b"{}", b"[]", b"\xff", b'{"origins": {"office": "x"}}', b'{"origins": [1]}')
    for content in contents_:
        (office.home / "witness.json").write_bytes(content)
        office.sql("UPDATE stock SET pieces = pieces + 1")
        assert len(office.node.sync(share).sealed) == 1
    assert origin(office) == "office"


def test_looking_at_a_restored_home_changes_nothing(restored: Callable[[Sequence[str]], Place]) -> None:
    office = restored(DATABASE)
    before = contents(office.home, "lock")
    assert office.node.status()["origin"] == "office"
    assert contents(office.home, "lock") == before


def test_a_restored_home_takes_the_configuration_from_the_share_before_it_seals(
    office: Place, branch: Place, share: Path
) -> None:
    for place in (office, branch):
        place.sql("CREATE TABLE prices (article TEXT PRIMARY KEY, price REAL)")
    meet(share, [office, branch])
    old = backup(office)
    office.node.set_policy("prices", "latest")
    meet(share, [office, branch])
    old.restore(*HOME)
    office.sql("INSERT INTO prices VALUES ('p', 1)")
    before = office.state()
    with pytest.raises(SatchelError, match="the configuration that the database follows"):
        office.node.export()
    assert office.node.status()["pending"] == 1
    assert office.state()[1] == before[1]
    assert office.node.sync(share).sealed == ["office/2"]
    assert origin(office) == "office"
    meet(share, [office, branch])
    equal(office, branch)
