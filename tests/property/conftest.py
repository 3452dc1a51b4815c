"""Nobody pulls a plug here: what these tests write lies in memory where there is a place for that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.property.member import scratch


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with scratch() as folder:
        yield Path(folder)
