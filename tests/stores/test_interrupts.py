"""Ctrl-C ends a statement that takes long, and nothing of it stays."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from pathlib import Path

import pytest

from satchel.stores.sqlite.connection import connect, transaction, translated

_LONG = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000) SELECT count(*) FROM n"


@pytest.mark.skipif(os.name == "nt", reason="there is no kill on Windows")
def test_a_long_statement_ends_when_somebody_interrupts_it(tmp_path: Path) -> None:
    db = tmp_path / "shop.db"
    sqlite3.connect(db).executescript("CREATE TABLE t (a); INSERT INTO t VALUES (1)").close()
    connection = connect(db)
    press = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    press.start()
    try:
        with pytest.raises(KeyboardInterrupt), translated(db), transaction(connection):
            connection.execute("UPDATE t SET a = 2")
            connection.execute(_LONG).fetchall()
    finally:
        press.join()
    assert connection.execute("SELECT a FROM t").fetchall() == [(1,)]
    assert not connection.in_transaction
    connection.close()
