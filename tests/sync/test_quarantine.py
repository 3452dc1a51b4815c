"""Quarantine: kept with its reason, outside the way, tried again, cleared by itself; never silently lost."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from satchel.errors import BadPacket, SatchelError, UsageError
from satchel.exchange import open_exchange
from satchel.exchange.listing import Place as Found
from satchel.packet import writer
from satchel.packet.ack import Ack, QuarantineEntry, WantedEntry, open_ack, sign_ack
from satchel.packet.envelope import read_envelope, seal_envelope
from satchel.packet.manifest import Manifest
from satchel.packet.reader import VerifiedPacket
from satchel.packet.writer import write_packets
from satchel.sync import quarantine as quarantine_module
from satchel.sync import sealing
from satchel.sync.opening import reading
from satchel.sync.quarantine import Bad, Quarantine
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


def archived(place: Place, packet: str) -> Path:
    origin, _, seq = packet.partition("/")
    (folder,) = place.home.glob(f"packets/acme/{origin}/{int(seq):010d}-*")
    return folder


@pytest.mark.parametrize("name", ["manifest.json", "stock.parquet"])
def test_a_packet_that_goes_bad_in_the_archive_while_it_waits_is_taken_anew(
    office: Place, branch: Place, name: str
) -> None:
    stick = office.root / "stick"
    for pieces in (1, 2):
        office.sql(f"UPDATE stock SET pieces = {pieces}")
        office.export(stick)
    (second,) = stick.glob("packets/*/office/0000000002-*")
    second.rename(office.root / second.name)
    assert [entry["packet"] for entry in branch.node.import_(stick).waiting] == ["office/3"]
    (archived(branch, "office/3") / name).write_bytes(bytes((archived(branch, "office/3") / name).stat().st_size))
    (office.root / second.name).rename(second)
    report = branch.node.import_(stick)
    assert (report.applied, quarantined(branch)) == (["office/2"], ["office/3"])
    assert branch.node.import_(stick).applied == ["office/3"]
    assert quarantined(branch) == []
    assert branch.dump() == office.dump()


def test_a_copy_under_another_name_heals_a_damaged_archive(office: Place, branch: Place) -> None:
    folder = archived(branch, "office/1")
    whole = (folder / "manifest.json").read_bytes()
    shutil.copytree(folder, office.root / "mailed" / "packet")
    (folder / "manifest.json").write_bytes(whole[:-1] + b" ")
    report = branch.node.import_(office.root / "mailed")
    assert (report.applied, report.quarantined) == ([], [])
    assert (archived(branch, "office/1") / "manifest.json").read_bytes() == whole
    assert quarantined(branch) == []


def test_a_member_that_uses_a_packet_s_whole_name_twice_stops_nobody(
    office: Place, branch: Place, clinic: Place, share: Path
) -> None:
    """Origin, number and suffix of a packet that is here, rightly signed, and other content."""
    folder = archived(branch, "office/1")
    shutil.copytree(folder, office.root / "mailed" / "packet")
    with reading(office.home) as site:
        manifest = json.loads(read_envelope((folder / "manifest.json").read_bytes()).payload)
        manifest["software"] = "another one"
        forged = seal_envelope(Manifest.payload_type, json.dumps(manifest).encode(), [site.key])
    (office.root / "mailed" / "packet" / "manifest.json").write_bytes(forged)
    clinic.sql("UPDATE stock SET pieces = 5")
    clinic.export(office.root / "mailed")
    report = branch.node.import_(office.root / "mailed")
    assert report.applied == ["clinic/1"]
    assert ["of that name" in entry["reason"] for entry in report.quarantined] == [True]


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


def test_a_limit_that_was_raised_is_a_reason_to_try_again(office: Place, branch: Place) -> None:
    office.sql("UPDATE stock SET pieces = 1", "UPDATE customers SET town = 'Kiel'")
    office.export(office.root / "loose")
    toml = branch.home / "satchel.toml"
    usual = toml.read_text()
    toml.write_text(usual + "\n[limits]\nrows = 2\n")
    (entry,) = branch.node.import_(office.root / "loose").quarantined
    assert entry["file"] == "manifest.json"
    assert [tried["outcome"] for tried in branch.node.release(all=True)["tried"]] == ["refused"]
    toml.write_text(usual)
    found = branch.node.release(entry["id"])
    assert (found["tried"][0]["outcome"], found["applied"]) == ("released", ["office/2"])
    assert branch.node.status()["quarantined"] == []
    assert branch.dump() == office.dump()


def test_what_an_acknowledgement_asks_for_may_be_nonsense(office: Place, branch: Place, share: Path) -> None:
    names = ["", "x", "/", "office/0", f"office/{'9' * 400}", "../../etc/1", "office/\u0661", "nobody/1", "office/1 "]
    ack = ack_of(branch).model_copy(
        update={
            "wanted": tuple(WantedEntry(packet=name, hash="f" * 16) for name in names),
            "quarantined": tuple(QuarantineEntry(packet=name, reason="x") for name in names),
            "counter": str(int(ack_of(branch).counter) + 10),
        }
    )
    with reading(branch.home) as site:
        (share / "acks" / "branch.json").write_bytes(sign_ack(ack, site.key))
    assert office.node.sync(share).dropped == []


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
