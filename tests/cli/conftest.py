"""The fake Python API in the place of the real one."""

from __future__ import annotations

from pathlib import Path

import pytest

import satchel
from tests.cli.fake import FakeApi
from tests.sync.places import branch, office, templates

__all__ = ["api", "branch", "office", "templates"]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeApi:
    """`satchel.open` and its like answer what the test prepares; a home is in $SATCHEL_HOME."""
    fake = FakeApi()
    monkeypatch.setattr(satchel, "open", fake.open, raising=False)
    for name in ("init", "join", "verify", "audit"):
        monkeypatch.setattr(satchel, name, fake.answer(name), raising=False)
    home = tmp_path / "home"
    home.mkdir()
    (home / "satchel.toml").write_text("")
    monkeypatch.setenv("SATCHEL_HOME", str(home))
    return fake
