"""Export, import and sync between sites: what is dropped, what is not, relay, doubles, any order, the log."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from satchel.errors import HomeBusy, SatchelError, UsageError
from satchel.sync.lock import HomeLock
from tests.sync.sites import Place, contents, differences, moved, packets_in, times


def towns(place: Place) -> dict[str, str]:
    return dict(place.rows("SELECT id, town FROM customers ORDER BY id"))  # type: ignore[arg-type]


def fresh(office: Place, name: str) -> Path:
    folder = office.root / name
    folder.mkdir()
    return folder


# -- what is dropped


def test_a_second_export_after_an_acknowledgement_drops_nothing(office: Place, branch: Place) -> None:
    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    first, back, second = (fresh(office, name) for name in ("first", "back", "second"))
    report = office.node.export(first)
    assert (report.sealed, report.dropped) == (["office/2"], ["office/2"])
    assert report.bytes_dropped > 500
    branch.node.import_(first)
    branch.node.export(back)
    office.node.import_(back)
    report = office.node.export(second)
    assert (report.sealed, report.dropped, report.bytes_dropped) == ([], [], 0)
    assert packets_in(second) == set()


def test_without_an_acknowledgement_everything_is_dropped_again_and_only_what_is_not_there(
    office: Place, branch: Place
) -> None:
    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    stick = fresh(office, "stick")
    office.node.export(stick)
    size = office.node.export(fresh(office, "another")).bytes_dropped
    assert size > 500, "nobody has said that it arrived"
    report = office.node.export(stick)
    assert (report.dropped, report.bytes_dropped) == ([], 0), "it lies there already"
    before = times(stick / "packets")
    office.node.export(stick)
    assert times(stick / "packets") == before


def test_a_member_who_was_never_heard_gets_everything(office: Place, branch: Place) -> None:
    stick = fresh(office, "stick")
    assert office.node.export(stick).dropped == []
    office.node.invite("clinic", out=office.root / "clinic.invite")
    assert office.node.export(stick).dropped == ["office/1"]


def test_a_part_that_is_damaged_at_the_exchange_is_dropped_again(office: Place, branch: Place) -> None:
    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    stick = fresh(office, "stick")
    office.node.export(stick)
    (part,) = stick.rglob("customers.parquet")
    whole = part.read_bytes()
    part.write_bytes(whole[:-5])
    assert office.node.export(stick).dropped == ["office/2"]
    assert part.read_bytes() == whole


def test_the_outbox_is_emptied_of_what_everybody_has(office: Place, branch: Place) -> None:
    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    outbox = office.home / "outbox"
    assert office.node.export().dropped == ["office/2"]
    assert packets_in(outbox) == {"office/2"}
    office.node.export()
    assert packets_in(outbox) == {"office/2"}, "nobody has acknowledged it"
    branch.node.import_(outbox)
    assert packets_in(outbox) == {"office/2"}, "an inbox is only read"
    branch.node.export()
    office.node.import_(branch.home / "outbox")
    office.node.export()
    assert packets_in(outbox) == set()
    assert packets_in(office.home / "packets") >= {"office/1", "office/2"}, "the archive keeps it"


def test_import_without_a_path_takes_what_lies_in_the_inbox_and_leaves_it_there(office: Place, branch: Place) -> None:
    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    stick = fresh(office, "stick")
    office.node.export(stick)
    inbox = branch.home / "inbox"
    shutil.copytree(stick, inbox / "what I found on the stick")
    before = contents(inbox)
    assert branch.node.import_().applied == ["office/2"]
    assert contents(inbox) == before
    assert (branch.home / "outbox" / "acks" / "branch.json").is_file()


def test_sync_without_an_exchange_is_inbox_and_outbox(office: Place, branch: Place) -> None:
    branch.sql("UPDATE stock SET pieces = 9")
    report = branch.node.sync()
    assert (report.sealed, report.dropped) == (["branch/1"], ["branch/1"])
    assert office.node.import_(branch.home / "outbox").applied == ["branch/1"]


def test_sync_goes_to_every_exchange_of_the_settings(office: Place, branch: Place, share: Path) -> None:
    second = fresh(office, "second")
    toml = office.home / "satchel.toml"
    toml.write_text(toml.read_text() + f"nas = '{share}'\nstick = '../second'\n")
    office.sql("UPDATE stock SET pieces = 9")
    report = office.node.sync()
    assert report.exchange == [str(share), str(office.home / "../second")]
    assert packets_in(second) == {"office/2"}
    assert branch.node.sync(share).applied == ["office/2"]
    office.sql("UPDATE stock SET pieces = 10")
    assert office.node.sync("stick").dropped == ["office/3"], "and by name to one of them"


# -- in any order, twice, by way of others


def test_a_stick_carries_packets_through_a_site_that_did_not_make_them(
    office: Place, branch: Place, clinic: Place
) -> None:
    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    first, second = fresh(office, "first"), fresh(office, "second")
    office.node.export(first)
    branch.node.import_(first)
    branch.sql("INSERT INTO customers VALUES ('c3', 'Cem', 'Genf')")
    branch.node.export(second)
    assert packets_in(second) == {"office/2", "branch/1"}
    assert clinic.node.import_(second).applied == ["office/2", "branch/1"]
    assert differences(branch.dump(), clinic.dump()) == {}
    clinic.node.export(second)
    office.node.import_(second)
    assert {peer["node"]: peer["behind"] for peer in office.node.status()["peers"]} == {"branch": 0, "clinic": 0}
    assert differences(office.dump(), clinic.dump()) == {}


def test_packets_out_of_order_wait_for_what_is_missing(office: Place, branch: Place) -> None:
    stick = fresh(office, "stick")
    for town in ("Kiel", "Lindau", "Husum"):
        office.sql(f"UPDATE customers SET town = '{town}' WHERE id = 'c1'")
        office.node.export(stick)
    folders = sorted(path.parent for path in stick.rglob("manifest.json"))
    alone = [fresh(office, f"alone{number}") for number in range(3)]
    for target, folder in zip(alone, folders, strict=True):
        shutil.copytree(folder, target / folder.name)
    report = branch.node.import_(alone[2])
    assert (report.applied, report.waiting) == ([], [{"packet": "office/4", "for": "office/3"}])
    status = branch.node.status()
    assert status["waiting"] == [{"packet": "office/4", "for": "office/3"}]
    assert branch.node.import_(alone[2]).applied == [], "twice is the same as once"
    assert branch.node.import_(alone[0]).applied == ["office/2"]
    assert towns(branch)["c1"] == "Kiel"
    assert branch.node.import_(alone[1]).applied == ["office/3", "office/4"], "the one that waited is in the archive"
    assert towns(branch)["c1"] == "Husum"
    assert branch.node.status()["waiting"] == []


def test_causes_come_before_effects_whatever_arrives_first(office: Place, branch: Place, clinic: Place) -> None:
    first, answer = fresh(office, "first"), fresh(office, "answer")
    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    office.node.export(first)
    branch.node.import_(first)
    branch.sql("UPDATE customers SET town = 'Konstanz' WHERE id = 'c1'")
    branch.node.export(answer)
    (only,) = (path.parent for path in (answer / "packets").rglob("branch/*/manifest.json"))
    shutil.copytree(only, fresh(office, "alone") / only.name)
    assert clinic.node.import_(office.root / "alone").waiting == [{"packet": "branch/1", "for": "office/2"}]
    assert clinic.node.import_(first).applied == ["office/2", "branch/1"]
    assert towns(clinic)["c1"] == "Konstanz"
    assert clinic.node.status()["conflicts"]["open"] == 0


def test_the_same_packets_again_change_nothing(office: Place, branch: Place, share: Path) -> None:
    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    office.node.export(share)
    branch.node.import_(share, share)
    rows, archive = branch.dump(), contents(branch.home / "packets" / "acme")
    for paths in ([share], [share, share], [share / "packets"], [office.home / "packets"]):
        assert moved(branch.node.import_(*paths)) == (0, 0, 0)
    assert (branch.dump(), contents(branch.home / "packets" / "acme")) == (rows, archive)


def test_edits_of_both_sides_meet_column_by_column(office: Place, branch: Place, share: Path) -> None:
    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    branch.sql("UPDATE customers SET name = 'Ada L.' WHERE id = 'c1'", "DELETE FROM customers WHERE id = 'c2'")
    for place in (office, branch, office):
        place.node.sync(share)
    assert office.rows("SELECT * FROM customers") == [("c1", "Ada L.", "Kiel")]
    assert differences(office.dump(), branch.dump()) == {}
    assert office.node.conflicts() == []


def test_what_the_application_writes_while_satchel_applies_is_not_lost(
    office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the seal and the lock of the apply: what is pending then is sealed in the same transaction."""
    from satchel.sync import running

    take_in = running._take_in

    def write_first(*words: object) -> None:
        branch.sql("UPDATE customers SET name = 'Late' WHERE id = 'c1'")
        take_in(*words)  # type: ignore[arg-type]

    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    office.node.sync(share)
    monkeypatch.setattr(running, "_take_in", write_first)
    report = branch.node.sync(share)
    monkeypatch.undo()
    assert (report.sealed, report.applied, report.dropped) == (["branch/1"], ["office/2"], ["branch/1"])
    office.node.sync(share)
    assert office.rows("SELECT * FROM customers WHERE id = 'c1'") == [("c1", "Late", "Kiel")]
    assert differences(office.dump(), branch.dump()) == {}


# -- peers, log, events


def test_peers_say_who_lacks_what_and_when_they_were_heard(office: Place, branch: Place, clinic: Place) -> None:
    began = datetime.now(UTC)
    stick = fresh(office, "stick")
    office.sql("UPDATE stock SET pieces = 1")
    office.node.export(stick)
    office.sql("UPDATE stock SET pieces = 2")
    office.node.export(stick)
    assert {p["node"]: p["behind"] for p in office.node.status()["peers"]} == {"branch": 2, "clinic": 2}
    branch.node.import_(stick)
    branch.node.export(stick)
    office.node.import_(stick)
    peers = {peer["node"]: peer for peer in office.node.status()["peers"]}
    assert {name: peer["behind"] for name, peer in peers.items()} == {"branch": 0, "clinic": 2}
    assert peers["branch"]["vector"] == {"office": 3}
    heard = {name: datetime.fromisoformat(peer["heard"]) for name, peer in peers.items()}
    assert heard["clinic"] < began <= heard["branch"] <= datetime.now(UTC)
    office.node.invite("depot", out=office.root / "depot.invite")
    depot = next(peer for peer in office.node.status()["peers"] if peer["node"] == "depot")
    assert (depot["behind"], depot["heard"], depot["vector"]) == (3, None, {})


def test_the_log_has_every_run_with_its_counts_and_its_trouble(office: Place, branch: Place, share: Path) -> None:
    count = len(office.node.log())
    office.sql("UPDATE stock SET pieces = 1")
    office.node.export(share)
    office.node.import_(share)
    with pytest.raises(SatchelError):
        office.node.sync(office.root / "away")
    office.node.sync(share, dry_run=True)
    newest = office.node.log()
    assert [entry["command"] for entry in newest[:3]] == ["sync", "import", "export"]
    assert len(newest) == count + 3, "a dry run is none"
    failed, _, exported = newest[:3]
    assert "cannot be reached" in failed["trouble"]
    assert (exported["report"]["dropped"], exported["exchange"]) == (["office/2"], str(share))
    assert exported["trouble"] == ""
    assert exported["seconds"] >= 0
    assert datetime.fromisoformat(exported["at"]).tzinfo is not None
    assert office.node.log(1) == newest[:1]


def test_events_tell_what_happens(office: Place, branch: Place, share: Path) -> None:
    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    branch.sql("UPDATE customers SET town = 'Bern' WHERE id = 'c1'")
    office.node.sync(share)
    heard: list[str] = []
    node = branch.node
    for event in ("sync-started", "packet-applied", "conflict", "sync-finished", "sync-failed"):
        node.on(event, lambda name, about: heard.append(name))
    node.sync(share)
    assert heard == ["sync-started", "packet-applied", "conflict", "sync-finished"]
    heard.clear()
    with pytest.raises(SatchelError):
        node.sync(office.root / "away")
    assert heard == ["sync-started", "sync-failed"]
    with pytest.raises(UsageError):
        node.on("sync-begun", print)


def test_two_satchels_do_not_work_in_one_home(office: Place, branch: Place, share: Path) -> None:
    with HomeLock(office.home):
        for work in (office.node.sync, office.node.export, office.node.import_, office.node.detach):
            with pytest.raises(HomeBusy):
                work()
        assert office.node.status()["node"] == "office"
        branch.node.sync(share)
    office.node.sync(share)


def test_a_quarantined_packet_is_forgotten_when_a_good_copy_comes(office: Place, branch: Place) -> None:
    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    good, bad = fresh(office, "good"), fresh(office, "bad")
    office.node.export(good)
    shutil.copytree(good, bad, dirs_exist_ok=True)
    (part,) = bad.rglob("customers.parquet")
    part.write_bytes(part.read_bytes()[:-1] + b"\0")
    for _ in range(2):
        report = branch.node.import_(bad)
        assert ([entry["packet"] for entry in report.quarantined], report.applied) == (["office/2"], [])
    assert len(branch.node.status()["quarantined"]) == 1
    assert branch.node.import_(bad, good).applied == ["office/2"]
    assert branch.node.status()["quarantined"] == []
    assert list((branch.home / "quarantine").iterdir()) == []
