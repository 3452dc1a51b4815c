"""Digests of tables that do not depend on the order of rows (PROTOCOL, Equality; docs/spec/equality.md, steps Q3-Q6).

    dots     sum of H(key, 0x00, dots of the siblings) over rows
    column   sum of H(key, 0x01, name of the column, value) over the rows that are shown

modulo 2^128; H is the first 16 bytes of the sha256, as a number, the highest byte first. Everything is computed for
lists of rows, column by column: a million rows have many millions of cells.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterable, Sequence
from hashlib import sha256

from satchel.model.key import canonical
from satchel.model.schema import Column
from satchel.model.value import EXACT_IN_JSON, Value, text_bytes

_MODULUS = 1 << 128
_REAL = struct.Struct(">d").pack
_LENGTH = struct.Struct(">I").pack
_WORDS = 4  # of 64 bits in a sha256; the first two are H


class Sum:
    """One sum that grows."""

    __slots__ = ("count", "value")

    def __init__(self) -> None:
        self.value = 0
        self.count = 0

    def add(self, texts: Iterable[bytes]) -> None:
        """Adds H of each."""
        words = array("Q")
        words.frombytes(b"".join([sha256(text).digest() for text in texts]))
        if sys.byteorder == "little":
            words.byteswap()
        self.value += (sum(words[0::_WORDS]) << 64) + sum(words[1::_WORDS])
        self.count += len(words) // _WORDS

    @property
    def hex(self) -> str:
        """32 hex digits."""
        return f"{self.value % _MODULUS:032x}"


def key_texts(columns: Sequence[Column], keys: Sequence[Sequence[Value]]) -> list[bytes]:
    """Each key as bytes, equal for equal keys and for no others. `keys`: column by column. `columns` empty: gids."""
    parts = []
    for place, values in enumerate(keys):
        canon = [canonical(columns[place], value) for value in values] if columns else values
        parts.append([_LENGTH(len(text)) + text for text in value_texts(canon)])
    return parts[0] if len(parts) == 1 else [b"".join(key) for key in zip(*parts, strict=True)]


def value_texts(values: Sequence[Value], before: bytes = b"") -> list[bytes]:
    """Values as bytes, with some bytes `before` each: a letter for the class, then digits, the 8 bytes of a double, or
    the bytes of text and blob."""
    kinds = set(map(type, values))
    if kinds == {str}:
        lead = before + b"t"
        try:
            return [lead + value.encode() for value in values]  # type: ignore[union-attr]
        except UnicodeEncodeError:
            return [lead + text_bytes(value) for value in values]  # type: ignore[arg-type]
    if kinds == {int}:
        return [before + b"i%d" % value for value in values]  # type: ignore[str-format]
    if kinds == {float}:
        lead = before + b"r"
        return [lead + _REAL(value) for value in values]
    return [before + _text(value) for value in values]


def _text(value: Value) -> bytes:
    if value is None:
        return b"n"
    if isinstance(value, str):
        return b"t" + text_bytes(value)
    if isinstance(value, bytes):
        return b"b" + value
    return b"i%d" % value if isinstance(value, int) else b"r" + _REAL(value)


def on_wire(column: Column, values: Sequence[Value]) -> Sequence[Value]:
    """Values as packets have them: in a column of NUMERIC affinity with type float64 a whole double stands for the
    integer of that value."""
    if column.type != "float64" or column.affinity != "numeric" or int not in set(map(type, values)):
        return values
    return [float(v) if isinstance(v, int) and abs(v) <= EXACT_IN_JSON else v for v in values]


def dots_texts(keys: Iterable[bytes], dots: Iterable[str]) -> list[bytes]:
    """What is hashed of the siblings of rows. `dots` of each: `office/12`, several of them in order of origin and seq,
    a comma between."""
    return [key + b"\0" + names.encode() for key, names in zip(keys, dots, strict=True)]


def cell_texts(keys: Iterable[bytes], column: Column, values: Sequence[Value]) -> list[bytes]:
    """What is hashed of a column of rows."""
    name = text_bytes(column.name)
    tag = b"\1" + _LENGTH(len(name)) + name
    texts = value_texts(on_wire(column, values), tag)
    return [key + text for key, text in zip(keys, texts, strict=True)]
