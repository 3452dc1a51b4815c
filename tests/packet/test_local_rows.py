"""Rows of tables whose numbers each database hands out: known by their gid, whatever number their author has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from satchel.errors import BadPacket
from satchel.model.gids import typed
from satchel.model.schema import Column, ForeignKey, Table
from satchel.packet.reader import open_packet
from tests.packet.builders import CUSTOMERS, Acme, batch, change

INVOICES = Table(
    "invoices",
    (Column("id", "int64", "INTEGER", "integer"), Column("total", "float64", "REAL", "real")),
    ("id",),
    "local",
)
LINES = Table(
    "lines",
    (Column("invoice", "int64", "INTEGER", "integer"), Column("line", "int64", "INTEGER", "integer")),
    ("invoice", "line"),
    foreign_keys=(ForeignKey(("invoice",), "invoices", ("id",)),),
)
INVOICES, LINES = typed([INVOICES, LINES])


def gid(number: int, nonce: str = "0badcafe", origin: str = "office") -> str:
    return f"{origin}:{number}:{nonce}"


def read(acme: Acme, rows: pa.RecordBatch, table: Table = INVOICES) -> pa.Table:
    [written] = acme.office.write(rows, table=table)
    [signed] = acme.office.sign([written])
    return pa.Table.from_batches(open_packet(written.folder, signed.manifest).batches(table.name))


def invoices(*gids: Any, ids: list[int | None] | None = None) -> pa.RecordBatch:
    return batch(INVOICES, {"id": ids or list(range(1, 1 + len(gids)))}, [change(gid=found) for found in gids])


def test_a_local_row_holds_its_author_s_number_and_its_gid(acme: Acme) -> None:
    rows = read(acme, invoices(gid(57), gid(-(2**63), origin="site-b.x7k2~0123abcd"), ids=[57, 58]))
    assert rows["id"].to_pylist() == [57, 58]
    gids = [found["gid"] for found in rows["_change"].to_pylist()]
    assert gids == ["office:57:0badcafe", "site-b.x7k2~0123abcd:-9223372036854775808:0badcafe"]


def test_one_number_may_stand_twice_with_two_gids(acme: Acme) -> None:
    """The author deleted a row, and its database gave the number again."""
    rows = read(acme, invoices(gid(57, "00000001"), gid(57, "00000002"), ids=[57, 57]))
    assert rows["id"].to_pylist() == [57, 57]


@pytest.mark.parametrize(
    "bad",
    [
        None, "", "57", "office:57", "office:57:0BADCAFE", "office:57:0badcafe\n", "Office:57:0badcafe",
        "../x:57:0badcafe", "office:057:0badcafe", "office:9223372036854775808:0badcafe", "office:1:0badcafe:x",
        "office~0123abcd:1:0badcafe office:1:0badcafe",
    ],
)  # fmt: skip
def test_a_local_row_without_a_good_gid_is_refused(acme: Acme, bad: str | None) -> None:
    with pytest.raises(BadPacket, match="gid"):
        read(acme, invoices(gid(1), bad, gid(3)))


def test_two_rows_of_one_gid_are_refused_however_far_apart(acme: Acme) -> None:
    with pytest.raises(BadPacket, match="two rows of one gid"):
        read(acme, invoices(gid(1), gid(2), gid(1)))
    with pytest.raises(BadPacket, match="two rows of one gid"):
        read(acme, invoices(*(gid(number % 70_000) for number in range(70_001))))


def test_a_row_whose_key_means_the_same_everywhere_has_no_gid(acme: Acme) -> None:
    rows = batch(CUSTOMERS, {"id": [1, 2]}, [change(), change(gid=gid(1))])
    with pytest.raises(BadPacket, match="means the same everywhere"):
        read(acme, rows, CUSTOMERS)


def test_a_reference_is_the_parent_s_gid_as_text_also_in_a_key(acme: Acme) -> None:
    rows = read(acme, batch(LINES, {"invoice": [gid(1), gid(1)], "line": [1, 2]}), LINES)
    assert rows.schema.field("invoice").type == pa.string()
    assert rows["invoice"].to_pylist() == ["office:1:0badcafe"] * 2
    assert rows.schema.field("line").type == pa.int64()


def test_a_reference_to_what_was_never_a_row_travels_as_a_misfit(acme: Acme) -> None:
    odd = change(misfit=[{"column": "invoice", "class": "integer", "value": b"99"}])
    rows = read(acme, batch(LINES, {"invoice": [None], "line": [1]}, [odd]), LINES)
    assert rows["_change"][0].as_py()["misfit"] == odd["misfit"]


@pytest.mark.parametrize(
    "table",
    [
        replace(CUSTOMERS, scope="local", key=("name",)),
        replace(LINES, scope="local"),
        replace(CUSTOMERS, scope="local", key=("id", "name")),
    ],
)
def test_a_local_key_is_one_number(acme: Acme, table: Table) -> None:
    with pytest.raises(BadPacket, match="one number"):
        acme.office.sign(acme.office.write(batch(table, {n: [None] for n in table.names}), table=table))
