"""Many watches over one folder, in processes of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemon.crowd import play


@pytest.mark.slow
def test_five_desks_that_write_all_the_time_come_to_hold_the_same(tmp_path: Path) -> None:
    edits, _, wrong = play(tmp_path, nodes=5, seconds=8)
    assert edits > 20
    assert wrong == []
