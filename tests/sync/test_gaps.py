"""What is missing is named, asked for, brought by whoever has it, and after a while said loudly."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from satchel.errors import SatchelError
from satchel.packet.ack import Ack, open_ack
from satchel.sync import sightings
from satchel.sync.opening import reading, working
from tests.sync.sites import Place, emptied, join_network

DAY = 86_400_000


def patience(place: Place, **numbers: float) -> None:
    """As somebody may set it in satchel.toml."""
    toml = place.home / "satchel.toml"
    lines = "".join(f"{name} = {number}\n" for name, number in numbers.items())
    toml.write_text(toml.read_text().partition("\n[status]")[0] + f"\n[status]\n{lines}")


def wanted_by(place: Place) -> list[tuple[str, str | None]]:
    with reading(place.home) as site:
        ack = open_ack((site.home.packets / "acks" / f"{place.name}.json").read_bytes(), site.members)
    assert isinstance(ack, Ack)
    return [(entry.packet, entry.hash) for entry in ack.wanted]


def gap(office: Place) -> Path:
    """A stick with office/3 and without office/2."""
    stick = office.root / "stick"
    for pieces in (10, 11):
        office.sql(f"UPDATE stock SET pieces = {pieces}")
        office.export(stick)
    (lost,) = stick.glob("packets/*/office/0000000002-*")
    shutil.rmtree(lost)
    return stick


def test_what_is_missing_is_named_everywhere(office: Place, branch: Place) -> None:
    stick = gap(office)
    report = branch.node.import_(stick)
    assert [(entry["packet"], entry["for"]) for entry in report.waiting] == [("office/3", "office/2")]
    status = branch.node.status()
    assert [(entry["packet"], entry["for"]) for entry in status["waiting"]] == [("office/3", "office/2")]
    assert status["sentence"].startswith("1 packet waits for others")
    assert [packet for packet, _ in wanted_by(branch)] == ["office/2"]
    findings = [finding["what"] for finding in branch.node.doctor()["findings"]]
    assert "office/3 waits for office/2" in findings


def test_it_is_asked_for_by_the_hash_that_others_have_seen(
    office: Place, branch: Place, clinic: Place, share: Path
) -> None:
    office.sql("UPDATE stock SET pieces = 9")
    office.node.sync(share)
    clinic.node.sync(share)
    clinic.sql("UPDATE stock SET pieces = 10")
    stick = office.root / "stick"
    clinic.export(stick)
    for lost in stick.glob("packets/*/office/*"):
        shutil.rmtree(lost)
    branch.node.import_(stick)
    assert wanted_by(branch) == [("office/2", office.node.status()["heads"]["office"])]


def test_all_of_a_gap_is_asked_for(office: Place, branch: Place) -> None:
    stick = office.root / "stick"
    for pieces in range(10, 15):
        office.sql(f"UPDATE stock SET pieces = {pieces}")
        office.export(stick)
    for number in (2, 3, 5):
        (lost,) = stick.glob(f"packets/*/office/{number:010d}-*")
        shutil.rmtree(lost)
    branch.node.import_(stick)
    assert [packet for packet, _ in wanted_by(branch)] == ["office/2", "office/3", "office/5"]


def test_a_packet_lost_on_one_way_comes_by_whoever_has_it(
    office: Place, branch: Place, clinic: Place, share: Path
) -> None:
    """The office's packet 2 is lost on the stick to the clinic; the branch has it from elsewhere and brings it."""
    stick = gap(office)
    branch.node.import_(office.home / "packets")
    assert clinic.node.import_(stick).applied == []
    clinic.node.export(stick)
    assert "office/2" in branch.node.sync(stick).dropped
    assert clinic.node.sync(stick).applied == ["office/2", "office/3"]
    assert clinic.dump() == office.dump()
    assert wanted_by(clinic) == []
    assert clinic.node.status()["waiting"] == []


def test_after_a_while_status_turns_loud_and_the_exit_code_stays(
    office: Place, branch: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick = gap(office)
    assert branch.node.import_(stick).warnings == []
    assert branch.node.status()["overdue"] == []
    age(branch, 13)
    assert branch.node.status()["overdue"] == []
    age(branch, 2)
    status = branch.node.status()
    (entry,) = status["overdue"]
    assert entry["what"] == "office/2 has been missing for 15 days, and office/3 waits for it"
    assert status["sentence"].startswith(entry["what"])
    assert "office" in entry["hint"] and "snapshot" in entry["hint"]
    findings = [finding for finding in branch.node.doctor()["findings"] if finding["what"] == entry["what"]]
    assert [(finding["level"], finding["hint"]) for finding in findings] == [("warning", entry["hint"])]
    (warning,) = branch.node.import_(stick).warnings
    assert warning.startswith(entry["what"]), "a run says it too, for those who never look at status"
    branch.node.import_(office.home / "packets")
    assert branch.node.status()["overdue"] == []


def test_how_long_is_a_setting(office: Place, branch: Place) -> None:
    stick = gap(office)
    branch.node.import_(stick)
    patience(branch, loud_after_days=0)
    said = [entry["what"] for entry in branch.node.status()["overdue"]]
    assert any(what.startswith("office/2 has been missing for less than a minute") for what in said)


def age(place: Place, days: float) -> None:
    """As if everything that waits had been noticed so much earlier."""
    with reading(place.home) as site:
        raw = json.loads(site.notes[sightings.NOTE])
    raw["missing"] = {name: since - int(days * DAY) for name, since in raw["missing"].items()}
    raw["seen"] = [[*entry[:3], entry[3] - int(days * DAY), entry[4]] for entry in raw["seen"]]
    notes = json.dumps(raw).replace("'", "''")
    with working(place.home) as site:
        site.note(**{sightings.NOTE: notes})


def test_a_joining_node_that_gets_nothing_turns_loud_too(office: Place, branch: Place) -> None:
    clinic = join_network(office, "clinic", emptied(office.db, office.root / "clinic.db"))
    empty = office.root / "empty"
    empty.mkdir()
    assert [entry["for"] for entry in clinic.node.import_(empty).waiting] == ["office/1"]
    patience(clinic, loud_after_days=0)
    assert any("office/1 has been missing" in entry["what"] for entry in clinic.node.status()["overdue"])


# -- incomplete


def half(office: Place) -> Path:
    """A stick with a packet that has no manifest yet."""
    stick = office.root / "stick"
    office.sql("UPDATE stock SET pieces = 10")
    office.export(stick)
    (marker,) = stick.glob("packets/*/office/0000000002-*/manifest.json")
    marker.rename(office.root / "manifest.json")
    return marker


def test_what_is_incomplete_is_reported_after_the_grace_time_and_not_before(office: Place, branch: Place) -> None:
    marker = half(office)
    stick = office.root / "stick"
    report = branch.node.import_(stick)
    assert (report.warnings, report.quarantined) == ([], [])
    assert [entry["packet"] for entry in report.waiting] == ["office/2"]
    status = branch.node.status()
    (entry,) = status["incomplete"]
    assert (entry["packet"], entry["where"], entry["overdue"]) == ("office/2", str(marker.parent), False)
    assert "incomplete" not in status["sentence"]
    age(branch, 0.1)
    (warning,) = branch.node.import_(stick).warnings
    assert "office/2" in warning and "incomplete for 2 hours" in warning and "manifest.json" in warning
    status = branch.node.status()
    assert status["incomplete"][0]["overdue"] is True
    assert "incomplete" in status["sentence"]
    (office.root / "manifest.json").rename(marker)
    assert branch.node.import_(stick).applied == ["office/2"]
    assert (branch.node.status()["incomplete"], branch.node.status()["overdue"]) == ([], [])


@pytest.mark.parametrize("how", ["removed", "by another way"])
def test_an_incomplete_packet_that_is_gone_is_forgotten(office: Place, branch: Place, how: str) -> None:
    marker = half(office)
    branch.node.import_(office.root / "stick")
    assert branch.node.status()["incomplete"]
    if how == "removed":
        shutil.rmtree(marker.parent)
        branch.node.import_(office.root / "stick")
    else:
        branch.node.import_(office.home / "packets")
    assert branch.node.status()["incomplete"] == []


def test_another_exchange_does_not_make_it_forgotten(office: Place, branch: Place, share: Path) -> None:
    half(office)
    branch.node.import_(office.root / "stick")
    before = branch.node.status()["incomplete"]
    branch.node.import_(share)
    assert branch.node.status()["incomplete"] == before


def test_who_has_it_whole_makes_an_incomplete_copy_whole(office: Place, branch: Place) -> None:
    half(office)
    stick = office.root / "stick"
    assert branch.node.sync(stick).applied == []
    assert office.node.sync(stick).dropped == ["office/2"]
    assert branch.node.sync(stick).applied == ["office/2"]


def test_a_packet_that_waits_for_its_author_s_card_is_named_by_status(
    office: Place, branch: Place, share: Path
) -> None:
    clinic = join_network(office, "clinic", emptied(office.db, office.root / "clinic.db"))
    clinic.node.sync(share)
    clinic.sql("UPDATE stock SET pieces = 77")
    clinic.node.export()
    loose = office.root / "loose"
    shutil.copytree(clinic.home / "packets" / "acme" / "clinic", loose / "clinic")
    report = branch.node.import_(loose)
    assert (report.applied, report.quarantined) == ([], [])
    status = branch.node.status()
    assert [(entry["packet"], entry["for"]) for entry in status["waiting"]] == [("clinic/1", "the card of clinic")]
    assert "waits" in status["sentence"]
    branch.node.sync(share)
    assert branch.node.import_(loose).applied == ["clinic/1"]
    assert branch.node.status()["waiting"] == []


@pytest.mark.parametrize("text", ["grace_minutes = -1", 'loud_after_days = "soon"', "grace_minutes = true", "= 3"])
def test_a_patience_that_is_no_number_is_refused_in_two_lines(office: Place, text: str) -> None:
    toml = office.home / "satchel.toml"
    toml.write_text(toml.read_text() + f"\n[status]\n{text}\n")
    with pytest.raises(SatchelError, match=r"satchel\.toml") as caught:
        office.node.status()
    assert caught.value.hint


def test_a_run_that_finds_everything_as_before_writes_no_note(office: Place, branch: Place) -> None:
    stick = gap(office)
    branch.node.import_(stick)
    with reading(branch.home) as site:
        before = site.notes[sightings.NOTE]
    branch.node.import_(stick)
    with reading(branch.home) as site:
        assert site.notes[sightings.NOTE] == before


@pytest.mark.parametrize("way", ["the same", "another"])
def test_a_bad_copy_turns_loud_only_while_nothing_better_has_come(office: Place, branch: Place, way: str) -> None:
    stick = office.root / "stick"
    office.sql("UPDATE stock SET pieces = 10")
    office.export(stick)
    (part,) = stick.glob("packets/*/office/0000000002-*/stock.parquet")
    whole = part.read_bytes()
    part.write_bytes(bytes(len(whole)))
    branch.node.import_(stick)
    patience(branch, loud_after_days=0)
    said = [entry["what"] for entry in branch.node.status()["overdue"]]
    assert any(what.startswith("office/2 has been in quarantine") for what in said)
    part.write_bytes(whole)
    branch.node.import_(stick if way == "the same" else office.home / "packets")
    assert "office/2" not in str(branch.node.status()["overdue"])
