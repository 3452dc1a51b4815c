"""Acknowledgements that lie: old ones, others' ones, ones of another network; and ones that promise too much."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from satchel.packet.ack import Ack
from satchel.packet.envelope import seal_envelope
from satchel.packet.keys import PrivateKey
from tests.attacks.traitor import Fields, Traitor
from tests.sync.sites import Place


def forge(share: Path, traitor: Traitor, change: Callable[[Fields], object], *keys: PrivateKey) -> None:
    """Replaces the branch's acknowledgement at the share by one that says what `change` makes of it."""
    file = share / "acks" / "branch.json"
    fields = json.loads(Ack.open(file.read_bytes()).payload)
    change(fields)
    file.write_bytes(seal_envelope(Ack.payload_type, json.dumps(fields).encode(), keys or (traitor.key,)))


def behind(place: Place) -> int:
    [peer] = place.node.status()["peers"]
    found: int = peer["behind"]
    return found


def test_a_rolled_back_acknowledgement_is_ignored(office: Place, branch: Place, share: Path) -> None:
    office.sql("UPDATE customers SET town = 'Kiel'")
    office.node.sync(share)
    old = (share / "acks" / "branch.json").read_bytes()
    branch.node.sync(share)
    office.node.sync(share)
    assert behind(office) == 0
    (share / "acks" / "branch.json").write_bytes(old)
    office.node.sync(share)
    assert behind(office) == 0


@pytest.mark.parametrize("signer", ["a stranger", "another member"])
def test_an_acknowledgement_in_another_s_name(office: Place, branch: Place, share: Path, signer: str) -> None:
    office.sql("UPDATE customers SET town = 'Kiel'")
    office.node.sync(share)
    assert behind(office) == 1
    traitor, honest = Traitor(branch, share), Traitor(office, share)
    key = PrivateKey.generate() if signer == "a stranger" else honest.key
    head = honest.heads["office"]
    forge(share, traitor, lambda f: f.update(counter=str(2**62), vector={"office": [2, head.hash]}), key)
    office.node.sync(share)
    assert behind(office) == 1


def test_an_acknowledgement_of_another_network(office: Place, branch: Place, share: Path) -> None:
    office.sql("UPDATE customers SET town = 'Kiel'")
    office.node.sync(share)
    other = {"id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "name": "acme"}
    forge(share, Traitor(branch, share), lambda f: f.update(network=other, counter=str(2**62), vector={}))
    report = office.node.sync(share)
    assert {"another network" in warning for warning in report.warnings} == {True}
    assert behind(office) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.update(vector={"office": [2**53 - 1, "0" * 16], "nobody": [7, "1" * 16]}),
        lambda f: f.update(vector={f"n{place}": [1, "0" * 16] for place in range(5000)}),
        lambda f: f.update(waiting=[{"packet": "\x1b[2J", "for": "../../x", "hash": "zz"}] * 2000),
        lambda f: f.update(wanted=[{"packet": "office/99999999999", "hash": None}, {"packet": "x", "hash": "y"}]),
        lambda f: f.update(lacks=[{"table": 'x"; DROP TABLE customers; --', "columns": ["\u202e"]}]),
        lambda f: f.update(clock="9999-12-31T23:59:59Z", conflicts=2**53 - 1, configuration=2**31),
    ],
    ids=["a vector beyond all", "thousands of origins", "waits", "wants", "lacks", "numbers at the edge"],
)
def test_a_member_s_acknowledgement_that_lies_stops_nobody(
    office: Place, branch: Place, share: Path, change: Callable[[Fields], object]
) -> None:
    def lie(fields: Fields) -> None:
        fields["counter"] = str(int(fields["counter"]) + 1)
        change(fields)

    forge(share, Traitor(branch, share), lie)
    office.sql("UPDATE customers SET town = 'Kiel'")
    for _ in range(2):
        office.node.sync(share)
        office.node.status()
    branch.node.sync(share)  # whose own next word is true again
    office.node.sync(share)
    branch.node.sync(share)
    assert branch.rows("SELECT DISTINCT town FROM customers") == [("Kiel",)]
    assert branch.dump() == office.dump()


def test_a_counter_at_its_end_is_the_author_s_own_harm(office: Place, branch: Place, share: Path) -> None:
    forge(share, Traitor(branch, share), lambda f: f.update(counter=str(2**63 - 1)))
    office.node.sync(share)
    branch.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c2'")
    branch.node.sync(share)
    assert office.node.sync(share).applied == ["branch/1"]
