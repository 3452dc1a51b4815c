"""Sites that tests of the use cases start from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sync.sites import Place, emptied, found_network, join_network, make_database, meet

SCHEMA = (
    "CREATE TABLE customers (id TEXT PRIMARY KEY, name TEXT, town TEXT)",
    "CREATE TABLE stock (id TEXT PRIMARY KEY, pieces INTEGER)",
    "INSERT INTO customers VALUES ('c1', 'Ada', 'Ulm'), ('c2', 'Bob', 'Bonn')",
    "INSERT INTO stock VALUES ('s1', 4)",
)


@pytest.fixture
def office(tmp_path: Path) -> Place:
    """The founder, alone."""
    return found_network(tmp_path, make_database(tmp_path / "office.db", *SCHEMA))


@pytest.fixture
def branch(office: Place) -> Place:
    """Joined, and at rest with the office: each has the other's acknowledgement."""
    found = join_network(office, "branch", emptied(office.db, office.root / "branch.db"))
    meet(office.root / "share", [office, found])
    return found


@pytest.fixture
def clinic(office: Place, branch: Place) -> Place:
    """A third one, at rest with both."""
    found = join_network(office, "clinic", emptied(office.db, office.root / "clinic.db"))
    meet(office.root / "share", [office, branch, found])
    return found


@pytest.fixture
def share(office: Place) -> Path:
    """Where office, branch and clinic have met."""
    return office.root / "share"
