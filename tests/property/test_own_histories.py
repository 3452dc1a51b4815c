"""Random histories of databases that hand out numbers: no row mixes two births, and every child is under its parent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.property.own_histories import History


@pytest.mark.parametrize("seed", range(16))
def test_rows_with_own_numbers_are_the_same_everywhere_after_any_history(tmp_path: Path, seed: int) -> None:
    History(tmp_path, seed).run()


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 200, 10))
def test_rows_with_own_numbers_are_the_same_everywhere_after_many_histories(tmp_path: Path, first: int) -> None:
    for seed in range(first, first + 10):
        folder = tmp_path / str(seed)
        folder.mkdir()
        History(folder, seed).run()
