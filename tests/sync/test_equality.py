"""Sites with the same packets and other rows find out, and say in which tables and columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import satchel
from satchel.errors import StoreError
from satchel.stores.sqlite.store import SQLiteStore
from satchel.sync import equality
from tests.sync.meddling import meddle
from tests.sync.sites import SCHEMA, Place, emptied, found_network, join_network, make_database, meet

PHONE = "UPDATE customers SET town = 'Rome' WHERE id = 'c1'"


def peers(report: Any) -> dict[str, bool | None]:
    return {peer["node"]: peer["equal"] for peer in report["equality"]["peers"]}


def tables(place: Place, peer: str) -> dict[str, list[str]]:
    [found] = [found for found in place.node.status()["equality"]["peers"] if found["node"] == peer]
    return {entry["table"]: entry["columns"] for entry in found["tables"]}


def both_compare(one: Place, other: Place, share: Path) -> None:
    for place in (one, other, one):
        place.node.compare(share)


def set_hours(place: Place, hours: float) -> None:
    settings = place.home / "satchel.toml"
    settings.write_text(f"{settings.read_text()}\n[equality]\nhours = {hours}\n")


def test_nothing_is_known_before_both_have_told(office: Place, branch: Place, share: Path) -> None:
    assert peers(office.node.status()) == {"branch": None}
    report = office.node.compare(share)
    assert peers(report) == {"branch": None} and report["equality"]["taken"] is not None
    assert not report["equality"]["peers"][0]["told"]


def test_sites_with_the_same_rows_are_equal(office: Place, branch: Place, share: Path) -> None:
    both_compare(office, branch, share)
    for place, peer in ((office, "branch"), (branch, "office")):
        status = place.node.status()
        assert peers(status) == {peer: True} and status["equality"]["peers"][0]["newest"]
        assert status["sentence"].startswith("All is well")


def test_a_value_that_was_changed_past_the_triggers_is_an_alarm_at_both(
    office: Place, branch: Place, share: Path
) -> None:
    meddle(branch, PHONE)
    both_compare(office, branch, share)
    for place, peer in ((office, "branch"), (branch, "office")):
        status = place.node.status()
        assert tables(place, peer) == {"customers": ["town"]}
        assert f"{place.name} and {peer} have the same packets and not the same rows" in status["sentence"]
        assert "customers (town)" in status["sentence"]
        assert "--replay" in status["overdue"][0]["hint"]


@pytest.mark.slow
def test_the_alarm_stays_until_the_rows_are_equal_again(office: Place, branch: Place, share: Path) -> None:
    meddle(branch, PHONE)
    both_compare(office, branch, share)
    office.sql("UPDATE stock SET pieces = 9")
    meet(share, [office, branch])
    assert tables(office, "branch") == {"customers": ["town"]}
    branch.sql("UPDATE customers SET town = 'Ulm' WHERE id = 'c1'")
    meet(share, [office, branch])
    both_compare(office, branch, share)
    assert peers(office.node.status()) == {"branch": True} == peers(office.node.compare(share))


@pytest.mark.slow
def test_a_database_that_is_mended_without_a_packet_is_equal_again(office: Place, branch: Place, share: Path) -> None:
    meddle(branch, PHONE)
    both_compare(office, branch, share)
    meddle(branch, "UPDATE customers SET town = 'Ulm' WHERE id = 'c1'")
    both_compare(branch, office, share)
    assert peers(office.node.status()) == {"branch": True}
    assert peers(branch.node.status()) == {"office": True}


def test_pending_edits_are_sealed_before_and_are_no_difference(office: Place, branch: Place, share: Path) -> None:
    both_compare(office, branch, share)
    office.sql(PHONE)
    report = office.node.compare(share)
    assert report["sealed"] and peers(report) == {"branch": True}
    assert not report["equality"]["peers"][0]["newest"]


@pytest.mark.slow
def test_a_column_that_one_site_lacks_is_not_here(tmp_path: Path) -> None:
    office = found_network(tmp_path, make_database(tmp_path / "office.db", *SCHEMA))
    branch = join_network(office, "branch", emptied(office.db, tmp_path / "branch.db"))
    meet(tmp_path / "share", [office, branch])
    office.sql("ALTER TABLE customers ADD COLUMN phone TEXT DEFAULT '-'")
    office.sql("UPDATE customers SET phone = '1' WHERE id = 'c1'")
    meet(tmp_path / "share", [office, branch])
    both_compare(office, branch, tmp_path / "share")
    assert peers(office.node.status()) == {"branch": True}
    branch.sql("ALTER TABLE customers ADD COLUMN phone TEXT DEFAULT 'none'")  # of rows where nobody wrote one
    meet(tmp_path / "share", [office, branch])
    both_compare(office, branch, tmp_path / "share")
    assert peers(office.node.status()) == {"branch": True}


@pytest.mark.slow
def test_what_one_database_refuses_counts_as_if_it_were_there(tmp_path: Path) -> None:
    office = found_network(tmp_path, make_database(tmp_path / "office.db", *SCHEMA))
    strict = [text.replace("pieces INTEGER", "pieces INTEGER CHECK (pieces < 100)") for text in SCHEMA[:2]]
    branch = join_network(office, "branch", make_database(tmp_path / "branch.db", *strict))
    meet(tmp_path / "share", [office, branch])
    office.sql("INSERT INTO stock VALUES ('s2', 500)")
    meet(tmp_path / "share", [office, branch])
    assert branch.rows("SELECT id FROM stock") == [("s1",)]
    both_compare(office, branch, tmp_path / "share")
    assert peers(office.node.status()) == {"branch": True}
    assert branch.node.replay()["equal"] and office.node.replay()["equal"]


@pytest.mark.slow
def test_forgotten_deletes_are_no_difference(office: Place, branch: Place, share: Path) -> None:
    office.sql("DELETE FROM customers WHERE id = 'c2'")
    meet(share, [office, branch])
    meet(share, [office, branch])
    office.node.snapshot()
    assert office.node.prune(deleted=True).tombstones
    both_compare(office, branch, share)
    assert peers(office.node.status()) == {"branch": True}
    assert office.node.replay()["equal"]


# -- when


def test_a_sync_takes_digests_only_once_in_a_period(
    office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.node.sync(share)
    assert office.node.status()["equality"]["taken"] is None
    now = equality.now_ms() + 25 * 3_600_000
    monkeypatch.setattr(equality, "now_ms", lambda: now)
    office.node.sync(share)
    first = office.node.status()["equality"]["taken"]
    assert first is not None
    office.node.sync(share)
    assert office.node.status()["equality"]["taken"] == first


@pytest.mark.slow
def test_who_hears_digests_of_its_own_vector_takes_its_own(
    office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    branch.node.sync(share)
    office.node.compare(share)
    branch.node.sync(share)
    assert peers(branch.node.status()) == {"office": True}


@pytest.mark.slow
def test_digests_are_taken_again_until_everybody_has_told_the_same(
    office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.node.compare(share)
    office.sql(PHONE)
    began = equality.now_ms()
    office.node.sync(share)
    assert office.node.status()["equality"]["peers"][0]["equal"] is None
    first = office.node.status()["equality"]["taken"]
    monkeypatch.setattr(equality, "now_ms", lambda: began + 11 * 60_000)
    office.node.sync(share)
    assert office.node.status()["equality"]["taken"] > first
    branch.node.sync(share)
    monkeypatch.setattr(equality, "now_ms", lambda: began + 12 * 60_000)
    office.node.sync(share)
    assert peers(branch.node.status()) == {"office": True} == {"office": peers(office.node.status())["branch"]}
    office.sql("UPDATE stock SET pieces = 1")
    second = office.node.status()["equality"]["taken"]
    monkeypatch.setattr(equality, "now_ms", lambda: began + 60 * 60_000)
    office.node.sync(share)
    assert office.node.status()["equality"]["taken"] == second


def test_corruption_shows_within_the_period(
    office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_compare(office, branch, share)
    meddle(office, PHONE)
    began = equality.now_ms()
    office.node.sync(share)
    assert peers(office.node.status()) == {"branch": True}
    monkeypatch.setattr(equality, "now_ms", lambda: began + 25 * 3_600_000)
    report = office.node.sync(share)
    assert any("customers (town)" in warning for warning in report.warnings)
    branch.node.sync(share)
    assert tables(branch, "office") == {"customers": ["town"]}


def test_a_home_can_do_without(office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_hours(office, 0)
    monkeypatch.setattr(equality, "now_ms", lambda: 10**14)
    office.node.sync(share)
    office.node.sync(share)
    assert office.node.status()["equality"]["taken"] is None
    assert office.node.compare(share)["equality"]["taken"] is not None


@pytest.mark.slow
def test_digests_are_in_the_acknowledgement_and_old_ones_stay_valid(office: Place, branch: Place, share: Path) -> None:
    plain = json.dumps(satchel.verify(share)["problems"])
    office.node.compare(share)
    assert plain == json.dumps(satchel.verify(share)["problems"]) == "[]"
    meddle(branch, PHONE)
    branch.node.compare(share)
    [problem] = satchel.verify(share)["problems"]
    assert "not the same rows: customers (town)" in problem["reason"]


def test_a_sync_does_not_fail_for_digests_that_cannot_be_taken(
    office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: SQLiteStore) -> None:
        raise StoreError("the disk is full", "free some space")

    office.node.sync(share)
    monkeypatch.setattr(equality, "now_ms", lambda: 10**13)
    monkeypatch.setattr(SQLiteStore, "digests", full)
    assert "the digests of the rows could not be taken: the disk is full" in office.node.sync(share).warnings
    assert "digests" not in " ".join(office.node.sync(share).warnings), "nor is it tried again at once"
    with pytest.raises(StoreError):
        office.node.compare(share)
