"""What was withheld shows against what others have acknowledged; a stick that carries only a part is normal."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from satchel.audit.verification import verify_paths
from satchel.model.stamp import rfc3339
from satchel.model.vector import Mark
from satchel.packet.digests import DigestsEntry
from tests.audit.builders import NOW, Archive, Node, alter
from tests.audit.test_verification import exchange, folder_of


@pytest.fixture
def acknowledged(history: Archive) -> Archive:
    """Both nodes have everything, and say so."""
    office, branch = history.office, _branch(history)
    office.sees(branch).acknowledge()
    branch.sees(office).acknowledge()
    return history


def _branch(archive: Archive) -> Node:
    return archive.nodes["site-b"]


def reasons(report: dict[str, Any], kind: str = "problems") -> dict[str, str]:
    return {found["packet"]: found["reason"] for found in report[kind]}


def cut_tail(archive: Archive, origin: str, first: int) -> None:
    for folder in (archive.root / "acme" / origin).iterdir():
        if int(folder.name.partition("-")[0]) >= first:
            shutil.rmtree(folder)


def as_home(archive: Archive, place: Path, owner: str) -> Path:
    """The archive as it lies in a home."""
    shutil.copytree(archive.root, place / "packets")
    (place / "satchel.toml").write_text(f'[node]\nname = "{owner}"\n')
    return place


def test_an_archive_that_has_all_that_was_acknowledged_is_whole(acknowledged: Archive) -> None:
    report = verify_paths(acknowledged.root)
    assert (report["problems"], report["missing"]) == ([], [])


def test_a_tail_that_was_cut_off_shows_by_what_was_acknowledged(acknowledged: Archive) -> None:
    cut_tail(acknowledged, "office", 4)
    found = reasons(verify_paths(acknowledged.root))
    assert found == {"office/4": "not here: acknowledged by office up to office/4 and site-b up to office/4"}


def test_all_of_a_node_that_is_withheld_shows(acknowledged: Archive) -> None:
    shutil.rmtree(acknowledged.root / "acme" / "site-b")
    for folder in (acknowledged.root / "acme" / "office").iterdir():
        if int(folder.name.partition("-")[0]) > 1:  # what had seen it names it, too
            shutil.rmtree(folder)
    found = reasons(verify_paths(acknowledged.root))
    assert found["site-b/1"].startswith("not here, with all to site-b/2: acknowledged by")
    assert found["office/2"].startswith("not here, with all to office/4")


def test_a_packet_withheld_in_the_middle_is_a_gap_of_its_chain_and_named_once(acknowledged: Archive) -> None:
    shutil.rmtree(folder_of(acknowledged, "site-b", 1))
    gaps = [text for packet, text in reasons(verify_paths(acknowledged.root)).items() if packet.startswith("site-b")]
    assert len(gaps) == 1 and gaps[0].startswith("gap: site-b/1")


def test_a_stick_that_carries_only_a_part_is_normal(acknowledged: Archive, tmp_path: Path) -> None:
    stick = exchange(acknowledged, tmp_path / "stick")
    shutil.copytree(acknowledged.root / "acks", stick / "acks")
    shutil.rmtree(stick / "packets" / "acme" / "site-b")
    report = verify_paths(stick)
    assert (report["problems"], report["missing"]) == ([], [])


def test_what_a_stick_acknowledges_is_held_against_an_archive(acknowledged: Archive, tmp_path: Path) -> None:
    stick = exchange(acknowledged, tmp_path / "stick")
    shutil.move(acknowledged.root / "acks", stick / "acks")
    shutil.rmtree(stick / "packets")
    cut_tail(acknowledged, "office", 4)
    assert verify_paths(acknowledged.root)["problems"] == []
    assert list(reasons(verify_paths(acknowledged.root, stick))) == ["office/4"]


@pytest.mark.parametrize("where", ["", "packets"])
def test_what_only_others_have_may_be_on_its_way_to_a_home(acknowledged: Archive, tmp_path: Path, where: str) -> None:
    acknowledged.office.vector["site-b"] = Mark(1, acknowledged.office.vector["site-b"].hash)
    (acknowledged.root / "acks" / "office.json").unlink()
    cut_tail(acknowledged, "site-b", 2)
    cut_tail(acknowledged, "office", 4)  # the last one had seen it
    acknowledged.nodes["site-b"].vector.pop("office")
    acknowledged.nodes["site-b"].acknowledge(NOW + 1)
    report = verify_paths(as_home(acknowledged, tmp_path / "home", "office") / where)
    assert reasons(report) == {}
    assert reasons(report, "missing") == {"site-b/2": "not here: acknowledged by site-b up to site-b/2"}


def test_what_the_node_itself_has_acknowledged_must_be_in_its_home(acknowledged: Archive, tmp_path: Path) -> None:
    cut_tail(acknowledged, "site-b", 2)
    cut_tail(acknowledged, "office", 4)
    found = reasons(verify_paths(as_home(acknowledged, tmp_path / "home", "office")))
    assert set(found) == {"office/4", "site-b/2"}


def test_another_packet_than_was_acknowledged_is_a_contradiction(acknowledged: Archive) -> None:
    branch = _branch(acknowledged)
    branch.vector["office"] = Mark(3, "0123456789abcdef")
    branch.acknowledge(NOW + 1)
    found = reasons(verify_paths(acknowledged.root))
    assert found == {"office/3": "site-b has acknowledged another packet office/3, with the hash 0123456789abcdef"}


def test_an_altered_acknowledgement_is_named_and_proves_nothing(acknowledged: Archive) -> None:
    path = acknowledged.root / "acks" / "site-b.json"
    alter(path)
    [problem] = verify_paths(acknowledged.root)["problems"]
    assert problem["file"] == "acks/site-b.json"


def test_nodes_that_tell_of_other_rows_at_the_same_packets_are_a_problem(acknowledged: Archive) -> None:
    vector = {name: [mark.seq, mark.hash] for name, mark in acknowledged.office.vector.items()}
    for node, digest in ((acknowledged.office, "0" * 32), (_branch(acknowledged), "1" * 32)):
        table = {"table": "customers", "rows": 3, "dots": "2" * 32, "columns": {"name": digest, "credit": "3" * 32}}
        told = {"at": rfc3339(NOW), "vector": vector, "rules": "0" * 16, "tables": [table]}
        node.acknowledge(NOW + 1, digests=DigestsEntry.model_validate_json(json.dumps(told)))
    [problem] = verify_paths(acknowledged.root)["problems"]
    assert problem["file"] == "acks/site-b.json"
    assert problem["reason"] == "office and site-b had the same packets and not the same rows: customers (name)"
