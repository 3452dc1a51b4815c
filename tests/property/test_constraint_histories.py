"""Random histories over the specification's toy schema: the store shows, parks and lists what its model says."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from tests.property.constraint_histories import History


@pytest.mark.parametrize("seed", [*range(6), 240])  # 240: a row that refers to itself waits for a value
def test_a_store_keeps_constraints_as_the_model_does_after_any_history(
    tmp_path: Path, spec: ModuleType, seed: int
) -> None:
    History(tmp_path, spec, seed).run()


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 150, 5))
def test_a_store_keeps_constraints_as_the_model_does_after_many_histories(
    tmp_path: Path, spec: ModuleType, first: int
) -> None:
    for seed in range(first, first + 5):
        folder = tmp_path / str(seed)
        folder.mkdir()
        History(folder, spec, seed).run()
