"""What the tests of every kind of exchange share."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.exchange.contract")

from tests.exchange.contract import CONTENT  # noqa: E402 - after its asserts were announced


@pytest.fixture
def parts(tmp_path: Path) -> dict[str, Path]:
    """The parts of a packet as files outside of the exchange."""
    folder = tmp_path / "own"
    folder.mkdir()
    for name, data in CONTENT.items():
        (folder / name).write_bytes(data)
    return {name: folder / name for name in CONTENT}
