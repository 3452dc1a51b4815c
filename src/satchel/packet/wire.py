"""Vectors and times as documents have them, and back; nothing here checks anything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from satchel.model.stamp import rfc3339
from satchel.model.vector import Mark, Vector

FORMAT_MAJOR, FORMAT_MINOR = 1, 0  # of everything that is signed


def to_wire(vector: Vector) -> dict[str, tuple[int, str]]:
    """A vector as JSON has it."""
    return {origin: (mark.seq, mark.hash) for origin, mark in vector.items()}


def from_wire(vector: Mapping[str, tuple[int, str]]) -> dict[str, Mark]:
    """A vector of JSON as the rooms share it."""
    return {origin: Mark(*entry) for origin, entry in vector.items()}


def time_text(milliseconds: int) -> str:
    """Milliseconds since 1970 UTC as documents have them."""
    return rfc3339(milliseconds)


def time_value(text: str) -> int:
    """Milliseconds since 1970 UTC of a document's time."""
    moment = datetime.fromisoformat(text)
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000 + 0.5)
