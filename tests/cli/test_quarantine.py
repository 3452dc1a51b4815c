"""`satchel quarantine` as somebody types it who is no administrator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.fake import FakeApi
from tests.cli.fake import run as run_fake
from tests.cli.real import must_be_refused, must_say, run
from tests.sync.sites import Place


@pytest.fixture
def spoilt(office: Place, branch: Place) -> Path:
    """A folder whose packet office/2 the branch has put into quarantine; the altered part."""
    office.sql("UPDATE stock SET pieces = 1")
    loose = office.root / "loose"
    office.export(loose)
    (part,) = loose.rglob("stock.parquet")
    part.write_bytes(bytes(part.stat().st_size))
    assert run("--home", branch.home, "import", loose).exit_code == 3
    return part


def test_the_list_names_packet_reason_and_place(branch: Place, spoilt: Path) -> None:
    result = run("--home", branch.home, "quarantine")
    assert result.exit_code == 0
    header, line = result.stdout.splitlines()
    assert header.split("\t") == ["id", "packet", "reason", "since", "found at"]
    assert line.split("\t")[1:3] == ["office/2", "stock.parquet: altered: its sha256 is not the manifest's"]
    assert line.split("\t")[4] == str(spoilt.parent)
    (entry,) = json.loads(run("--home", branch.home, "quarantine", "--json").stdout)["quarantined"]
    assert (entry["packet"], entry["file"]) == ("office/2", "stock.parquet")


def test_an_empty_quarantine_is_a_note_and_no_error(office: Place) -> None:
    result = run("--home", office.home, "quarantine")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "Nothing is in quarantine." in result.stderr
    for words in (("release", "--all"), ("remove", "--all")):
        result = run("--home", office.home, "quarantine", *words)
        assert (result.exit_code, result.stdout) == (0, "Nothing is in quarantine.\n")


def test_show_says_what_will_become_of_it(branch: Place, spoilt: Path) -> None:
    result = run("--home", branch.home, "quarantine", "show", "office/2")
    assert result.exit_code == 0
    assert "As soon as a good copy comes it is taken" in result.stdout
    assert "stock.parquet" in result.stdout
    assert json.loads(run("--home", branch.home, "quarantine", "show", "office/2", "--json").stdout)["kind"] == "copy"


def test_release_of_what_is_still_bad_is_done_in_part(branch: Place, spoilt: Path) -> None:
    result = run("--home", branch.home, "quarantine", "release", "--all")
    assert result.exit_code == 3
    assert "office/2\trefused\tstock.parquet: altered" in result.stdout
    assert run("--home", branch.home, "quarantine", "release", "office/2", "--dry-run").exit_code == 3


def test_remove_needs_a_clear_word(branch: Place, spoilt: Path) -> None:
    must_be_refused(branch, 1, "no good copy of office/2 has come here yet", "quarantine", "remove", "office/2")
    dry = run("--home", branch.home, "quarantine", "remove", "office/2", "--yes", "--dry-run")
    assert dry.stdout == "Dry run, nothing was changed: would have removed 1 packet from quarantine (office/2).\n"
    done = run("--home", branch.home, "quarantine", "remove", "office/2", "--yes")
    assert (done.exit_code, done.stdout) == (0, "Removed 1 packet from quarantine (office/2).\n")
    assert json.loads(run("--home", branch.home, "quarantine", "--json").stdout) == {"quarantined": []}


@pytest.mark.parametrize("words", [["release"], ["remove"], ["release", "x", "--all"], ["remove", "--all", "x"]])
def test_either_packets_or_all(office: Place, words: list[str]) -> None:
    must_say(run("--home", office.home, "quarantine", *words), 2, "either packets or --all")


@pytest.mark.parametrize("words", [["show"], ["release"], ["remove"]])
def test_what_is_not_there_is_wrong_usage(office: Place, words: list[str]) -> None:
    must_be_refused(office, 2, "nothing in quarantine is called office/9", "quarantine", *words, "office/9")


def test_a_home_that_is_read_only_can_be_looked_at(branch: Place, spoilt: Path) -> None:
    before = branch.state()
    for words in ((), ("show", "office/2")):
        assert run("--home", branch.home, "quarantine", *words).exit_code == 0
    assert branch.state() == before


def test_names_from_strangers_do_not_reach_the_terminal(api: FakeApi) -> None:
    evil = "x/1\x1b[2J\x07"
    entry = {"packet": evil, "reason": evil, "id": evil, "file": evil, "since": evil, "where": evil}
    api.answers["quarantine"] = {"quarantined": [entry]}
    result = run_fake("quarantine")
    assert "\x1b" not in result.stdout and "\x07" not in result.stdout
