from __future__ import annotations

from pathlib import Path

import pytest

from tests.packet.builders import Acme
from tests.sync.places import branch, clinic, office, share, templates

__all__ = ["acme", "branch", "clinic", "office", "share", "templates"]


@pytest.fixture
def acme(tmp_path: Path) -> Acme:
    return Acme(tmp_path)
