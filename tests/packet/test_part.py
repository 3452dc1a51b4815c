"""A part whose row groups are written on another thread."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import pytest

from satchel.files import FileTrouble
from satchel.files.faults import faults
from satchel.packet.reader import open_packet
from tests.packet.builders import Acme, customers


def test_row_groups_stand_in_their_order(acme: Acme) -> None:
    written = acme.office.write(*(customers(50_000, first=1 + 50_000 * n) for n in range(4)))
    [signed] = acme.office.sign(written)
    batches = open_packet(written[0].folder, signed.manifest).batches("customers")
    assert [key for rows in batches for key in rows["id"].to_pylist()] == list(range(1, 200_001))


@pytest.mark.parametrize("fails", [3, 40])
def test_a_medium_that_is_full_in_the_middle_is_file_trouble_and_leaves_no_thread(acme: Acme, fails: int) -> None:
    count = 0

    def full(at: str, path: Path) -> None:
        nonlocal count
        count += at == "write"
        if count == fails:
            raise OSError(errno.ENOSPC, "full")

    before = threading.active_count()
    with faults(full), pytest.raises(FileTrouble) as caught:
        acme.office.write(*(customers(50_000, first=1 + 50_000 * n) for n in range(4)))
    assert caught.value.errno == errno.ENOSPC
    assert threading.active_count() == before
