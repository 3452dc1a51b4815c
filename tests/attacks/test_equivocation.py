"""A member that signs two packets of one number, and shows one to some and the other to others, gains nothing: both
are applied everywhere, as what two clones of its database had written (PROTOCOL, Trouble: clone, fork)."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
from pathlib import Path

from satchel.model.vector import HASH_DIGITS, Mark
from satchel.packet.envelope import read_envelope, seal_envelope
from satchel.packet.manifest import MANIFEST_NAME, Manifest, manifest_hash
from tests.attacks.traitor import Fields, Traitor, customers
from tests.sync.clones import assert_equal, branches_of, gossip, seal
from tests.sync.places import branch, clinic, office, share, templates
from tests.sync.sites import Place

__all__ = ["branch", "clinic", "office", "share", "templates"]


def alike(one: bytes, two: bytes) -> list[bytes]:
    """The two manifests with software of such names that their hashes begin alike."""
    known: dict[str, bytes] = {}
    for number in itertools.count():
        for text in (one, two):
            payload = text.replace(b"bad intent", b"bad intent %d" % number)
            other = known.setdefault(hashlib.sha256(payload).hexdigest()[:8], payload)
            if other is not payload and (json.loads(other)["suffix"] != json.loads(payload)["suffix"]):
                return [other, payload]
    raise AssertionError


def test_two_packets_of_one_number_are_applied_by_everybody(
    office: Place, branch: Place, clinic: Place, tmp_path: Path
) -> None:
    one, two = Traitor(branch, tmp_path / "one"), Traitor(branch, tmp_path / "two")
    one.send(customers("Ann"))
    two.send(customers("Bob", "Cid"))
    office.node.import_(one.share)
    clinic.node.import_(two.share)
    seal(office, "UPDATE customers SET town = 'Kiel' WHERE id = 't0'")
    seal(clinic, "UPDATE customers SET town = 'Jena' WHERE id = 't0'")
    gossip(office, clinic)
    assert_equal(office, clinic)
    assert len(branches_of(office, "branch")) == 2
    [conflict] = [entry for entry in office.node.conflicts() if entry["kind"] == "edit"]
    assert set(conflict["columns"]) == {"name", "town"}


def test_a_fork_in_the_middle_of_a_group_holds_nobody_up(
    office: Place, branch: Place, clinic: Place, tmp_path: Path
) -> None:
    """The first packet of two groups is one and the same."""
    traitor = Traitor(branch, tmp_path / "both")

    def in_group(fields: Fields) -> None:
        fields["group"] = [1, 2]

    first = traitor.drop(traitor.write(customers("Ann")), in_group)
    digest = manifest_hash(read_envelope((first / MANIFEST_NAME).read_bytes()).payload)
    traitor.heads["branch"], traitor.previous = Mark(1, digest[:HASH_DIGITS]), digest
    second = [traitor.drop(traitor.write(customers(*names)), in_group) for names in (("Bob",), ("Cid", "Dan"))]
    shares = [tmp_path / "one", tmp_path / "two"]
    for folder, packet in zip(shares, second, strict=True):
        shutil.copytree(traitor.share, folder)
        shutil.rmtree(folder / packet.relative_to(traitor.share))
    for place, folder in zip((office, clinic), shares, strict=True):
        place.node.import_(folder)
        seal(place, f"UPDATE customers SET town = 'Kiel' WHERE id = 't{int(place is clinic)}'")
    gossip(office, clinic)
    assert_equal(office, clinic)
    assert [office.vector()[name] for name in branches_of(office, "branch")] == [2, 2]
    assert office.vector()["branch"] == 1


def test_branches_that_are_alike_in_eight_digits_get_longer_names(
    office: Place, branch: Place, clinic: Place, tmp_path: Path
) -> None:
    traitor = Traitor(branch, tmp_path / "share")
    written = [traitor.write(customers(name)) for name in ("Ann", "Bob")]
    texts = [traitor.sign(packet).manifest_bytes for packet in written]
    found = alike(*texts)
    for packet in written:
        payload = next(text for text in found if json.loads(text)["suffix"] == packet.suffix)
        (packet.folder / MANIFEST_NAME).write_bytes(seal_envelope(Manifest.payload_type, payload, [traitor.key]))
    for place in (office, clinic):
        place.node.import_(traitor.share)
    assert_equal(office, clinic)
    names = branches_of(office, "branch")
    assert sorted(names) == sorted(f"branch~{hashlib.sha256(payload).hexdigest()[:16]}" for payload in found)
    assert len({name[:15] for name in names}) == 1


def test_of_two_packets_of_one_name_none_replaces_the_other(
    office: Place, branch: Place, clinic: Place, share: Path, tmp_path: Path
) -> None:
    """Who draws one suffix for both keeps nodes apart until it is revoked, and overwrites nothing."""
    one, two = Traitor(branch, tmp_path / "one"), Traitor(branch, tmp_path / "two")
    first, second = one.write(customers("Ann")), two.write(customers("Bob"))
    suffix = first.suffix
    one.drop(first)
    folder = two.drop(second, lambda fields: fields.update(suffix=suffix))
    folder.rename(folder.parent / first.folder.name)
    office.node.import_(one.share)
    clinic.node.import_(two.share)
    assert office.vector()["branch"] == clinic.vector()["branch"] == 1
    office.node.sync(share)
    [lies] = share.rglob(f"{first.folder.name}/manifest.json")
    before = lies.read_bytes()
    for place in (clinic, office, clinic):
        report = place.node.sync(share)
        assert report.dropped == []
        assert lies.read_bytes() == before
    assert any("gave one name to two packets" in warning for warning in report.warnings)
