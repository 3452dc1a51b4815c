"""One value as text that is safe to print: on a terminal, in a tab-separated line, in a sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from satchel.cli.document import plain

# Control characters would move the cursor or break a line; marks that turn the direction of text can hide what is
# there. Surrogates stand for bytes that are no UTF-8 (model.value).
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def _escape(found: re.Match[str]) -> str:
    character = found.group()
    code = ord(character)
    return SHORT.get(character) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


def visible(text: str) -> str:
    """Text in one line without anything that a terminal obeys. Doing it twice is doing it once."""
    return UNSAFE.sub(_escape, text)


def cell(value: object) -> str:
    """A value in a column of a table. Numbers and text as they are, NULL, blobs as x'..'."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"x'{bytes(value).hex()}'"
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    reduced = plain(value)
    return visible(reduced if isinstance(reduced, str) else json.dumps(reduced, ensure_ascii=False))


def quoted(value: object) -> str:
    """A value of a row (in the JSON of INTERFACE) inside a sentence: text in quotes, so that its ends are seen."""
    if isinstance(value, str):
        return f"'{visible(value)}'"
    if isinstance(value, Mapping) and len(value) == 1:
        form, content = next(iter(value.items()))
        if form == "base64":
            return f"a blob of {_decoded_size(str(content))} bytes"
        if form == "text_base64":
            return f"text of {_decoded_size(str(content))} bytes that is no UTF-8"
    return cell(value)


def _decoded_size(base64_text: str) -> int:
    return len(base64_text) // 4 * 3 - base64_text[-2:].count("=")


def assignments(row: Mapping[str, object], columns: object = None) -> str:
    """`name = 'Ann', city = NULL`: some columns of a row, or all."""
    chosen = list(columns) if isinstance(columns, (list, tuple)) else list(row)
    return ", ".join(f"{visible(str(c))} = {quoted(row[c])}" for c in chosen if c in row)
