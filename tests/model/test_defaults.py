"""Declared defaults as values: SQLite is asked what it would store."""

from __future__ import annotations

import sqlite3

import pytest

from satchel.model.default import default_value
from satchel.model.schema import Column

DECLARED = {"INTEGER": "integer", "REAL": "real", "NUMERIC": "numeric", "TEXT": "text", "BLOB": "blob"}
LITERALS = [
    "0", "7", "+7", "-7", "- 7", "(-7)", "(-(7))", "((7))", "9223372036854775807", "9223372036854775808", "0x1F",
    "0xFFFFFFFFFFFFFFFF", "1.5", "-1.5e3", ".5", "5.", "3.0", "1e300", "''", "'x'", "'it''s'", "' 12 '", "'-1.50'",
    "'1e2'", "'+3'", "'12x'", "'NULL'", "x'00ff'", "X''", "NULL", "(NULL)", "null", "TRUE", "false", "'a)'", "(('b'))",
]  # fmt: skip


@pytest.mark.parametrize("declared", DECLARED)
@pytest.mark.parametrize("literal", LITERALS)
def test_a_literal_is_what_sqlite_stores(literal: str, declared: str) -> None:
    db = sqlite3.connect(":memory:")
    db.execute(f"CREATE TABLE t (a, b {declared} DEFAULT {literal})")
    db.execute("INSERT INTO t (a) VALUES (1)")
    (wanted,) = db.execute("SELECT b FROM t").fetchone()
    given = default_value(Column("b", "string", declared, DECLARED[declared], default=literal))
    assert (type(given), given) == (type(wanted), wanted)


@pytest.mark.parametrize(
    "text", [None, "CURRENT_TIMESTAMP", "(datetime('now'))", "(1 + 2)", '"x"', "(1)-(2)", "-'x'", ""]
)
def test_whatever_is_no_literal_is_null(text: str | None) -> None:
    assert default_value(Column("b", "string", "TEXT", "text", default=text)) is None
