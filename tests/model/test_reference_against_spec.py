"""The repository's reference model against the specification's, on random histories."""

from __future__ import annotations

import importlib.util
import random
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.model import reference

SPEC = Path(__file__).parents[2].parent / "shared" / "spec" / "model.py"
POLICIES = ["latest", "merge", "priority:n1,n0"]


@pytest.fixture(scope="module")
def spec() -> Iterator[ModuleType]:
    """The specification's model, with one table without constraints."""
    if not SPEC.is_file():
        pytest.skip("the specification's model is not beside this repository")
    loader = importlib.util.spec_from_file_location("satchel_spec_model", SPEC)
    assert loader and loader.loader
    module = importlib.util.module_from_spec(loader)
    sys.modules[loader.name] = module
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    loader.loader.exec_module(module)
    sys.dont_write_bytecode = writes
    module.SCHEMA = {"t": module.Table(())}
    module.COMPONENTS = [["t"]]
    module.COLUMNS = reference.COLUMNS
    yield module
    del sys.modules[loader.name]


class Pair:
    """One node in both models, driven alike."""

    def __init__(self, spec: ModuleType, name: str, policy: str, columns: tuple[str, ...], part: int) -> None:
        rule = spec.priority(["n1", "n0"]) if policy.startswith("priority") else getattr(spec, policy)
        self.theirs: Any = spec.Node(name, rule, columns, rows_per_packet=part)
        self.ours = reference.Node(name, policy, columns, part)

    def write(self, key: str, values: dict[str, Any], now: int) -> None:
        self.theirs.write(key, values, now)
        self.ours.write(key, values, now)

    def delete(self, key: str, now: int) -> None:
        self.theirs.delete(key, now)
        self.ours.delete(key, now)

    def packets(self) -> dict[tuple[str, int], tuple[Any, reference.Packet]]:
        self.theirs.seal()
        self.ours.seal()
        assert self.theirs.known.keys() == self.ours.shelf.keys()
        return {dot: (packet, self.ours.shelf[dot]) for dot, packet in self.theirs.known.items()}

    def receive(self, packets: list[tuple[Any, reference.Packet]]) -> None:
        self.theirs.receive([theirs for theirs, _ in packets])
        self.ours.receive([ours for _, ours in packets])

    def join(self, rows: dict[str, dict[str, Any]], packets: list[tuple[Any, reference.Packet]]) -> None:
        self.theirs.join(rows, [theirs for theirs, _ in packets])
        self.ours.join(rows, [ours for _, ours in packets])

    def branch(self, backup: Pair, origin: str) -> Pair:
        again = deepcopy(backup)
        again.theirs.branch(origin)
        again.ours.origin = origin
        return again

    def compare(self) -> None:
        assert self.ours.vector == self.theirs.vector
        assert self.ours.view() == self.theirs.view()
        assert self.ours.conflicts() == self.theirs.open_conflicts()
        siblings = {key: {v.dot for v in versions} for key, versions in self.theirs.siblings.items()}
        assert self.ours.dots() == siblings


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("seed", range(60))
def test_both_models_show_the_same_after_any_history(spec: ModuleType, policy: str, seed: int) -> None:
    rng = random.Random(seed)
    pairs = []
    for number in range(2 + seed % 3):
        columns = reference.COLUMNS[:3] if seed % 3 == 0 and number == 0 else reference.COLUMNS
        pairs.append(Pair(spec, f"n{number}", policy, columns, rng.choice([1, 2, 1000])))
    skew = {pair.ours.name: rng.choice([0, 0, -500, 5000, 10**9]) for pair in pairs}
    share: dict[tuple[str, int], tuple[Any, reference.Packet]] = {}
    backups: dict[int, Pair] = {}
    for step in range(25 + seed % 40):
        place = rng.randrange(len(pairs))
        pair = pairs[place]
        now = max(step * 10 + skew[pair.ours.name], 1)
        act = rng.random()
        if act < 0.12:
            pair.delete(f"t/{rng.randrange(3)}", now)
        elif act < 0.55:
            names = rng.sample(pair.ours.columns, rng.randrange(1, 3))
            pair.write(f"t/{rng.randrange(3)}", {name: rng.randrange(4) for name in names}, now)
        elif act < 0.72:
            share.update(pair.packets())
        elif act < 0.92:
            some = [packet for packet in share.values() if rng.random() < 0.6]
            rng.shuffle(some)
            pair.receive(some + some[:2])
        elif act < 0.95:
            backups[place] = deepcopy(pair)
        elif place in backups:
            share.update(pair.packets())
            pairs[place] = pair.branch(backups[place], f"{pair.ours.name}~{step:08x}")
        pair.compare()
    joiner = Pair(spec, "j", policy, reference.COLUMNS, 2)
    rows = deepcopy(pairs[0].ours.view())
    for _ in range(3):
        rows.setdefault(f"t/{rng.randrange(5)}", {})[rng.choice("abcd")] = rng.randrange(6)
    joiner.join(rows, list(share.values()))
    joiner.compare()
    share.update(joiner.packets())
    for pair in pairs:
        share.update(pair.packets())
    for pair in [*pairs, joiner]:
        pair.receive(rng.sample(list(share.values()), len(share)))
        pair.compare()
        assert pair.ours.vector == pairs[0].ours.vector
        assert pair.ours.dots() == pairs[0].ours.dots()
        assert pair.ours.conflicts() == pairs[0].ours.conflicts()
