"""Every value comes back bit for bit: through real packets, over three sites, by baseline, changes and conflicts."""

from __future__ import annotations

import shutil
import sqlite3
import struct
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing as closing_db
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from satchel.model.value import Value
from satchel.stores.sqlite.stage import bindable, placeholder
from tests.stores.ferry import closing
from tests.stores.packet_ferry import PacketFerry
from tests.stores.workshop import SQLiteWorkshop, quote, sites

DECLARED = [
    "",
    "INTEGER",
    "INT",
    "TINYINT",
    "UNSIGNED BIG INT",
    "POINT",
    "FLOATING POINT",
    "REAL",
    "DOUBLE PRECISION",
    "FLOAT",
    "NUMERIC",
    "DECIMAL(10,2)",
    "DECIMAL(10)",
    "MONEY",
    "BOOLEAN",
    "DATE",
    "DATETIME",
    "TIMESTAMP",
    "TEXT",
    "VARCHAR(10)",
    "CLOB",
    "NVARCHAR(100)",
    "CHARINT",
    "STRING",
    "BLOB",
    "JSON",
    "UUID",
]
STRICT = ["INT", "INTEGER", "REAL", "TEXT", "BLOB", "ANY"]
COLLATIONS = ["", "COLLATE BINARY", "COLLATE NOCASE", "COLLATE RTRIM"]

INTEGERS = [0, 1, -1, 2**31, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63), 10**18]
REALS = [
    0.0,
    1.0,
    -1.5,
    0.1,
    1e300,
    -1e-300,
    5e-324,
    2.0**53,
    2.0**63,
    -(2.0**63),
    float("inf"),
    float("-inf"),
    1 / 3,
    123456789012345680.0,
]
TEXTS = [
    "",
    " ",
    "a",
    "A",
    "a ",
    "1",
    "1.0",
    " 1",
    "01",
    "1e3",
    "0x10",
    "-0",
    "9223372036854775807",
    "9223372036854775808",
    "99999999999999999999999999",
    "1e999",
    "inf",
    "nan",
    "2026-11-20",
    "nul\0inside",
    "\0",
    "ünï",
    "🐫 beyond",
    "\U0010ffff\ufeff\ufffe",
    "e\u0301",
    "tab\t\r\n",
    "quote ' \" ` ]",
]
# What is no UTF-8, as Python holds it: surrogate escapes for the bytes.
BROKEN = [
    raw.decode("utf-8", "surrogateescape") for raw in (b"\xff", b"a\xc3", b"\xed\xa0\x80", b"1\x80", b"\xfe\0\xff")
]
BLOBS = [b"", b"\0", b"1", b"text", bytes(range(256)), b"\xff\xfe"]


def values() -> st.SearchStrategy[Value]:
    known: list[Value] = [None, *INTEGERS, *REALS, *TEXTS, *BROKEN, *BLOBS]
    return st.one_of(
        st.sampled_from(known),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False).filter(lambda x: x != 0 or struct.pack("<d", x)[7] == 0),
        st.text(max_size=8),
        st.binary(max_size=8),
    )


def key_values() -> st.SearchStrategy[Value]:
    few: list[Value] = [1, 1.0, 2, "1", "a", "A", "a ", "b", b"1", 0.5, "ü", 2**62, BROKEN[0]]
    return st.one_of(st.sampled_from(few), st.sampled_from([v for v in [*INTEGERS, *REALS, *BLOBS] if v is not None]))


@dataclass(frozen=True)
class Made:
    """A generated table: its SQL, its columns, and which of them are the key."""

    name: str
    sql: str
    columns: tuple[str, ...]
    key: tuple[int, ...]


@st.composite
def tables(draw: st.DrawFn, name: str) -> Made:
    strict = draw(st.booleans())
    types = STRICT if strict else DECLARED
    width = draw(st.integers(1, 5))
    key = draw(st.lists(st.integers(0, width - 1), min_size=1, max_size=2, unique=True))
    columns = tuple(f"col {i}" for i in range(width))
    parts = [
        f"{quote(column)} {draw(st.sampled_from(types))} {draw(st.sampled_from(COLLATIONS))}" for column in columns
    ]
    parts.append(f"PRIMARY KEY ({', '.join(quote(columns[i]) for i in key)})")
    options = [word for word, wanted in (("STRICT", strict), ("WITHOUT ROWID", draw(st.booleans()))) if wanted]
    return Made(name, f"CREATE TABLE {quote(name)} ({', '.join(parts)}) {', '.join(options)}", columns, tuple(key))


@dataclass(frozen=True)
class Edit:
    """One statement of an application."""

    table: Made
    what: str  # insert | replace | update | delete
    row: tuple[Value, ...]
    column: int

    def run(self, db: sqlite3.Connection) -> None:
        name = quote(self.table.name)
        key = [self.row[place] for place in self.table.key]
        at = " AND ".join(
            f"{quote(self.table.columns[p])} = {placeholder(v)}" for p, v in zip(self.table.key, key, strict=True)
        )
        if self.what == "delete":
            statement, bound = f"DELETE FROM {name} WHERE {at}", key
        elif self.what == "update":
            value = self.row[self.column]
            column = quote(self.table.columns[self.column])
            statement = f"UPDATE OR IGNORE {name} SET {column} = {placeholder(value)} WHERE {at}"
            bound = [value, *key]
        else:
            how = "IGNORE" if self.what == "insert" else "REPLACE"
            statement = f"INSERT OR {how} INTO {name} VALUES ({', '.join(map(placeholder, self.row))})"
            bound = list(self.row)
        with suppress(sqlite3.IntegrityError):  # a strict table does not take every value
            db.execute(statement, [bindable(value) for value in bound])


@st.composite
def edits(draw: st.DrawFn, made: Made, kinds: Sequence[str]) -> Edit:
    row = [draw(key_values()) if i in made.key else draw(values()) for i in range(len(made.columns))]
    column = draw(st.integers(0, len(made.columns) - 1))
    return Edit(made, draw(st.sampled_from(kinds)), tuple(row), column)


@dataclass(frozen=True)
class Story:
    """Tables, the founder's rows, and rounds of edits at each site between which all meet."""

    tables: tuple[Made, ...]
    founder: tuple[Edit, ...]
    rounds: tuple[tuple[tuple[Edit, ...], ...], ...]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    made = tuple(draw(tables(f"table {i}")) for i in range(draw(st.integers(1, 3))))

    def some(kinds: Sequence[str], most: int) -> tuple[Edit, ...]:
        each = st.sampled_from(made).flatmap(lambda table: edits(table, kinds))
        return tuple(draw(st.lists(each, max_size=most)))

    founder = some(("insert",), 8)
    kinds = ("insert", "replace", "update", "update", "delete")
    rounds = tuple(tuple(some(kinds, 4) for _ in range(3)) for _ in range(draw(st.integers(1, 2))))
    return Story(made, founder, rounds)


def exact(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row: class and bits of each value."""
    found = {}
    with closing_db(sqlite3.connect(url)) as db:
        names = [n for (n,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'table*'")]
        for name in names:
            columns = [quote(row[1]) for row in db.execute(f"PRAGMA table_info({quote(name)})")]
            terms = ", ".join(
                f"typeof({c}), CASE typeof({c}) WHEN 'text' THEN CAST({c} AS BLOB) ELSE {c} END" for c in columns
            )
            rows = db.execute(f"SELECT {terms} FROM {quote(name)}").fetchall()
            found[name] = sorted(tuple(bits(v) for v in row) for row in rows)
    return found


def bits(value: Value) -> str:
    if isinstance(value, float):
        return "real " + (struct.pack(">d", value + 0.0).hex())
    return f"blob {value.hex()}" if isinstance(value, bytes) else f"{type(value).__name__} {value}"


def edit(url: str, wanted: Sequence[Edit]) -> None:
    with closing_db(sqlite3.connect(url, isolation_level=None)) as db:
        for one in wanted:
            one.run(db)


@pytest.fixture(scope="module")
def bench() -> Iterator[Path]:
    """A folder for many small databases, in memory where the system has such a place."""
    shared = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="satchel-test-", dir=shared if shared.is_dir() else None))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def live(story: Story, bench: Path, rows_each: int) -> None:
    folder = Path(tempfile.mkdtemp(dir=bench))
    workshop = SQLiteWorkshop(folder, "wal")
    urls = [workshop.database(name, *(table.sql for table in story.tables)) for name in "abc"]
    edit(urls[0], story.founder)
    a, b, c = every = sites(workshop, *urls)
    ferry = PacketFerry(rows_each=rows_each, folder=folder)
    with closing(a, b, c):
        ferry.found(a)
        ferry.receive(b)
        ferry.receive(c)
        assert exact(urls[1]) == exact(urls[2]) == exact(urls[0])
        for turn in story.rounds:
            for url, wanted in zip(urls, turn, strict=True):
                edit(url, wanted)
            ferry.meet(*every)
            ferry.meet(*every)
            assert exact(urls[1]) == exact(urls[2]) == exact(urls[0])
            assert [site.store.pending() for site in every] == [0, 0, 0]
            listed = [[(entry.id, entry.columns) for entry in site.store.conflicts(closed=True)] for site in every]
            assert sorted(listed[0]) == sorted(listed[1]) == sorted(listed[2])
    shutil.rmtree(folder)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(story=stories(), rows_each=st.sampled_from([1, 3, 1000]))
def test_every_value_survives(bench: Path, story: Story, rows_each: int) -> None:
    live(story, bench, rows_each)


@pytest.mark.slow
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(story=stories(), rows_each=st.sampled_from([1, 2, 5, 1000]))
def test_every_value_survives_many_stories(bench: Path, story: Story, rows_each: int) -> None:
    live(story, bench, rows_each)
