"""`compare` and `verify --replay` from the command line: exit codes, and what they say to people and to programs."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.real import must_say, run
from tests.sync.meddling import meddle
from tests.sync.places import branch, office, share, templates
from tests.sync.sites import Place, emptied, join_network

__all__ = ["branch", "office", "share", "templates"]


def test_sites_that_are_equal_and_then_are_not(office: Place, branch: Place, share: Path) -> None:
    assert "unknown: told nothing yet" in run("--home", office.home, "compare", share).stdout
    assert "office\tequal\t" in run("--home", branch.home, "compare", share).stdout
    meddle(branch, "UPDATE customers SET town = 'Rome' WHERE id = 'c1'", "DELETE FROM stock")
    result = run("--home", branch.home, "compare", share)
    assert result.exit_code == 5
    assert "office\tDIFFERENT: customers (town); stock (id, pieces)" in result.stdout
    assert "satchel verify --replay" in result.stdout
    result = run("--home", office.home, "compare", share, "--json")
    assert result.exit_code == 5
    [peer] = json.loads(result.stdout)["equality"]["peers"]
    assert not peer["equal"] and [entry["table"] for entry in peer["tables"]] == ["customers", "stock"]
    assert "have the same packets and not the same rows" in run("--home", office.home, "status").stdout


def test_a_dry_run_of_compare_tells_nothing(office: Place, branch: Place, share: Path) -> None:
    before = branch.state()
    assert run("--home", branch.home, "compare", share, "--dry-run").exit_code == 0
    assert branch.state() == before


def test_a_replay_names_the_rows_and_what_it_means(office: Place) -> None:
    result = run("--home", office.home, "verify", "--replay")
    assert result.exit_code == 0
    assert "The database is what its packets say: 3 rows, replayed from 1 packet." in result.stdout
    meddle(office, "UPDATE customers SET town = 'Rome' WHERE id = 'c1'", "DELETE FROM stock")
    result = run("--home", office.home, "verify", "--replay")
    assert result.exit_code == 5
    assert "The database is not what its packets say: 2 rows differ, of 2 rows." in result.stdout
    assert "customers\tc1\ttown\tRome\tUlm" in result.stdout
    assert "stock\ts1\tlost\t\tid = s1, pieces = 4" in result.stdout
    assert "changed past the triggers, or damaged" in result.stdout
    report = json.loads(run("--home", office.home, "verify", "--replay", "--json").stdout)
    assert report["problems"] == [] and report["replay"]["count"] == 2 and not report["replay"]["equal"]


def test_a_replay_is_of_a_home_that_has_rows(office: Place, tmp_path: Path) -> None:
    result = run("--home", office.home, "verify", "--replay", office.home / "packets")
    assert result.exit_code == 2 and "name no PATH" in result.stderr
    clinic = join_network(office, "clinic", emptied(office.db, tmp_path / "clinic.db"))
    must_say(run("--home", clinic.home, "verify", "--replay"), 2, "this node is still joining")
