"""What a seal stages by one statement, beside rows that are decided one by one."""

from __future__ import annotations

import sqlite3
from contextlib import closing as closing_db
from hashlib import sha256
from pathlib import Path

import pytest

from tests.stores.ferry import Ferry, Site, closing
from tests.stores.workshop import SQLiteWorkshop, sites

ITEMS = "CREATE TABLE item (id TEXT PRIMARY KEY{collation}, a, b)"


def scattered(count: int) -> list[tuple[str, int]]:
    return [(sha256(str(number).encode()).hexdigest()[:12], number) for number in range(count)]


def founded(tmp_path: Path, count: int, rows_each: int, collation: str = "") -> tuple[SQLiteWorkshop, Ferry, Site]:
    workshop = SQLiteWorkshop(tmp_path, "wal")
    url = workshop.database("a", ITEMS.format(collation=collation))
    with closing_db(sqlite3.connect(url)) as db:
        db.executemany("INSERT INTO item VALUES (?, ?, 0)", scattered(count))
        db.commit()
    [site] = sites(workshop, url)
    return workshop, Ferry(rows_each=rows_each), site


def versions(site: Site) -> dict[str, int]:
    with closing_db(sqlite3.connect(site.store.url)) as db:
        return dict(db.execute("SELECT k0, q FROM _satchel_row_1").fetchall())


@pytest.mark.parametrize("collation", ["", " COLLATE NOCASE"])
def test_a_baseline_of_scattered_keys_is_in_their_order(tmp_path: Path, collation: str) -> None:
    _, ferry, site = founded(tmp_path, 1500, 400, collation)
    with closing(site):
        keys = [change.key[0] for change in ferry.found(site)]
    assert keys == sorted(key for key, _ in scattered(1500))


def test_versions_name_the_packet_in_which_their_row_is(tmp_path: Path) -> None:
    """Some rows have several events, some of these come to nothing: there are gaps between the staged rows."""
    workshop, ferry, site = founded(tmp_path, 30, 7)
    url = site.store.url
    with closing(site):
        ferry.found(site)
        keys = sorted(key for key, _ in scattered(30))
        writes = [f"UPDATE item SET b = 1 WHERE id = '{key}'" for key in keys]
        writes += [f"UPDATE item SET a = -1 WHERE id = '{key}'" for key in keys[::3]]
        for key in keys[::4]:
            writes += [f"INSERT INTO item VALUES ('{key}x', 0, 0)", f"DELETE FROM item WHERE id = '{key}x'"]
        workshop.run(url, *writes)
        changes = ferry.seal(site)
        known = versions(site)
    first = min(known.values())
    assert [change.key[0] for change in changes] == keys
    assert {key: known[key] for key in keys} == {key: first + place // 7 for place, key in enumerate(keys)}


def test_an_update_carries_every_cell_that_it_did_not_write(tmp_path: Path) -> None:
    workshop, ferry, site = founded(tmp_path, 1, 100)
    with closing(site):
        ferry.found(site)
        [(key, _)] = scattered(1)
        said = []
        for statement in ("SET a = 'x'", "SET b = 'y'", "SET a = 1, b = 2"):
            workshop.run(site.store.url, f"UPDATE item {statement} WHERE id = '{key}'")
            [change] = ferry.seal(site)
            said.append([(group["origin"], group["seq"], group["columns"]) for group in change.meta["lineage"]])
    assert said == [
        [("a", 1, ["id", "b"])],
        [("a", 1, ["id"]), ("a", 2, ["a"])],
        [("a", 1, ["id"])],
    ]
