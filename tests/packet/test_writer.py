from __future__ import annotations

import errno
import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from satchel.errors import BadPacket
from satchel.files import FileTrouble
from satchel.files.faults import faults
from satchel.model.schema import Column, Table
from satchel.packet.part import file_name
from satchel.packet.reader import open_packet
from satchel.packet.verify import SignedManifest, verify_chain
from satchel.packet.writer import write_packets
from tests.packet.builders import CUSTOMERS, Acme, batch, customers, streamed


def test_one_small_delta_is_one_packet(acme: Acme) -> None:
    [written] = acme.office.write(customers(3))
    [part] = written.parts
    assert (written.dot, written.rows) == (("office", 1), {"customers": 3})
    assert written.stretches == (("customers", 0, 3),)
    assert part.sha256 == hashlib.sha256((written.folder / part.file).read_bytes()).hexdigest()
    assert part.size == (written.folder / part.file).stat().st_size


def test_no_rows_are_no_packet(acme: Acme) -> None:
    assert acme.office.write() == []
    assert acme.office.write(customers(3).slice(0, 0)) == []


def test_a_large_delta_is_cut_inside_batches(acme: Acme) -> None:
    written = acme.office.write(customers(700), customers(600, first=701), max_rows=500)
    assert [packet.rows["customers"] for packet in written] == [500, 500, 300]
    assert [packet.stretches[0] for packet in written] == [
        ("customers", 0, 500),
        ("customers", 500, 1000),
        ("customers", 1000, 1300),
    ]
    assert len({packet.suffix for packet in written}) == 3


def test_packets_are_bounded_in_bytes(acme: Acme) -> None:
    rows = customers(1000)
    written = acme.office.write(rows, max_bytes=rows.nbytes // 4)
    assert 4 <= len(written) <= 6
    assert sum(packet.rows["customers"] for packet in written) == 1000


def test_a_row_beyond_the_bound_travels_alone_and_uncompressed(acme: Acme) -> None:
    large = batch(CUSTOMERS, {"id": [1, 2, 3], "logo": [b"x", bytes(300_000), b"y"]})
    written = acme.office.write(large, max_bytes=10_000)
    assert [packet.stretches for packet in written] == [
        (("customers", 0, 1),),
        (("customers", 1, 2),),
        (("customers", 2, 3),),
    ]
    assert written[1].parts[0].size > 300_000
    signed = acme.office.sign(written)
    [read] = open_packet(written[1].folder, signed[1].manifest).batches("customers")
    assert read.column("logo").to_pylist() == [bytes(300_000)]


def test_a_packet_holds_several_tables_and_a_table_spans_packets(acme: Acme, tmp_path: Path) -> None:
    orders = Table("orders", CUSTOMERS.columns, ("id",))
    written = write_packets(
        lambda seq, suffix: tmp_path / suffix,
        {CUSTOMERS: streamed(customers(10)), orders: streamed(customers(10))},
        "office",
        1,
        max_rows=8,
    )
    assert [packet.stretches for packet in written] == [
        (("customers", 0, 8),),
        (("customers", 8, 10), ("orders", 0, 6)),
        (("orders", 6, 10),),
    ]


def test_the_packets_of_one_seal_are_a_signed_group(acme: Acme) -> None:
    before, _ = acme.office.seal(customers(1))
    signed = acme.office.sign(acme.office.write(customers(30), max_rows=10))
    assert [packet.manifest.group for packet in signed] == [(2, 4)] * 3
    assert [packet.manifest.previous for packet in signed] == [before.hash, signed[0].hash, signed[1].hash]
    assert [packet.manifest.vector["office"].seq for packet in signed] == [1, 2, 3]
    chain = [SignedManifest(packet.manifest, packet.hash, packet.envelope) for packet in (before, *signed)]
    assert verify_chain(chain) == []


def test_parts_have_zstd_statistics_checksums_and_few_dictionaries(acme: Acme) -> None:
    cities = Table("cities", (Column("id", "string", "", "text"), Column("land", "string", "", "text")), ("id",))
    rows = batch(cities, {"id": [f"{i:05d}" for i in range(1000)], "land": ["at", "de"] * 500})
    [written] = acme.office.write(rows, table=cities)
    group = pq.read_metadata(written.folder / "cities.parquet").row_group(0)
    chunks = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    assert {chunk.compression for chunk in chunks.values()} == {"ZSTD"}
    assert (chunks["id"].statistics.min, chunks["id"].statistics.max) == ("00000", "00999")
    assert not chunks["id"].has_dictionary_page
    assert chunks["land"].has_dictionary_page
    assert chunks["_change.op"].has_dictionary_page
    assert [column.column_index for column in group.sorting_columns] == [0]


def test_an_order_is_claimed_only_where_it_is_true(acme: Acme) -> None:
    [written] = acme.office.write(customers(3, first=5), customers(3))
    assert not pq.read_metadata(written.folder / "customers.parquet").row_group(0).sorting_columns


def test_row_groups_have_about_64000_rows(acme: Acme) -> None:
    [written] = acme.office.write(*(customers(10_000, first=1 + 10_000 * i) for i in range(15)))
    footer = pq.read_metadata(written.folder / "customers.parquet")
    assert [footer.row_group(i).num_rows for i in range(footer.num_row_groups)] == [65_536, 65_536, 18_928]


def test_a_column_with_a_dot_in_its_name_travels(acme: Acme) -> None:
    odd = Table("odd", (Column("id", "int64", "", "integer"), Column("a.b", "string", "", "text")), ("id",))
    written = acme.office.write(batch(odd, {"id": [1], "a.b": ["x"]}), table=odd)
    [signed] = acme.office.sign(written)
    [read] = open_packet(written[0].folder, signed.manifest).batches("odd")
    assert read.column("a.b").to_pylist() == ["x"]


@pytest.mark.parametrize("step", ["create", "write", "fsync"])
def test_a_full_medium_is_file_trouble_and_leaves_no_open_file(acme: Acme, step: str) -> None:
    def full(at: str, path: Path) -> None:
        if at == step and path.suffix == ".parquet":
            raise OSError(errno.ENOSPC, "full")

    with faults(full), pytest.raises(FileTrouble) as caught:
        acme.office.write(customers(3))
    assert caught.value.errno == errno.ENOSPC


def test_an_error_of_the_store_passes_through(acme: Acme) -> None:
    def broken() -> object:
        yield customers(70_000)
        raise RuntimeError("the store")

    with pytest.raises(RuntimeError, match="the store"):
        write_packets(lambda seq, suffix: acme.folder / suffix, {CUSTOMERS: broken}, "office", 1)  # type: ignore[dict-item]


def test_a_batch_of_another_type_is_not_converted_silently(acme: Acme) -> None:
    rows = customers(2)
    wrong = rows.set_column(0, "id", pa.array(["1", "2"]))
    with pytest.raises(BadPacket, match="id as int64"):
        acme.office.write(wrong)


@pytest.mark.parametrize(
    ("table", "taken", "name"),
    [
        ("customers", set(), "customers.parquet"),
        ("Order Lines", set(), "order-lines.parquet"),
        ("Größe", set(), "groe.parquet"),
        ("表", set(), "table.parquet"),
        ("../../etc", set(), "etc.parquet"),
        ("CON", set(), "t-con.parquet"),
        ("aux.x", set(), "t-aux.x.parquet"),
        ("A", {"a.parquet"}, "a-2.parquet"),
        ("a", {"a.parquet", "a-2.parquet"}, "a-3.parquet"),
        ("x" * 80, set(), "x" * 52 + ".parquet"),
        ("x" * 80, {"x" * 52 + ".parquet"}, "x" * 50 + "-2.parquet"),
    ],
)
def test_file_names_are_plain_short_and_unlike_each_other(table: str, taken: set[str], name: str) -> None:
    assert file_name(table, taken) == name
