"""How a child's value finds its parent's: with the parent column's affinity and collation, as SQLite compares them."""

from __future__ import annotations

import re

from satchel.model.key import canonical
from satchel.model.schema import Column
from satchel.model.value import Value

_INTEGER = re.compile(r"[+-]?[0-9]+")
_REAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_BLANK = " \t\n\v\f\r"
_MOST = 2**63


def comparable(column: Column, value: Value) -> Value:
    """One of the values that are equal in a parent's column: text '5' is integer 5 where the column has numbers."""
    if column.affinity in ("integer", "real", "numeric") and isinstance(value, str):
        value = _number(value)
    elif column.affinity == "text" and isinstance(value, int | float):
        value = _text(value)
    return canonical(column, value)


def _number(text: str) -> Value:
    """The number that a text is, surrounding blanks aside; the text itself where it is none."""
    bare = text.strip(_BLANK)
    if _INTEGER.fullmatch(bare) and -_MOST <= int(bare) < _MOST:
        return int(bare)
    return float(bare) if _REAL.fullmatch(bare) else text


def _text(number: int | float) -> str:
    """A number as SQLite writes it into a column of text: 15 digits, and always a point in a real."""
    if isinstance(number, int):
        return str(number)
    digits, mark, exponent = f"{number:.15g}".partition("e")
    return (digits if "." in digits or not digits[-1].isdigit() else digits + ".0") + mark + exponent
