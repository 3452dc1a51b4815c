"""Tables that refer to each other in a circle: whichever arrives first, its rows refer to rows without a number yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sync.sites import Place, copied, dump, found_network, join_network, make_database, meet, opened

DEFERRED = "DEFERRABLE INITIALLY DEFERRED"
MUST = (
    f"CREATE TABLE staff (id INTEGER PRIMARY KEY, name TEXT, shop INT NOT NULL REFERENCES shop {DEFERRED})",
    f"CREATE TABLE shop (id INTEGER PRIMARY KEY, town TEXT, boss INT NOT NULL REFERENCES staff {DEFERRED})",
)
MAY = tuple(statement.replace("NOT NULL ", "") for statement in MUST)
ROWS = (
    "INSERT INTO shop VALUES (1, 'Ulm', 11), (2, 'Bonn', 12)",
    "INSERT INTO staff VALUES (11, 'Ada', 2), (12, 'Bob', 1)",
)


@pytest.mark.parametrize("schema", [MUST, MAY], ids=["must", "may"])
@pytest.mark.parametrize("joined", ["copy", "empty", "later"])
def test_rows_in_a_circle_arrive_with_all_their_references(
    tmp_path: Path, schema: tuple[str, ...], joined: str
) -> None:
    place = Place("office", tmp_path, make_database(tmp_path / "office.db", *schema))
    if joined != "later":
        place.sql(*ROWS)
    db = tmp_path / "branch.db"
    if joined == "copy":
        copied(place.db, db)
    else:
        make_database(db, *schema)
    office = found_network(tmp_path, place.db, key_scope={})
    branch = join_network(office, "branch", db)
    meet(tmp_path / "share", [office, branch])
    if joined == "later":
        office.sql(*ROWS)
        meet(tmp_path / "share", [office, branch])
    with opened(make_database(tmp_path / "plain.db", *schema)) as plain:
        for statement in ("BEGIN", *ROWS, "COMMIT"):
            plain.execute(statement)
    for site in (office, branch):
        assert dump(site.db) == dump(tmp_path / "plain.db"), site.name
        assert site.node.conflicts() == []
