"""Values of columns between SQLite and Arrow, exactly (PROTOCOL, Packet format: misfit).

SQLite lets any value stand in any column. What a column's Arrow type cannot hold exactly is null there and travels as
a misfit. One rule beside that: in a column of NUMERIC affinity with type float64, a whole double stands for SQLite's
integer of that value, since the affinity makes it one again wherever it is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from satchel.model.gids import is_gid
from satchel.model.schema import Column
from satchel.model.value import EXACT_IN_JSON, Value, is_clean, text_bytes

_PYTHON_TYPE = {"int64": int, "float64": float, "string": str, "binary": bytes}
_CLASS = {int: "integer", float: "real", str: "text", bytes: "blob"}


def arrow_type(column: Column) -> pa.DataType:
    """The Arrow type of a column."""
    return {"int64": pa.int64(), "float64": pa.float64(), "string": pa.string(), "binary": pa.binary()}[column.type]


def to_arrow(column: Column, data: Sequence[Value], *, gids: bool = False) -> tuple[pa.Array, list[tuple[int, Value]]]:
    """The column as Arrow, and the misfits: (row, value). pyarrow converts silently (1.5 as int64 is 1), so the set of
    Python types is looked at first. `gids`: only gids fit."""
    if gids:
        distinct = set(data)  # the same parent stands in many rows
        right = {value for value in distinct if is_gid(value)}
        if distinct <= right | {None}:
            return pa.array(data, pa.string()), []
        odd: list[tuple[int, Value]] = [
            (row, value) for row, value in enumerate(data) if value is not None and value not in right
        ]
        return pa.array([value if value in right else None for value in data], pa.string()), odd
    kinds = set(map(type, data))
    kinds.discard(type(None))
    type_ = arrow_type(column)
    if kinds <= {_PYTHON_TYPE[column.type]}:
        with suppress(UnicodeEncodeError, pa.ArrowInvalid):  # text that is no UTF-8: it is looked at value by value
            return pa.array(data, type_), []
    kept = [value if _fits(column, value) else None for value in data]
    misfits: list[tuple[int, Value]] = [
        (row, value) for row, value in enumerate(data) if value is not None and kept[row] is None
    ]
    if column.type == "float64":
        kept = [float(value) if isinstance(value, int) else value for value in kept]
    return pa.array(kept, type_), misfits


def _fits(column: Column, value: Value) -> bool:
    if isinstance(value, str):
        return column.type == "string" and is_clean(value)
    if isinstance(value, int) and column.type == "float64":
        return column.affinity == "numeric" and abs(value) <= EXACT_IN_JSON
    return type(value) is _PYTHON_TYPE[column.type]


def to_python(batch: pa.RecordBatch, column: Column) -> list[Any]:
    """A column of a batch as Python values; a column that the batch lacks is null."""
    place = batch.schema.get_field_index(column.name)
    return [None] * batch.num_rows if place < 0 else batch.column(place).to_pylist()


def misfit_entry(name: str, value: Value) -> dict[str, object]:
    """A misfit on the wire: class, and digits or bytes."""
    if isinstance(value, str):
        raw = text_bytes(value)
    elif isinstance(value, bytes):
        raw = value
    else:
        raw = repr(value).encode("ascii")
    return {"column": name, "class": _CLASS[type(value)], "value": raw}


def misfit_value(kind: str, raw: bytes) -> Value:
    """The value of a misfit."""
    if kind == "integer":
        return int(raw)
    if kind == "real":
        return float(raw)
    return raw.decode("utf-8", "surrogateescape") if kind == "text" else raw


def map_distinct(texts: pa.Array, make: Any, type_: pa.DataType) -> pa.Array:
    """`make(text)` for every text, called once per distinct text: most rows of a packet share theirs."""
    encoded = texts.dictionary_encode()
    made = pa.array([make(text) for text in encoded.dictionary.to_pylist()], type_)
    return made.take(encoded.indices)


def all_null(array: pa.Array) -> bool:
    """Whether there is nothing in it."""
    return bool(array.null_count == len(array))


def fill(array: pa.Array, value: str) -> pa.Array:
    """Nulls of a text column replaced."""
    return pc.fill_null(array, scalar(value)) if array.null_count else array


def scalar(value: Value, type_: pa.DataType | None = None) -> pa.Scalar:
    """A constant for Arrow, a text if no type is given. Where Python's own is given, pyarrow looks for a module of time
    zones at every call, and finds none: 0.2 ms."""
    return pa.array([value], type_ or pa.string())[0]


EMPTY = scalar("")
