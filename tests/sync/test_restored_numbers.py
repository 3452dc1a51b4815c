"""Rows with numbers that the database hands out, after it was put back from a backup: none twice, none mixed up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.sync.backups import BOTH, DATABASE, backup
from tests.sync.sites import Place, found_network, join_network, make_database, meet


def test_a_database_put_back_to_before_its_first_import_knows_its_own_rows_again(
    tmp_path: Path,
) -> None:
    share, orders = tmp_path / "share", "CREATE TABLE orders (id INTEGER PRIMARY KEY, what TEXT, pieces INTEGER)"
    db = make_database(tmp_path / "office.db", orders, "INSERT INTO orders VALUES (1, 'desk', 1)")
    office = found_network(tmp_path, db, key_scope={})
    db = make_database(tmp_path / "clinic.db", orders, "INSERT INTO orders VALUES (1, 'lamp', 3), (2, 'chair', 4)")
    clinic = Place("clinic", tmp_path, db)
    join_network(office, "clinic", clinic.db)
    old = backup(clinic)
    meet(share, [office, clinic])
    assert office.rows("SELECT what FROM orders ORDER BY what") == [("chair",), ("desk",), ("lamp",)]
    old.restore(*DATABASE)
    clinic.sql("INSERT INTO orders VALUES (7, 'late', 1)")
    clinic.node.sync(share)
    meet(share, [office, clinic])
    assert clinic.vector() == office.vector()
    found = [("chair",), ("desk",), ("lamp",), ("late",)]
    assert office.rows("SELECT what FROM orders ORDER BY what") == found
    assert clinic.rows("SELECT what FROM orders ORDER BY what") == found


@pytest.mark.parametrize("what", [DATABASE, BOTH], ids=["database", "both"])
def test_a_row_that_was_pending_in_the_backup_and_was_sent_since_is_one_row(
    tmp_path: Path, what: Sequence[str]
) -> None:
    share, orders = tmp_path / "share", "CREATE TABLE orders (id INTEGER PRIMARY KEY, what TEXT, pieces INTEGER)"
    lines = "CREATE TABLE lines (id INTEGER PRIMARY KEY, ref INTEGER REFERENCES orders (id), what TEXT)"
    office = found_network(tmp_path, make_database(tmp_path / "office.db", orders, lines), key_scope={})
    branch = join_network(office, "branch", make_database(tmp_path / "branch.db", orders, lines))
    meet(share, [office, branch])
    office.sql("INSERT INTO orders VALUES (1, 'desk', 1), (2, 'lamp', 1), (3, 'sofa', 1)")
    office.sql("INSERT INTO lines VALUES (1, 1, 'of desk'), (2, 2, 'of lamp')")
    office.sql("DELETE FROM orders WHERE id = 3")
    old = backup(office)
    office.sql("UPDATE orders SET pieces = 5 WHERE id = 1")
    office.sql("INSERT INTO orders VALUES (3, 'bed', 1)")
    meet(share, [office, branch])
    old.restore(*what)
    office.sql("UPDATE orders SET what = 'LAMP' WHERE id = 2")
    office.sql("INSERT INTO orders VALUES (3, 'chair', 1)")  # a number that was handed out again is another row
    office.sql("INSERT INTO lines VALUES (3, 3, 'of chair'), (4, 1, 'of desk, too')")
    meet(share, [office, branch])
    for place in (office, branch):
        found = place.rows("SELECT what, pieces FROM orders ORDER BY what")
        assert found == [("LAMP", 1), ("bed", 1), ("chair", 1), ("desk", 5)]
        found = place.rows("SELECT l.what, o.what FROM lines l JOIN orders o ON o.id = l.ref ORDER BY l.what")
        assert found == [("of chair", "chair"), ("of desk", "desk"), ("of desk, too", "desk"), ("of lamp", "LAMP")]
    assert office.rows("SELECT id FROM orders WHERE what = 'chair'") == [(3,)]
