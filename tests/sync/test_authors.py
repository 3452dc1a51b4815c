"""`by` is the value of the author column: of the rows that were there at `init` as of every later change."""

from __future__ import annotations

from pathlib import Path

import satchel
from tests.sync.sites import make_database, opened


def test_history_names_the_author_of_each_version(tmp_path: Path) -> None:
    db = make_database(
        tmp_path / "a.db",
        "CREATE TABLE t (id TEXT PRIMARY KEY, v TEXT, who TEXT)",
        "INSERT INTO t VALUES ('k', 'one', 'ann'), ('n', 'nobody', NULL)",
    )
    satchel.init(tmp_path / "a", db=db, node="a", network="n", author_column="who")
    node = satchel.open(tmp_path / "a")
    with opened(db) as connection:
        connection.execute("UPDATE t SET v = 'two', who = 'bob' WHERE id = 'k'")
    node.export()
    assert [version["by"] for version in node.history("t", "k")] == ["ann", "bob"]
    assert [version["by"] for version in node.history("t", "n")] == [None]
