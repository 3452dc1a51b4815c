"""The JSON document of `--json`: every value in a form that any JSON reader takes (INTERFACE, JSON)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from satchel.model.value import to_json


def plain(value: object) -> Any:
    """A value out of what JSON has. Blobs, large integers, infinities: model.value; moments are RFC 3339 (a time
    without a zone has none), decimals and whatever else there is are strings."""
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return to_json(value)
    if isinstance(value, (bytearray, memoryview)):
        return to_json(bytes(value))
    if isinstance(value, Mapping):
        return {_name(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)) and not hasattr(value, "_fields"):
        return [plain(item) for item in (sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value)]
    return _scalar(value)


def _name(key: object) -> str:
    """A member's name; a name that is no UTF-8 keeps its bytes as escapes."""
    text = key if isinstance(key, str) else str(plain(key))
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _scalar(value: object) -> str:
    from decimal import Decimal

    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value.tzinfo else value.isoformat()
    if isinstance(value, (date, time)):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) and value.is_finite() else str(value)


def document(data: Mapping[str, Any], indent: int | None = None) -> str:
    """One JSON document, in ASCII: what reads it may use any encoding."""
    return json.dumps(plain(data), indent=indent, allow_nan=False)
