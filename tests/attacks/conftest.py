from __future__ import annotations

from pathlib import Path

import pytest

from tests.packet.builders import Acme


@pytest.fixture
def acme(tmp_path: Path) -> Acme:
    return Acme(tmp_path)
