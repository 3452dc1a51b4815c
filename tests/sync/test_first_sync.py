"""The first sync of a node that joined: what was edited meanwhile leaves with it, not with the next one."""

from __future__ import annotations

from pathlib import Path

import satchel
from tests.sync.sites import dump, make_database, opened

SCHEMA = "CREATE TABLE parts (id TEXT PRIMARY KEY, v TEXT)"


def test_edits_since_the_join_are_sent_by_the_sync_that_finishes_it(tmp_path: Path) -> None:
    for name in "ab":
        make_database(tmp_path / f"{name}.db", SCHEMA, "INSERT INTO parts VALUES ('p', 'old')")
    satchel.init(tmp_path / "a", db=tmp_path / "a.db", node="a", network="n")
    a = satchel.open(tmp_path / "a")
    a.invite("b", out=tmp_path / "b.invite")
    satchel.join(tmp_path / "b.invite", tmp_path / "b", db=tmp_path / "b.db")
    with opened(tmp_path / "b.db") as db:
        db.execute("UPDATE parts SET v = 'new'")
    share = tmp_path / "share"
    share.mkdir()
    a.sync(share)
    b = satchel.open(tmp_path / "b")
    report = b.sync(share)
    assert (report.applied, report.sealed, report.dropped) == (["a/1"], ["b/1"], ["b/1"])
    assert b.status()["pending"] == 0
    a.sync(share)
    assert dump(tmp_path / "a.db") == dump(tmp_path / "b.db") == {"parts": [("text:70", "text:6E6577")]}
