from __future__ import annotations

import json
from typing import Any

import pytest

from satchel.errors import BadPacket, FormatTooNew
from satchel.model.schema import Table
from satchel.model.vector import Mark
from satchel.packet.manifest import Manifest, folder_name, manifest_hash
from satchel.packet.table import FILE_NAME, fingerprint
from tests.packet.builders import CUSTOMERS, NOW, Acme, customers


@pytest.fixture
def fields(acme: Acme) -> dict[str, Any]:
    signed, _ = acme.office.seal(customers(3))
    loaded: dict[str, Any] = json.loads(signed.manifest_bytes)
    return loaded


def parsed(fields: dict[str, Any]) -> Manifest:
    return Manifest.parse(json.dumps(fields).encode())


def test_a_manifest_survives_its_bytes(acme: Acme) -> None:
    signed, _ = acme.office.seal(customers(3))
    again = Manifest.parse(signed.manifest_bytes)
    assert again == signed.manifest
    assert again.to_bytes() == signed.manifest_bytes
    assert signed.hash == manifest_hash(signed.manifest_bytes)


def test_the_bytes_are_canonical(acme: Acme) -> None:
    signed, _ = acme.office.seal(customers(3))
    text = signed.manifest_bytes.decode()
    assert text == json.dumps(json.loads(text), sort_keys=True, indent=1, ensure_ascii=False)


def test_a_table_comes_back_as_the_rooms_share_it(acme: Acme) -> None:
    signed, _ = acme.office.seal(customers(3))
    assert signed.manifest.entry("customers").table() == CUSTOMERS
    assert signed.manifest.rows == {"customers": 3}
    assert signed.manifest.created_ms == NOW


def test_a_second_packet_names_the_first(acme: Acme) -> None:
    first, _ = acme.office.seal(customers(3))
    second, _ = acme.office.seal(customers(1), context={"site-b": Mark(4, "0" * 16)})
    assert second.manifest.previous == first.hash
    assert second.manifest.vector == {"office": Mark(1, first.hash[:16]), "site-b": Mark(4, "0" * 16)}


def test_unknown_fields_are_kept_and_ignored(fields: dict[str, Any]) -> None:
    fields["later"] = {"field": [1, 2]}
    fields["tables"][0]["later"] = "too"
    fields["format"]["minor"] = 7
    assert json.loads(parsed(fields).to_bytes()) == fields


def test_a_newer_major_format_waits_for_an_upgrade(fields: dict[str, Any]) -> None:
    with pytest.raises(FormatTooNew) as caught:
        parsed({"format": {"major": 2, "minor": 0}, "all": "else is different"})
    assert caught.value.hint == "Upgrade satchel."


@pytest.mark.parametrize("version", [None, 1, {}, {"major": "1"}, {"major": 0}, {"major": True}, {"major": -2}])
def test_without_a_format_version_nothing_is_read(fields: dict[str, Any], version: object) -> None:
    with pytest.raises(BadPacket, match="format"):
        parsed(fields | {"format": version})


@pytest.mark.parametrize(
    "change",
    [
        {"seq": 0},
        {"seq": 1.0},
        {"seq": True},
        {"seq": "1"},
        {"seq": 2**53},
        {"seq": 2, "group": [1, 2]},
        {"group": [2, 3]},
        {"group": [1, 10**9]},
        {"group": [1]},
        {"origin": "Office"},
        {"origin": "../x"},
        {"suffix": "5F0C9A17"},
        {"suffix": "5f0c9a17\n"},
        {"kind": "snapshot"},
        {"previous": "0" * 64},
        {"previous": 0},
        {"context": {"office": [1, "0" * 16]}},
        {"context": {"site-b": [1, "0" * 64]}},
        {"context": {"site-b": [0, "0" * 16]}},
        {"context": {"..": [1, "0" * 16]}},
        {"context": [["site-b", 1]]},
        {"created": "yesterday"},
        {"created": "2026-13-01T00:00:00Z"},
        {"created": "2026-01-01T00:00:00+02:00"},
        {"network": {"id": "acme", "name": "acme"}},
        {"network": {"id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "name": "packets"}},
        {"configuration": 0},
        {"tables": {}},
        {"software": "x" * 5000},
    ],
)
def test_what_is_no_manifest_is_refused(fields: dict[str, Any], change: dict[str, Any]) -> None:
    with pytest.raises(BadPacket):
        parsed(fields | change)


@pytest.mark.parametrize(
    "change",
    [
        {"rows": 0},
        {"rows": -1},
        {"rows": 10**9},
        {"bytes": 2**40},
        {"sha256": "x"},
        {"key": []},
        {"key": ["id", "id"]},
        {"key": ["nowhere"]},
        {"scope": "galactic"},
        {"columns": []},
        {"name": ""},
        {"name": "a\x00b"},
        {"name": "a" * 300},
    ],
)
def test_what_is_no_table_entry_is_refused(fields: dict[str, Any], change: dict[str, Any]) -> None:
    fields["tables"][0] |= change
    with pytest.raises(BadPacket):
        parsed(fields)


@pytest.mark.parametrize(
    "change",
    [{"type": "decimal"}, {"affinity": "odd"}, {"name": "_change"}, {"name": "_CHANGE"}, {"name": "name"}],
)
def test_what_is_no_column_is_refused(fields: dict[str, Any], change: dict[str, Any]) -> None:
    fields["tables"][0]["columns"][3] |= change
    with pytest.raises(BadPacket):
        parsed(fields)


def test_a_table_or_file_that_stands_twice_is_refused(fields: dict[str, Any]) -> None:
    [table] = fields["tables"]
    for other in ({"name": "more"}, {"file": "more.parquet"}):
        with pytest.raises(BadPacket, match="twice"):
            parsed(fields | {"tables": [table, table | other]})


def test_all_tables_together_are_limited_in_rows(fields: dict[str, Any]) -> None:
    table = fields["tables"][0] | {"rows": 3_000_000}
    with pytest.raises(BadPacket, match="too many rows"):
        parsed(fields | {"tables": [table, table | {"name": "more", "file": "more.parquet"}]})


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("customers.parquet", True),
        ("a.parquet", True),
        ("a" * 52 + ".parquet", True),
        ("a" * 53 + ".parquet", False),
        ("Customers.parquet", False),
        (".parquet", False),
        ("manifest.json", False),
        ("a/b.parquet", False),
        ("a\\b.parquet", False),
        ("..parquet", False),
        ("a.parquet\n", False),
        ("ä.parquet", False),
    ],
)
def test_file_names_of_parts(name: str, ours: bool) -> None:
    assert bool(FILE_NAME.fullmatch(name)) is ours


def test_folders_sort_by_sequence() -> None:
    assert folder_name(12, "5f0c9a17") == "0000000012-5f0c9a17"


def test_the_fingerprint_changes_with_the_schema() -> None:
    other = Table("customers", CUSTOMERS.columns[:-1], ("id",))
    assert fingerprint(CUSTOMERS) == fingerprint(CUSTOMERS)
    assert fingerprint(CUSTOMERS) != fingerprint(other)
