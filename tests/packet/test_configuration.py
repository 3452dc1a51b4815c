"""What the network agreed on: tables, references that no schema declares, rules for tables that come later."""

from __future__ import annotations

import json
from typing import Any

import pytest

from satchel.errors import BadPacket
from satchel.model.schema import Column, ForeignKey, Table, UniqueKey
from satchel.packet.configuration import Configuration, Reference
from satchel.packet.options import Options, fits
from tests.packet.builders import NOW, Acme

NUMBER = Column("id", "int64", "INTEGER", "integer", notnull=True)
INVOICES = Table("Invoices", (NUMBER,), ("id",), "local")
NOTES = Table(
    "notes",
    (NUMBER, Column("about", "int64", "INT", "integer", default="-1"), Column("by", "int64", "INT", "integer")),
    ("id",),
    "local",
    foreign_keys=(ForeignKey(("by",), "notes", ("id",)),),
)
ABOUT = Reference(table="notes", columns=("about",), parent="Invoices", parent_columns=("id",))


def made(acme: Acme, *references: Reference, **fields: Any) -> Configuration:
    tables = fields.pop("tables", [INVOICES, NOTES])
    wish = {"signer": "office", "stamp": NOW, "references": references, **fields}
    return Configuration.parse(Configuration.of(acme.network, tables, **wish).to_bytes())


def test_defaults_and_not_null_travel(acme: Acme) -> None:
    [_, notes] = made(acme).shared_tables()
    assert [(c.default, c.notnull) for c in notes.columns] == [(None, True), ("-1", False), (None, False)]


def test_a_default_too_long_for_a_document_is_not_announced(acme: Acme) -> None:
    long = Table("t", (Column("k", "string", "TEXT", "text", default="'" + "x" * 2000 + "'"),), ("k",))
    assert made(acme, tables=[long]).shared_tables()[0].columns[0].default is None


def test_columns_of_before_there_were_defaults_are_read(acme: Acme) -> None:
    fields = json.loads(made(acme).to_bytes())
    for rule in fields["tables"].values():
        for column in rule["columns"]:
            del column["default"], column["notnull"]
    del fields["options"], fields["references"]
    assert Configuration.parse(json.dumps(fields).encode()).shared_tables()[0].names == ("id",)


CODES = Table(
    "codes", (Column("code", "string", "TEXT", "text"), Column("name", "string", "TEXT", "text", "NOCASE")), ("code",)
).with_unique_keys([UniqueKey(("name",)), UniqueKey(("code", "name"), ("NOCASE", "BINARY"))])


def test_collations_of_unique_keys_travel(acme: Acme) -> None:
    assert made(acme, tables=[CODES]).shared_tables() == (CODES,)
    fields = json.loads(made(acme, tables=[CODES]).to_bytes())
    assert fields["tables"]["codes"]["unique_collations"] == [[], ["NOCASE", "BINARY"]]


def test_unique_keys_of_before_there_were_collations_compare_as_the_columns_do(acme: Acme) -> None:
    fields = json.loads(made(acme, tables=[CODES]).to_bytes())
    del fields["tables"]["codes"]["unique_collations"]
    [codes] = Configuration.parse(json.dumps(fields).encode()).shared_tables()
    assert codes.unique_keys == (UniqueKey(("name",)), UniqueKey(("code", "name")))


@pytest.mark.parametrize(
    ("collations", "words"),
    [
        ([[], ["NOCASE"]], "as many collations"),
        ([["NOCASE"], [], []], "more collations"),
        ([["NOCASE; DROP TABLE codes"]], "not a collation"),
        ([["nocase"]], "not a collation"),
    ],
)
def test_collations_that_no_unique_key_can_have_are_refused(acme: Acme, collations: object, words: str) -> None:
    fields = json.loads(made(acme, tables=[CODES]).to_bytes())
    fields["tables"]["codes"]["unique_collations"] = collations
    with pytest.raises(BadPacket, match=words):
        Configuration.parse(json.dumps(fields).encode())


def test_a_named_reference_is_translated_and_no_constraint(acme: Acme) -> None:
    [invoices, notes] = made(acme, ABOUT).shared_tables()
    assert invoices.foreign_keys == ()
    assert notes.foreign_keys == (
        ForeignKey(("by",), "notes", ("id",)),
        ForeignKey(("about",), "Invoices", ("id",), declared=False),
    )
    assert [column.type for column in notes.columns] == ["int64", "string", "string"]


def test_a_named_reference_does_not_become_a_declared_one_on_its_way(acme: Acme) -> None:
    once = made(acme, ABOUT)
    again = made(acme, ABOUT, tables=once.shared_tables())
    assert again == once
    assert again.shared_tables() == once.shared_tables()


def test_a_reference_that_the_schema_declares_as_well_is_one(acme: Acme) -> None:
    twice = Reference(table="NOTES", columns=("BY",), parent="notes", parent_columns=("ID",))
    assert made(acme, twice).shared_tables() == made(acme).shared_tables()


@pytest.mark.parametrize(
    "where",
    [{"table": "gone"}, {"parent": "gone"}, {"columns": ("gone",)}, {"parent_columns": ("gone",)}],
)
def test_a_reference_of_a_table_that_is_not_there_yet_stays_without_effect(acme: Acme, where: dict[str, Any]) -> None:
    later = ABOUT.model_copy(update=where)
    found = made(acme, later)
    assert found.references == (later,)
    assert found.shared_tables() == made(acme).shared_tables()


def test_a_reference_has_as_many_columns_as_its_parent(acme: Acme) -> None:
    fields = json.loads(made(acme, ABOUT).to_bytes())
    fields["references"][0]["columns"].append("by")
    with pytest.raises(BadPacket, match="as many columns"):
        Configuration.parse(json.dumps(fields).encode())


def test_tables_that_come_later_join_by_the_same_rules(acme: Acme) -> None:
    wish = Options(
        tables=("inv*", "notes"),
        key_scope=(("*", "global"), ("inv*", "local")),
        policies=(("notes", "manual"),),
        on_change="follow",
    )
    fields = json.loads(made(acme, options=wish).to_bytes())
    assert fields["options"] == {
        "tables": ["inv*", "notes"],
        "key_scope": [["*", "global"], ["inv*", "local"]],
        "policies": [["notes", "manual"]],
        "schema": "follow",
    }
    found = Configuration.parse(json.dumps(fields).encode()).options
    assert found == wish
    assert found.follows
    assert [found.takes(name) for name in ("INVENTORY", "notes", "drafts")] == [True, True, False]
    assert [found.named_scope(name) for name in ("Invoices", "notes")] == ["local", "global"]
    assert (found.policy_of("notes"), found.policy_of("invoices")) == ("manual", None)


def test_without_options_all_tables_join_with_the_scope_of_their_schema(acme: Acme) -> None:
    found = made(acme).options
    assert not found.follows
    assert found.takes("anything")
    assert found.named_scope("notes") is None


def test_options_that_this_version_does_not_know_are_kept(acme: Acme) -> None:
    fields = json.loads(made(acme).to_bytes())
    fields["options"] |= {"encrypt": {"to": "all"}, "schema": "ask"}
    found = Configuration.parse(json.dumps(fields).encode())
    assert json.loads(found.to_bytes())["options"] == fields["options"]
    assert not found.options.follows


def test_globs_compare_without_case() -> None:
    assert fits("Order Details", "order *")
    assert not fits("Orders", "order")
