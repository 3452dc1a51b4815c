"""Values as rows hold them: None, int, float, str, bytes.

Text that is no valid UTF-8 is a `str` whose offending bytes are surrogate escapes (PEP 383): it survives as text,
byte for byte, and cannot be mistaken for a blob.
"""

from __future__ import annotations

import base64
import math
from typing import Any

Value = None | int | float | str | bytes
EXACT_IN_JSON = 2**53


def same(one: Value, two: Value) -> bool:
    """Equal and of one storage class: 1 and 1.0 are two values, and so are 'x' and x'78'."""
    return type(one) is type(two) and one == two


def text_bytes(text: str) -> bytes:
    """The bytes of a text in the database, valid UTF-8 or not."""
    return text.encode("utf-8", "surrogateescape")


def is_clean(text: str) -> bool:
    """Whether a text is valid UTF-8."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def to_json(value: Value) -> Any:
    """A value for JSON (INTERFACE): blobs as `{"base64": ...}`, integers beyond 2^53, infinities and NaN as strings.
    Text that is no UTF-8 is `{"text_base64": ...}`."""
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode("ascii")}
    if isinstance(value, int) and abs(value) > EXACT_IN_JSON:
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, str) and not is_clean(value):
        return {"text_base64": base64.b64encode(text_bytes(value)).decode("ascii")}
    return value
