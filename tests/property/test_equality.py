"""Equal vectors have equal digests after any history, and one thing that is changed on one side shows, with its table
and column; replays come to what the databases show."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.property import equality_histories
from tests.property.constraint_histories import load_global_spec

needs_spec = pytest.mark.skipif(
    load_global_spec() is None, reason="the specification's model is not beside this repository"
)


@pytest.mark.parametrize("seed", range(3))
def test_digests_with_own_numbers_are_equal_and_notice_one_change(tmp_path: Path, seed: int) -> None:
    assert equality_histories.play("own", tmp_path, seed)


@needs_spec
@pytest.mark.parametrize(("kind", "seed"), [("toy", 2), ("toy", 4), ("forget", 3)])
def test_digests_under_constraints_are_equal_and_notice_one_change(tmp_path: Path, kind: str, seed: int) -> None:
    assert equality_histories.play(kind, tmp_path, seed)


@pytest.mark.parametrize("seed", [102])
def test_a_replay_comes_to_what_each_node_shows_at_any_moment(tmp_path: Path, seed: int) -> None:
    equality_histories.ReplayedHistory(tmp_path, seed).run()
