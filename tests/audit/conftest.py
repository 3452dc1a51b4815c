"""Archives for the tests of the audit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.audit.builders import CODES, CUSTOMERS, DAY, NOW, Archive, misfit, row


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """The archive of a network that has just been founded: cards, no packets."""
    return Archive(tmp_path / "packets")


@pytest.fixture
def history(archive: Archive) -> Archive:
    """Two nodes: edits that saw each other, a conflict, a delete, misfits, an acknowledgement."""
    office, site = archive.office, archive.join("site-b")
    office.write(
        row({"id": 1, "name": "Ann", "credit": 10.5}, by="mara"),
        row({"id": 2, "name": "Bob", "logo": b"\x00\xff"}),
        row({"id": 3, "name": "Cleo"}),
    )
    site.sees(office)
    site.write(row({"id": 1, "name": "Anna", "credit": 10.5}, "update", NOW + DAY, columns=["name"]))
    site.write(row({"id": 3, "name": "Chloe"}, "update", NOW + DAY, columns=["name"]))
    office.write(row({"id": 3, "name": "Clio"}, "update", NOW + 2 * DAY, columns=["name"]))
    office.write(row({"id": 2, "name": "Bob", "logo": b"\x00\xff"}, "delete", NOW + DAY, columns=[]))
    code = row({"code": "x"}, misfit=[misfit("n", "text", b"many")])
    office.seal({CODES: [row({"code": "a", "n": 1}), code], CUSTOMERS: [row({"id": 4, "name": "Di"})]})
    site.sees(office).acknowledge()
    assert office.last is not None
    return archive
