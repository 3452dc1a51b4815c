"""Quarantine: kept with its reason, outside the way, tried again, cleared by itself; never silently lost."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from satchel.errors import BadPacket, SatchelError, UsageError
from satchel.exchange import open_exchange
from satchel.exchange.listing import Place as Found
from satchel.files.faults import faults
from satchel.packet import writer
from satchel.packet.ack import Ack, open_ack
from satchel.packet.reader import VerifiedPacket
from satchel.packet.writer import write_packets
from satchel.sync import quarantine as quarantine_module
from satchel.sync import sealing
from satchel.sync.opening import reading
from satchel.sync.quarantine import PACKET, Bad, Quarantine
from tests.exchange.contract import Killed
from tests.sync.sites import Place

NOW = 1_790_000_000_000


def bad_copy(office: Place, town: str = "Kiel") -> tuple[Path, Path]:
    """A folder with one packet that the branch lacks, one byte of it altered; and the altered file."""
    office.sql(f"UPDATE customers SET town = '{town}' WHERE id = 'c1'")
    loose = office.root / f"loose-{town}"
    office.export(loose)
    part = max(loose.rglob("customers.parquet"), key=lambda path: path.parent.name)
    spoil(part)
    return loose, part


def spoil(part: Path) -> None:
    data = bytearray(part.read_bytes())
    data[100] ^= 1
    part.write_bytes(data)


def ack_of(place: Place) -> Ack:
    with reading(place.home) as site:
        found = open_ack((site.home.packets / "acks" / f"{place.name}.json").read_bytes(), site.members)
    assert isinstance(found, Ack)
    return found


def quarantined(place: Place) -> list[str]:
    return [entry["packet"] for entry in place.node.status()["quarantined"]]


# -- what is told of it


def test_an_entry_says_what_why_which_file_since_when_and_where_from(office: Place, branch: Place) -> None:
    loose, part = bad_copy(office)
    report = branch.node.import_(loose)
    (entry,) = branch.node.quarantine()["quarantined"]
    assert [entry] == report.quarantined == branch.node.status()["quarantined"]
    assert (entry["packet"], entry["file"]) == ("office/2", "customers.parquet")
    assert "altered" in entry["reason"]
    assert entry["where"] == str(part.parent)
    assert entry["since"].endswith("Z")
    shown = branch.node.quarantine("office/2")
    assert shown["says"]["packet"] == "office/2"
    assert {file["file"] for file in shown["files"]} == {"customers.parquet", "manifest.json"}
    assert (shown["kind"], shown["applied"]) == ("copy", False)
    assert branch.node.quarantine(entry["id"][:10]) == shown


def test_the_same_again_is_one_entry_of_the_same_moment(office: Place, branch: Place) -> None:
    loose, part = bad_copy(office)
    before = branch.node.import_(loose).quarantined
    spoil(part)
    part.write_bytes(part.read_bytes()[::-1])
    assert branch.node.import_(loose).quarantined == before
    assert len(quarantined(branch)) == 1


def test_the_acknowledgement_says_so_and_asks_for_a_good_copy_without_telling_any_path(
    office: Place, branch: Place
) -> None:
    branch.node.import_(bad_copy(office)[0])
    ack = ack_of(branch)
    assert [(entry.packet, "altered" in entry.reason) for entry in ack.quarantined] == [("office/2", True)]
    (wanted,) = ack.wanted
    assert (wanted.packet, wanted.hash) == ("office/2", office.node.status()["heads"]["office"])
    assert str(office.root) not in ack.model_dump_json()


def test_nothing_independent_is_held_up(office: Place, branch: Place, clinic: Place, share: Path) -> None:
    loose, _ = bad_copy(office)
    clinic.sql("INSERT INTO stock VALUES ('of the clinic', 1)")
    clinic.export(loose)
    office.sql("INSERT INTO stock VALUES ('after it', 1)")
    office.export(loose)
    report = branch.node.import_(loose)
    assert report.applied == ["clinic/1"]
    assert [(entry["packet"], entry["for"]) for entry in report.waiting] == [("office/3", "office/2")]
    assert quarantined(branch) == ["office/2"]


@pytest.mark.parametrize("what", ["part", "manifest", "torn", "swapped"])
def test_the_origin_sends_again_by_itself_beside_or_over_a_bad_copy(
    office: Place, branch: Place, share: Path, what: str
) -> None:
    office.sql("UPDATE customers SET town = 'Kiel'", "UPDATE stock SET pieces = 1")
    office.node.sync(share)
    (folder,) = share.glob("packets/*/office/0000000002-*")
    if what == "part":
        spoil(folder / "customers.parquet")
    elif what == "manifest":
        (folder / "manifest.json").write_bytes(b"{}")
    elif what == "torn":
        (folder / "manifest.json").write_bytes((folder / "manifest.json").read_bytes()[:300])
    else:
        whole = (folder / "stock.parquet").read_bytes()
        (folder / "stock.parquet").write_bytes(bytes(len(whole)))
    assert branch.node.sync(share).applied == []
    assert office.node.sync(share).dropped == ["office/2"]
    assert branch.node.sync(share).applied == ["office/2"]
    assert quarantined(branch) == []
    assert branch.dump() == office.dump()
    assert office.node.sync(share).dropped == []


def test_who_carried_a_packet_replaces_a_bad_copy_too(office: Place, branch: Place, clinic: Place, share: Path) -> None:
    office.sql("UPDATE stock SET pieces = 1")
    office.node.sync(share)
    clinic.node.sync(share)
    (folder,) = share.glob("packets/*/office/0000000002-*")
    spoil(folder / "stock.parquet")
    branch.node.sync(share)
    assert clinic.node.sync(share).dropped == ["office/2"]
    assert branch.node.sync(share).applied == ["office/2"]


def test_an_archive_whose_own_copy_went_bad_sends_it_to_nobody_and_gets_a_good_one(
    office: Place, branch: Place, clinic: Place, share: Path
) -> None:
    """Office and share hold a bad copy; only the clinic, which took it by another way, has a good one."""
    office.sql("UPDATE stock SET pieces = 1")
    stick = office.root / "stick"
    office.export(stick)
    clinic.node.sync(stick)
    office.node.sync(share)
    for place in (share, office.home):
        (part,) = place.glob("packets/**/office/0000000002-*/stock.parquet")
        spoil(part)
    assert [entry["packet"] for entry in branch.node.sync(share).quarantined] == ["office/2"]
    report = office.node.sync(share)
    assert report.dropped == []
    assert any("own copy of office/2 is damaged" in warning for warning in report.warnings)
    assert quarantined(office) == ["office/2"]
    office.node.sync(share)
    assert "office/2" in [entry.packet for entry in ack_of(office).wanted]
    assert clinic.node.sync(share).dropped == ["office/2"]
    office.node.sync(share)
    assert quarantined(office) == []
    assert branch.node.sync(share).applied == ["office/2"]
    assert branch.dump() == office.dump() == clinic.dump()
    (own,) = office.home.glob("packets/*/office/0000000002-*/stock.parquet")
    (other,) = clinic.home.glob("packets/*/office/0000000002-*/stock.parquet")
    assert own.read_bytes() == other.read_bytes()


# -- trying again


def test_a_good_copy_clears_it_wherever_the_bad_one_lay(office: Place, branch: Place) -> None:
    _, part = bad_copy(office)
    odd = office.root / "odd" / "from Anna"
    shutil.copytree(part.parent, odd)
    (odd / "manifest.json").write_bytes(b"{}")
    branch.node.import_(odd.parent)
    assert len(quarantined(branch)) == 1
    spoil(part)
    for path in odd.iterdir():
        path.write_bytes((part.parent / path.name).read_bytes())
    assert branch.node.import_(odd.parent).applied == ["office/2"]
    assert quarantined(branch) == []


def undecodable(monkeypatch: pytest.MonkeyPatch, *, seq: int = 2) -> None:
    """Verified packets with this number turn out to be impossible to decode."""
    real = VerifiedPacket.batches

    def batches(self: VerifiedPacket, table: str) -> Any:
        if self.manifest.seq == seq:
            raise BadPacket("cannot be decoded: a newer encoding", self.manifest.tables[0].file)
        return real(self, table)

    monkeypatch.setattr(VerifiedPacket, "batches", batches)


def test_a_signed_packet_that_cannot_be_applied_is_kept_whole_and_not_taken_again_and_again(
    office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.sql("UPDATE stock SET pieces = 1")
    office.node.sync(share)
    with monkeypatch.context() as patch:
        undecodable(patch)
        first = branch.node.sync(share).quarantined
        assert [entry["packet"] for entry in first] == ["office/2"]
        assert branch.node.sync(share).quarantined == first, "known: since the same moment"
        assert branch.node.quarantine("office/2")["kind"] == "packet"
        assert ack_of(branch).wanted == ()
        tried = branch.node.release("office/2")["tried"]
        assert [(entry["outcome"], "newer encoding" in entry["reason"]) for entry in tried] == [("refused", True)]
        assert branch.node.status()["quarantined"] == first
        shutil.rmtree(share)
        share.mkdir()
    dry = branch.node.release(all=True, dry_run=True)
    assert (dry["applied"], dry["tried"][0]["outcome"]) == (["office/2"], "released")
    assert quarantined(branch) == ["office/2"]
    found = branch.node.release(all=True)
    assert (found["applied"], found["quarantined"]) == (["office/2"], [])
    assert quarantined(branch) == []
    assert branch.dump() == office.dump()


def test_a_newer_satchel_tries_it_again_by_itself(
    office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.sql("UPDATE stock SET pieces = 1")
    office.node.sync(share)
    with monkeypatch.context() as patch:
        undecodable(patch)
        branch.node.sync(share)
    assert branch.node.sync(share).applied == []
    monkeypatch.setattr(quarantine_module, "__version__", "99.0")
    assert branch.node.sync(share).applied == ["office/2"]
    assert quarantined(branch) == []


def test_of_a_group_that_cannot_be_applied_the_culprit_is_named(
    office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "write_packets", partial(write_packets, max_rows=2), raising=False)
    monkeypatch.setattr(writer, "write_packets", partial(write_packets, max_rows=2))
    office.sql("INSERT INTO stock SELECT value, 1 FROM json_each('[1, 2, 3, 4, 5, 6]')")
    assert office.node.sync(share).sealed == ["office/2", "office/3", "office/4"]
    before = branch.dump()
    undecodable(monkeypatch, seq=3)
    report = branch.node.sync(share)
    assert (report.applied, branch.dump()["stock"]) == ([], before["stock"])
    assert [entry["packet"] for entry in report.quarantined] == ["office/3"]
    assert [(entry["packet"], entry["for"]) for entry in report.waiting] == [("office/2", "office/3")]


def test_a_copy_that_is_still_bad_stays(office: Place, branch: Place) -> None:
    branch.node.import_(bad_copy(office)[0])
    before = branch.state()[1]
    found = branch.node.release(all=True)
    assert [entry["outcome"] for entry in found["tried"]] == ["refused"]
    assert {k: v for k, v in branch.state()[1].items() if "acks" not in k} == {
        k: v for k, v in before.items() if "acks" not in k
    }


def test_releasing_what_is_not_there_is_wrong_usage(office: Place, branch: Place) -> None:
    with pytest.raises(UsageError, match="nothing in quarantine is called"):
        branch.node.release("office/9")
    assert branch.node.release(all=True)["tried"] == []


# -- removing


def test_what_has_no_good_copy_here_is_removed_only_by_a_clear_word(office: Place, branch: Place) -> None:
    branch.node.import_(bad_copy(office)[0])
    before = branch.state()
    with pytest.raises(SatchelError, match="no good copy of office/2"):
        branch.node.remove_quarantined("office/2")
    assert branch.node.remove_quarantined("office/2", yes=True, dry_run=True)["removed"]
    assert branch.state() == before
    assert [e["packet"] for e in branch.node.remove_quarantined(all=True, yes=True)["removed"]] == ["office/2"]
    assert list((branch.home / "quarantine").iterdir()) == []


def test_what_has_a_good_copy_here_is_removed_without_ado(office: Place, branch: Place, share: Path) -> None:
    quarantine = Quarantine(branch.home / "quarantine", NOW)
    quarantine.put(open_exchange(share), Found(share / "x" / "y", "y"), b"[]", Bad("office/1", "of a test"))
    assert [e["packet"] for e in branch.node.remove_quarantined("office/1")["removed"]] == ["office/1"]


# -- its size


def put(quarantine: Quarantine, root: Path, number: int, size: int = 1000) -> None:
    folder = root / f"{number:010d}-00000000"
    folder.mkdir(parents=True)
    (folder / "t.parquet").write_bytes(bytes(size))
    bad = Bad(f"office/{number}", "altered", "t.parquet")
    quarantine.put(open_exchange(root), Found(folder, folder.name), b"marker %d" % number, bad)


def test_the_files_of_the_oldest_go_first_and_their_reasons_stay(tmp_path: Path) -> None:
    for number in range(1, 6):
        quarantine = Quarantine(tmp_path / "q", NOW + number * 1000, most_bytes=4500)
        put(quarantine, tmp_path / "stick", number)
    entries = {entry.packet: entry for entry in quarantine.entries()}
    assert {packet: entry.files for packet, entry in entries.items()} == {
        "office/1": False, "office/2": False, "office/3": True, "office/4": True, "office/5": True,
    }  # fmt: skip
    assert all(entry.reason == "altered" for entry in entries.values())
    assert quarantine.warnings == ["the files of office/2 left the quarantine to make room; its reason stays"]
    held = sum(path.stat().st_size for path in (tmp_path / "q").rglob("*.parquet"))
    assert held == 3000


def test_what_is_too_large_to_keep_keeps_its_reason(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "q", NOW, most_bytes=500)
    put(quarantine, tmp_path / "stick", 1)
    assert [(entry.packet, entry.files) for entry in quarantine.entries()] == [("office/1", False)]


def test_a_flood_of_bad_packets_pushes_nothing_out_and_is_said(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "q", NOW, most_entries=3)
    for number in range(1, 7):
        put(quarantine, tmp_path / "stick", number)
    assert [entry.packet for entry in quarantine.entries()] == ["office/1", "office/2", "office/3"]
    (warning,) = quarantine.warnings
    assert "full (3 packets)" in warning


def nth(number: int) -> Callable[[str, Path], None]:
    """Kills at the given step of the file layer."""
    count = itertools.count(1)

    def hook(step: str, path: Path) -> None:
        if next(count) == number:
            raise Killed

    return hook


def test_a_kill_while_an_entry_is_made_leaves_no_half_of_one(tmp_path: Path) -> None:
    for number in itertools.count(1):
        root = tmp_path / str(number)
        quarantine = Quarantine(root / "q", NOW)
        try:
            with faults(nth(number)):
                put(quarantine, root / "stick", 1)
        except Killed:
            pass
        else:
            break
        if (root / "stick").exists():
            shutil.rmtree(root / "stick")
        again = Quarantine(root / "q", NOW)
        put(again, root / "stick", 1)
        (entry,) = again.entries()
        assert (root / "q" / entry.id / "t.parquet").stat().st_size == 1000
    assert number > 8


def test_a_kill_while_a_packet_leaves_the_archive_loses_nothing_of_it(tmp_path: Path) -> None:
    bad = Bad("office/1", "cannot be decoded", "t.parquet", "ab" * 32, PACKET)
    for number in itertools.count(1):
        root = tmp_path / str(number)
        source = root / "0000000001-00000000"
        source.mkdir(parents=True)
        (source / "manifest.json").write_bytes(b"{}")
        (source / "t.parquet").write_bytes(bytes(1000))
        quarantine = Quarantine(root / "q", NOW)
        try:
            with faults(nth(number)):
                quarantine.put_folder(source, bad)
        except Killed:
            whole_here = (source / "manifest.json").exists() and (source / "t.parquet").exists()
            again = Quarantine(root / "q", NOW)
            assert whole_here or again.entries()
            if whole_here:
                again.put_folder(source, bad)
        else:
            break
        (entry,) = Quarantine(root / "q", NOW).entries()
        assert (root / "q" / entry.id / "t.parquet").read_bytes() == bytes(1000)
        assert not (source / "manifest.json").exists()
    assert number > 8


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, json.dumps({"packet": 1}).encode()])
def test_a_damaged_reason_stops_nothing(tmp_path: Path, content: bytes) -> None:
    put(Quarantine(tmp_path / "q", NOW), tmp_path / "stick", 1)
    quarantine = Quarantine(tmp_path / "q", NOW)
    (reason,) = (tmp_path / "q").rglob("reason.json")
    reason.write_bytes(content)
    (entry,) = quarantine.entries()
    assert "damaged" in entry.reason
    quarantine.clear("office/2", "", "0000000002-00000000", "")
    quarantine.remove(entry)
    assert quarantine.entries() == []
