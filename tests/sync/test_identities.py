"""Rows as people name them and as the network knows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from satchel.errors import UsageError
from satchel.model.gids import is_gid, typed
from satchel.model.schema import Column, ForeignKey, Table
from satchel.model.value import Value
from satchel.stores.base import Store
from satchel.sync.identities import Identities
from tests.sync.sites import Place

GID = "till:413:0badcafe"
NUMBER = Column("id", "int64", "INTEGER", "integer")
INVOICES, LINES, NOTES, CODES = typed(
    [
        Table("Invoices", (NUMBER, Column("prior", "int64", "INTEGER", "integer")), ("id",), "local", (),
              (ForeignKey(("prior",), "Invoices", ("id",)),)),
        Table("lines", (Column("invoice", "int64", "INTEGER", "integer"), NUMBER), ("invoice", "id"), "global", (),
              (ForeignKey(("invoice",), "Invoices", ("id",)),)),
        Table("notes", (NUMBER, Column("invoice", "int64", "INTEGER", "integer")), ("id",), "local", (),
              (ForeignKey(("invoice",), "Invoices", ("id",), declared=False),)),
        Table("codes", (Column("code", "string", "TEXT", "text"),), ("code",)),
    ]
)  # fmt: skip


class Database:
    """One invoice, which is 413 at the till and 414 here, with its line."""

    def tables(self) -> Sequence[Table]:
        return INVOICES, LINES, NOTES, CODES

    def identity(self, table: str, key: Sequence[Value]) -> tuple[Value, ...]:
        first = GID if str(key[0]) == "414" else key[0]
        return (first, *key[1:])

    def read_row(self, table: str, key: Sequence[Value]) -> dict[str, Value] | None:
        assert table == "codes" or is_gid(key[0]), "asked by what is on the wire"
        rows: dict[tuple[str, Value], dict[str, Value]] = {
            ("Invoices", GID): {"id": 414, "prior": None},
            ("lines", GID): {"invoice": 414, "id": 1},
        }
        return rows.get((table, key[0]))

    def parse_value(self, table: str, column: str, text: str) -> Value:
        return f"{text} as {column}"


@pytest.fixture
def identities() -> Identities:
    return Identities(cast(Store, Database()))


def test_a_table_is_found_in_any_case(identities: Identities) -> None:
    assert identities.table("invoices") == INVOICES
    with pytest.raises(UsageError, match="letters is not replicated"):
        identities.table("letters")


@pytest.mark.parametrize(
    ("table", "given", "wire"),
    [
        (INVOICES, (414,), (GID,)),
        (INVOICES, ("414",), (GID,)),
        (INVOICES, (GID,), (GID,)),
        (LINES, (414, 1), (GID, 1)),
        (CODES, ("x",), ("x as code",)),
        (CODES, (b"x",), (b"x",)),
    ],
)
def test_own_numbers_and_gids_lead_to_the_same_row(
    identities: Identities, table: Table, given: tuple[Value, ...], wire: tuple[Value, ...]
) -> None:
    assert identities.on_wire(table, given) == wire


def test_a_key_has_a_value_for_each_column(identities: Identities) -> None:
    with pytest.raises(UsageError, match="the key of lines is invoice, id"):
        identities.on_wire(LINES, (414,))


@pytest.mark.parametrize(
    ("table", "wire", "names"),
    [
        ("Invoices", (GID,), {"key": [414], "gid": GID}),
        ("Invoices", ("till:9:0badcafe",), {"key": ["till:9:0badcafe"], "gid": "till:9:0badcafe"}),
        ("lines", (GID, 1), {"key": [414, 1], "gid": None}),
        ("lines", ("till:9:0badcafe", 1), {"key": ["till:9:0badcafe", 1], "gid": None}),
        ("codes", (2**60,), {"key": [str(2**60)], "gid": None}),
        ("gone", ("x",), {"key": ["x"], "gid": None}),
    ],
)
def test_a_row_has_a_key_here_and_a_gid(
    identities: Identities, table: str, wire: tuple[Value, ...], names: dict[str, Any]
) -> None:
    assert identities.names(table, wire) == names


def test_a_row_s_references_become_gids_and_its_own_number_stays(identities: Identities) -> None:
    assert identities.row_on_wire(INVOICES, {"id": 414, "prior": 414}) == {"id": 414, "prior": GID}
    assert identities.row_on_wire(LINES, {"invoice": 414, "id": 414}) == {"invoice": GID, "id": 414}
    assert identities.row_on_wire(NOTES, {"id": 414, "invoice": None}) == {"id": 414, "invoice": None}
    assert identities.row_on_wire(NOTES, {"id": 1, "invoice": 414}) == {"id": 1, "invoice": GID}


def test_rows_whose_keys_mean_the_same_everywhere_have_no_gid(office: Place, branch: Place) -> None:
    for place, town in ((office, "Ulm"), (branch, "Kiel")):
        place.sql(f"UPDATE customers SET town = '{town}!' WHERE id = 'c1'")
        place.node.sync(office.root / "share")
    versions = branch.node.history("CUSTOMERS", "c1")
    assert {(tuple(v["key"]), v["gid"]) for v in versions} == {(("c1",), None)}
    assert [v["outcome"] for v in versions] == ["superseded", "lost", "shown"]
    [conflict] = branch.node.conflicts()
    assert (conflict["key"], conflict["gid"]) == (["c1"], None)
