"""pygeodiff, which compares two whole databases. Its processes load no other SQLite than its own."""

from __future__ import annotations

from typing import Any

from benchmarks.clock import timed
from benchmarks.orders import warm


def create(base: str, changed: str, changeset: str) -> dict[str, Any]:
    """What differs between two databases, as a file."""
    import pygeodiff

    geodiff = pygeodiff.GeoDiff()
    warm(base)
    warm(changed)
    with timed() as span:
        geodiff.create_changeset(base, changed, changeset)
    return span.as_json()


def apply(path: str, changeset: str) -> dict[str, Any]:
    """Applies it."""
    import pygeodiff

    geodiff = pygeodiff.GeoDiff()
    warm(path)
    with timed() as span:
        geodiff.apply_changeset(path, changeset)
    return span.as_json()
