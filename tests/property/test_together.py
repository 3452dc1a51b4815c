"""Several nodes use one share at the same time: none takes a lock there, none waits for another."""

from __future__ import annotations

import multiprocessing
import random
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

import satchel
from tests.property.application import COLUMNS, KEYS, VALUES, name_of
from tests.property.histories import open_conflicts
from tests.property.member import packets_below, small_packets
from tests.property.world import World

ROUNDS = 6


def work(home: Path, database: Path, share: Path, seed: int) -> list[str]:
    """One node: edits and syncs, again and again; what was sealed."""
    rng = random.Random(seed)
    sealed = []
    db = sqlite3.connect(database, isolation_level=None, timeout=20)
    for _ in range(ROUNDS):
        for _ in range(rng.randrange(4)):
            column = rng.choice(COLUMNS)
            values = (rng.choice(VALUES[column]), f"k{rng.randrange(3)}")
            db.execute(f"UPDATE alpha SET {column} = ? WHERE k = ?", values)
        if rng.random() < 0.3:
            db.execute("REPLACE INTO beta VALUES (?, ?, ?, ?, ?, ?)", ("p", rng.choice("qrs"), 1, 2, 3, 4))
        report = satchel.open(home).sync(share)
        assert not report.quarantined and not report.partial
        sealed += report.sealed
    db.close()
    return sealed


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    rows = {name_of(key): dict.fromkeys(COLUMNS) for key in KEYS}
    world = World(tmp_path, random.Random(0), "merge", rows, 1000)
    for _ in range(3):
        world.invite(world.members[0], rows, 1000, 0, "member")
    for member in world.members:
        member.application.db.execute("PRAGMA journal_mode = wal")
        member.node.sync(world.share)
    yield world
    world.close()


def processes(count: int) -> Executor:
    return ProcessPoolExecutor(count, multiprocessing.get_context("spawn"))


@pytest.mark.parametrize("executor", [ThreadPoolExecutor, pytest.param(processes, marks=pytest.mark.slow)])
def test_nodes_that_sync_at_once_through_one_share_come_to_hold_the_same(
    world: World, executor: Callable[[int], Executor]
) -> None:
    with small_packets(2), executor(len(world.members)) as pool:
        running = [
            pool.submit(work, member.home, member.application.path, world.share, seed)
            for seed, member in enumerate(world.members)
        ]
        sealed = {packet for future in running for packet in future.result(timeout=120)}
    for member in [*world.members] * 2:
        member.node.sync(world.share)
    first, *others = world.members
    heads = first.node.status()["heads"]
    for member in others:
        assert member.application.rows() == first.application.rows()
        assert member.node.status()["heads"] == heads
        assert [entry["id"] for entry in open_conflicts(member)] == [entry["id"] for entry in open_conflicts(first)]
    assert sealed <= {f"{origin}/{seq}" for (origin, seq), _ in packets_below(world.share)}
    assert not list(world.share.glob("**/*.tmp"))
