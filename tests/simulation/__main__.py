"""`python -m tests.simulation [--minutes M] [--from SEED]`: runs seeds until the time is up; `--seed SEED` tells one.

Prints what was run, and every seed that failed: it replays.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from tests.property.hunting import last_lines
from tests.property.member import scratch
from tests.simulation.clock import drawing
from tests.simulation.promises import Account, keep
from tests.simulation.world import World

_SAME_HASHES = {"PYTHONHASHSEED": "0"}
ENOUGH = 20  # failures after which a hunt ends


def simulate(seed: int, steps: int, told: bool = False, without: Collection[str] = ()) -> tuple[World, Account]:
    """One network from beginning to end. AssertionError: a promise was broken."""
    with scratch() as folder:
        world = World(Path(folder), seed, print if told else lambda *_: None, without)
        with drawing(world.chance):
            world.begin()
            for _ in range(world.rng.randrange(steps // 3, steps)):
                world.step()
            return world, keep(world)


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m tests.simulation")
    words.add_argument("--minutes", type=float, default=1.0)
    words.add_argument("--from", type=int, default=0, dest="first")
    words.add_argument("--seed", type=int)
    words.add_argument("--steps", type=int, default=60)
    words.add_argument("--without", default="", help="acts that do not happen, with commas between")
    chosen = words.parse_args()
    without = chosen.without.split(",")
    if chosen.seed is not None:
        print(simulate(chosen.seed, chosen.steps, True, without)[1])
        return 0
    return hunt(chosen.first, chosen.minutes, chosen.steps, without)


def hunt(first: int, minutes: float, steps: int, without: Collection[str]) -> int:
    """Seeds from `first` on until the time is up; the number of those that failed."""
    began, seed, failed = time.monotonic(), first, []
    done: Counter[str] = Counter()
    found: Account = Counter()
    while time.monotonic() - began < minutes * 60 and len(failed) < ENOUGH:
        try:
            world, account = simulate(seed, steps, False, without)
            done += world.done
            found += account
        except Exception:
            failed.append(seed)
            print(f"seed {seed}: {last_lines()}", flush=True)
        seed += 1
    print(f"{seed - first} networks, {time.monotonic() - began:.0f} s, {len(failed)} broke a promise: {failed}")
    print("what happened:", ", ".join(f"{name} {count}" for name, count in done.most_common()))
    print("where every committed value is:", ", ".join(f"{name} {count}" for name, count in found.most_common()))
    return len(failed)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # a seed is the whole story
        os.execve(sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]], os.environ | _SAME_HASHES)
    sys.exit(min(main(), 1))
