from __future__ import annotations

import json
from typing import Any

import pytest

from satchel.errors import BadPacket
from satchel.model.vector import Mark
from satchel.packet.ack import Ack, QuarantineEntry, WaitingEntry, WantedEntry, open_ack, sign_ack
from satchel.packet.envelope import seal_envelope
from satchel.packet.keys import PrivateKey
from satchel.packet.problem import Waiting
from satchel.packet.receipt import newer
from satchel.packet.wire import time_text, to_wire
from tests.packet.builders import NOW, Acme

VECTOR = {"office": Mark(12, "0123456789abcdef"), "site-b": Mark(3, "f" * 16)}


def ack(acme: Acme, **fields: Any) -> Ack:
    usual = {"network": acme.network, "node": "site-b", "origin": "site-b", "counter": "5", "vector": to_wire(VECTOR)}
    return Ack(**{**usual, "configuration": 1, "clock": time_text(NOW), **fields})


def test_an_acknowledgement_comes_back_whole(acme: Acme) -> None:
    site = acme.join("site-b")
    made = ack(
        acme,
        waiting=(WaitingEntry(packet="office/14", needs="office/13", hash="0" * 16),),
        quarantined=(QuarantineEntry(packet="office/15", reason="altered"),),
        wanted=(WantedEntry(packet="office/13"),),
        conflicts=2,
        predecessor="site-b.x7k2",
    )
    read = open_ack(sign_ack(made, site.key), acme.members)
    assert read == made
    assert made.marks == VECTOR
    assert made.file_name == "site-b.json"


def test_waiting_is_written_with_for(acme: Acme) -> None:
    made = ack(acme, waiting=(WaitingEntry(packet="office/14", needs="office/13"),))
    assert json.loads(made.to_bytes())["waiting"] == [{"packet": "office/14", "for": "office/13", "hash": None}]


def test_an_acknowledgement_of_nobody_known_waits(acme: Acme) -> None:
    assert isinstance(open_ack(sign_ack(ack(acme), PrivateKey.generate()), acme.members), Waiting)


def test_an_acknowledgement_of_a_newer_format_waits(acme: Acme) -> None:
    site = acme.join("site-b")
    newer_ack = seal_envelope(Ack.payload_type, b'{"format": {"major": 2}}', [site.key])
    assert isinstance(open_ack(newer_ack, acme.members), Waiting)


def test_a_reader_acknowledges(acme: Acme) -> None:
    site = acme.join("site-b", "reader")
    assert isinstance(open_ack(sign_ack(ack(acme), site.key), acme.members), Ack)


def test_nobody_acknowledges_for_another(acme: Acme) -> None:
    acme.join("site-b")
    other = acme.join("site-c")
    with pytest.raises(BadPacket, match="signed by site-c"):
        open_ack(sign_ack(ack(acme), other.key), acme.members)
    with pytest.raises(BadPacket, match="signed by site-c"):
        open_ack(sign_ack(ack(acme, node="site-c"), other.key), acme.members)


def test_the_higher_counter_is_newer(acme: Acme) -> None:
    assert newer(ack(acme, counter="10"), ack(acme, counter="9"))
    assert not newer(ack(acme, counter="9"), ack(acme, counter="10"))
    assert not newer(ack(acme), ack(acme))


def test_an_epoch_replaces_its_predecessor_whatever_the_counters_say(acme: Acme) -> None:
    before = ack(acme, counter="10")
    epoch = ack(acme, origin="site-b.x7k2", predecessor="site-b", counter="3", vector={})
    assert newer(epoch, before)
    assert not newer(before, epoch)
