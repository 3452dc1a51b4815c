"""What the command line says of restored backups and of homes that get another name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.fake import STATUS, FakeApi, Report, run

WHY = "a backup was restored: this home knows office/9, the database ends at office/7"
EPOCH = {"origin": "office.x7k2", "predecessor": "office", "at": "2026-03-01T10:00:00.250Z", "because": WHY}


def test_status_says_under_which_name_it_seals_and_since_when(api: FakeApi) -> None:
    api.answers["status"] = STATUS | {"origin": "office.x7k2", "epochs": [EPOCH], "missing": []}
    assert f"It seals as office.x7k2 since 2026-03-01 10:00:00 UTC: {WHY}." in run("status").stdout.splitlines()


def test_status_names_packets_that_the_archive_lost(api: FakeApi) -> None:
    api.answers["status"] = STATUS | {"epochs": [], "missing": ["office/1", "branch/2"]}
    shown = run("status").stdout
    assert "Not in the archive, and asked for: office/1, branch/2" in shown


def test_log_tells_of_a_new_epoch(api: FakeApi) -> None:
    report = {"epoch": {**EPOCH, "at": 1}, "warnings": [WHY]}
    entry = {"at": "2026-03-01T10:00:00Z", "command": "epoch", "exchange": "", "seconds": 0.0, "report": report}
    api.answers["log"] = [entry]
    assert f"2026-03-01 10:00:00 UTC\toffice.x7k2\t{WHY}" in run("log").stdout.splitlines()


@pytest.mark.parametrize("dry", [False, True])
def test_rejoin_says_who_it_is_now(api: FakeApi, dry: bool) -> None:
    found = {"home": "h", "node": "laptop", "was": "branch", "network": "acme", "pending": 2, "warnings": []}
    api.answers["rejoin"] = Report(found | {"dry_run": dry})
    words = ["rejoin", "laptop.invite", *(["--dry-run"] if dry else [])]
    shown = run(*words).stdout
    lead = "Dry run, nothing was changed: would go on" if dry else "Goes on"
    assert shown.startswith(f"{lead} as laptop of acme; it was branch.\n2 changed rows not sent yet")
    assert ("Next:" in shown) != dry
    assert api.calls[-1] == ("rejoin", (Path("laptop.invite"),), {"dry_run": dry})
    assert json.loads(run(*words, "--json").stdout)["was"] == "branch"
