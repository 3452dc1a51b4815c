"""Values that need care, in every column type; UTF-16 databases; batches of bounded size."""

from __future__ import annotations

import sqlite3
import struct
from contextlib import closing as closing_db
from pathlib import Path

import pytest

from satchel.stores.sqlite.store import SQLiteStore
from tests.stores.ferry import BASELINE_TIME, Ferry, closing
from tests.stores.packet_ferry import PacketFerry
from tests.stores.test_sqlite_fidelity import BLOBS, BROKEN, DECLARED, INTEGERS, REALS, TEXTS, exact
from tests.stores.workshop import SQLiteWorkshop, quote, sites

SOME = [*INTEGERS, *REALS, *TEXTS, *BLOBS, None]
MIB = 1 << 20


def fill(url: str, statement: str, rows: list[tuple[object, ...]]) -> None:
    with closing_db(sqlite3.connect(url)) as db:
        db.executemany(statement, rows)
        db.commit()


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
def test_every_value_in_a_column_of_every_type(encoding: str, tmp_path: Path) -> None:
    """As baseline, as changes of every row, and beside each other in a conflict."""
    workshop = SQLiteWorkshop(tmp_path, "wal")
    columns = ", ".join(f"{quote('c ' + declared)} {declared}" for declared in DECLARED)
    schema = (f"PRAGMA encoding = '{encoding}'", f"CREATE TABLE tables (id TEXT PRIMARY KEY, {columns})")
    urls = [workshop.database(name, *schema) for name in "abc"]
    insert = f"INSERT INTO tables VALUES ({', '.join('?' * (len(DECLARED) + 1))})"
    fill(urls[0], insert, [(f"k{n:03}", *[value] * len(DECLARED)) for n, value in enumerate(SOME)])
    a, b, c = every = sites(workshop, *urls)
    ferry = PacketFerry(folder=tmp_path, rows_each=50)
    with closing(*every):
        ferry.found(a)
        ferry.receive(b)
        ferry.receive(c)
        assert exact(urls[0]) == exact(urls[1]) == exact(urls[2])
        for url, shift in zip(urls, (1, 7, 20), strict=True):
            sets = ", ".join(f"{quote('c ' + declared)} = ?" for declared in DECLARED)
            moved = [SOME[(n + shift) % len(SOME)] for n in range(len(SOME))]
            rows = [(*[value] * len(DECLARED), f"k{n:03}") for n, value in enumerate(moved)]
            fill(url, f"UPDATE tables SET {sets} WHERE id = ?", rows)
        ferry.meet(*every)
        ferry.meet(*every)
        assert exact(urls[0]) == exact(urls[1]) == exact(urls[2])
        assert [site.store.pending() for site in every] == [0, 0, 0]
        fill(urls[1], "DELETE FROM tables WHERE id <> ?", [("k005",)])
        ferry.meet(*every)
        assert exact(urls[0]) == exact(urls[1]) == exact(urls[2])


def test_the_sign_of_zero_survives(tmp_path: Path) -> None:
    """In columns without a type; SQLite takes it away in all others, and cannot tell 0.0 from -0.0 in an update."""
    workshop = SQLiteWorkshop(tmp_path, "wal")
    schema = "CREATE TABLE tables (id TEXT PRIMARY KEY, a, b REAL)"
    urls = [workshop.database(name, schema) for name in "abc"]
    fill(urls[0], "INSERT INTO tables VALUES (?, ?, ?)", [("base", -0.0, -0.0), ("x", 1, 1)])
    a, *_ = every = sites(workshop, *urls)
    ferry = PacketFerry(folder=tmp_path)
    with closing(*every):
        ferry.found(a)
        fill(urls[0], "INSERT INTO tables VALUES (?, ?, ?)", [("new", -0.0, -0.0)])
        ferry.meet(*every)
        fill(urls[0], "UPDATE tables SET a = ? WHERE id = 'x'", [(-0.0,)])
        fill(urls[1], "UPDATE tables SET a = ? WHERE id = 'x'", [(5,)])
        fill(urls[1], "UPDATE tables SET b = ? WHERE id = 'new'", [(5,)])
        ferry.meet(*every)
        fill(urls[2], "UPDATE tables SET a = ? WHERE id = 'x'", [(-0.0,)])
        ferry.meet(*every)
        for url in urls:
            found = workshop.rows(url, "SELECT a FROM tables ORDER BY id")
            assert [struct.pack(">d", value) for (value,) in found] == [struct.pack(">d", -0.0)] * 3


@pytest.mark.parametrize("text", BROKEN)
def test_text_that_is_no_utf8_survives_as_key_value_and_image(text: str, tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path, "delete")
    schema = "CREATE TABLE tables (id TEXT PRIMARY KEY, a INTEGER, b, u TEXT UNIQUE)"
    raw = text.encode("utf-8", "surrogateescape")
    urls = [workshop.database(name, schema) for name in "abc"]
    insert = "INSERT INTO tables VALUES (CAST(?1 AS TEXT), CAST(?1 AS TEXT), CAST(?1 AS TEXT), CAST(?1 || 'u' AS TEXT))"
    fill(urls[0], insert, [(raw,), (raw + b"2",)])
    a, b, c = every = sites(workshop, *urls)
    ferry = PacketFerry(folder=tmp_path, rows_each=1)
    with closing(*every):
        ferry.found(a)
        ferry.receive(b)
        ferry.receive(c)
        assert exact(urls[0]) == exact(urls[1]) == exact(urls[2])
        fill(urls[0], "UPDATE tables SET b = CAST(? AS TEXT)", [(raw + b"a",)])
        fill(urls[1], "UPDATE tables SET b = CAST(? AS TEXT), a = 1", [(raw + b"b",)])
        fill(urls[2], "DELETE FROM tables WHERE id = CAST(? AS TEXT)", [(raw,)])
        ferry.meet(*every)
        assert exact(urls[0]) == exact(urls[1]) == exact(urls[2])
        entry = a.store.conflicts()[0]
        assert entry.key[0] in (text, text + "2")
        assert a.store.read_row("tables", [text]) is not None
        a.store.write_row("tables", [text], {"a": 2, "b": text})
        a.store.write_row("tables", [text + "2"], None)
        ferry.meet(*every)
        assert exact(urls[0]) == exact(urls[1]) == exact(urls[2])
        assert [list(site.store.conflicts()) for site in every] == [[], [], []]
        assert len(a.store.conflicts(closed=True)) == 2


def test_batches_stay_small_when_rows_are_large(tmp_path: Path) -> None:
    """The first rows are small, so that a reader who guesses by them is wrong."""
    path = tmp_path / "a.db"
    with closing_db(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a BLOB, b TEXT)")
        db.execute(
            "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
            " INSERT INTO t SELECT i, CASE WHEN i > 19000 THEN randomblob(100000) END, 'text ' || i FROM n"
        )
        db.commit()
    check_batches(path, 20_000, 100_000)


def check_batches(path: Path, rows: int, largest: int) -> None:
    """Reads a baseline batch by batch and looks at the size of each: 16 MiB, and what is read before it is weighed."""
    store = SQLiteStore(path)
    store.install(store.inspect().tables)
    total, sizes = 0, []
    with store.baseline(BASELINE_TIME) as delta:
        for batch in delta.batches("t"):
            total += batch.num_rows
            sizes.append(batch.nbytes)
    store.close()
    assert total == rows
    assert max(sizes) <= 20 * MIB + 64 * largest
    assert len(sizes) < 3 + 2 * sum(sizes) / (16 * MIB) + rows / 50_000  # and they are not tiny, either


@pytest.mark.slow
def test_a_baseline_of_many_wide_rows_streams_in_bounded_batches(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    columns = ", ".join(f"c{i} TEXT" for i in range(20))
    values = ", ".join(f"'value {i} of row ' || i" for i in range(20))
    with closing_db(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = wal")
        db.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, blob BLOB, {columns})")
        db.execute(
            "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 300000) INSERT INTO t"
            f" SELECT i, CASE WHEN i % 100 = 0 OR i / 2000 = 100 THEN zeroblob(100000) END, {values} FROM n"
        )
        db.commit()
    check_batches(path, 300_000, 100_000)


@pytest.mark.slow
def test_changes_of_many_wide_rows_stream_in_bounded_batches(tmp_path: Path) -> None:
    workshop = SQLiteWorkshop(tmp_path, "wal")
    url = workshop.database("a", "CREATE TABLE t (id INTEGER PRIMARY KEY, a BLOB, b TEXT)")
    (site,) = sites(workshop, url)
    with closing(site):
        workshop.run(
            url,
            "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 100000) INSERT INTO t"
            " SELECT i, CASE WHEN i > 99000 THEN randomblob(100000) END, 'text ' || i FROM n",
        )
        with site.store.delta(Ferry().rules) as delta:
            assert delta is not None and dict(delta.rows) == {"t": 100_000}
            assert max(batch.nbytes for batch in delta.batches("t")) <= 20 * MIB + 64 * 100_000
