"""Names of the columns in a lake's files."""

from __future__ import annotations

from satchel.audit.tables import CHANGE_FIELDS
from satchel.packet.table import CHANGE_COLUMN

PACKET_COLUMN = "_packet"  # hash of the manifest
FLAT = tuple(f"_{field}" for field in CHANGE_FIELDS)
_RESERVED = frozenset({*FLAT, PACKET_COLUMN, CHANGE_COLUMN})


def lake_name(column: str) -> str:
    """A user's column in a lake: where it has the name of one of ours, `column_` stands before it."""
    return f"column_{column}" if column.lower() in _RESERVED else column
