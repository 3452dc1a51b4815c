"""What all tests share."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

AUDIT = Path(__file__).parent / "audit"
MEMORY = Path("/dev/shm")
ROOM = 4 << 30  # bytes that have to be free there


def pytest_configure() -> None:
    """Folders of tests lie in memory where there is room: flushing to a disk is most of the time of many tests. Set
    PYTEST_DEBUG_TEMPROOT to have them elsewhere."""
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of the audit also runs with the oldest DuckDB (`make test-duckdb-1.5`)."""
    for item in items:
        if item.path.is_relative_to(AUDIT):
            item.add_marker("audit")
