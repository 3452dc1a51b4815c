"""What a node has verified it does not verify again, and nothing that is new or altered passes for known."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

import satchel
from satchel.sync.memory import NOTE
from satchel.sync.opening import reading, working
from satchel.sync.site import now_ms
from tests.sync.clones import hand_over
from tests.sync.sites import Place, opened, packets_in


def remembered(place: Place) -> dict[str, object]:
    with reading(place.home) as site:
        found: dict[str, object] = json.loads(site.notes[NOTE])
        return found


def at_rest(share: Path, *places: Place) -> None:
    for _ in range(2):
        for place in places:
            place.node.sync(share)


def never(*_: object, **__: object) -> None:
    raise AssertionError("it was verified again")


def test_what_is_known_is_not_verified_again(
    office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_rest(share, branch, office)
    monkeypatch.setattr("satchel.packet.keys.PublicKey.verifies", never)
    monkeypatch.setattr("satchel.packet.keys.PrivateKey.load", never)
    assert office.node.status()["peers"][0]["behind"] == 0
    office.node.sync(share)


def test_an_acknowledgement_that_says_nothing_new_is_not_written_again(
    office: Place, branch: Place, share: Path
) -> None:
    at_rest(share, branch, office)
    ack = office.home / "packets" / "acks" / "office.json"
    before = ack.read_bytes()
    office.node.sync(share)
    assert ack.read_bytes() == before
    office.sql("UPDATE customers SET name = 'Eve'")
    office.node.sync(share)
    assert ack.read_bytes() != before


def test_one_that_is_old_is_written_again_as_a_sign_of_life(
    office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_rest(share, branch, office)
    heard = branch.node.status()["peers"][0]["heard"]
    later = now_ms() + 11 * 60_000
    monkeypatch.setattr("satchel.sync.acknowledging.now_ms", lambda: later)
    office.node.sync(share)
    branch.node.sync(share)
    assert branch.node.status()["peers"][0]["heard"] > heard


def test_an_altered_acknowledgement_is_not_taken_for_the_known_one(office: Place, branch: Place, share: Path) -> None:
    at_rest(share, branch, office)
    ack = office.home / "packets" / "acks" / "branch.json"
    ack.write_bytes(ack.read_bytes().replace(b'"sig": "', b'"sig": "A', 1).replace(b'=="', b'="', 1))
    assert office.node.status()["peers"][0]["heard"] is None


def test_another_card_makes_everything_new(office: Place, branch: Place, share: Path) -> None:
    at_rest(share, branch, office)
    decided = remembered(office)["decided"]
    office.node.retire("branch")
    office.node.sync(share)
    assert remembered(office)["decided"] != decided
    assert [entry["state"] for entry in office.node.nodes()["nodes"] if entry["node"] == "branch"] == ["retired"]


def test_what_another_version_remembered_counts_for_nothing(office: Place, branch: Place, share: Path) -> None:
    at_rest(share, branch, office)
    with working(office.home) as site:
        site.note(**{NOTE: site.notes[NOTE].replace('"satchel": "', '"satchel": "9')})
        site.__dict__.pop("memory", None)
        assert site.memory.decided == ""
        assert [member.name for member in site.members.members] == ["branch", "office"]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"satchel": 1}', '{"satchel": "0.1.0", "files": 3}'])
def test_a_memory_that_is_damaged_is_none(office: Place, branch: Place, share: Path, text: str) -> None:
    at_rest(share, branch, office)
    with working(office.home) as site:
        site.note(**{NOTE: text})
    office.node.sync(share)
    assert office.node.status()["peers"][0]["behind"] == 0


def test_a_packet_that_left_the_archive_is_collected_again(office: Place, branch: Place, share: Path) -> None:
    branch.sql("UPDATE customers SET name = 'Eve'")
    at_rest(share, branch, office)
    archive = office.home / "packets"
    [folder] = [path for path in archive.glob("*/branch/*") if path.is_dir()][-1:]
    before = packets_in(archive)
    shutil.rmtree(folder)
    assert packets_in(archive) != before
    office.node.sync(share)
    assert packets_in(archive) == before


def test_only_what_is_new_is_looked_at_in_archive_and_share(
    office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Eve", "Ann", "Bob"):
        branch.sql(f"UPDATE customers SET name = '{name}'")
        at_rest(share, branch, office)
    with working(office.home) as site:
        assert not site.shelf.has_news()
        [packet] = (share / "packets").glob("*/branch/0000000001-*")
        assert site.shelf.holds("branch", packet.name)
        assert not site.shelf.holds("branch", "0000000001-00000000")
        assert not site.shelf.holds("office", packet.name)
    entered = []
    real = os.scandir

    def scandir(path: object) -> object:
        entered.append(str(path))
        return real(path)

    monkeypatch.setattr("satchel.exchange.listing.os.scandir", scandir)
    branch.sql("UPDATE customers SET name = 'Zoe'")
    branch.node.sync(share)
    entered.clear()
    assert len(office.node.sync(share).applied) == 1
    looked_at = {Path(path).name for path in entered if "/branch/" in path and path.startswith(str(share))}
    assert looked_at == {max(path.name for path in (share / "packets").glob("*/branch/*"))}


def test_what_a_database_has_taken_out_again_is_looked_at(office: Place, branch: Place, share: Path) -> None:
    for name in ("Eve", "Ann"):
        branch.sql(f"UPDATE customers SET name = '{name}'")
        at_rest(share, branch, office)
    with working(office.home) as site:
        last = site.store.vector()["branch"].seq
        assert site.shelf.settled("branch") == last
    with opened(office.db) as db:  # as a revocation that was killed before the packet left the archive
        number = "(SELECT number FROM _satchel_origin WHERE name = 'branch')"
        db.execute(f"UPDATE _satchel_vector SET q = q - 1 WHERE o = {number}")
    with reading(office.home) as site:
        assert site.shelf.settled("branch") == 0
        assert site.shelf.has_news()


def test_a_packet_whose_way_back_into_the_archive_was_cut_short_is_fetched_again(
    office: Place, branch: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder stands there by the name that was remembered as settled, without a manifest."""
    hand_over(office, branch)
    hand_over(office, branch)  # what is settled is remembered
    [folder] = (branch.home / "packets" / "acme" / "office").iterdir()
    shutil.rmtree(folder)

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("satchel.packet.verify.verify_parts", kill)
        hand_over(office, branch)
    assert folder.is_dir()
    assert not (folder / "manifest.json").exists()
    hand_over(office, branch)
    assert satchel.verify(branch.home / "packets")["problems"] == []
    assert (folder / "manifest.json").is_file()
