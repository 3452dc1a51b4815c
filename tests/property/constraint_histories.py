"""Random histories over the toy schema with its unique keys and foreign keys: the store against the specification.

`python -m tests.property.constraint_histories FIRST LAST` hunts and prints the seeds that fail; `-v SEED` tells one.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from tests.property.hunting import hunt
from tests.property.toy_world import Row, ToyNode, ToyWorld
from tests.replication.toy import load_spec

POLICIES = ["merge", "merge", "latest", "priority:n1,n0", "manual"]
MIXES = [
    ["customer", "quote"],
    ["quote", "memo"],
    ["customer", "quote", "line"],
    ["customer", "quote", "line", "memo"],
    ["quote", "line", "memo"],
    ["part"],
    ["dept", "staff"],
    ["customer"],
]


def load_global_spec() -> ModuleType | None:
    """The specification's model with keys that mean the same everywhere; None: it is not beside this repository."""
    spec = load_spec()
    if spec is not None:
        spec.SCHEMA = {name: replace(table, local=False) for name, table in spec.SCHEMA.items()}
    return spec


class History:
    """One seed."""

    def __init__(self, root: Path, spec: ModuleType, seed: int, say: Callable[..., None] | None = None) -> None:
        self.spec = spec
        self.rng = rng = random.Random(seed)
        self.mirrored = rng.random() < 0.6
        self.names = rng.choice([list(spec.SCHEMA), *MIXES])
        self.world = ToyWorld(root, spec, rng, rng.choice(POLICIES), rng.choice((2, 2, 3, 4)), mirrored=self.mirrored)
        if say is not None:
            self.world.say = say
            say("policy", self.world.carrier.policy, "mirrored", self.mirrored, self.names)
        self.steps = rng.randrange(15, 90)
        self.keys = rng.choice((2, 3, 5))
        self.deletes = rng.choice((0.15, 0.3))
        self.claims = rng.choice((0.2, 0.4, 0.8))

    def run(self) -> None:
        """The whole history."""
        try:
            self._found()
            for _ in range(self.steps):
                self.step(self.rng.choice(self.world.nodes))
            settle(self.world)
        finally:
            self.world.close()

    def _found(self) -> None:
        first, rng = self.world.nodes[0], self.rng
        mirrored, self.world.mirrored = self.world.mirrored, False
        if rng.random() < 0.5:
            for _ in range(rng.randrange(40)):
                self.edit(first)
        self.world.mirrored = mirrored
        self.world.found()
        self.world.compare(first)
        for node in self.world.nodes[1:] if rng.random() < 0.7 else ():
            self.world.deliver(node, list(self.world.carrier.packets))
            self.world.compare(node)

    def step(self, node: ToyNode) -> None:
        act = self.rng.random()
        if act < 0.65:
            self.edit(node)
            if self.mirrored and act < 0.1:
                self.world.compare(node)
            return
        if act < 0.76:
            self.world.seal(node)
            if not self.mirrored and act < 0.69:
                self.edit(node)
                self.world.seal(node, lambda: self.edit(node))
                self.world.seal(node)
        else:
            packets = [dot for dot in self.world.carrier.packets if self.rng.random() < 0.6]
            self.rng.shuffle(packets)
            self.world.deliver(node, packets)
        self.world.compare(node)

    def edit(self, node: ToyNode) -> None:
        rng, world = self.rng, self.world
        key = f"{rng.choice(self.names)}/{rng.randrange(self.keys)}"
        if rng.random() < self.deletes:
            world.delete(node, key)
            return
        values = self.draw(node, key)
        if not values:
            return
        if not world.mirrored and rng.random() < 0.25:
            world.replace(node, key, values)
        else:
            world.write(node, key, values)

    def draw(self, node: ToyNode, key: str) -> Row:
        rng = self.rng
        values: Row = {c: rng.randrange(100) for c in rng.sample("abcd", rng.randrange(1, 4))}
        if rng.random() < self.claims:
            values["number"] = rng.choice((0, 1, 2, None))
        if rng.random() < self.claims / 2:
            values["code"] = rng.randrange(3)
        parent = self.spec.SCHEMA[self.spec.table(key)].parent
        if parent and rng.random() < 0.7:
            values["ref"] = rng.choice([f"{parent}/{rng.randrange(self.keys)}", None])
        return values


def settle(world: ToyWorld) -> None:
    """Everybody gets everything; all are equal, nothing waits, and once more changes nothing."""
    for node in world.nodes:
        world.seal(node)
    for node in world.nodes:
        packets = list(world.carrier.packets)
        world.rng.shuffle(packets)
        world.deliver(node, packets)
    first = world.nodes[0]
    for node in world.nodes:
        world.compare(node)
        assert node.store.pending() == 0
        assert node.application.rows() == first.application.rows()
        ids = [sorted(entry.id for entry in n.store.conflicts() if entry.closed is None) for n in (node, first)]
        assert ids[0] == ids[1]
        assert {dot.origin: dot.seq for dot in sorted(world.carrier.packets)} == node.site.vector
        with node.store.delta(world.carrier.rules) as delta:
            assert delta is None, delta.rows
        world.deliver(node, list(world.carrier.packets))
        world.compare(node)


def play(folder: Path, seed: int, say: Callable[..., None]) -> Counter[str]:
    """One history; what there was to compare."""
    spec = load_global_spec()
    assert spec is not None
    history = History(folder, spec, seed, say)
    history.run()
    return history.world.tally


if __name__ == "__main__":
    sys.exit(hunt(play, sys.argv[1:]))
