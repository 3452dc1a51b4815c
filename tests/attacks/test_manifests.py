"""Attacks on manifests: each is refused with its reason, and nothing of the packet is read."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

import pytest

from satchel.errors import BadPacket
from satchel.packet.ack import Ack
from satchel.packet.card import Card
from satchel.packet.document import Network
from satchel.packet.envelope import seal_envelope
from satchel.packet.keys import PrivateKey
from satchel.packet.manifest import Manifest
from satchel.packet.problem import Waiting
from satchel.packet.verify import read_manifest, verify_parts
from tests.attacks.forge import forged_manifest
from tests.packet.builders import Acme, Site, customers


def must_be_refused(acme: Acme, envelope: bytes, reason: str) -> None:
    with pytest.raises(BadPacket, match=reason or None):
        read_manifest(envelope, acme.members)


def test_no_flipped_bit_of_a_manifest_is_accepted(acme: Acme) -> None:
    envelope = acme.office.seal(customers(1))[0].envelope
    members = acme.members
    for bit in random.Random(7).sample(range(len(envelope) * 8), 2000):
        altered = bytearray(envelope)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BadPacket):
            read_manifest(bytes(altered), members)


def test_another_s_key_under_a_member_s_name(acme: Acme) -> None:
    impostor = Site("office", PrivateKey.generate(), acme.network, acme.folder)
    must_be_refused(acme, impostor.seal(customers(1))[0].envelope, "not signed by the key of office")


def test_another_s_signature_under_a_member_s_keyid(acme: Acme) -> None:
    fields = json.loads(acme.office.seal(customers(1))[0].envelope)
    forged = PrivateKey.generate().sign(b"whatever")
    fields["signatures"][0]["sig"] = base64.b64encode(forged).decode()
    must_be_refused(acme, json.dumps(fields).encode(), "signature is not right")


def test_a_member_who_signs_for_another(acme: Acme) -> None:
    site = acme.join("site-b")
    must_be_refused(
        acme, Site("office", site.key, acme.network, acme.folder).seal(customers(1))[0].envelope, "signed by site-b"
    )


def test_a_member_who_opens_an_epoch_of_another(acme: Acme) -> None:
    site = acme.join("site-b")
    epoch = Site("office.x7k2", site.key, acme.network, acme.folder)
    must_be_refused(acme, epoch.seal(customers(1))[0].envelope, "says that it is of office")


@pytest.mark.parametrize("kind", [Ack.payload_type, Card.payload_type, "application/json", ""])
def test_a_signature_given_for_something_else(acme: Acme, kind: str) -> None:
    signed, _ = acme.office.seal(customers(1))
    elsewhere = seal_envelope(kind, signed.manifest_bytes, [acme.office.key])
    must_be_refused(acme, elsewhere, "signed as")
    renamed = json.loads(elsewhere) | {"payloadType": Manifest.payload_type}
    must_be_refused(acme, json.dumps(renamed).encode(), "signature is not right")


def test_two_signatures_on_a_manifest(acme: Acme) -> None:
    signed, _ = acme.office.seal(customers(1))
    keys = [acme.office.key, PrivateKey.generate()]
    must_be_refused(acme, seal_envelope(Manifest.payload_type, signed.manifest_bytes, keys), "one signature")


def test_a_foreign_network_s_packet_by_a_stranger_and_by_a_member(acme: Acme) -> None:
    foreign = Network(id="6ba7b810-9dad-11d1-80b4-00c04fd430c8", name="acme")
    for key in (PrivateKey.generate(), acme.office.key):
        envelope = Site("office", key, foreign, acme.folder).seal(customers(1))[0].envelope
        must_be_refused(acme, envelope, "another network")


def test_a_reader_s_packet(acme: Acme) -> None:
    must_be_refused(acme, acme.join("kiosk", "reader").seal(customers(1))[0].envelope, "reader")


def test_a_signer_nobody_has_introduced_waits_and_is_no_attack(acme: Acme) -> None:
    stranger = Site("site-z", PrivateKey.generate(), acme.network, acme.folder)
    assert isinstance(read_manifest(stranger.seal(customers(1))[0].envelope, acme.members), Waiting)


def test_a_signer_whose_card_was_refused(acme: Acme) -> None:
    site = acme.join("site-b")
    key = PrivateKey.generate()
    acme.files.append(acme.card(acme.invite("site-c"), key))
    late = acme.card(acme.invite("site-d"), key, created=4_000_000_000_000)
    acme.files[-1] = late
    must_be_refused(acme, Site("site-d", key, acme.network, acme.folder).seal(customers(1))[0].envelope, "was refused")
    assert acme.members.role("site-b") == "member"
    assert site.key.public == acme.members.key_of("site-b")


@pytest.mark.parametrize(
    "file",
    [
        "../customers.parquet",
        "/etc/passwd",
        "a/b.parquet",
        "..\\b.parquet",
        "C:b.parquet",
        "CON",
        "",
        "manifest.json",
        "a.parquet\x00",
    ],
)
def test_a_path_in_a_file_name(acme: Acme, file: str) -> None:
    def change(fields: dict[str, Any]) -> dict[str, Any]:
        fields["tables"][0]["file"] = file
        return fields

    must_be_refused(acme, forged_manifest(acme, acme.office.key, change), "file name")


def test_a_manifest_that_announces_a_thousand_million_rows(acme: Acme) -> None:
    def change(fields: dict[str, Any]) -> dict[str, Any]:
        fields["tables"][0]["rows"] = 10**9
        return fields

    must_be_refused(acme, forged_manifest(acme, acme.office.key, change), "rows")


def test_a_manifest_with_too_many_tables(acme: Acme) -> None:
    def change(fields: dict[str, Any]) -> dict[str, Any]:
        [table] = fields["tables"]
        return fields | {"tables": [table | {"name": f"t{i}", "file": f"t{i}.parquet"} for i in range(2001)]}

    must_be_refused(acme, forged_manifest(acme, acme.office.key, change), "tables")


def test_a_key_that_stands_twice_in_the_payload(acme: Acme) -> None:
    signed, _ = acme.office.seal(customers(1))
    doubled = signed.manifest_bytes.replace(b'"seq": 1', b'"seq": 9, "seq": 1')
    assert json.loads(doubled)["seq"] == 1
    must_be_refused(acme, seal_envelope(Manifest.payload_type, doubled, [acme.office.key]), "twice")


def test_a_key_that_stands_twice_in_the_envelope(acme: Acme) -> None:
    signed, _ = acme.office.seal(customers(1))
    doubled = signed.envelope.replace(b'"payloadType"', b'"payload": "e30=",\n "payloadType"')
    assert json.loads(doubled)["payload"]
    must_be_refused(acme, doubled, "twice")


@pytest.mark.parametrize(
    "payload",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"1" * 10_000,
        b'{"seq": NaN}',
        b"\xff\xfe{}",
        b'{"\\ud800": 1}',
        b"",
        b"null",
    ],
)
def test_json_that_is_meant_to_break_the_reader(acme: Acme, payload: bytes) -> None:
    must_be_refused(acme, seal_envelope(Manifest.payload_type, payload, [acme.office.key]), "")
    must_be_refused(acme, payload, "")


def test_parts_swapped_between_two_valid_packets(acme: Acme) -> None:
    one, folder_one = acme.office.seal(customers(3))
    two, folder_two = acme.office.seal(customers(3, first=7))
    a, b = folder_one / "customers.parquet", folder_two / "customers.parquet"
    data_a, data_b = a.read_bytes(), b.read_bytes()
    a.write_bytes(data_b)
    b.write_bytes(data_a)
    assert not verify_parts(folder_one, one.manifest).valid
    assert not verify_parts(folder_two, two.manifest).valid


def test_manifests_swapped_between_two_valid_packets(acme: Acme) -> None:
    one, folder_one = acme.office.seal(customers(3))
    two, folder_two = acme.office.seal(customers(3, first=7))
    assert not verify_parts(folder_one, two.manifest).valid
    assert not verify_parts(folder_two, one.manifest).valid
