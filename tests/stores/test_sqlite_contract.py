"""The SQLite store keeps the contract, in WAL and in rollback-journal mode."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stores.contract import StoreContract
from tests.stores.workshop import SQLiteWorkshop


class TestSQLite(StoreContract):
    @pytest.fixture(params=["wal", "delete"])
    def workshop(self, request: pytest.FixtureRequest, tmp_path: Path) -> SQLiteWorkshop:
        return SQLiteWorkshop(tmp_path, request.param)
