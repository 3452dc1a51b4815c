from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from satchel.audit.history import outcomes, row_history
from satchel.errors import UsageError
from satchel.model.schema import Column, Table
from satchel.model.value import Value
from satchel.model.vector import Mark
from tests.audit.builders import CODES, CUSTOMERS, DAY, NOW, Archive, alter, misfit, row


def versions(archive: Archive, *key: Value, table: Table = CUSTOMERS) -> list[dict[str, Any]]:
    return row_history([archive.root], table, key)


def test_every_version_of_a_row_is_told_with_who_where_when(history: Archive) -> None:
    first, second = versions(history, 1)
    assert {
        name: first[name] for name in ("origin", "seq", "at", "by", "op", "columns", "row", "stamp", "context")
    } == {
        "origin": "office",
        "seq": 1,
        "at": "2026-09-21T14:13:20.000Z",
        "by": "mara",
        "op": "insert",
        "columns": ["id", "name", "credit", "logo"],
        "row": {"id": 1, "name": "Ann", "credit": 10.5, "logo": None},
        "stamp": NOW << 16,
        "context": {},
    }
    assert (second["op"], second["columns"], second["row"]["name"]) == ("update", ["name"], "Anna")
    assert second["context"] == {"office": Mark(1, first["hash"][:16])}


def test_a_delete_is_told_with_its_last_image(history: Archive) -> None:
    last = versions(history, 2)[-1]
    assert (last["op"], last["columns"]) == ("delete", [])
    assert last["row"] == {"id": 2, "name": "Bob", "credit": None, "logo": b"\x00\xff"}


def test_outcomes_by_the_packets_alone(history: Archive) -> None:
    assert outcomes(versions(history, 1)) == ["superseded", "shown"]
    assert outcomes(versions(history, 2)) == ["superseded", "shown"]
    assert outcomes(versions(history, 3)) == ["superseded", "lost", "shown"]
    assert outcomes(versions(history, 99)) == []


def test_a_row_that_never_was_has_no_versions(history: Archive) -> None:
    assert versions(history, 99) == []
    assert versions(history, "Ann") == []
    assert versions(history, 2**70) == []


def test_values_come_back_exactly(archive: Archive) -> None:
    odd = [misfit("name", "text", b"a\xff"), misfit("credit", "integer", b"9223372036854775807")]
    archive.office.write(row({"id": -(2**63), "logo": b""}, misfit=odd), row({"id": 5, "credit": float("inf")}))
    assert versions(archive, -(2**63))[0]["row"] == {
        "id": -(2**63),
        "name": "a\udcff",
        "credit": 2**63 - 1,
        "logo": b"",
    }
    assert versions(archive, 5)[0]["row"]["credit"] == float("inf")


@pytest.mark.parametrize("key", [("a", 1), ("A", 1), ("a", 1.0)])
def test_keys_are_equal_as_the_network_compares_them(history: Archive, key: tuple[Value, ...]) -> None:
    assert [version["row"] for version in versions(history, *key, table=CODES)] == [{"code": "a", "n": 1}]


def test_a_key_that_is_a_misfit_is_found(history: Archive) -> None:
    assert [version["row"] for version in versions(history, "X", "many", table=CODES)] == [{"code": "x", "n": "many"}]
    assert versions(history, "x", b"many", table=CODES) == []
    assert versions(history, "x", "man", table=CODES) == []


def test_keys_of_every_type_are_found(tmp_path: Path) -> None:
    keys: list[tuple[str, str, str, Value, Value]] = [
        ("float64", "real", "BINARY", 1.0, 1),
        ("float64", "real", "BINARY", -0.0, 0),
        ("binary", "blob", "BINARY", b"\x00", b"\x00"),
        ("string", "text", "RTRIM", "x  ", "x"),
        ("string", "text", "NOCASE", "Ärger", "ÄRGER"),
    ]
    for place, (type_, affinity, collation, stored, asked) in enumerate(keys):
        table = Table("t", (Column("k", type_, "", affinity, collation),), ("k",))
        archive = Archive(tmp_path / str(place), (table,))
        archive.office.write(row({"k": stored}), table=table)
        assert [version["row"] for version in versions(archive, asked, table=table)] == [{"k": stored}]


def test_a_key_that_is_no_utf_8_is_found(tmp_path: Path) -> None:
    table = Table("t", (Column("k", "string", "TEXT", "text", "NOCASE"),), ("k",))
    archive = Archive(tmp_path, (table,))
    archive.office.write(row({}, misfit=[misfit("k", "text", b"A\xff")]), table=table)
    assert len(versions(archive, "a\udcff", table=table)) == 1


def test_a_row_context_stands_in_place_of_the_packet_s(archive: Archive) -> None:
    office, site = archive.office, archive.join("site-b")
    office.write(row({"id": 1, "name": "parked"}, at=NOW + DAY))
    site.sees(office).write(row({"id": 1, "name": "beside it"}, context=[]))
    found = versions(archive, 1)
    assert [version["context"] for version in found] == [{}, {}]
    assert outcomes(found) == ["lost", "shown"]


def test_unknown_and_absurd_times_stop_nobody(archive: Archive) -> None:
    values, change = row({"id": 1})
    archive.office.write((values, {**change, "at": None, "stamp": 0}))
    archive.office.write((values, {**change, "at": 4 * 10**17}))
    assert [version["at"] for version in versions(archive, 1)] == [None, "9999-12-31T23:59:59.999Z"]


def test_versions_that_do_not_verify_are_not_told(history: Archive) -> None:
    alter(next((history.root / "acme" / "site-b").glob("0000000001-*")) / "customers.parquet")
    assert [version["row"]["name"] for version in versions(history, 1)] == ["Ann"]


def test_a_key_of_another_length_is_refused(history: Archive) -> None:
    with pytest.raises(UsageError) as caught:
        versions(history, 1, 2)
    assert caught.value.hint == "Give id."


def test_a_table_with_another_key_in_an_old_packet_is_passed_over(archive: Archive) -> None:
    other = Table("customers", (Column("code", "string", "TEXT", "text"),), ("code",))
    archive.office.write(row({"code": "x"}), table=other)
    archive.office.write(row({"id": 1, "name": "Ann"}))
    assert len(versions(archive, 1)) == 1
