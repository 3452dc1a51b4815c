"""Declared defaults as values (PROTOCOL, Constraints: SET DEFAULT)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from satchel.model.affinity import BLANK, MOST, stored

if TYPE_CHECKING:
    from satchel.model.schema import Column, Table
    from satchel.model.value import Value

_INTEGER = re.compile(r"[0-9]+")
_HEX = re.compile(r"0[xX]([0-9a-fA-F]{1,16})")
_REAL = re.compile(r"([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_TEXT = re.compile(r"'((?:[^']|'')*)'", re.DOTALL)
_BLOB = re.compile(r"[xX]'((?:[0-9a-fA-F]{2})*)'")


def default_value(column: Column) -> Value:
    """What the column holds where its default is put in. Only literals count, with signs and parentheses: numbers,
    texts in single quotes, blobs, NULL; anything else (a clock, an expression) is another value at every node: NULL."""
    return None if column.default is None else stored(column.affinity, _literal(column.default))


def default_of(tables: Mapping[str, Table]) -> Callable[[str, str], Value]:
    """(table, column) -> its default."""
    return lambda table, column: default_value(tables[table].column(column))


def _literal(sql: str) -> Value:
    text, sign = sql.strip(BLANK), 1
    while text:
        if text[0] in "+-":
            sign, text = (-sign if text[0] == "-" else sign), text[1:].lstrip(BLANK)
        elif text[0] == "(" and text[-1] == ")":
            text = text[1:-1].strip(BLANK)
        else:
            break
    value = _plain(text)
    if sign > 0 or value is None:
        return value
    return -value if isinstance(value, int | float) else None


def _plain(text: str) -> Value:
    if _INTEGER.fullmatch(text):
        return int(text) if int(text) < MOST else float(text)
    if found := _HEX.fullmatch(text):
        number = int(found[1], 16)
        return number - 2 * MOST if number >= MOST else number
    if _REAL.fullmatch(text):
        return float(text)
    if found := _TEXT.fullmatch(text):
        return found[1].replace("''", "'")
    if found := _BLOB.fullmatch(text):
        return bytes.fromhex(found[1])
    return {"true": 1, "false": 0}.get(text.lower())
