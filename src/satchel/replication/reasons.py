"""Why a row is not shown as it was written, in words for a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from satchel.model.admission import RowId
from satchel.model.value import Value
from satchel.replication.living import Living
from satchel.replication.plan import Held

LONGEST = 40


def name_value(value: Value) -> str:
    """A value on one line."""
    if isinstance(value, bytes):
        text = f"x'{value.hex()}'"
    else:
        text = "NULL" if value is None else str(value).encode("utf-8", "backslashreplace").decode()
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def name_row(row: RowId) -> str:
    """Table and key."""
    return f"{row[0]} {', '.join(map(name_value, row[1]))}"


def taken(row: Living, by: Sequence[Living]) -> str:
    """Which rows hold which of the row's unique values."""
    told = []
    for other in by:
        shared = next((held for held in row.holds if held in set(other.holds)), None)
        said = _values(shared[1], row) if shared else "a unique value"
        told.append(f"{said} is taken by {name_row(other.id)}")
    return "; ".join(told)


def same_as(other: RowId) -> str:
    """The words for a twin."""
    return f"the same as {name_row(other)}"


def orphaned(held: Held, parent: RowId | None, state: str) -> str:
    """Which parent is gone, parked or changed. `state`: what became of it."""
    if parent is None:
        return f"its parent in {held[0]} is not there"
    return f"its parent {name_row(parent)} {state}"


def note(row: Living) -> str:
    """What is not as written in a row that is shown; empty: nothing."""
    told = []
    if row.needed_by is not None:
        told.append(f"deleted, but {name_row(row.needed_by)} needs it")
    if row.forgot:
        told.append("forgot its parent in " + ", ".join(dict.fromkeys(ref.parent for ref in row.forgot)))
    return "; ".join(told)


def _values(columns: Iterable[str], row: Living) -> str:
    return ", ".join(f"{column} = {name_value(row.values.get(column))}" for column in columns)
