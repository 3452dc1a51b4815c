"""A watch keeps a home and its exchanges together, and nothing that happens ends it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from pathlib import Path

import pytest

import satchel
from satchel.errors import HomeBusy, SatchelError
from tests.daemon.conftest import Start, until
from tests.sync.sites import Place, opened

EDIT = "UPDATE customers SET town = 'Kiel' WHERE id = 'c1'"
TOWN = "SELECT town FROM customers WHERE id = 'c1'"


def test_an_edit_goes_from_one_database_to_the_other_by_itself(
    office: Place, branch: Place, share: Path, start: Start
) -> None:
    start(office, share).idle()
    start(branch, share).idle()
    office.sql(EDIT)
    until(lambda: branch.rows(TOWN) == [("Kiel",)])


def test_a_packet_in_a_folder_without_events_is_found_by_looking(
    office: Place, branch: Place, share: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("satchel.daemon.observer.Observer.follow", lambda self, folders: None)
    start(branch, share).idle()
    office.sql(EDIT)
    office.node.sync(share)
    until(lambda: branch.rows(TOWN) == [("Kiel",)])


def test_what_the_application_writes_during_a_round_is_sealed_by_a_later_one(
    office: Place, share: Path, branch: Place, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = start(office, share)
    watched.idle()
    hear = watched.watch._tell  # where a round tells that it is over, the database was sealed and is not looked at yet

    def edit_once(event: str, about: object) -> None:
        hear(event, about)
        if event == "sync-finished" and len(watched.reports()) == 2:
            office.sql("UPDATE customers SET town = 'Jena' WHERE id = 'c2'")

    monkeypatch.setattr(watched.watch, "_tell", edit_once)
    office.sql(EDIT)
    until(lambda: office.vector()["office"] >= 3)
    assert office.node.status()["pending"] == 0


def test_without_an_exchange_it_goes_by_inbox_and_outbox(office: Place, branch: Place, start: Start) -> None:
    start(office).idle()
    office.sql(EDIT)
    until(lambda: list((office.home / "outbox").rglob("0000000002-*/manifest.json")))
    shutil.copytree(office.home / "outbox" / "packets", branch.home / "inbox" / "packets")
    start(branch).idle()
    assert branch.rows(TOWN) == [("Kiel",)]


def test_a_share_that_goes_away_is_a_state_and_its_return_brings_what_waited(
    office: Place, branch: Place, share: Path, start: Start
) -> None:
    watched = start(office, share)
    watched.idle()
    away = share.rename(share.with_name("away"))
    watched.heard("exchange-away")
    office.sql(EDIT)
    until(lambda: office.vector()["office"] == 2)
    away.rename(share)
    watched.heard("exchange-back")
    until(lambda: list(share.rglob("0000000002-*/manifest.json")))
    assert "sync-failed" not in watched.names()


def test_a_locked_database_is_tried_again(
    office: Place, branch: Place, share: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = office.home / "satchel.toml"
    settings.write_text(settings.read_text().replace("lock_timeout = 10", "lock_timeout = 0.05"))
    watched = start(office, share)
    watched.idle()
    with opened(office.db) as application:
        application.execute("BEGIN IMMEDIATE")
        application.execute(EDIT)
        branch.sql("UPDATE stock SET pieces = 5")
        branch.node.sync(share)
        watched.heard("sync-failed")
        application.execute("COMMIT")
    until(lambda: office.rows("SELECT pieces FROM stock") == [(5,)])
    until(lambda: office.vector()["office"] == 2)


def test_a_full_disk_is_tried_again(
    office: Place, branch: Place, share: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = start(office, share)
    watched.idle()
    full = [True]

    def refuse(step: str, path: Path) -> None:
        if full and step in ("write", "create"):
            raise OSError(28, os.strerror(28))

    for room in ("write",):
        monkeypatch.setattr(f"satchel.files.{room}.fault_point", refuse)
    office.sql(EDIT)
    watched.heard("sync-failed")
    full.clear()
    until(lambda: list(share.rglob("0000000002-*/manifest.json")))


def test_a_bug_in_a_round_does_not_end_it(
    office: Place, branch: Place, share: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = start(office, share)
    watched.idle()
    with monkeypatch.context() as broken:
        broken.setattr("satchel.sync.running.sync", lambda *_, **__: 1 / 0)
        office.sql(EDIT)
        watched.heard("sync-failed")
    until(lambda: list(share.rglob("0000000002-*/manifest.json")))


def test_a_bad_packet_is_put_into_quarantine_and_the_rest_goes_on(
    office: Place, branch: Place, share: Path, start: Start
) -> None:
    branch.sql("UPDATE stock SET pieces = 5")
    branch.node.sync(share)
    (part,) = share.glob("packets/*/branch/0000000001-*/*.parquet")
    part.write_bytes(b"\0" * part.stat().st_size)
    start(office, share).idle()
    assert office.node.status()["quarantined"]


def test_settings_that_are_wrong_are_told_and_read_again_when_they_are_right(
    office: Place, branch: Place, share: Path, start: Start
) -> None:
    settings = office.home / "satchel.toml"
    good = settings.read_text()
    watched = start(office, share)
    watched.idle()
    settings.write_text(good + "[status\n")
    office.sql(EDIT)
    with pytest.raises(SatchelError, match="is no TOML"):
        office.node.ask_watch("sync")
    settings.write_text(good)
    until(lambda: list(share.rglob("0000000002-*/manifest.json")))


def test_sync_now_is_answered_with_the_report_of_the_round(
    office: Place, branch: Place, share: Path, start: Start
) -> None:
    start(office, share, settle=600).idle()
    office.sql(EDIT)
    assert office.node.ask_watch("sync")["sealed"] == ["office/2"]


def test_sync_now_may_name_another_folder(
    office: Place, branch: Place, share: Path, tmp_path: Path, start: Start
) -> None:
    (tmp_path / "stick").mkdir()
    start(office, share, settle=600).idle()
    office.sql(EDIT)
    assert office.node.ask_watch("sync", tmp_path / "stick")["dropped"] == ["office/2"]
    assert not list(share.rglob("0000000002-*"))


def test_sync_now_tells_what_went_wrong(office: Place, branch: Place, share: Path, start: Start) -> None:
    start(office, share).idle()
    with pytest.raises(SatchelError, match="cannot be reached") as told:
        office.node.ask_watch("sync", office.root / "nowhere")
    assert told.value.exit_code == 6


def test_a_paused_watch_does_nothing_until_it_is_resumed(
    office: Place, branch: Place, share: Path, start: Start
) -> None:
    watched = start(office, share)
    watched.idle()
    office.node.ask_watch("pause")
    assert office.node.watching()["state"] == "paused"
    office.sql(EDIT)
    time.sleep(0.3)
    assert office.vector()["office"] == 1
    office.node.ask_watch("resume")
    until(lambda: office.vector()["office"] == 2)


def test_it_syncs_once_more_on_the_way_out(office: Place, branch: Place, share: Path, start: Start) -> None:
    watched = start(office, share, settle=600)
    watched.idle()
    office.sql(EDIT)
    office.node.ask_watch("stop")
    watched.thread.join(10)
    assert list(share.rglob("0000000002-*/manifest.json"))
    assert office.node.watching() == {"running": False}
    assert not list((office.home / "watch").glob("*.request"))


def test_only_one_watch_runs_in_a_home(office: Place, share: Path, branch: Place, start: Start) -> None:
    start(office, share)
    with pytest.raises(HomeBusy, match="watches"):
        office.node.watch(share).run()


def test_nobody_answers_where_no_watch_runs(office: Place) -> None:
    with pytest.raises(SatchelError, match="no watch runs"):
        office.node.ask_watch("sync")


@pytest.mark.parametrize(("direction", "sends", "takes"), [("push", True, False), ("pull", False, True)])
def test_it_goes_in_one_direction_only(
    office: Place, branch: Place, share: Path, start: Start, direction: str, sends: bool, takes: bool
) -> None:
    branch.sql("UPDATE stock SET pieces = 5")
    branch.node.sync(share)
    office.sql(EDIT)
    start(office, share, direction=direction).idle()
    assert bool(list(share.rglob("packets/*/office/0000000002-*/manifest.json"))) == sends
    assert (office.rows("SELECT pieces FROM stock") == [(5,)]) == takes


def test_a_conflict_runs_the_command_of_the_home_when_the_home_is_free(
    office: Place, branch: Place, share: Path, start: Start
) -> None:
    settings = office.home / "satchel.toml"
    told = office.root / "told.json"
    with settings.open("a") as file:
        file.write(f"\n[hooks]\non_conflict = \"cat > '{told}'\"\n")
    branch.sql("UPDATE stock SET pieces = 5")
    branch.node.sync(share)
    office.sql("UPDATE stock SET pieces = 6")
    start(office, share).idle()
    until(told.exists)
    until(lambda: '"conflicts": 1' in told.read_text())


def test_a_command_that_fails_is_told_and_nothing_depends_on_it(office: Place, branch: Place, share: Path) -> None:
    with (office.home / "satchel.toml").open("a") as file:
        file.write('\n[hooks]\non_sync_finished = "echo no >&2; exit 3"\n')
    node, told = office.node, []
    node.on("hook-failed", lambda event, about: told.append(about.message))
    office.sql(EDIT)
    assert node.sync(share).sealed == ["office/2"]
    (message,) = told
    assert message.endswith("ended with code 3: no")


def test_hooks_that_there_are_not_are_named(office: Place) -> None:
    with (office.home / "satchel.toml").open("a") as file:
        file.write('\n[hooks]\non_payday = "true"\n')
    with pytest.raises(SatchelError, match=r"hooks\.on_payday"):
        satchel.open(office.home).status()


def test_a_burst_of_packets_is_taken_in_one_round(
    office: Place, branch: Place, share: Path, tmp_path: Path, start: Start
) -> None:
    held = tmp_path / "held"
    held.mkdir()
    for number in range(10):
        office.sql(f"UPDATE stock SET pieces = {number}")
        office.node.export(held)
    watched = start(branch, share)
    watched.idle()
    shutil.copytree(held / "packets", share / "packets", dirs_exist_ok=True)
    until(lambda: branch.vector()["office"] == 11)
    assert sum(bool(report.applied) for report in watched.reports()) <= 2


def test_an_idle_watch_opens_nothing(office: Place, branch: Place, share: Path, start: Start) -> None:
    watched = start(office, share)
    watched.idle()
    rounds = len(watched.reports())
    seen = [os.stat(path).st_mtime_ns for path in (office.db, office.home / "watch" / "state.json")]
    time.sleep(0.5)
    assert len(watched.reports()) == rounds
    assert seen == [os.stat(path).st_mtime_ns for path in (office.db, office.home / "watch" / "state.json")]


def test_the_application_is_not_kept_waiting_by_an_idle_watch(
    office: Place, branch: Place, share: Path, start: Start
) -> None:
    start(office, share, settle=600).idle()
    application = sqlite3.connect(office.db, timeout=0)
    for number in range(20):
        with application:
            application.execute("UPDATE stock SET pieces = ?", (number,))
    application.close()
