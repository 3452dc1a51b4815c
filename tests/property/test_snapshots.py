"""Snapshots at any moment of any history: installing one is as good as applying every packet; what is forgotten as
stable is never asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.property.constraint_histories import load_global_spec
from tests.property.snapshot_histories import history

needs_spec = pytest.mark.skipif(
    load_global_spec() is None, reason="the specification's model is not beside this repository"
)


@needs_spec
@pytest.mark.parametrize("seed", [3, 8])
def test_late_snapshots_come_to_what_the_model_says(tmp_path: Path, seed: int) -> None:
    history("toy", tmp_path, seed).run()


@pytest.mark.parametrize("seed", [1, 2])
def test_late_snapshots_come_to_what_was_ever_sealed_with_own_numbers(tmp_path: Path, seed: int) -> None:
    history("own", tmp_path, seed).run()


@needs_spec
@pytest.mark.parametrize("seed", [2])
def test_deleted_rows_that_are_stable_are_never_asked_for(tmp_path: Path, seed: int) -> None:
    told = history("forget", tmp_path, seed)
    told.run()
    assert told.forgotten


@needs_spec
def test_acknowledged_by_all_alone_would_not_do(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        history("hasty", tmp_path, 7).run()


@needs_spec
@pytest.mark.slow
@pytest.mark.parametrize(("kind", "first"), [("toy", 200), ("own", 200), ("forget", 200)])
def test_snapshots_come_to_what_packets_come_to_after_many_histories(tmp_path: Path, kind: str, first: int) -> None:
    for seed in range(first, first + 6):
        folder = tmp_path / str(seed)
        folder.mkdir()
        history(kind, folder, seed).run()
