"""Attacks by Parquet, rightly signed and hashed: a reader stops before memory is spent or a lie is believed."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from satchel.errors import BadPacket
from satchel.packet.limits import DEFAULT_LIMITS, Limits
from satchel.packet.reader import open_packet
from satchel.packet.rows import wrap
from satchel.packet.verify import verify_parts
from tests.attacks.forge import parquet_file, read_forged, wire_rows
from tests.packet.builders import CUSTOMERS, Acme, batch, customers

MIB = 1 << 20


def must_be_refused(acme: Acme, part: bytes, reason: str, rows: int = 3, limits: Limits = DEFAULT_LIMITS) -> None:
    """The part is refused, and for little memory."""
    usual = pa.default_memory_pool()
    watched = pa.proxy_memory_pool(usual)
    pa.set_memory_pool(watched)
    try:
        with pytest.raises(BadPacket, match=reason or None):
            read_forged(acme, part, rows, limits)
    finally:
        pa.set_memory_pool(usual)
    assert watched.max_memory() < 64 * MIB


def test_the_forger_s_tools_make_good_packets_too(acme: Acme, tmp_path: Path) -> None:
    assert read_forged(acme, parquet_file(tmp_path / "part", wire_rows())).equals(wire_rows())


def test_a_small_file_that_becomes_gigabytes_by_its_dictionary(acme: Acme, tmp_path: Path) -> None:
    one_value = pa.DictionaryArray.from_arrays(pa.array([0] * 3000, pa.int32()), pa.array(["x" * MIB]))
    rows = wire_rows(3000).set_column(1, "name", one_value)
    part = parquet_file(tmp_path / "part", rows, use_dictionary=["name"], dictionary_pagesize_limit=4 * MIB)
    assert len(part) < 200_000
    must_be_refused(acme, part, "would become more than", 3000)


def test_a_small_file_that_becomes_gigabytes_by_compression(acme: Acme, tmp_path: Path) -> None:
    zeros = batch(CUSTOMERS, {"id": range(80), "logo": [bytes(MIB)] * 80})
    rows = pa.Table.from_batches([wrap(CUSTOMERS, zeros, "office", 1)])
    part = parquet_file(tmp_path / "part", rows, use_dictionary=False)
    del rows, zeros
    assert len(part) < MIB
    must_be_refused(acme, part, "would become", 80, Limits(free_decoded_bytes=64 * MIB))


def test_a_prefix_encoding_that_grows_without_bound(acme: Acme, tmp_path: Path) -> None:
    part = parquet_file(
        tmp_path / "part", wire_rows(), use_dictionary=False, column_encoding={"name": "DELTA_BYTE_ARRAY"}
    )
    must_be_refused(acme, part, "encoded in a way")


@pytest.mark.parametrize("codec", ["snappy", "gzip", "brotli", "lz4"])
def test_a_codec_that_no_packet_has(acme: Acme, tmp_path: Path, codec: str) -> None:
    must_be_refused(acme, parquet_file(tmp_path / "part", wire_rows(), compression=codec), "encoded in a way")


def test_more_rows_in_the_file_than_in_the_manifest(acme: Acme, tmp_path: Path) -> None:
    must_be_refused(acme, parquet_file(tmp_path / "part", wire_rows(4)), "4 rows instead of 3")


def test_fewer_rows_in_the_file_than_in_the_manifest(acme: Acme, tmp_path: Path) -> None:
    must_be_refused(acme, parquet_file(tmp_path / "part", wire_rows(2)), "2 rows instead of 3")


def test_a_footer_that_promises_more_than_the_limits(acme: Acme) -> None:
    signed, folder = acme.office.seal(customers(50_000))
    tight = Limits(free_decoded_bytes=1000, growth=1)
    packet = open_packet(folder, signed.manifest, tight)
    with pytest.raises(BadPacket, match="would become"):
        next(packet.batches("customers"))


CHANGED: dict[str, Callable[[pa.Table], pa.Table]] = {
    "another type": lambda t: t.set_column(0, "id", t["id"].cast(pa.string())),
    "another name": lambda t: t.rename_columns(["id", "Name", "credit", "logo", "_change"]),
    "another order": lambda t: t.select(["name", "id", "credit", "logo", "_change"]),
    "a column more": lambda t: t.append_column("more", t["id"]),
    "a column less": lambda t: t.drop_columns("logo"),
    "no change": lambda t: t.drop_columns("_change"),
    "another change": lambda t: t.set_column(4, "_change", t["id"]),
    "a name twice": lambda t: pa.Table.from_arrays(t.columns, names=["id", "id", "credit", "logo", "_change"]),
}


@pytest.mark.parametrize("what", CHANGED)
def test_columns_that_are_not_the_manifest_s(acme: Acme, tmp_path: Path, what: str) -> None:
    must_be_refused(acme, parquet_file(tmp_path / "part", CHANGED[what](wire_rows())), "columns are not the manifest's")


@pytest.mark.parametrize(("origin", "seq"), [("site-b", 1), ("office", 2), ("", 1)])
def test_rows_of_another_packet(acme: Acme, tmp_path: Path, origin: str, seq: int) -> None:
    rows = pa.Table.from_batches([wrap(CUSTOMERS, customers(3), origin, seq)])
    must_be_refused(acme, parquet_file(tmp_path / "part", rows), "row of another")


def test_text_that_is_no_utf8(acme: Acme, tmp_path: Path) -> None:
    raw = pa.array([b"a", b"\xff\xfe", b"c"], pa.binary())
    names = pa.StringArray.from_buffers(3, *raw.buffers()[1:])
    must_be_refused(acme, parquet_file(tmp_path / "part", wire_rows().set_column(1, "name", names)), "")


@pytest.mark.parametrize(
    "part",
    [
        b"x",
        b"PAR1",
        b"PAR1PAR1",
        b"PAR1" + b"\xff\xff\xff\x7fPAR1",
        bytes(1000),
        b"PAR1" + b"\x10" * 40 + b"\x20\0\0\0PAR1",
    ],
)
def test_bytes_that_are_no_parquet(acme: Acme, part: bytes) -> None:
    must_be_refused(acme, part, "")


def test_no_flipped_byte_of_a_part_gets_past_its_hash(acme: Acme) -> None:
    signed, folder = acme.office.seal(customers(3))
    part = folder / "customers.parquet"
    good = part.read_bytes()
    for place in range(len(good)):
        part.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        assert not verify_parts(folder, signed.manifest).valid


def test_broken_pages_that_somebody_signed_give_an_error_or_the_same_rows(acme: Acme, tmp_path: Path) -> None:
    good = parquet_file(tmp_path / "part", wire_rows(), use_dictionary=True)
    pages = len(good) - 8 - int.from_bytes(good[-8:-4], "little")
    chance = random.Random(5)
    wrong = 0
    for _ in range(150):
        place = chance.randrange(4, pages)
        part = good[:place] + bytes([good[place] ^ 1 << chance.randrange(8)]) + good[place + 1 :]
        acme.office.last = None
        try:
            assert read_forged(acme, part).equals(wire_rows())
        except BadPacket:
            wrong += 1
    assert wrong > 100
