"""Random histories with revocations: what lies beyond a cut is taken out as the specification's model does it."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from tests.property import own_revocations
from tests.property.revocations import History

# Each of these was once wrong: entries of the list that share a name, references to rows that were taken out, values
# that an innocent node had taken over from them.
FOUND = (212, 249, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (153, 330)))


@pytest.mark.parametrize("seed", FOUND)
def test_a_store_takes_out_what_lies_beyond_a_cut_as_the_model_does(
    tmp_path: Path, spec: ModuleType, seed: int
) -> None:
    History(tmp_path, spec, seed).run()


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 1015, 5))
def test_stores_agree_whenever_they_hear_of_a_revocation(tmp_path: Path, spec: ModuleType, first: int) -> None:
    for seed in range(first, first + 5):
        folder = tmp_path / str(seed)
        folder.mkdir()
        History(folder, spec, seed).run()


@pytest.mark.parametrize("seed", [10, pytest.param(24, marks=pytest.mark.slow)])
def test_own_numbers_follow_what_is_taken_out(tmp_path: Path, seed: int) -> None:
    own_revocations.History(tmp_path, seed).run()


@pytest.mark.slow
@pytest.mark.parametrize("first", range(2000, 2010, 5))
def test_own_numbers_follow_what_is_taken_out_in_many_histories(tmp_path: Path, first: int) -> None:
    for seed in range(first, first + 5):
        folder = tmp_path / str(seed)
        folder.mkdir()
        own_revocations.History(folder, seed).run()
