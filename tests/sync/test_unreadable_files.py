"""A medium that does not give back everything: the rest of it is not held up."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from satchel.files.faults import faults
from tests.sync.sites import Place


@pytest.mark.parametrize("name", ["stock.parquet", "manifest.json"])
@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
def test_a_file_that_cannot_be_read_holds_up_nothing_else(
    office: Place, branch: Place, clinic: Place, name: str, number: int
) -> None:
    stick = office.root / "stick"
    office.sql("UPDATE stock SET pieces = 40")
    office.export(stick)
    (packet,) = stick.glob("packets/*/office/*")
    clinic.sql("UPDATE stock SET pieces = 5")
    clinic.export(stick)

    def failing(step: str, path: Path) -> None:
        if step == "open" and path in (packet / name, stick / "acks" / "clinic.json"):
            raise OSError(number, os.strerror(number))

    with faults(failing):
        report = branch.node.import_(stick)
    assert (report.applied, report.quarantined, report.partial) == (["clinic/1"], [], True)
    assert any(name in warning for warning in report.warnings)
    assert [entry["packet"] for entry in report.waiting] == ["office/2"]
    assert branch.node.import_(stick).applied == ["office/2"]


@pytest.mark.parametrize("folder", ["nodes", "acks"])
def test_a_side_file_that_cannot_be_read_is_replaced(office: Place, branch: Place, share: Path, folder: str) -> None:
    spoilt = min((share / folder).iterdir())
    whole = spoilt.read_bytes()
    with spoilt.open("r+b") as file:
        file.truncate(200 << 20)
    office.sql("UPDATE stock SET pieces = 3")
    office.node.sync(share)
    assert spoilt.stat().st_size < 2 * len(whole)
    assert branch.node.sync(share).applied == ["office/2"]
