"""What all tests share."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
AUDIT = TESTS / "audit"
# They play whole networks for long, or try very many values: `make quick` leaves them out, `make test` does not.
LONG = (
    "conformance", "corpora", "demo", "faults", "kills", "property", "simulation", "attacks/test_limits",
    "replication/test_coalesce_against", "replication/test_constraints_closure", "replication/test_constraints_hold",
    "replication/test_against_reference", "stores/test_sqlite_fidelity", "stores/test_sqlite_schema",
    "stores/test_sqlite_values", "sync/test_applications", "sync/test_branch", "sync/test_circles",
    "sync/test_leaving", "sync/test_media", "sync/test_pruning", "sync/test_restored", "sync/test_reverting_",
    "sync/test_schema",
    "sync/test_undeclared",
)  # fmt: skip
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
        if item.path.relative_to(TESTS).as_posix().startswith(LONG):
            item.add_marker("slow")
