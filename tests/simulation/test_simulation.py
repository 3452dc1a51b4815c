"""Networks in trouble keep the promises (`make soak`: many more; `python -m tests.simulation --seed N` tells one)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.property.member import scratch
from tests.simulation.__main__ import simulate
from tests.simulation.clock import drawing
from tests.simulation.promises import keep
from tests.simulation.world import World

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("seed", range(2))
def test_a_network_in_trouble_keeps_the_promises(seed: int) -> None:
    _, account = simulate(seed, 30)
    assert account["shown"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [*range(10, 30), 2024, 2039, 10132, 20040])  # the last ones have found something
def test_many_networks_in_trouble_keep_the_promises(seed: int) -> None:
    simulate(seed, 60)


LOGS = "SELECT name FROM sqlite_master WHERE name LIKE '\\_satchel\\_log\\_%' ESCAPE '\\' AND type = 'table'"


@pytest.mark.parametrize(
    "loss", ["DELETE FROM customers WHERE town = (SELECT max(town) FROM customers)", "UPDATE customers SET name = 'x'"]
)
def test_the_account_finds_what_is_lost(loss: str) -> None:
    with scratch() as folder:
        world = World(Path(folder), 3)
        with drawing(world.chance):
            world.begin()
            world.machines[0].till.work(world.clock.now, "customer")
            keep(world)
            for machine in world.machines:
                with machine.till.opened() as db:
                    db.execute("PRAGMA foreign_keys = OFF")
                    db.execute(loss)
                    for (log,) in db.execute(LOGS).fetchall():  # nobody has noted it
                        db.execute(f"DELETE FROM {log}")
            with pytest.raises(AssertionError, match="lost at"):
                keep(world)


def test_a_seed_is_told_the_same_way_twice() -> None:
    words = [sys.executable, "-m", "tests.simulation", "--seed", "1", "--steps", "20"]
    options = {"cwd": ROOT, "env": os.environ | {"PYTHONHASHSEED": "0"}, "capture_output": True, "text": True}
    one, two = (subprocess.run(words, timeout=120, check=True, **options).stdout for _ in range(2))  # type: ignore[call-overload]
    assert one == two
    assert "shown" in one
