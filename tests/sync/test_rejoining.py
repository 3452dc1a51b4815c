"""A home that was copied gets another name and key (PROTOCOL, Trouble: clone)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from satchel.errors import SatchelError, UsageError
from satchel.sync import rejoining
from satchel.sync.home import Home
from tests.sync.backups import DATABASE, HOME, backup
from tests.sync.sites import SCHEMA, Place, contents, differences, found_network, logical, make_database, meet


class Killed(BaseException):
    """Nothing catches it."""


def cloned(place: Place, name: str) -> Place:
    """Home and database on another machine: the settings name a database of its own."""
    twin = Place(name, place.root, place.root / f"{name}.db")
    shutil.copyfile(place.db, twin.db)
    shutil.copytree(place.home, twin.home)
    settings = twin.home / "satchel.toml"
    settings.write_text("# our second laptop\n" + settings.read_text().replace(str(place.db), str(twin.db)))
    return twin


def invited(place: Place, name: str) -> Path:
    path = place.root / f"{name}.invite"
    place.node.invite(name, out=path)
    return path


@pytest.fixture
def twin(branch: Place) -> Place:
    return cloned(branch, "twin")


def test_a_copied_home_goes_on_under_the_new_name_and_keeps_rows_and_edits(
    office: Place, branch: Place, twin: Place, share: Path
) -> None:
    twin.sql("INSERT INTO stock VALUES ('t', 1)")
    branch.sql("INSERT INTO stock VALUES ('b', 2)")
    report = twin.node.rejoin(invited(office, "laptop-2"))
    assert (report.node, report.was, report.pending) == ("laptop-2", "branch", 1)
    status = twin.node.status()
    assert (status["node"], status["origin"], status["pending"]) == ("laptop-2", "laptop-2", 1)
    assert (twin.home / "node.key").read_bytes() != (branch.home / "node.key").read_bytes()
    assert (twin.home / "satchel.toml").read_text().startswith("# our second laptop")
    assert twin.node.export().sealed == ["laptop-2/1"]
    meet(share, [office, branch, twin])
    for place in (branch, twin):
        assert not differences(place.dump(), office.dump())
        assert place.vector() == office.vector()
    assert office.vector()["branch"] == 1
    assert {node["node"] for node in office.node.nodes()["nodes"]} == {"office", "branch", "laptop-2"}


def test_what_the_copy_had_sealed_under_the_old_name_stays(
    office: Place, branch: Place, twin: Place, share: Path
) -> None:
    twin.sql("INSERT INTO stock VALUES ('t', 1)")
    assert twin.node.sync(share).sealed == ["branch/1"]
    twin.node.rejoin(invited(office, "laptop-2"))
    twin.sql("INSERT INTO stock VALUES ('u', 1)")
    meet(share, [office, branch, twin])
    assert office.vector() | {"branch": 1, "laptop-2": 1} == office.vector()
    for place in (branch, twin):
        assert not differences(place.dump(), office.dump())


def test_an_invitation_is_used_once(office: Place, twin: Place) -> None:
    invitation = invited(office, "laptop-2")
    twin.node.rejoin(invitation)
    with pytest.raises(SatchelError, match="used already"):
        twin.node.rejoin(invitation)


def test_a_dry_run_changes_nothing(office: Place, twin: Place) -> None:
    invitation = invited(office, "laptop-2")
    before, token = twin.state(), invitation.read_bytes()
    assert twin.node.rejoin(invitation, dry_run=True).node == "laptop-2"
    assert (twin.state(), invitation.read_bytes()) == (before, token)


def test_a_name_that_is_there_and_another_network_are_refused(office: Place, branch: Place, twin: Place) -> None:
    later, taken = invited(office, "later"), invited(office, "laptop-2")
    shutil.copyfile(taken, office.root / "copy.invite")
    twin.node.rejoin(taken)
    before = twin.state()
    with pytest.raises(UsageError, match="there is a node of that name"):
        twin.node.rejoin(office.root / "copy.invite")
    with pytest.raises(UsageError, match="not an invitation"):
        twin.node.rejoin(office.db)
    (office.root / "elsewhere").mkdir()
    stranger = found_network(office.root / "elsewhere", make_database(office.root / "elsewhere/db", *SCHEMA), "away")
    with pytest.raises(SatchelError, match="another network"):
        twin.node.rejoin(invited(stranger, "laptop-3"))
    assert twin.state() == before
    assert twin.node.rejoin(later).node == "later"


@pytest.mark.parametrize("step", ["add_node_files", "note", "replace", "rename", "remove_file"])
def test_a_kill_between_two_steps_is_made_good_by_the_next_command(
    office: Place, branch: Place, twin: Place, share: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    from satchel.packet.keys import PrivateKey
    from satchel.stores.sqlite.store import SQLiteStore
    from satchel.sync.site import Site

    def killed(*_: object) -> None:
        raise Killed

    owner = {"add_node_files": Site, "note": SQLiteStore, "replace": PrivateKey, "rename": Home}.get(step, rejoining)
    twin.sql("INSERT INTO stock VALUES ('t', 1)")
    invitation = invited(office, "laptop-2")
    with monkeypatch.context() as patch:
        patch.setattr(owner, step, killed)
        with pytest.raises(Killed):
            twin.node.rejoin(invitation)
    report = twin.node.sync(share)
    assert report.sealed == ["laptop-2/1"]
    assert twin.node.status()["node"] == "laptop-2"
    assert not (twin.home / "rejoin.json").exists()
    meet(share, [office, branch, twin])
    assert not differences(twin.dump(), office.dump())


def test_before_the_plan_is_written_nothing_has_happened(
    office: Place, twin: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise Killed

    invitation = invited(office, "laptop-2")
    before = contents(twin.home, "lock"), logical(twin.db)
    with monkeypatch.context() as patch:
        patch.setattr("satchel.files.replace", killed)
        with pytest.raises(Killed):
            twin.node.rejoin(invitation)
    assert (contents(twin.home, "lock"), logical(twin.db)) == before
    assert twin.node.rejoin(invitation).node == "laptop-2"


def test_the_founder_can_be_the_one_that_gets_another_name(office: Place, branch: Place, share: Path) -> None:
    twin = cloned(office, "twin")
    twin.node.rejoin(invited(office, "office-2"))
    twin.sql("INSERT INTO stock VALUES ('t', 1)")
    meet(share, [office, branch, twin])
    assert branch.vector()["office-2"] == 1
    assert not differences(twin.dump(), branch.dump())


def test_a_database_put_back_to_before_the_rejoin_takes_the_name_of_its_home(
    office: Place, branch: Place, twin: Place, share: Path
) -> None:
    old = backup(twin)
    twin.node.rejoin(invited(office, "laptop-2"))
    twin.sql("INSERT INTO stock VALUES ('t', 1)")
    twin.node.sync(share)
    old.restore(*DATABASE)
    twin.sql("INSERT INTO stock VALUES ('u', 1)")
    report = twin.node.sync(share)
    assert [line for line in report.warnings if "it goes on as laptop-2" in line]
    (sealed,) = report.sealed
    assert sealed.startswith("laptop-2.")
    meet(share, [office, branch, twin])
    assert not differences(twin.dump(), office.dump())
    assert office.node.status()["quarantined"] == []


def test_a_home_put_back_to_before_the_rejoin_lacks_the_key_and_says_so(office: Place, twin: Place) -> None:
    old = backup(twin)
    twin.node.rejoin(invited(office, "laptop-2"))
    old.restore(*HOME)
    before = twin.state()
    with pytest.raises(SatchelError, match="older than its database, which goes on as laptop-2") as caught:
        twin.node.export()
    assert "satchel join" in caught.value.hint
    assert twin.state() == before


def test_a_name_that_somebody_typed_into_the_settings_is_no_new_identity(office: Place, branch: Place) -> None:
    settings = branch.home / "satchel.toml"
    settings.write_text(settings.read_text().replace('"branch"', '"brunch"'))
    with pytest.raises(SatchelError, match=r"satchel\.toml says brunch"):
        branch.node.export()
