"""The courier: what a stick must carry, a receipt for it, and carrying without a home or a database."""

from __future__ import annotations

import json
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

import satchel
from satchel.errors import ExchangeUnreachable, SatchelError, UsageError
from tests.cli.real import run
from tests.sync.sites import Place, contents, packets_in

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


def edit(place: Place, times: int) -> None:
    for number in range(times):
        place.sql(f"UPDATE stock SET pieces = {number + 100}")
        place.export(place.root / "elsewhere")


def test_a_plan_says_what_must_go_to_whom_and_what_comes(
    office: Place, branch: Place, clinic: Place, stick: Path
) -> None:
    branch.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    branch.export(stick)
    edit(office, 2)
    office.sql("UPDATE customers SET town = 'Jena' WHERE id = 'c2'")
    found = office.node.plan(stick)
    assert [(load["packet"], load["for"], load["there"], load["fits"]) for load in found["carries"]] == [
        ("office/2", ["branch", "clinic"], False, True),
        ("office/3", ["branch", "clinic"], False, True),
    ]
    assert found["pending"] == 1
    assert found["brings"][0]["origin"] == "branch"
    assert found["brings"][0]["packets"] == 1
    assert {peer["node"]: (peer["packets"], peer["behind"]) for peer in found["peers"]} == {
        "branch": (2, 2),
        "clinic": (2, 2),
    }
    assert found["fits"]
    assert found["bytes"] == sum(load["bytes"] for load in found["carries"])


def test_a_plan_writes_nothing_here_or_there(office: Place, branch: Place, stick: Path) -> None:
    edit(office, 1)
    before = office.state(), contents(stick)
    office.node.plan(stick)
    assert (office.state(), contents(stick)) == before


def test_what_lies_there_already_is_not_carried_again(office: Place, branch: Place, stick: Path) -> None:
    edit(office, 1)
    office.export(stick)
    found = office.node.plan(stick)
    assert [load["there"] for load in found["carries"]] == [True]
    assert found["bytes"] == 0


def test_what_does_not_fit_goes_later_causes_first(
    office: Place, branch: Place, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(office, 3)
    first = office.node.plan(stick)["carries"][0]["bytes"]
    room = (256 << 10) + first + 10
    monkeypatch.setattr("satchel.sync.planning.shutil.disk_usage", lambda _: Usage(room, 0, room))
    found = office.node.plan(stick)
    assert [load["fits"] for load in found["carries"]] == [True, False, False]
    assert not found["fits"]
    said = run("--home", office.home, "plan", stick).stdout
    assert "has room for" in said
    assert "up to office/2; the rest with another one" in said


def test_a_plan_knows_what_was_acknowledged_on_the_stick(office: Place, branch: Place, stick: Path) -> None:
    edit(office, 1)
    office.export(stick)
    branch.node.import_(stick)
    branch.export(stick)
    assert office.node.plan(stick)["carries"] == []


def test_a_stick_that_is_not_there_cannot_be_planned(office: Place, stick: Path) -> None:
    with pytest.raises(ExchangeUnreachable):
        office.node.plan(stick / "nowhere")


def test_a_receipt_lists_what_lies_there_for_whom(office: Place, branch: Place, stick: Path) -> None:
    edit(office, 2)
    said = run("--home", office.home, "export", stick, "--receipt")
    assert said.exit_code == 0, said.output
    assert "RECEIPT  acme, from office" in said.stdout
    assert "branch\t2\t" in said.stdout
    assert "office/2 to office/3" in said.stdout
    assert "Received:" in said.stdout
    data = json.loads(run("--home", office.home, "export", stick, "--receipt", "--json").stdout)
    assert [load["packet"] for load in data["receipt"]["carries"]] == ["office/2", "office/3"]


def test_a_courier_without_a_home_carries_what_is_wanted(
    office: Place, branch: Place, share: Path, stick: Path
) -> None:
    edit(office, 2)
    office.node.sync(share)
    found = satchel.relay(share, stick)
    assert found["copied"] == ["office/2", "office/3"]
    assert found["unwanted"] == 1
    assert found["refused"] == []
    branch.node.import_(stick)
    assert branch.vector() == office.vector()
    again = satchel.relay(share, stick)
    assert (again["copied"], again["there"], again["files"]) == ([], 2, 0)


def test_acknowledgements_come_back_with_the_courier(office: Place, branch: Place, share: Path, stick: Path) -> None:
    edit(office, 1)
    office.node.sync(share)
    satchel.relay(share, stick)
    branch.node.import_(stick)
    branch.export(stick)
    satchel.relay(stick, share)
    office.node.sync(share)
    assert office.node.status()["peers"][0]["behind"] == 0
    (stick / "new").mkdir()
    assert satchel.relay(share, stick / "new")["copied"] == []
    assert satchel.relay(share, stick / "new", every=True)["copied"] == ["office/1", "office/2"]


def test_a_dry_run_copies_nothing(office: Place, branch: Place, share: Path, stick: Path) -> None:
    edit(office, 1)
    office.node.sync(share)
    assert satchel.relay(share, stick, dry_run=True)["copied"] == ["office/2"]
    assert contents(stick) == {}


def test_an_altered_packet_is_not_carried_and_the_rest_is(
    office: Place, branch: Place, share: Path, stick: Path
) -> None:
    edit(office, 2)
    office.node.sync(share)
    (part,) = share.glob("packets/*/office/0000000002-*/*.parquet")
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(data)
    result = run("relay", share, stick)
    assert result.exit_code == 3
    assert "office/2\t" in result.stdout
    assert packets_in(stick) == {"office/3"}


def test_a_packet_that_is_still_arriving_is_not_carried(office: Place, branch: Place, share: Path, stick: Path) -> None:
    edit(office, 1)
    office.node.sync(share)
    (part,) = share.glob("packets/*/office/0000000002-*/*.parquet")
    part.unlink()
    found = satchel.relay(share, stick)
    assert found["copied"] == []
    assert "not whole yet" in found["refused"][0]["reason"]


def test_snapshots_are_carried_as_well(office: Place, branch: Place, share: Path, stick: Path) -> None:
    office.node.snapshot(share)
    found = satchel.relay(share, stick)
    assert [name for name in found["copied"] if name.startswith("snapshots/")]
    assert found["refused"] == []


@pytest.mark.parametrize("words", [("", "is one folder"), ("empty", "no cards")])
def test_what_cannot_be_relayed_is_told(share: Path, branch: Place, tmp_path: Path, words: tuple[str, str]) -> None:
    (tmp_path / "empty").mkdir()
    source = tmp_path / words[0] if words[0] else share
    with pytest.raises((SatchelError, UsageError), match=words[1]):
        satchel.relay(source, share)


def test_another_networks_folder_is_left_alone(office: Place, branch: Place, share: Path, stick: Path) -> None:
    (stick / "satchel.json").write_text('{"format": 1, "network": "another"}')
    with pytest.raises(SatchelError, match="another network"):
        satchel.relay(share, stick)
    assert set(contents(stick)) == {"satchel.json"}


def test_a_full_stick_keeps_what_was_whole(
    office: Place, branch: Place, share: Path, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(office, 2)
    office.node.sync(share)
    shutil.rmtree(stick)
    stick.mkdir()
    written = []

    def refuse(step: str, path: Path) -> None:
        if step == "create" and path.is_relative_to(stick) and path.suffix == ".parquet":
            written.append(path)
            if len(written) == 2:
                raise OSError(28, "No space left on device")

    monkeypatch.setattr("satchel.files.write.fault_point", refuse)
    result = run("relay", share, stick)
    assert result.exit_code == 3, result.output
    assert packets_in(stick) == {"office/2"}
