"""Three real change streams, replayed: what comes out equals a serial replay in plain SQLite, row by row."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.sync.sites import (
    Place,
    differences,
    dump,
    found_network,
    join_network,
    make_database,
    meet,
    opened,
    packets_in,
    quote,
)

SHARED = Path(__file__).resolve().parents[3] / "shared" / "corpora"
Op = dict[str, Any]


@dataclass(frozen=True)
class Stream:
    """Of a stream: how many commits are replayed, and after how many a packet is made."""

    folder: str
    table: str
    commits: int
    every: int


# The slow replays: all of the small stream, of the others what fits into some twenty seconds.
WHOLE = [
    Stream("stream_ca_fires_2023_2024", "incidents", 1108, 10),
    Stream("stream_nyc_cases_by_day", "cases_by_day", 60, 3),
    Stream("stream_pge_outages", "outages", 1000, 10),
]
PREFIXES = [
    Stream("stream_ca_fires_2023_2024", "incidents", 80, 8),
    Stream("stream_nyc_cases_by_day", "cases_by_day", 8, 2),
    Stream("stream_pge_outages", "outages", 60, 6),
]
STREAMS = [*PREFIXES, *(pytest.param(stream, marks=pytest.mark.slow) for stream in WHOLE)]


def name_of(stream: Stream) -> str:
    return f"{stream.table}-{stream.commits}"


def commits_of(stream: Stream) -> Iterator[list[Op]]:
    with next((SHARED / stream.folder).glob("*.jsonl")).open(encoding="utf-8") as lines:
        for _, line in zip(range(stream.commits), lines, strict=False):
            yield json.loads(line)["ops"]


def value_of(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict) else value


def play(connection: sqlite3.Connection, table: str, key: Sequence[str], ops: Sequence[Op]) -> None:
    """One commit, as one transaction."""
    where = " AND ".join(f"{quote(column)} = ?" for column in key)
    connection.execute("BEGIN")
    for op in ops:
        written = {name: value_of(value) for name, value in op.get("row", op.get("set", {})).items()}
        names = ", ".join(map(quote, written))
        if op["op"] == "I":
            places = ", ".join("?" for _ in written)
            statement, values = f"INSERT INTO {quote(table)} ({names}) VALUES ({places})", [*written.values()]
        elif op["op"] == "U":
            assignments = ", ".join(f"{quote(name)} = ?" for name in written)
            statement, values = f"UPDATE {quote(table)} SET {assignments} WHERE {where}", [*written.values(), *op["pk"]]
        else:
            statement, values = f"DELETE FROM {quote(table)} WHERE {where}", op["pk"]
        found = connection.execute(statement, values).rowcount
        assert found == 1, f"{op['op']} of {op['pk']} meets {found} rows"
    connection.execute("COMMIT")


def side_of(op: Op, sites: int) -> int:
    """Whose an operation is, by its key."""
    return zlib.crc32("/".join(map(str, op["pk"])).encode()) % sites


def replay(stream: Stream, databases: Sequence[Path], after: Callable[[int], object]) -> list[int]:
    """The stream, split by key over the databases; `after` hears of every few commits. Operations at each."""
    played = [0] * len(databases)
    with ExitStack() as stack:
        connections = [stack.enter_context(opened(db)) for db in databases]
        info = connections[0].execute(f"PRAGMA table_info({quote(stream.table)})").fetchall()
        key = [entry[1] for entry in info if entry[5]]
        for number, ops in enumerate(commits_of(stream), 1):
            for site, connection in enumerate(connections):
                own = [op for op in ops if side_of(op, len(databases)) == site]
                play(connection, stream.table, key, own)
                played[site] += len(own)
            if number % stream.every == 0:
                after(number // stream.every)
    return played


@pytest.fixture
def serial(tmp_path: Path, stream: Stream) -> Path:
    """A plain database with the whole stream in it."""
    if not (SHARED / stream.folder).is_dir():
        pytest.skip("there is no ../shared/corpora beside the repository")
    db = make_database(tmp_path / "serial.db", schema_of(stream))
    assert sum(replay(stream, [db], lambda turn: None)) > stream.commits / 2
    return db


def schema_of(stream: Stream) -> str:
    return (SHARED / stream.folder / "schema.sql").read_text(encoding="utf-8")


def pair_of_sites(root: Path, stream: Stream) -> tuple[Place, Place]:
    office = found_network(root, make_database(root / "office.db", schema_of(stream)))
    branch = join_network(office, "branch", make_database(root / "branch.db", schema_of(stream)))
    meet(root / "share", [office, branch])
    return office, branch


def check_equal(stream: Stream, serial: Path, *places: Place) -> None:
    expected = dump(serial)
    assert expected[stream.table], "the stream ends with rows"
    for place in places:
        assert differences(expected, place.dump()) == {}, place.name
        status = place.node.status()
        assert (status["waiting"], status["quarantined"], status["pending"]) == ([], [], 0)
        assert status["conflicts"] == {"open": 0, "parked": 0, "passed_over": 0}


@pytest.mark.parametrize("stream", STREAMS, ids=name_of)
def test_a_stream_replayed_at_one_site_arrives_as_it_is(tmp_path: Path, stream: Stream, serial: Path) -> None:
    office, branch = pair_of_sites(tmp_path, stream)
    share, made = tmp_path / "share", set()

    def exchange(turn: int) -> None:
        made.update(office.node.export(share).sealed)
        if turn % 5 == 0:
            branch.node.import_(share)

    replay(stream, [office.db], exchange)
    made.update(office.node.export(share).sealed)
    branch.node.import_(share)
    assert len(made) > stream.commits / stream.every * 0.6, "a packet every few commits"
    assert made <= packets_in(share)
    check_equal(stream, serial, office, branch)


@pytest.mark.parametrize("stream", STREAMS, ids=name_of)
def test_a_stream_split_between_two_sites_by_key_comes_together(tmp_path: Path, stream: Stream, serial: Path) -> None:
    places = pair_of_sites(tmp_path, stream)
    share = tmp_path / "share"
    played = replay(stream, [place.db for place in places], lambda turn: places[turn % 2].node.sync(share))
    assert min(played) > 10
    meet(share, places)
    check_equal(stream, serial, *places)
