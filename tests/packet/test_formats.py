"""The sample packets of every format are read and verified for ever. A failure here means: packets on sticks in drawers
can no longer be read. Then the code is wrong, never the samples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import satchel
from satchel.packet.ack import Ack, open_ack
from satchel.packet.members import Members
from tests.packet.samples import read_samples

FORMATS = Path(__file__).parents[1] / "data" / "formats"
VERSIONS = sorted(path.name for path in FORMATS.iterdir())


def test_there_are_samples_of_every_kind_of_packet_of_format_1() -> None:
    found = read_samples(FORMATS / "1")
    assert {packet: sample["kind"] for packet, sample in found.items()} == {
        "office/1": "baseline",
        "office/2": "changes",
        "branch/1": "join",
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_every_value_of_the_samples_is_read_as_it_was_written(version: str) -> None:
    expected = json.loads((FORMATS / version / "expected.json").read_text("ascii"))
    assert read_samples(FORMATS / version) == expected


@pytest.mark.parametrize("version", VERSIONS)
def test_the_samples_verify_with_nothing_but_their_own_cards(version: str) -> None:
    report = satchel.verify(FORMATS / version)
    assert report["packets"] == 3
    assert report["problems"] == [] and report["incomplete"] == []
    assert {origin: head["seq"] for origin, head in report["heads"].items()} == {"office": 2, "branch": 1}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_acknowledgements_of_the_samples_are_read(version: str) -> None:
    files = [path.read_bytes() for path in (FORMATS / version / "nodes").glob("*.json")]
    members = Members.from_files(None, files)
    acks = [open_ack(path.read_bytes(), members) for path in sorted((FORMATS / version / "acks").glob("*.json"))]
    vectors = {
        ack.node: {origin: mark.seq for origin, mark in ack.marks.items()} for ack in acks if isinstance(ack, Ack)
    }
    assert vectors["branch"] == {"office": 2, "branch": 1}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_samples_can_be_asked_in_sql(version: str) -> None:
    expected = json.loads((FORMATS / version / "expected.json").read_text("ascii"))
    with satchel.audit(FORMATS / version) as audit:
        changes = dict(audit.sql("SELECT origin || '/' || seq, count(*) FROM changes GROUP BY ALL").fetchall())
    rows = {packet: sum(map(len, sample["rows"].values())) for packet, sample in expected.items()}
    assert changes == rows
