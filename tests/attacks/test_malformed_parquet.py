"""Parquet that a member signed and that is no good: the packet is refused, the process and the site go on."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from satchel.errors import BadPacket
from satchel.packet.footer import read_footer
from satchel.packet.limits import DEFAULT_LIMITS
from tests.attacks.forge import parquet_file, read_forged, wire_rows
from tests.attacks.traitor import Traitor, customers
from tests.packet.builders import Acme
from tests.sync.sites import Place


def length_of(part: bytes) -> int:
    return int.from_bytes(part[-8:-4], "little")


@pytest.mark.parametrize("seed", range(2))
def test_a_fuzzed_footer_gives_an_error_or_the_same_rows(acme: Acme, tmp_path: Path, seed: int) -> None:
    good = parquet_file(tmp_path / "part", wire_rows(), use_dictionary=True)
    chance = random.Random(seed)
    refused = 0
    for _ in range(60):
        part = bytearray(good)
        for _ in range(chance.randint(1, 3)):
            part[chance.randrange(len(part) - 8 - length_of(good), len(part))] = chance.randrange(256)
        acme.office.last = None
        try:
            assert read_forged(acme, bytes(part)).num_rows == 3
        except BadPacket:
            refused += 1
    assert refused > 30


def test_a_footer_whose_histograms_would_end_the_process(acme: Acme, tmp_path: Path) -> None:
    """Found by the fuzzer: pyarrow throws where Python cannot catch it."""
    good = parquet_file(tmp_path / "part", wire_rows())
    start = len(good) - 8 - length_of(good)
    reasons = []
    for place in range(start + length_of(good) * 4 // 5, len(good) - 8):
        # a list of a few numbers claims to be one longer, and is: among them are all histograms
        if good[place] & 15 == 6 and good[place] >> 4 in range(1, 7):
            part = good[:place] + bytes([good[place] + 16, 0]) + good[place + 1 : -8]
            part += (len(part) - start).to_bytes(4, "little") + b"PAR1"
            acme.office.last = None
            try:
                read_forged(acme, part)
            except BadPacket as bad:
                reasons.append(bad.reason)
    assert sum("the sizes of" in reason for reason in reasons) > 2


@pytest.mark.parametrize(
    "part", [b"", b"PAR1", b"PAR1PAR1", b"\x00" * 8 + b"PAR1", b"PAR1\x00\x01\x00\x00\x00PAR1", b"PARE" * 9]
)
def test_what_is_no_footer(tmp_path: Path, part: bytes) -> None:
    path = tmp_path / "part"
    path.write_bytes(part)
    with path.open("rb") as file, pytest.raises(BadPacket):
        read_footer(file, DEFAULT_LIMITS, "part")


def statistics_that_lie(folder: Path) -> None:
    """The smallest and largest key that the footer names are not those in the pages; nothing may rest on them."""
    part = folder / "customers.parquet"
    data = part.read_bytes()
    footer = len(data) - 8 - length_of(data)
    part.write_bytes(data[:footer] + data[footer:].replace(b"t0", b"zz").replace(b"t2", b"aa"))


def fewer_rows(folder: Path) -> None:
    part = folder / "customers.parquet"
    pq.write_table(pq.read_table(part).slice(1), part, compression="zstd", write_page_checksum=True, store_schema=False)


def cut_pages(folder: Path) -> None:
    part = folder / "customers.parquet"
    data = part.read_bytes()
    footer = len(data) - 8 - length_of(data)
    part.write_bytes(data[:4] + bytes(footer - 4) + data[footer:])


def resign(traitor: Traitor, forge: Callable[[Path], None]) -> None:
    """A packet whose part was changed before it was hashed and signed."""
    written = traitor.write(customers("Ann", "Bob", "Eve"))
    forge(written.folder)
    data = (written.folder / "customers.parquet").read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    traitor.drop(written, lambda fields: fields["tables"][0].update(bytes=len(data), sha256=digest))


@pytest.mark.parametrize("forge", [fewer_rows, cut_pages])
def test_a_malformed_part_goes_to_quarantine(
    office: Place, branch: Place, share: Path, forge: Callable[[Path], None]
) -> None:
    resign(Traitor(branch, share), forge)
    before = office.dump()
    report = office.node.sync(share)
    assert [(entry["packet"], "customers.parquet" in entry["reason"]) for entry in report.quarantined] == [
        ("branch/1", True)
    ]
    assert office.dump() == before


def test_statistics_that_lie_change_no_row(office: Place, branch: Place, share: Path) -> None:
    resign(Traitor(branch, share), statistics_that_lie)
    assert office.node.sync(share).applied == ["branch/1"]
    assert office.rows("SELECT id, name FROM customers WHERE id LIKE 't%' ORDER BY id") == [
        ("t0", "Ann"),
        ("t1", "Bob"),
        ("t2", "Eve"),
    ]
