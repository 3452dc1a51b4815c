"""Key equality across nodes: it follows the column's collation and affinity (PROTOCOL, Capture)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from satchel.model.value import Value, text_bytes

if TYPE_CHECKING:
    from satchel.model.ids import Dot
    from satchel.model.schema import Column, Table

ID_DIGITS = 10


def canonical(column: Column, value: Value) -> Value:
    """One of the values that are equal as a key: 1 and 1.0 are one, and 'a' and 'A' under NOCASE."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and column.collation == "NOCASE":  # ASCII only, as in SQLite
        return "".join(c.lower() if c.isascii() else c for c in value)
    if isinstance(value, str) and column.collation == "RTRIM":
        return value.rstrip(" ")
    return value


def key_text(table: Table, key: Sequence[Value]) -> str:
    """A text that is equal for equal keys of a table, and for no others."""
    parts = []
    for name, given in zip(table.key, key, strict=True):
        value = canonical(table.column(name), given)
        kind = "b" if isinstance(value, bytes) else "t" if isinstance(value, str) else "n"
        raw = (
            value if isinstance(value, bytes) else text_bytes(value) if isinstance(value, str) else repr(value).encode()
        )
        parts.append([kind, raw.hex() if kind == "b" else raw.decode("utf-8", "backslashreplace")])
    return json.dumps(parts, separators=(",", ":"), ensure_ascii=False)


def conflict_id(table: Table, key: Sequence[Value], kind: str, dots: Iterable[Dot]) -> str:
    """Id of a conflict between these versions of a row: the same on every node (INTERFACE, Details)."""
    names = ",".join(sorted(map(str, dots)))
    text = "\n".join((table.name, key_text(table, key), kind, names))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:ID_DIGITS]
