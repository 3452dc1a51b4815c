"""Sites that tests of the use cases start from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sync.sites import Place, Templates


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """Networks that are copied for each test."""
    return Templates(tmp_path_factory.mktemp("templates"))


@pytest.fixture
def office(request: pytest.FixtureRequest, templates: Templates, tmp_path: Path) -> Place:
    """The founder, alone unless the test asks for a branch or a clinic."""
    sites = 3 if "clinic" in request.fixturenames else 2 if "branch" in request.fixturenames else 1
    templates.copy(sites, tmp_path)
    return Place("office", tmp_path, tmp_path / "office.db")


@pytest.fixture
def branch(office: Place) -> Place:
    """Joined, and at rest with the office: each has the other's acknowledgement."""
    return Place("branch", office.root, office.root / "branch.db")


@pytest.fixture
def clinic(office: Place, branch: Place) -> Place:
    """A third one, at rest with both."""
    return Place("clinic", office.root, office.root / "clinic.db")


@pytest.fixture
def share(office: Place) -> Path:
    """Where office, branch and clinic have met."""
    return office.root / "share"
