"""Rows that somebody names in a question: by key, by gid, by the number of their birth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal

import pyarrow as pa

from satchel.errors import UsageError
from satchel.model.gids import is_gid
from satchel.model.schema import Table
from satchel.model.value import Value


def key_values(table: Table, given: object) -> tuple[Value, ...]:
    """The values of a key as somebody wrote it: one value; for several columns a list, a row(...) or a JSON list.
    UsageError: there are too many or too few of them."""
    values: Sequence[object] = [given]
    if isinstance(given, (list, tuple)):
        values = given
    elif isinstance(given, str) and len(table.key) > 1:
        values = _json_list(given)
    if len(values) != len(table.key):
        names = ", ".join(table.key)
        raise UsageError(
            f"the key of {table.name} has {len(table.key)} columns ({names}), not {len(values)}",
            f"""Write row({names}) with values, or a JSON list in quotes: '["a", 1]'.""",
        )
    return tuple(map(_value, values))


def value_of(column: pa.ChunkedArray) -> object:
    """The one value of a column; a row(...) as the list of its values: they need not have different names."""
    array = column.combine_chunks()
    if pa.types.is_struct(array.type):
        return [array.field(place)[0].as_py() for place in range(array.type.num_fields)]
    return array[0].as_py()


def is_number(table: Table, key: Sequence[Value]) -> bool:
    """Whether a row with a local number is named by a number, which is no identity."""
    return table.scope == "local" and not is_gid(key[0])


def _json_list(text: str) -> Sequence[object]:
    try:
        found = json.loads(text)
    except ValueError:
        return [text]
    return found if isinstance(found, list) else [text]


def _value(value: object) -> Value:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if value is None or isinstance(value, (int, float, str, bytes)):
        return value
    raise UsageError(f"a key holds numbers, texts and blobs, not {value!r}", "Write it as it stands in the table.")
