"""A shop that several sites have edited, with many customers: another edit of it is no reason to look at them all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from satchel.model.value import Value
from satchel.stores.sqlite.cases import Case, Cases
from satchel.stores.sqlite.layout import Layout
from tests.sync.sites import Place, emptied, found_network, join_network, make_database, meet

SCHEMA = (
    "CREATE TABLE shops (id INTEGER PRIMARY KEY, town TEXT, code TEXT UNIQUE)",
    "CREATE TABLE customers (id INTEGER PRIMARY KEY, shop INT NOT NULL REFERENCES shops)",
    "INSERT INTO shops VALUES (1, 'Ulm', 'U'), (2, 'Bonn', 'B')",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
    " INSERT INTO customers SELECT i, 1 FROM n",
)


@pytest.fixture
def places(tmp_path: Path) -> list[Place]:
    """Two sites with an open conflict about the town."""
    office = found_network(tmp_path, make_database(tmp_path / "office.db", *SCHEMA), key_scope={})
    branch = join_network(office, "branch", emptied(office.db, tmp_path / "branch.db"))
    meet(tmp_path / "share", [office, branch])
    office.sql("UPDATE shops SET town = 'Neu-Ulm' WHERE id = 1")
    branch.sql("UPDATE shops SET town = 'Ulm an der Donau' WHERE id = 1")
    meet(tmp_path / "share", [office, branch])
    return [office, branch]


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> set[tuple[Value, ...]]:
    """Customers that a landing has read one by one."""
    seen: set[tuple[Value, ...]] = set()
    find = Cases.find

    def spying(cases: Cases, layout: Layout, key: Sequence[Value]) -> Case | None:
        if layout.table.name == "customers":
            seen.add(tuple(key))
        return find(cases, layout, key)

    monkeypatch.setattr(Cases, "find", spying)
    return seen


def test_an_edit_of_a_contested_parent_does_not_look_at_its_children(
    places: list[Place], tmp_path: Path, looked_at: set[tuple[Value, ...]]
) -> None:
    places[0].sql("UPDATE shops SET town = 'Ulm' WHERE id = 1")
    meet(tmp_path / "share", places)
    assert looked_at == set()
    assert [place.node.conflicts() for place in places] == [[], []]
    assert places[1].rows("SELECT town FROM shops WHERE id = 1") == [("Ulm",)]


def test_a_deleted_contested_parent_does(
    places: list[Place], tmp_path: Path, looked_at: set[tuple[Value, ...]]
) -> None:
    places[0].sql(
        "DELETE FROM customers WHERE id > 3", "UPDATE customers SET shop = 2", "DELETE FROM shops WHERE id = 1"
    )
    places[1].sql("INSERT INTO customers VALUES (300, 1)")
    meet(tmp_path / "share", places)
    assert looked_at
    for place in places:
        assert place.rows("SELECT count(*) FROM customers WHERE shop = 1") == [(1,)]
        assert place.rows("PRAGMA foreign_key_check") == []
