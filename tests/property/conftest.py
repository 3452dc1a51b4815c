"""Nobody pulls a plug here: what these tests write lies in memory where there is a place for that. The model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.property.constraint_histories import load_global_spec
from tests.property.member import scratch


@pytest.fixture(scope="module")
def spec() -> Iterator[ModuleType]:
    """The specification's model with keys that mean the same everywhere."""
    module = load_global_spec()
    if module is None:
        pytest.skip("the specification's model is not beside this repository")
    yield module


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with scratch() as folder:
        yield Path(folder)
