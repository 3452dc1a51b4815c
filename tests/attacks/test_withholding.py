"""Whoever holds back packets, cuts off the end of an archive, alters an acknowledgement or lies about its rows is found
out, or gains nothing by it."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import satchel
from satchel.sync import equality
from satchel.sync.site import Site
from tests.attacks.test_acknowledgements import forge
from tests.attacks.traitor import Fields, Traitor
from tests.sync.sites import Place, meet


@pytest.fixture
def archive(office: Place, branch: Place, share: Path) -> Path:
    """The archive of the office as an auditor gets it, without its home: three packets of each site."""
    for town in ("Kiel", "Rome"):
        for place in (office, branch):
            place.sql(f"UPDATE customers SET town = '{town} {place.name}'")
            meet(share, [office, branch])
    copy = office.root / "audited"
    shutil.copytree(office.home / "packets", copy)
    assert satchel.verify(copy)["problems"] == []
    return copy


def remove(archive: Path, origin: str, *seqs: int) -> None:
    for folder in (archive / "acme" / origin).iterdir():
        if int(folder.name.partition("-")[0]) in seqs:
            shutil.rmtree(folder)


def found(archive: Path) -> dict[str, str]:
    return {problem["packet"]: problem["reason"] for problem in satchel.verify(archive)["problems"]}


def test_a_packet_that_is_withheld_shows_in_the_chain(archive: Path) -> None:
    remove(archive, "branch", 1)
    assert found(archive) == {"branch/2": "gap: branch/1 missing before it"}


def test_the_end_of_an_archive_that_is_cut_off_shows_by_what_was_acknowledged(archive: Path) -> None:
    remove(archive, "branch", 2)
    assert found(archive) == {"branch/2": "not here: acknowledged by branch up to branch/2 and office up to branch/2"}


def test_a_site_that_is_withheld_as_a_whole_shows(archive: Path) -> None:
    shutil.rmtree(archive / "acme" / "branch")
    reasons = found(archive)
    assert "gap: it had seen branch/1, which is not here" in reasons.values()
    assert any(reason.startswith("not here: acknowledged by") for reason in reasons.values())


def test_an_altered_acknowledgement_witnesses_nothing_and_is_named(archive: Path) -> None:
    remove(archive, "branch", 2)
    for name in ("office", "branch"):
        path = archive / "acks" / f"{name}.json"
        path.write_bytes(path.read_bytes().replace(b'"sig": "', b'"sig": "A', 1).replace(b'"sig":"', b'"sig":"A', 1))
    files = {problem["file"] for problem in satchel.verify(archive)["problems"]}
    assert files == {"acks/office.json", "acks/branch.json"}


def told(site: Place, share: Path) -> dict[str, Any]:
    """What a site tells of its rows."""
    site.node.compare(share)
    data = json.loads((site.home / "packets" / "acks" / f"{site.name}.json").read_bytes())
    digests: dict[str, Any] = json.loads(base64.b64decode(data["payload"]))["digests"]
    return digests


def test_a_member_that_lies_about_its_rows_raises_an_alarm_and_changes_none(
    office: Place, branch: Place, share: Path
) -> None:
    lie = told(branch, share)
    lie["tables"][0]["columns"]["town"] = "0" * 32

    def change(fields: Fields) -> None:
        fields |= {"digests": lie, "counter": str(int(fields["counter"]) + 1)}

    forge(share, Traitor(branch, share), change)
    before = office.dump()
    office.node.sync(share)
    [peer] = office.node.status()["equality"]["peers"]
    assert peer["tables"] == [{"table": "customers", "columns": ["town"]}]
    assert office.dump() == before and office.node.replay()["equal"]


@pytest.mark.parametrize(
    "change",
    [
        {"tables": [{"table": "customers", "rows": -1, "dots": "0" * 32}]},
        {"tables": [{"table": "customers", "rows": 1, "dots": "0" * 31}]},
        {"tables": [{"table": "customers", "rows": 1, "dots": "0" * 32, "columns": {"a": 7}}]},
        {"vector": {"office": [1, "x"]}},
        {"rules": None},
    ],
    ids=["rows", "digits", "columns", "vector", "rules"],
)
def test_digests_that_are_none_make_no_acknowledgement(
    office: Place, branch: Place, share: Path, change: dict[str, Any]
) -> None:
    lie = told(branch, share) | change
    forge(share, Traitor(branch, share), lambda fields: fields.update(digests=lie, counter=str(2**50)))
    report = office.node.sync(share)
    assert any("not right" in warning for warning in report.warnings)
    assert office.node.status()["equality"]["peers"][0]["told"] is None


def test_a_member_cannot_make_others_read_all_their_rows_again_and_again(
    office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []
    take = equality._take

    def counted(site: Site, known: Any) -> None:
        taken.append(site.settings.node)
        take(site, known)

    monkeypatch.setattr(equality, "_take", counted)
    office.node.sync(share)
    for town in range(4):
        branch.sql(f"UPDATE customers SET town = '{town}'")
        branch.node.compare(share)
        office.node.sync(share)
    assert taken.count("branch") == 4
    assert taken.count("office") == 1, "once, and not again within ten minutes"
