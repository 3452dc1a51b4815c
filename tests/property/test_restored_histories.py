"""Random histories with restored databases: what the product does is what the reference model says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.property.restored_histories import RestoredHistory


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 106))
def test_a_node_that_went_backwards_does_what_the_model_does(tmp_path: Path, seed: int) -> None:
    RestoredHistory(tmp_path, seed).run()
