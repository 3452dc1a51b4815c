"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

AUDIT = Path(__file__).parent / "audit"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of the audit also runs with the oldest DuckDB (`make test-duckdb-1.5`)."""
    for item in items:
        if item.path.is_relative_to(AUDIT):
            item.add_marker("audit")
