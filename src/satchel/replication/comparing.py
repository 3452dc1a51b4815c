"""How a child's value finds its parent's: with the parent column's affinity and collation, as SQLite compares them."""

from __future__ import annotations

from satchel.model.affinity import number_in, text_of
from satchel.model.key import canonical
from satchel.model.schema import Column
from satchel.model.value import Value


def comparable(column: Column, value: Value) -> Value:
    """One of the values that are equal in a parent's column: text '5' is integer 5 where the column has numbers."""
    if column.affinity in ("integer", "real", "numeric") and isinstance(value, str):
        value = number_in(value)
    elif column.affinity == "text" and isinstance(value, int | float):
        value = text_of(value)
    return canonical(column, value)
