"""How things stand, in one sentence; and what looking costs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import satchel
from tests.sync.sites import Place, emptied, found_network, join_network, make_database, meet


def says(place: Place) -> str:
    return str(place.node.status()["sentence"])


def test_alone(office: Place) -> None:
    assert says(office) == "office is alone in acme: invite somebody with `satchel invite`."


def test_joining(office: Place) -> None:
    branch = join_network(office, "branch", emptied(office.db, office.root / "branch.db"))
    assert says(branch) == "branch is joining acme: import once from the share or stick to finish."


def test_all_is_well(office: Place, branch: Place) -> None:
    assert says(office) == "All is well: everybody has everything that office has."
    assert says(branch) == "All is well: everybody has everything that branch has."


def test_edits_that_are_not_sent(office: Place, branch: Place) -> None:
    office.sql("UPDATE stock SET pieces = 1")
    assert says(office) == "1 changed row is not sent yet."
    office.sql("UPDATE customers SET town = 'X'")
    assert says(office) == "3 changed rows are not sent yet."
    assert office.node.status()["pending"] == 3


def test_packets_that_are_not_acknowledged(office: Place, branch: Place, clinic: Place, share: Path) -> None:
    office.sql("UPDATE stock SET pieces = 1")
    office.node.sync(share)
    assert says(office) == "branch and clinic have not acknowledged everything."
    clinic.node.sync(share)
    office.node.sync(share)
    assert says(office) == "branch has not acknowledged everything."


def test_what_waits_is_in_quarantine_and_in_conflict(office: Place, branch: Place, share: Path) -> None:
    office.sql("UPDATE stock SET pieces = 1")
    branch.sql("UPDATE stock SET pieces = 2")
    meet(share, [office, branch])
    assert says(branch) == "1 conflict is open."
    alone = office.root / "alone"
    alone.mkdir()
    for pieces in (3, 4):
        office.sql(f"UPDATE stock SET pieces = {pieces}")
        office.export(office.root / "stick")
    for number, (packet, target) in enumerate([("0000000004-*", "waits"), ("0000000003-*", "bad")]):
        (found,) = (office.root / "stick").rglob(packet)
        shutil.copytree(found, alone / target / found.name)
        if number:
            (alone / target / found.name / "manifest.json").write_text("{}")
    branch.node.import_(alone)
    status = branch.node.status()
    assert [entry["packet"] for entry in status["waiting"]] == ["office/4"]
    assert len(status["quarantined"]) == 1
    assert status["sentence"] == "1 packet waits for others; 1 packet is in quarantine; 1 conflict is open."


def test_the_document_has_what_interface_promises(office: Place, branch: Place) -> None:
    status = office.node.status()
    promised = {
        "node",
        "network",
        "origin",
        "vector",
        "pending",
        "waiting",
        "quarantined",
        "peers",
        "conflicts",
        "left_out",
    }
    assert status.keys() >= promised | {"heads"}
    assert (status["node"], status["network"], status["origin"]) == ("office", "acme", "office")
    assert status["vector"].keys() == status["heads"].keys() == {"office"}
    (peer,) = status["peers"]
    assert peer.keys() >= {"node", "vector", "behind", "heard"}
    assert status["conflicts"] == {"open": 0, "parked": 0, "passed_over": 0}


LOOK = """
import sys
from satchel.cli import main
try:
    main(sys.argv[1:], prog_name="satchel")
except SystemExit as end:
    code = end.code
heavy = sorted({"duckdb", "pyarrow", "watchdog", "numpy", "pandas"} & {name.partition(".")[0] for name in sys.modules})
print(code, heavy, file=sys.stderr)
"""


@pytest.mark.parametrize(
    "words", [["--help"], ["sync", "--help"], ["status"], ["status", "--json"], ["log"], ["nodes"]]
)
def test_looking_imports_nothing_heavy(office: Place, branch: Place, words: list[str]) -> None:
    source = str(Path(satchel.__file__).parents[1])
    run = subprocess.run(
        [sys.executable, "-c", LOOK, "--home", str(office.home), *words],
        env={**os.environ, "PYTHONPATH": source}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.stderr == "0 []\n"
    assert run.stdout


def test_two_networks_of_one_name_do_not_mix(tmp_path: Path) -> None:
    """Names are for people; what counts is the id."""
    places = []
    for number in range(2):
        root = tmp_path / str(number)
        root.mkdir()
        db = make_database(root / "x.db", "CREATE TABLE t (id TEXT PRIMARY KEY)", f"INSERT INTO t VALUES ('{number}')")
        places.append(found_network(root, db))
    one, other = places
    shutil.copytree(one.home / "packets", tmp_path / "loose")
    report = other.node.import_(tmp_path / "loose")
    assert report.applied == []
    assert [entry["packet"] for entry in report.quarantined] == ["office/1"]
    assert other.rows("SELECT * FROM t") == [("1",)]
