"""Attacks on `nodes/`: whoever comes first with a file that is not right keeps no good one out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.sync.schemas import join, network
from tests.sync.sites import Place, emptied, join_network

SCHEMA = ("CREATE TABLE t (id TEXT PRIMARY KEY, a)",)


@pytest.fixture
def office(tmp_path: Path) -> Place:
    (office,) = network(tmp_path, SCHEMA, "office", rows=("INSERT INTO t VALUES ('x', 1)",))
    return office


def spoilt(file: Path) -> bytes:
    """The same words with another signature."""
    envelope = json.loads(file.read_bytes())
    for signature in envelope["signatures"]:
        sig = signature["sig"]
        signature["sig"] = ("A" if sig[0] != "A" else "B") + sig[1:]
    return json.dumps(envelope).encode()


def nodes(place: Path) -> Path:
    return place / "nodes"


def test_a_forged_copy_of_a_card_that_comes_first_keeps_the_card_not_out(office: Place, tmp_path: Path) -> None:
    share = tmp_path / "share"
    branch = join_network(office, "branch", emptied(office.db, tmp_path / "branch.db"))
    (card,) = nodes(branch.home / "packets").glob("card-branch-*.json")
    nodes(share).mkdir(parents=True, exist_ok=True)
    (nodes(share) / card.name).write_bytes(spoilt(card))
    report = office.node.sync(share)
    assert any("not signed by the key that it names" in warning for warning in report.warnings)
    assert not list(nodes(office.home / "packets").glob("card-branch-*.json"))
    branch.node.sync(share)
    office.node.sync(share)
    assert {member["node"] for member in office.node.nodes()["nodes"]} == {"office", "branch"}


def test_a_forged_copy_of_a_retirement_that_comes_first_keeps_it_not_out(office: Place, tmp_path: Path) -> None:
    share = tmp_path / "share"
    places = [office]
    join(places, "branch", *SCHEMA)
    clinic = join(places, "clinic", *SCHEMA)
    office.node.retire("branch")
    (said,) = nodes(office.home / "packets").glob("retire*.json")
    (nodes(share) / said.name).write_bytes(spoilt(said))
    report = clinic.node.sync(share)
    assert any("it is not signed by office, as it says" in warning for warning in report.warnings)
    office.node.sync(share)
    clinic.node.sync(share)
    states = {member["node"]: member["state"] for member in clinic.node.nodes()["nodes"]}
    assert states["branch"] == "retired"
