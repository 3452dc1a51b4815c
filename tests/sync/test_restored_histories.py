"""Backups that are restored at any moment: nothing is lost, no number is used twice, all end with the same rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.property.member import scratch
from tests.sync.restored_histories import History


@pytest.mark.parametrize("seed", range(1))
def test_restores_lose_nothing_and_use_no_number_twice(seed: int) -> None:
    with scratch() as folder:
        History(Path(folder), seed).run()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 106))
def test_many_histories_of_restores(seed: int) -> None:
    with scratch() as folder:
        History(Path(folder), seed).run()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200, 204))
def test_restores_that_nobody_noticed_are_forks_and_lose_nothing(seed: int) -> None:
    with scratch() as folder:
        History(Path(folder), seed, noticed=False).run()
