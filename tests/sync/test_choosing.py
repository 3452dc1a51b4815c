"""Which tables a network replicates, whose their keys are, and what refers to them."""

from __future__ import annotations

from typing import Any

import pytest

from satchel.errors import SatchelError, UsageError
from satchel.model.schema import Column, ForeignKey, LeftOut, Schema, Table
from satchel.packet.configuration import Reference
from satchel.packet.options import Options
from satchel.sync.choosing import Choice, choose, parse_reference, reference_word, with_scope


def table(name: str, columns: str, *keys: ForeignKey, scope: str = "local", key: str = "id") -> Table:
    made = tuple(Column(column, "int64", "INTEGER", "integer") for column in columns.split())
    return Table(name, made, tuple(key.split()), scope, (), keys)


def to(column: str, parent: str) -> ForeignKey:
    return ForeignKey((column,), parent, ("id",))


INVOICES = table("Invoices", "id total")
LINES = table("lines", "id invoice", to("invoice", "Invoices"))
DETAILS = table("details", "id note", to("id", "Invoices"), scope="global")
NOTES = table("my.notes", "id about by")
CODES = Table("codes", (Column("code", "string", "TEXT", "text"),), ("code",))
SCHEMA = Schema((INVOICES, LINES, DETAILS, NOTES, CODES), (LeftOut("scratch", "it has no key"),))


def chosen(*references: str, **options: Any) -> Choice:
    return choose(SCHEMA, Options(**options), references)


def scopes(choice: Choice) -> dict[str, str]:
    return {found.name: found.scope for found in choice.tables}


def types(choice: Choice) -> dict[str, list[str]]:
    return {found.name: [column.type for column in found.columns] for found in choice.tables}


def test_without_a_word_everything_is_chosen_and_numbers_are_local() -> None:
    choice = chosen()
    assert scopes(choice) == {
        "Invoices": "local", "lines": "local", "details": "global", "my.notes": "local", "codes": "global"
    }  # fmt: skip
    assert types(choice)["lines"] == ["int64", "string"]
    assert types(choice)["details"] == ["string", "int64"]
    assert choice.left_out == SCHEMA.left_out
    assert choice.warnings == ()


def test_globs_choose_and_the_last_scope_that_fits_counts() -> None:
    choice = chosen(tables=("inv*", "LINES"), key_scope=(("*", "global"), ("lines", "local")))
    assert scopes(choice) == {"Invoices": "global", "lines": "local"}
    assert types(choice)["lines"] == ["int64", "int64"], "its parent's keys mean the same everywhere"
    assert [entry.table for entry in choice.left_out] == ["scratch", "details", "my.notes", "codes"]


def test_global_is_always_allowed() -> None:
    assert set(scopes(chosen(key_scope=(("*", "global"),))).values()) == {"global"}


@pytest.mark.parametrize(
    ("glob", "says"),
    [("codes", "code is no INTEGER PRIMARY KEY"), ("details", "id refers to Invoices"), ("*", "id refers to Invoices")],
)
def test_a_scope_that_contradicts_the_schema_is_refused(glob: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        chosen(key_scope=((glob, "local"),))
    assert "--key-scope" in caught.value.hint


def test_for_a_table_that_comes_later_such_a_scope_is_passed_over() -> None:
    options = Options(key_scope=(("*", "local"),))
    assert with_scope(CODES, options, (), strict=False).scope == "global"
    assert with_scope(INVOICES, options, (), strict=False).scope == "local"


def test_a_named_reference_is_translated() -> None:
    choice = chosen("MY.NOTES.About=invoices")
    about = Reference(table="my.notes", columns=("about",), parent="Invoices", parent_columns=("id",))
    assert choice.references == (about,)
    assert types(choice)["my.notes"] == ["int64", "string", "int64"]
    assert [key.declared for t in choice.tables if t.name == "my.notes" for key in t.foreign_keys] == [False]
    assert reference_word(about) == "my.notes.about=Invoices"


def test_a_reference_that_is_named_twice_is_one() -> None:
    assert len(chosen("my.notes.about=Invoices", "my.notes.ABOUT=INVOICES").references) == 1


def test_a_key_that_is_named_a_reference_is_the_parent_s_gid() -> None:
    choice = chosen("lines.id=Invoices")
    assert scopes(choice)["lines"] == "global"
    assert types(choice)["lines"] == ["string", "string"]
    with pytest.raises(UsageError, match="id refers to Invoices"):
        chosen("lines.id=Invoices", key_scope=(("lines", "local"),))


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("lines", "is not of the form"),
        ("lines=Invoices", "is not of the form"),
        ("lines.invoice", "is not of the form"),
        ("lines.invoice=", "is not of the form"),
        ("=Invoices", "is not of the form"),
        (".=Invoices", "is not of the form"),
        ("lines.gone=Invoices", "lines has no column gone"),
        ("lines.invoice=gone", "no table gone is replicated"),
        ("gone.invoice=Invoices", "no table gone is replicated"),
        ("scratch.invoice=Invoices", "no table scratch is replicated"),
        ("my.about=Invoices", "no table my is replicated"),
        ("lines.invoice=codes", r"the key of codes \(code\) is no single integer"),
    ],
)
def test_a_reference_that_leads_nowhere_is_refused(word: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        chosen(word)
    assert caught.value.hint


def test_a_reference_to_a_table_that_was_not_chosen_is_refused() -> None:
    with pytest.raises(UsageError, match="no table Invoices is replicated"):
        chosen("lines.invoice=Invoices", tables=("lines",))


def test_a_reference_to_keys_that_mean_the_same_everywhere_is_told_to_change_nothing() -> None:
    choice = chosen("my.notes.about=Invoices", key_scope=(("Inv*", "global"),))
    [warning] = choice.warnings
    assert "my.notes.about changes nothing" in warning
    assert types(choice)["my.notes"] == ["int64", "int64", "int64"]
    assert chosen("my.notes.about=details").warnings == (), "details has its parent's identity"


def test_a_column_that_refers_to_two_tables_is_told() -> None:
    both = table("both", "id x", to("x", "lines"), to("x", "Invoices"))
    choice = choose(Schema((INVOICES, LINES, both), ()), Options())
    assert choice.warnings == ("both.x refers to lines and to Invoices: it is read as a lines",)


def test_of_names_with_dots_the_longest_table_counts() -> None:
    tables = [table("a", "id b.c"), table("a.b", "id c"), INVOICES]
    assert parse_reference("a.b.c=Invoices", tables).table == "a.b"
    assert parse_reference("a.b.c=Invoices", [tables[0], INVOICES]).columns == ("b.c",)


def test_a_glob_that_fits_nothing_is_refused_and_a_star_never_is() -> None:
    for options in ({"tables": ("x*",)}, {"key_scope": (("x*", "global"),)}, {"policies": (("x*", "manual"),)}):
        with pytest.raises(UsageError, match=r"no table is called x\*"):
            chosen(**options)
    with pytest.raises(SatchelError, match="no table that can be replicated"):
        choose(Schema((), SCHEMA.left_out), Options(key_scope=(("*", "global"),)))
    with pytest.raises(SatchelError, match="no table that can be replicated"):
        chosen(tables=("scratch",))
