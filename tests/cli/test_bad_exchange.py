"""Exchanges and packets that are no good: two clear lines, the right exit code, nothing changed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.real import must_say, run
from tests.sync.sites import SCHEMA, Place, found_network, make_database, moved, times


def test_an_exchange_of_another_network_is_refused(office: Place, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    other = found_network(tmp_path / "b", make_database(tmp_path / "b" / "other.db", *SCHEMA), "other")
    foreign = tmp_path / "foreign"
    other.node.invite("somebody", out=tmp_path / "b" / "s.invite")
    other.export(foreign)
    before = times(foreign)
    must_refuse_but_logged(office, 1, "belongs to another network", foreign)
    assert times(foreign) == before


def must_refuse_but_logged(place: Place, code: int, says: str, exchange: Path) -> None:
    """Only the log of runs knows of it."""
    rows, files, vector = place.dump(), place.state()[1], place.vector()
    for command in ("export", "import", "sync"):
        must_say(run("--home", place.home, command, exchange), code, says)
        assert says in place.node.log(1)[0]["trouble"]
    assert (place.dump(), place.state()[1], place.vector()) == (rows, files, vector)


def test_loose_packets_of_another_network_go_to_quarantine(office: Place, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    other = found_network(tmp_path / "b", make_database(tmp_path / "b" / "other.db", *SCHEMA), "other")
    loose = tmp_path / "loose"
    shutil.copytree(other.home / "packets", loose / "packets")
    rows, vector = office.dump(), office.vector()
    result = run("--home", office.home, "import", loose, "--json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["applied"]) == (3, [])
    assert ["network" in entry["reason"] for entry in report["quarantined"]] == [True]
    assert (office.dump(), office.vector()) == (rows, vector)
    assert "Traceback" not in result.output


def test_an_exchange_that_is_away_is_exit_6_and_what_is_pending_is_sealed_all_the_same(office: Place) -> None:
    away = office.root / "media" / "stick"
    must_refuse_but_logged(office, 6, "cannot be reached now", away)
    assert not away.exists()
    office.sql("UPDATE stock SET pieces = 3")
    must_say(run("--home", office.home, "sync", away), 6)
    assert office.vector() == {"office": 2}
    letter = office.root / "letter"
    letter.write_text("dear all")
    must_refuse_but_logged(office, 6, "cannot be reached now", letter)


def test_one_exchange_that_is_away_does_not_stop_the_others(office: Place, branch: Place) -> None:
    office.sql("UPDATE stock SET pieces = 2")
    must_say(run("--home", office.home, "sync", office.root / "away", office.root / "share"), 6, "away")
    assert branch.node.sync(office.root / "share").applied == ["office/2"]


@pytest.mark.parametrize(
    "label", ["not json", "[]", "{}", "[" * 60_000, '{"format": 1, "network": 7}', '{"format": 99, "network": "x"}']
)
def test_a_label_that_says_nothing_is_no_exchange_of_ours(office: Place, label: str) -> None:
    share = office.root / "odd"
    share.mkdir()
    (share / "satchel.json").write_text(label)
    must_refuse_but_logged(office, 1, "format" if "99" in label else "is damaged", share)
    assert (share / "satchel.json").read_text() == label


def one_packet(office: Place, branch: Place) -> tuple[Path, Path]:
    """A folder with one packet that the branch does not have, and the packet in it."""
    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'", "INSERT INTO stock VALUES ('s2', 7)")
    loose = office.root / "loose"
    office.export(loose)
    (packet,) = (path.parent for path in loose.rglob("manifest.json"))
    return loose, packet


def imported(branch: Place, loose: Path, code: int) -> dict[str, list[dict[str, str]]]:
    """What an import says that applies nothing."""
    rows, vector = branch.dump(), branch.vector()
    result = run("--home", branch.home, "import", loose, "--json")
    assert "Traceback" not in result.output
    assert result.exit_code == code, result.output
    report: dict[str, list[dict[str, str]]] = json.loads(result.stdout)
    assert report["applied"] == []
    assert (branch.dump(), branch.vector()) == (rows, vector)
    return report


def test_a_packet_with_a_flipped_byte_goes_to_quarantine(office: Place, branch: Place) -> None:
    loose, packet = one_packet(office, branch)
    part = packet / "stock.parquet"
    whole = part.read_bytes()
    part.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    (entry,) = imported(branch, loose, 3)["quarantined"]
    assert entry["packet"] == "office/2"
    assert "stock.parquet" in entry["reason"]
    assert [e["packet"] for e in branch.node.status()["quarantined"]] == ["office/2"]
    part.write_bytes(whole)
    assert branch.node.import_(loose).applied == ["office/2"], "a good copy is taken"
    assert branch.node.status()["quarantined"] == []


def test_a_quarantine_that_somebody_damaged_stops_nothing(office: Place, branch: Place) -> None:
    loose, packet = one_packet(office, branch)
    (packet / "stock.parquet").write_bytes(b"x" * (packet / "stock.parquet").stat().st_size)
    imported(branch, loose, 3)
    (reason,) = (branch.home / "quarantine").glob("*/reason.json")
    for content in (b"", b"[]", b"{}", b"\xff", b"[" * 100_000):
        reason.write_bytes(content)
        (entry,) = branch.node.status()["quarantined"]
        assert "damaged" in entry["reason"]
        assert run("--home", branch.home, "sync").exit_code == 0


def test_a_manifest_with_a_flipped_byte_goes_to_quarantine(office: Place, branch: Place) -> None:
    loose, packet = one_packet(office, branch)
    marker = packet / "manifest.json"
    whole = marker.read_text()
    at = whole.index('"payload"') + 40
    marker.write_text(whole[:at] + ("A" if whole[at] != "A" else "B") + whole[at + 1 :])
    assert len(imported(branch, loose, 3)["quarantined"]) == 1


def impatient_of(place: Place, **numbers: float) -> None:
    """The home's patience, as somebody may set it in satchel.toml."""
    toml = place.home / "satchel.toml"
    toml.write_text(
        toml.read_text() + "\n[status]\n" + "".join(f"{name} = {number}\n" for name, number in numbers.items())
    )


@pytest.mark.parametrize("keep", [0, 1, 200])
def test_a_manifest_that_was_cut_off_may_be_arriving_and_is_quarantined_after_the_grace_time(
    office: Place, branch: Place, keep: int
) -> None:
    loose, packet = one_packet(office, branch)
    marker = packet / "manifest.json"
    whole = marker.read_bytes()
    marker.write_bytes(whole[:keep])
    assert [entry["packet"] for entry in imported(branch, loose, 0)["waiting"]] == ["office/2"]
    impatient_of(branch, grace_minutes=0)
    report = imported(branch, loose, 3)
    assert [(entry["packet"], entry["file"]) for entry in report["quarantined"]] == [("office/2", "manifest.json")]
    assert imported(branch, loose, 3)["quarantined"] == report["quarantined"], "it stays so, since the same moment"
    marker.write_bytes(whole)
    assert branch.node.import_(loose).applied == ["office/2"]
    assert branch.node.status()["quarantined"] == []


def test_a_packet_with_a_missing_part_waits(office: Place, branch: Place) -> None:
    loose, packet = one_packet(office, branch)
    part = packet / "stock.parquet"
    whole = part.read_bytes()
    for content in (None, b"", whole[:-1]):
        part.unlink(missing_ok=True)
        if content is not None:
            part.write_bytes(content)
        report = imported(branch, loose, 0)
        assert report["quarantined"] == []
        assert [entry["packet"] for entry in report["waiting"]] == ["office/2"]
        assert "stock.parquet" in report["waiting"][0]["for"]
    part.write_bytes(whole)
    assert branch.node.import_(loose).applied == ["office/2"]


def test_a_packet_without_a_manifest_may_still_be_arriving(office: Place, branch: Place) -> None:
    loose, packet = one_packet(office, branch)
    (packet / "manifest.json").rename(office.root / "manifest.json")
    report = imported(branch, loose, 0)
    assert [entry["packet"] for entry in report["waiting"]] == ["office/2"]
    (office.root / "manifest.json").rename(packet / "manifest.json")
    assert branch.node.import_(loose).applied == ["office/2"]


def test_a_second_run_after_bad_input_moves_nothing(office: Place, branch: Place) -> None:
    loose, packet = one_packet(office, branch)
    shutil.copytree(packet, loose / "copy-of-a-packet" / packet.name)
    (loose / "Thumbs.db").write_bytes(b"x")
    assert moved(branch.node.import_(loose)) == (0, 1, 0)
    assert moved(branch.node.import_(loose)) == (0, 0, 0)
