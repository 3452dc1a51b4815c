"""`satchel lake` as somebody types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from satchel.cli import main
from tests.audit.builders import Archive, alter, row


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    made = Archive(tmp_path / "packets")
    made.office.write(row({"id": 1, "name": "Ann"}), row({"id": 2, "name": "Bob"}))
    made.office.write(row({"id": 3, "name": "Cleo"}))
    return made


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["lake", *map(str, words)])


def test_a_lake_is_made_and_said(archive: Archive, tmp_path: Path) -> None:
    done = run(tmp_path / "lake", "--on", archive.root)
    assert done.exit_code == 0
    first, *table = done.stdout.splitlines()
    assert first.startswith(f"{tmp_path / 'lake'}: 2 packets, 3 rows, 1 file, ") and first.endswith("; 2 new packets.")
    assert table == ["table\trows", "customers\t3"]


def test_json_has_the_fields_and_a_dry_run_writes_nothing(archive: Archive, tmp_path: Path) -> None:
    found = json.loads(run(tmp_path / "lake", "--on", archive.root, "--dry-run", "--json").stdout)
    assert (found["added"], found["rows"], found["dry_run"], (tmp_path / "lake").exists()) == (2, 3, True, False)


def test_a_packet_that_does_not_verify_is_named_and_the_exit_code_is_3(archive: Archive, tmp_path: Path) -> None:
    alter(next(archive.root.glob("acme/office/*1-*/customers.parquet")))
    done = run(tmp_path / "lake", "--on", archive.root)
    assert done.exit_code == 3
    assert "office/1\tcustomers.parquet\taltered: its sha256 is not the manifest's" in done.stdout


def test_a_packet_that_may_still_be_arriving_is_no_trouble(archive: Archive, tmp_path: Path) -> None:
    next(archive.root.glob("acme/office/*2-*/manifest.json")).unlink()
    assert run(tmp_path / "lake", "--on", archive.root).exit_code == 0


def test_a_place_among_the_packets_is_one_line_and_a_hint(archive: Archive) -> None:
    done = run(archive.root / "lake", "--on", archive.root)
    assert done.exit_code == 2
    assert "lies among the packets" in done.stderr and "hint:" in done.stderr and "Traceback" not in done.output


def test_without_a_directory_there_must_be_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SATCHEL_HOME", raising=False)
    assert run().exit_code == 10
