from __future__ import annotations

import math
import struct
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from satchel.errors import BadPacket
from satchel.model.schema import Column, Table
from satchel.model.vector import Mark
from satchel.packet.reader import open_packet
from satchel.packet.rows import CHANGE_TYPE
from tests.packet.builders import CUSTOMERS, Acme, batch, change, customers

EVERY_TYPE = Table(
    "every type",
    (
        Column("i", "int64", "INT", "integer"),
        Column("f", "float64", "REAL", "real"),
        Column("s", "string", "TEXT", "text"),
        Column("b", "binary", "BLOB", "blob"),
    ),
    ("i",),
)


def read(acme: Acme, *batches: pa.RecordBatch, table: Table = CUSTOMERS, **facts: Any) -> pa.Table:
    """What comes out at the other end."""
    [written] = acme.office.write(*batches, table=table)
    [signed] = acme.office.sign([written], **facts)
    return pa.Table.from_batches(open_packet(written.folder, signed.manifest).batches(table.name))


def test_rows_come_back_with_origin_and_seq_in_front(acme: Acme) -> None:
    rows = read(acme, customers(3))
    assert rows.drop_columns("_change").equals(pa.Table.from_batches([customers(3)]).drop_columns("_change"))
    assert rows.schema.field("_change").type == CHANGE_TYPE
    assert {(c["origin"], c["seq"], c["op"]) for c in rows["_change"].to_pylist()} == {("office", 1, "insert")}


def test_a_change_with_everything_in_it_comes_back_whole(acme: Acme) -> None:
    full = change(
        op="update",
        at=datetime(2026, 5, 3, 10, 0, 0, 123456, UTC),
        by="anna",
        stamp=2**62,
        columns=["name"],
        lineage=[
            {"origin": "site-b", "seq": 4, "stamp": 7, "columns": ["credit", "logo"]},
            {"origin": None, "seq": None, "stamp": 9, "columns": ["id"]},
            {"origin": "", "seq": 0, "stamp": 0, "columns": []},
        ],
        context=[{"origin": "site-b", "seq": 3, "hash": "0123456789abcdef"}],
        gid="office:7:0a1b2c3d",
        misfit=[{"column": "credit", "class": "text", "value": b"a lot\xff"}],
    )
    bare = change(gid="site-b:7:0a1b2c3d")
    till = Table("till", CUSTOMERS.columns, ("id",), scope="local")
    rows = read(acme, batch(till, {"id": [1, 2]}, [full, bare]), table=till, context={"site-b": Mark(4, "0" * 16)})
    assert rows["_change"].to_pylist() == [
        {"origin": "office", "seq": 1, **full},
        {"origin": "office", "seq": 1, **bare},
    ]


def test_an_empty_context_and_none_are_two_things(acme: Acme) -> None:
    rows = read(acme, batch(CUSTOMERS, {"id": [1, 2]}, [change(context=[]), change(context=None)]))
    assert [c["context"] for c in rows["_change"].to_pylist()] == [[], None]


def test_many_rows_come_in_batches(acme: Acme) -> None:
    [written] = acme.office.write(*(customers(10_000, first=1 + 10_000 * i) for i in range(15)))
    [signed] = acme.office.sign([written])
    sizes = [found.num_rows for found in open_packet(written.folder, signed.manifest).batches("customers")]
    assert sum(sizes) == 150_000
    assert max(sizes) <= 32_768


def test_a_table_that_the_packet_lacks_has_no_rows(acme: Acme) -> None:
    signed, folder = acme.office.seal(customers(3))
    assert list(open_packet(folder, signed.manifest).batches("orders")) == []


def test_a_packet_is_checked_as_a_whole(acme: Acme) -> None:
    signed, folder = acme.office.seal(customers(3))
    assert open_packet(folder, signed.manifest).check() == 3
    spoilt, folder = acme.office.seal(customers(3, stamp=-1))
    with pytest.raises(BadPacket, match="stamp"):
        open_packet(folder, spoilt.manifest).check()


def test_a_misfit_key_is_a_key(acme: Acme) -> None:
    odd = change(misfit=[{"column": "id", "class": "text", "value": b"seven"}])
    assert read(acme, batch(CUSTOMERS, {"id": [None]}, [odd])).num_rows == 1


SCALARS = {
    "i": st.integers(-(2**63), 2**63 - 1),
    "f": st.none() | st.floats(),
    "s": st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    "b": st.none() | st.binary(max_size=20),
}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.fixed_dictionaries(SCALARS), min_size=1, max_size=30))
def test_every_value_comes_back_bit_for_bit(acme: Acme, rows: list[dict[str, Any]]) -> None:
    found = read(acme, batch(EVERY_TYPE, {name: [row[name] for row in rows] for name in "ifsb"}), table=EVERY_TYPE)
    assert [exact(row) for row in found.drop_columns("_change").to_pylist()] == [exact(row) for row in rows]


def exact(row: dict[str, Any]) -> list[Any]:
    """Comparable, with NaN and -0.0 told apart by their bits."""
    return [struct.pack(">d", value) if isinstance(value, float) else value for value in map(row.get, "ifsb")]


def test_nan_and_infinities_come_back(acme: Acme) -> None:
    values = [math.nan, math.inf, -math.inf, -0.0]
    found = read(acme, batch(CUSTOMERS, {"id": [1, 2, 3, 4], "credit": values}))["credit"].to_pylist()
    assert [struct.pack(">d", value) for value in found] == [struct.pack(">d", value) for value in values]


def lineage(**fields: Any) -> dict[str, Any]:
    return change(lineage=[{"origin": "site-b", "seq": 1, "stamp": 1, "columns": ["name"], **fields}])


def misfit(**fields: Any) -> dict[str, Any]:
    return change(misfit=[{"column": "credit", "class": "integer", "value": b"1", **fields}])


def context(**fields: Any) -> dict[str, Any]:
    return change(context=[{"origin": "site-b", "seq": 1, "hash": "0" * 16, **fields}])


@pytest.mark.parametrize(
    "bad",
    [
        change(op="truncate"),
        change(op=None),
        change(stamp=None),
        change(stamp=-1),
        change(columns=["nowhere"]),
        change(columns=["name", None]),
        change(lineage=[None]),
        lineage(columns=["nowhere"]),
        lineage(columns=["name", "name"]),
        lineage(columns=None),
        lineage(stamp=None),
        lineage(stamp=-5),
        lineage(origin=None),
        lineage(seq=None),
        lineage(seq=2),
        lineage(seq=0),
        lineage(origin="site-c"),
        lineage(origin="office", seq=2),
        lineage(origin=""),
        change(context=[None]),
        context(origin=None),
        context(origin="../x"),
        context(seq=0),
        context(seq=None),
        context(hash="0"),
        context(hash=None),
        change(context=[{"origin": "site-b", "seq": s, "hash": "0" * 16} for s in (1, 2)]),
        change(misfit=[None]),
        misfit(column="nowhere"),
        misfit(column=None),
        misfit(**{"class": "json"}),
        misfit(value=None),
        misfit(value=b"1.5"),
        misfit(value=b"1_000"),
        misfit(value=str(2**63).encode()),
        misfit(value=b"9" * 10_000),
        misfit(**{"class": "real"}, value=b"__import__"),
        misfit(column="name", **{"class": "text"}),
        change(misfit=[{"column": "credit", "class": "text", "value": v} for v in (b"1", b"2")]),
        change(misfit=[{"column": "id", "class": "text", "value": b"1"}]),
    ],
)
def test_a_row_that_cannot_be_is_refused(acme: Acme, bad: dict[str, Any]) -> None:
    good = change()
    rows = batch(CUSTOMERS, {"id": [1, 2, 3], "name": ["a", "b", "c"]}, [good, bad, good])
    with pytest.raises(BadPacket):
        read(acme, rows, context={"site-b": Mark(1, "0" * 16)})


def test_a_row_without_key_is_refused(acme: Acme) -> None:
    with pytest.raises(BadPacket, match="without key"):
        read(acme, batch(CUSTOMERS, {"id": [1, None]}))


def test_a_row_without_change_is_refused(acme: Acme) -> None:
    rows = batch(CUSTOMERS, {"id": [1, 2]})
    halved = pa.array([change(), None], rows.schema.field("_change").type)
    with pytest.raises(BadPacket):
        read(acme, rows.set_column(4, "_change", halved))
