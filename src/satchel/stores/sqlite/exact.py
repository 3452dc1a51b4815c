"""Values and rows as JSON text in satchel's own tables, exactly: what JSON cannot hold stands in a small object."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from satchel.model.value import Value, is_clean, text_bytes


def _out(value: Value) -> Any:
    if isinstance(value, bytes):
        return {"b": value.hex()}
    if isinstance(value, str) and not is_clean(value):
        return {"t": text_bytes(value).hex()}
    if isinstance(value, float) and not math.isfinite(value):
        return {"r": repr(value)}
    return value


def _in(raw: Any) -> Value:
    if not isinstance(raw, dict):
        return raw  # type: ignore[no-any-return]
    if "b" in raw:
        return bytes.fromhex(raw["b"])
    return bytes.fromhex(raw["t"]).decode("utf-8", "surrogateescape") if "t" in raw else float(raw["r"])


def write_values(values: Sequence[Value]) -> str:
    """A list of values as text."""
    return json.dumps([_out(value) for value in values], separators=(",", ":"), ensure_ascii=False)


def read_values(text: str) -> tuple[Value, ...]:
    """A list of values from its text."""
    return tuple(_in(raw) for raw in json.loads(text))


def write_row(row: Mapping[str, Value] | None) -> Any:
    """A row for json.dumps; None stays None."""
    return None if row is None else {name: _out(value) for name, value in row.items()}


def read_row(raw: Any) -> dict[str, Value] | None:
    """A row from what json.loads gave."""
    return None if raw is None else {name: _in(value) for name, value in raw.items()}
