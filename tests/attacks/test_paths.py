"""Names that lead elsewhere: in packets, cards and folders, none of them becomes a path (PROTOCOL, Packet format)."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from satchel.errors import BadPacket, SatchelError, UsageError
from satchel.exchange.names import checked_packet_path, checked_part_name, checked_side_path
from satchel.packet.card import Card, make_founder_card
from satchel.packet.document import Network
from satchel.packet.envelope import seal_envelope
from satchel.packet.keys import PrivateKey
from satchel.packet.manifest import Manifest
from satchel.packet.part import file_name
from satchel.packet.verify import read_manifest
from satchel.sync.founding import check_name
from tests.attacks.forge import forged_manifest
from tests.attacks.traitor import Fields, Traitor, customers
from tests.packet.builders import Acme
from tests.sync.sites import Place, contents

ELSEWHERE = ["../../../../evil", "/evil", "..\\evil", "C:evil", "a\x00b", "x" * 300, ".", "..", "", " ", "e/vil"]
DEVICES = ["con", "nul", "aux", "prn", "com1", "lpt9"]


@pytest.mark.parametrize("field", ["origin", "suffix", "network", "file", "previous", "context"])
@pytest.mark.parametrize("name", [*ELSEWHERE, *DEVICES])
def test_a_name_field_of_a_manifest(acme: Acme, field: str, name: str) -> None:
    def change(fields: Fields) -> Fields:
        if field == "network":
            fields["network"]["name"] = name
        elif field == "file":
            fields["tables"][0]["file"] = f"{name}.parquet"
        elif field == "context":
            fields["context"] = {name: [1, "0" * 16]}
        else:
            fields[field] = name
        return fields

    with pytest.raises(BadPacket):
        read_manifest(forged_manifest(acme, acme.office.key, change), acme.members)


@pytest.mark.parametrize("name", [*ELSEWHERE, *DEVICES])
def test_a_path_is_made_of_no_such_name(name: str) -> None:
    for what in (
        lambda: checked_part_name(f"{name}.parquet"),
        lambda: checked_side_path(f"acks/{name}.json"),
        lambda: checked_packet_path(f"acme/{name}/0000000001-00000000"),
        lambda: checked_packet_path(f"{name}/office/0000000001-00000000"),
    ):
        with pytest.raises(BadPacket):
            what()


@pytest.mark.parametrize("name", DEVICES)
def test_nobody_is_called_like_a_device_and_no_part_is_written_under_such_a_name(name: str) -> None:
    with pytest.raises(UsageError):
        check_name(name, "node")
    assert file_name(name, ()) == f"t-{name}.parquet"


@pytest.mark.parametrize("name", [*ELSEWHERE, *DEVICES])
def test_a_node_s_name_on_a_card(office: Place, branch: Place, share: Path, name: str) -> None:
    key = PrivateKey.generate()
    network: Network = Traitor(office, share).network
    good = make_founder_card(key, network, "nobody", 1_800_000_000_000)
    payload = json.dumps(json.loads(Card.open(good).payload) | {"node": name}).encode()
    (share / "nodes" / "card-x.json").write_bytes(seal_envelope(Card.payload_type, payload, [key]))
    before = contents(office.root)
    report = office.node.sync(share)
    assert ["node: " in warning for warning in report.warnings] == [True]
    new = set(contents(office.root)) - set(before)
    assert not [path for path in new if "evil" in path or Path(path).stem in DEVICES]


@pytest.mark.skipif(os.name == "nt", reason="links need a right there that tests do not have")
@pytest.mark.parametrize("kind", ["nodes", "acks", "packets"])
def test_a_folder_of_the_share_that_is_a_link(office: Place, branch: Place, share: Path, kind: str) -> None:
    outside = office.root / "outside"
    shutil.move(share / kind, outside)
    (share / kind).symlink_to(outside)
    before = contents(outside)
    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    with suppress(SatchelError):
        office.node.sync(share)
    assert contents(outside) == before
    assert office.rows("SELECT town FROM customers WHERE id = 'c1'") == [("Kiel",)]


@pytest.mark.skipif(os.name == "nt", reason="links need a right there that tests do not have")
@pytest.mark.parametrize("what", ["manifest.json", "customers.parquet", ""])
def test_a_packet_that_is_a_link_to_a_secret(office: Place, branch: Place, share: Path, what: str) -> None:
    packet = Traitor(branch, share).send(customers("Eve"))
    secret = office.root / "secret"
    if what:
        (packet / what).rename(secret)
        (packet / what).symlink_to(secret)
    else:
        packet.rename(secret)
        packet.symlink_to(secret)
    report = office.node.sync(share)
    assert report.applied == []
    assert office.node.status()["vector"] == {"office": 1}


def test_a_manifest_s_type_cannot_be_a_path(acme: Acme) -> None:
    envelope = seal_envelope("../" + Manifest.payload_type, b"{}", [acme.office.key])
    with pytest.raises(BadPacket, match="signed as"):
        read_manifest(envelope, acme.members)
