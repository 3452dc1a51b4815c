"""Random histories: what the product does is what the reference model says, whatever happens to packets and clocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.property.histories import History


@pytest.mark.parametrize("seed", range(8))
def test_the_product_shows_what_the_model_shows_after_any_history(tmp_path: Path, seed: int) -> None:
    History(tmp_path, seed).run()


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 115, 5))
def test_the_product_shows_what_the_model_shows_after_many_histories(tmp_path: Path, first: int) -> None:
    for seed in range(first, first + 5):
        folder = tmp_path / str(seed)
        folder.mkdir()
        History(folder, seed).run()
