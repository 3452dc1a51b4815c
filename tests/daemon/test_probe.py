"""The doctor tries the exchanges out."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from satchel.daemon.probe import probe
from tests.daemon.conftest import Start
from tests.sync.sites import Place, contents


def words(found: object) -> list[str]:
    return [f"{entry['level']}: {entry['what']}" for entry in found]  # type: ignore[attr-defined]


def test_a_folder_that_can_be_written_is_left_as_it_was(tmp_path: Path) -> None:
    (found,) = words(probe("nas", tmp_path))
    assert found.startswith("ok: the exchange nas can be written; a watch hears of new files at once")
    assert contents(tmp_path) == {}


def test_a_folder_without_events_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("satchel.daemon.probe._LONGEST", 0.05)
    monkeypatch.setattr("satchel.daemon.probe.Observer.follow", lambda self, folders: None)
    (found,) = words(probe("nas", tmp_path))
    assert "so a watch looks by itself" in found


def test_a_folder_that_refuses_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(step: str, path: Path) -> None:
        raise OSError(30, os.strerror(30))

    monkeypatch.setattr("satchel.files.write.fault_point", refuse)
    (found,) = words(probe("nas", tmp_path))
    assert found.startswith("warning: the exchange nas cannot be written")


def test_a_share_with_another_clock_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr("satchel.daemon.probe.time.time", lambda: now + 3 * 86_400 + 60)
    assert "warning: the clock of the exchange nas is 3 days behind the one here" in words(probe("nas", tmp_path))


def test_the_doctor_says_how_exchanges_and_watch_are(office: Place, share: Path, branch: Place, start: Start) -> None:
    with (office.home / "satchel.toml").open("a") as file:
        file.write(f"\n[exchanges.nas]\npath = '{share}'\n\n[exchanges.stick]\nlabel = 'NO SUCH STICK'\n")
    found = words(office.node.doctor()["findings"])
    assert any(line.startswith("ok: the exchange nas can be written") for line in found)
    assert any("the exchange stick, the volume NO SUCH STICK" in line and "not plugged in" in line for line in found)
    assert "note: no watch runs in this home" in found
    start(office).idle()
    assert any(line.startswith("ok: a watch runs") for line in words(office.node.doctor()["findings"]))
