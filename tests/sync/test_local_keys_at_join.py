"""Whose a key is, is said by the network's configuration; a database that joins must be able to keep to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from satchel.errors import SatchelError
from satchel.sync import founding
from tests.sync.sites import Place, contents, found_network, join_network, make_database

OFFICE = (
    "CREATE TABLE invoices (id INTEGER PRIMARY KEY, total REAL)",
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, about INTEGER, text TEXT)",
)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(founding, "_refuse_local", lambda tables: None, raising=False)
    db = make_database(tmp_path / "office.db", *OFFICE)
    yield found_network(tmp_path, db, key_scope=None, references=["notes.about=invoices"])


def test_the_scope_of_the_network_and_its_references_hold_at_every_site(office: Place, tmp_path: Path) -> None:
    branch = join_network(office, "branch", make_database(tmp_path / "branch.db", *OFFICE))
    for place in (office, branch):
        found = place.node.tables()
        assert {t["table"]: t["scope"] for t in found["tables"]} == {"invoices": "local", "notes": "local"}
        assert found["references"] == ["notes.about=invoices"]


@pytest.mark.parametrize(
    "table",
    [
        "CREATE TABLE invoices (id TEXT PRIMARY KEY, total REAL)",
        "CREATE TABLE invoices (id BIGINT PRIMARY KEY, total REAL)",
        "CREATE TABLE invoices (id INTEGER PRIMARY KEY REFERENCES notes, total REAL)",
    ],
)
def test_a_database_whose_keys_are_no_numbers_of_its_own_cannot_join(office: Place, tmp_path: Path, table: str) -> None:
    db = make_database(tmp_path / "branch.db", table, OFFICE[1])
    before = db.read_bytes()
    with pytest.raises(SatchelError, match="here its key id is none") as caught:
        join_network(office, "branch", db)
    assert caught.value.hint
    assert db.read_bytes() == before
    assert contents(tmp_path / "branch-home") == {}
