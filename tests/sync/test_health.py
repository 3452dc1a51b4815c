"""The health of the network from a home and from a folder alone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import satchel
from satchel.errors import SatchelError
from tests.cli.real import run
from tests.sync.sites import Place, meet

DAY = 86_400_000


def told(found: dict, node: str) -> dict:
    (entry,) = (entry for entry in found["nodes"] if entry["node"] == node)
    return entry


def test_when_all_have_everything_it_says_so_from_the_share_alone(
    office: Place, branch: Place, clinic: Place, share: Path
) -> None:
    meet(share, [office, branch, clinic])
    found = satchel.health(share)
    assert found["sentence"].startswith("All is well: all 3 members")
    assert [entry["behind"] for entry in found["nodes"]] == [0, 0, 0]


def test_who_is_behind_is_named(office: Place, branch: Place, clinic: Place, share: Path) -> None:
    office.sql("UPDATE stock SET pieces = 9")
    office.node.sync(share)
    branch.node.sync(share)
    found = satchel.health(share)
    assert told(found, "clinic")["behind"] == 1
    assert told(found, "branch")["behind"] == 0
    assert "clinic does not have everything yet" in found["sentence"]
    assert told(office.node.health(), "clinic")["behind"] == 1


def test_what_only_this_node_has_the_others_lack(office: Place, branch: Place, share: Path) -> None:
    office.sql("UPDATE stock SET pieces = 9")
    office.export(office.root / "elsewhere")
    assert told(office.node.health(), "branch")["behind"] == 1


def test_who_is_silent_is_named(office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meet(share, [office, branch])
    later = time.time_ns() // 1_000_000 + 20 * DAY
    monkeypatch.setattr("satchel.sync.health.now_ms", lambda: later)
    assert told(satchel.health(share), "branch")["troubles"] == ["nothing was heard of it for 20 days"]


def test_a_clock_that_is_ahead_is_named(
    office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet(share, [office, branch])
    earlier = time.time_ns() // 1_000_000 - 2 * DAY - DAY // 2
    monkeypatch.setattr("satchel.sync.health.now_ms", lambda: earlier)
    assert told(satchel.health(share), "branch")["troubles"] == ["its clock is 2 days ahead"]


def test_open_conflicts_and_what_waits_are_counted_where_they_are(office: Place, branch: Place, share: Path) -> None:
    office.sql("UPDATE stock SET pieces = 8")
    branch.sql("UPDATE stock SET pieces = 9")
    meet(share, [office, branch])
    found = satchel.health(share)
    assert [entry["conflicts"] for entry in found["nodes"]] == [1, 1]
    assert "2 conflicts are open" in found["sentence"]


def test_somebody_who_was_invited_and_never_came_is_no_member_yet(office: Place, branch: Place, share: Path) -> None:
    office.node.invite("south", out=office.root / "south.invite")
    office.node.sync(share)
    assert {entry["node"] for entry in satchel.health(share)["nodes"]} == {"office", "branch"}


def test_somebody_who_joined_and_never_spoke_is_looked_after(office: Place, branch: Place, share: Path) -> None:
    (share / "acks" / "branch.json").unlink()
    entry = told(satchel.health(share), "branch")
    assert (entry["heard"], entry["troubles"]) == (None, ["nothing was heard of it yet"])


def test_who_has_retired_needs_no_looking_after(office: Place, branch: Place, share: Path) -> None:
    office.node.retire("branch")
    office.node.sync(share)
    (share / "acks" / "branch.json").unlink()
    entry = told(satchel.health(share), "branch")
    assert (entry["state"], entry["troubles"]) == ("retired", [])


def test_an_older_configuration_is_named(office: Place, branch: Place, share: Path) -> None:
    office.node.set_policy("stock", "latest")
    office.node.sync(share)
    assert told(satchel.health(share), "branch")["troubles"] == ["it follows configuration 1, the newest is 2"]


def test_the_command_prints_a_line_for_each_member(office: Place, branch: Place, share: Path) -> None:
    for words in (["status", "--on", share], ["--home", office.home, "status", "--network"]):
        result = run(*words)
        assert result.exit_code == 0, result.output
        assert "office\tactive\tnothing\t0\t0\t" in result.stdout


def test_a_folder_without_cards_says_nothing(tmp_path: Path) -> None:
    with pytest.raises(SatchelError, match="no cards"):
        satchel.health(tmp_path)
