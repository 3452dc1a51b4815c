"""Numbers and texts as columns take them for one another (SQLite's affinities, datatype3.html, section 3)."""

from __future__ import annotations

import re

from satchel.model.value import Value

BLANK = " \t\n\v\f\r"
MOST = 2**63
_INTEGER = re.compile(r"[+-]?[0-9]+")
_REAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


def number_in(text: str) -> Value:
    """The number that a text is, surrounding blanks aside; the text itself where it is none."""
    bare = text.strip(BLANK)
    if _INTEGER.fullmatch(bare) and -MOST <= int(bare) < MOST:
        return int(bare)
    return float(bare) if _REAL.fullmatch(bare) else text


def text_of(number: int | float) -> str:
    """A number as SQLite writes it into a column of text: 15 digits, and always a point in a real."""
    if isinstance(number, int):
        return str(number)
    digits, mark, exponent = f"{number:.15g}".partition("e")
    return (digits if "." in digits or not digits[-1].isdigit() else digits + ".0") + mark + exponent


def stored(affinity: str, value: Value) -> Value:
    """A value as a column of this affinity (integer | real | numeric | text | blob) stores it."""
    if affinity in ("integer", "real", "numeric") and isinstance(value, str):
        value = number_in(value)
    if affinity == "text" and isinstance(value, int | float):
        return text_of(value)
    if affinity == "real" and isinstance(value, int):
        return float(value)
    if affinity in ("integer", "numeric") and isinstance(value, float) and value.is_integer() and abs(value) < MOST:
        return int(value)
    return value
