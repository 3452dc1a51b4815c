"""A chain that was broken: a packet that does not follow the one before it is never applied."""

from __future__ import annotations

from pathlib import Path

import satchel
from satchel.model.vector import HASH_DIGITS, Mark
from tests.attacks.traitor import Traitor, customers
from tests.sync.sites import Place


def follow(branch: Place, share: Path, previous: str) -> None:
    """The branch's second packet, which names `previous` as the hash of its first."""
    traitor = Traitor(branch, share)
    traitor.heads["branch"] = Mark(1, previous[:HASH_DIGITS])
    traitor.previous = previous
    traitor.send(customers("Mallory"))


def test_a_packet_that_follows_another_first_packet_waits(office: Place, branch: Place, share: Path) -> None:
    Traitor(branch, share).send(customers("Eve"))
    assert office.node.sync(share).applied == ["branch/1"]
    follow(branch, share, "0" * 64)
    report = office.node.sync(share)
    assert report.applied == []
    assert [entry["packet"] for entry in report.waiting] == ["branch/2"]
    assert office.rows("SELECT name FROM customers WHERE id = 't0'") == [("Eve",)]
    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    assert office.node.sync(share).sealed == ["office/2"]


def test_a_packet_that_nothing_comes_before_waits(office: Place, branch: Place, share: Path) -> None:
    follow(branch, share, "0" * 64)
    report = office.node.sync(share)
    assert (report.applied, [entry["packet"] for entry in report.waiting]) == ([], ["branch/2"])


def test_a_broken_chain_is_named_by_an_audit(office: Place, branch: Place, share: Path) -> None:
    traitor = Traitor(branch, share)
    packet = traitor.send(customers("Eve"))
    good = traitor.hash_of(packet)
    follow(branch, share, good[:HASH_DIGITS] + "0" * (64 - HASH_DIGITS))
    problems = satchel.verify(share)["problems"]
    assert [(problem["packet"], "hash of the packet before" in problem["reason"]) for problem in problems] == [
        ("branch/2", True)
    ]
    office.node.sync(share)
    assert office.rows("SELECT count(*) FROM customers WHERE name = 'Mallory'") == [(0,)]
