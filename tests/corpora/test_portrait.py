"""The comparison that the corpora rest on: it must see what differs, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.corpora.portrait import portrait
from tests.sync.sites import make_database

SCHEMA = (
    "CREATE TABLE invoices (id INTEGER PRIMARY KEY, total REAL)",
    "CREATE TABLE lines (id INTEGER PRIMARY KEY, invoice INT REFERENCES invoices, text TEXT)",
    "CREATE TABLE seals (line INTEGER PRIMARY KEY REFERENCES lines, above INT REFERENCES seals, loose INT)",
)
NAMED = {("seals", "loose"): "invoices"}
ROWS = (
    "INSERT INTO invoices VALUES (1, 5.0), (2, 5.0)",
    "INSERT INTO lines VALUES (1, 1, 'bolt'), (2, 1, 'nut'), (3, 2, 'bolt'), (4, 2, 'nut')",
    "INSERT INTO seals VALUES (1, 3, 2), (3, 1, NULL)",
)


def test_other_numbers_for_the_same_rows_make_no_difference(tmp_path: Path) -> None:
    one = make_database(tmp_path / "one.db", *SCHEMA, *ROWS)
    other = make_database(
        tmp_path / "other.db",
        *SCHEMA,
        "INSERT INTO invoices VALUES (7, 5.0), (8, 5.0)",
        "INSERT INTO lines VALUES (14, 8, 'nut'), (11, 8, 'bolt'), (12, 7, 'nut'), (13, 7, 'bolt')",
        "INSERT INTO seals VALUES (11, NULL, 7)",
        "INSERT INTO seals VALUES (13, 11, NULL)",
        "UPDATE seals SET above = 13 WHERE line = 11",
    )
    assert portrait(one, NAMED).unlike(portrait(other, NAMED)) == {}
    assert portrait(one, NAMED).count() == {"invoices": 2, "lines": 4, "seals": 2}


@pytest.mark.parametrize(
    ("edit", "table"),
    [
        ("UPDATE lines SET text = 'bolt' WHERE id = 2", "lines"),
        ("UPDATE lines SET invoice = 2 WHERE id = 2", "invoices"),  # the same lines, on other invoices
        ("UPDATE lines SET invoice = NULL WHERE id = 2", "lines"),
        ("UPDATE invoices SET total = 5.5 WHERE id = 2", "invoices"),
        ("DELETE FROM lines WHERE id = 2", "lines"),
        ("UPDATE seals SET above = 1 WHERE line = 1", "lines"),  # other lines stand for the seals
        ("UPDATE seals SET loose = 1 WHERE line = 1", "invoices"),
        ("UPDATE seals SET loose = 9 WHERE line = 1", "seals"),
    ],
)
def test_what_hangs_elsewhere_or_is_gone_is_seen(tmp_path: Path, edit: str, table: str) -> None:
    one = portrait(make_database(tmp_path / "one.db", *SCHEMA, *ROWS), NAMED)
    other = portrait(make_database(tmp_path / "other.db", *SCHEMA, *ROWS, edit), NAMED)
    assert table in one.unlike(other)
