"""JSON that is signed: one way to write it, and a strict reader that knows beforehand what it will cost."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from satchel.errors import BadPacket

# Bytes that begin a value or stand between two, and what it costs in memory, in units of some 200 bytes: there are no
# more values than these. Those inside texts count, too.
_COSTS = {b",": 1, b"[": 4, b"{": 10}


def dump_json(value: Any) -> bytes:
    """Canonical bytes: keys sorted, indented by one space, UTF-8; the same value always gives the same bytes."""
    text = json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def load_object(data: bytes, max_bytes: int, max_values: int) -> dict[str, Any]:
    """One JSON object of at most `max_bytes` and about `max_values` values: `{},{},` fills 200 times its size of
    memory. BadPacket if it is too large, is no JSON or no object, has a number that no double holds, or a key twice:
    readers disagree on which of two equal keys counts, so what one verifies another could read differently."""
    if len(data) > max_bytes:
        raise BadPacket(f"{len(data)} bytes are more than the {max_bytes} that are allowed")
    if (values := sum(cost * data.count(mark) for mark, cost in _COSTS.items())) > max_values:
        raise BadPacket(f"about {values} values are more than the {max_values} that are allowed")
    try:
        value = _DECODER.decode(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadPacket(f"not JSON: {_first_line(error)}") from error
    if not isinstance(value, dict):
        raise BadPacket("not a JSON object")
    return value


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadPacket("a key stands twice in one JSON object")
    return found


def _finite(text: str) -> float:
    """1e400 would be read as infinity, which no JSON can say again."""
    number = float(text)
    if not math.isfinite(number):
        raise BadPacket(f"{text[:20]} is beyond what a number can be")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise BadPacket(f"{name} is not JSON")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


# One for all: json.loads makes one at each call, and a bit of memory of each is never given back.
_DECODER = json.JSONDecoder(object_pairs_hook=_without_doubles, parse_constant=_refuse_constant, parse_float=_finite)
