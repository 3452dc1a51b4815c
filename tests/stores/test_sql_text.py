"""Reading the text of CREATE TABLE and CREATE INDEX."""

from __future__ import annotations

from satchel.stores.sqlite.sql_text import collation_in, column_definitions, index_parts


def test_a_table_whose_name_holds_a_parenthesis_is_read_from_its_columns_on() -> None:
    sql = """CREATE TABLE "a (b" ("x, (y" TEXT COLLATE NOCASE, z INTEGER DEFAULT (1 + (2)) CHECK (z <> ')'))"""
    definitions = dict(column_definitions(sql, ["x, (y", "z"]))
    assert {name: collation_in(rest) for name, rest in definitions.items()} == {"x, (y": "NOCASE", "z": "BINARY"}


def test_a_collation_in_a_check_or_a_comment_is_not_the_columns() -> None:
    sql = "CREATE TABLE t (a TEXT CHECK (a = 'x' COLLATE NOCASE) /* COLLATE RTRIM */, b TEXT -- COLLATE RTRIM\n)"
    definitions = dict(column_definitions(sql, ["a", "b"]))
    assert {collation_in(rest) for rest in definitions.values()} == {"BINARY"}


def test_an_index_has_its_terms_and_its_condition() -> None:
    sql = "CREATE UNIQUE INDEX i ON t (lower(a, ')'), b COLLATE NOCASE DESC) WHERE b IS NOT NULL"
    assert index_parts(sql) == (("lower(a, ')')", "b COLLATE NOCASE"), "b IS NOT NULL")
