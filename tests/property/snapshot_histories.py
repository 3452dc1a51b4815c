"""Random histories with snapshots that are taken at any moment and installed late, on nodes with and without a state.

`python -m tests.property.snapshot_histories toy|own|forget|hasty FIRST LAST` hunts; `-v toy SEED` tells one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa

from satchel.model.ids import Dot
from satchel.model.vector import Vector
from satchel.replication.stable import Heard, decide_stable
from satchel.stores.snapshot import IncomingState
from satchel.stores.sqlite.store import SQLiteStore
from tests.property import constraint_histories, own_histories
from tests.property.comparing import agree
from tests.property.hunting import hunt
from tests.property.own_world import OwnNode
from tests.property.toy_world import ToyNode


def state_of(store: SQLiteStore) -> IncomingState:
    """A store's state as a snapshot carries it; nothing is pending."""
    with store.state() as state:
        assert state is not None
        batches = {table.name: list(state.batches(table.name)) for table in state.tables}
        tables = {table.name: table for table in state.tables}
        return IncomingState(dict(state.vector), list(state.packets()), tables, lambda name: batches[name])


def lines_of(state: IncomingState) -> Mapping[str, list[dict[str, Any]]]:
    """Every version of every table in plain words."""
    found = {}
    for name in state.tables:
        batches = [batch.select(sorted(batch.schema.names)) for batch in state.batches(name)]
        found[name] = pa.Table.from_batches(batches).to_pylist() if batches else []
    return found


def install(store: SQLiteStore, state: IncomingState, rules: Any) -> None:
    with store.applying() as applying:
        applying.install(state, rules)
        applying.commit()


def agree_on(one: SQLiteStore, other: SQLiteStore) -> None:
    """Nodes with one vector make equal snapshots."""
    first, second = state_of(one), state_of(other)
    assert first.vector == second.vector
    mine, theirs = lines_of(first), lines_of(second)
    for name in mine.keys() | theirs.keys():
        agree(f"snapshot of {name}", dict(enumerate(mine[name])), dict(enumerate(theirs[name])))


def run_and_agree(world: Any, run: Callable[[], None]) -> None:
    """A whole history; in the end all nodes make equal snapshots."""
    close, world.close = world.close, lambda: None
    try:
        run()
        for node in world.nodes[1:]:
            agree_on(world.nodes[0].store, node.store)
    finally:
        close()


class ToyHistory(constraint_histories.History):
    """The toy schema, beside the specification's model."""

    def run(self) -> None:
        self.snapshots: list[tuple[IncomingState, Any]] = []
        run_and_agree(self.world, super().run)

    def step(self, node: ToyNode) -> None:
        act = self.rng.random()
        if act < 0.06:
            self.world.seal(node)
            self.world.say(node.name, "makes snapshot", len(self.snapshots), node.model.vector)
            self.snapshots.append((state_of(node.store), node.model.snapshot()))
        elif act < 0.14 and self.snapshots:
            number = self.rng.randrange(len(self.snapshots))
            state, told = self.snapshots[number]
            self.world.seal(node)
            self.world.say(node.name, "installs snapshot", number)
            install(node.store, state, self.world.carrier.rules)
            node.model.install(told)
            agree("vector", node.site.vector, node.model.vector)
            self.world.compare(node)
        else:
            super().step(node)


class OwnHistory(own_histories.History):
    """Numbers of their own: the store is held to all that was ever sealed."""

    def run(self) -> None:
        self.snapshots: list[IncomingState] = []
        run_and_agree(self.world, super().run)

    def step(self, node: OwnNode) -> None:
        act = self.rng.random()
        if act < 0.06:
            self.world.seal(node)
            self.world.say(node.name, "makes snapshot", len(self.snapshots))
            self.snapshots.append(state_of(node.store))
        elif act < 0.14 and self.snapshots:
            number = self.rng.randrange(len(self.snapshots))
            self.world.seal(node)
            before = node.application.tables()
            self.world.say(node.name, "installs snapshot", number)
            install(node.store, self.snapshots[number], self.world.carrier.rules)
            covered = self.snapshots[number].vector
            dots = {Dot(o, seq) for o, mark in covered.items() for seq in range(1, mark.seq + 1)}
            self.world.carrier.held.setdefault(node.name, set()).update(dots)
            self.world._look(node, before, None)
            self.world.compare(node)
        else:
            super().step(node)


class ForgettingHistory(ToyHistory):
    """Deleted rows are forgotten as soon as they are stable, by acknowledgements that travel late or not at all; the
    model never forgets. Packets are delivered as they please."""

    def __init__(self, root: Path, spec: ModuleType, seed: int, say: Callable[..., None] | None = None) -> None:
        super().__init__(root, spec, seed, say)
        self.mirrored = self.world.mirrored = False
        self.acks: dict[str, Vector] = {}
        self.heard: dict[str, dict[str, Vector]] = {node.name: {} for node in self.world.nodes}
        self.forgotten = 0
        self.deletes = 0.4
        compare = self.world.compare
        self.world.compare = lambda node: self._compare(compare, node)  # type: ignore[method-assign]

    def run(self) -> None:
        close, self.world.close = self.world.close, lambda: None  # type: ignore[method-assign]
        self.snapshots = []
        try:
            constraint_histories.History.run(self)
        finally:
            close()

    def step(self, node: ToyNode) -> None:
        super().step(node)
        if self.rng.random() < 0.5:
            self.world.seal(node)
            self.acks[node.name] = dict(node.store.vector())
        known = self.heard[node.name]
        known |= {peer: ack for peer, ack in self.acks.items() if self.rng.random() < 0.5 and peer != node.name}
        if self.rng.random() < 0.4:
            peers = [other.name for other in self.world.nodes if other is not node]
            heard = [Heard(peer, known.get(peer)) for peer in peers]
            upto = self.stable(node.store.vector(), heard)
            gone = node.store.forget_deleted(upto)
            self.world.say(node.name, "forgets", gone, "up to", upto)
            self.forgotten += sum(gone.values())

    @staticmethod
    def stable(applied: Vector, heard: list[Heard]) -> Mapping[str, int]:
        """The rule; a hunt for its counterexample puts another one here."""
        return decide_stable(applied, heard).upto

    @staticmethod
    def _compare(compare: Callable[[ToyNode], None], node: ToyNode) -> None:
        """What a store has forgotten is nothing to compare."""
        whole = node.model.siblings
        node.model.siblings = {
            key: versions
            for key, versions in whole.items()
            if not all(v.deleted for v in versions) or node.store.standing(key.split("/")[0], (key,))
        }
        try:
            compare(node)
        finally:
            node.model.siblings = whole


class HastyHistory(ForgettingHistory):
    """Forgets what all have acknowledged, whether their own packets came or not: this must go wrong."""

    @staticmethod
    def stable(applied: Vector, heard: list[Heard]) -> Mapping[str, int]:
        marks = [member.marks or {} for member in heard]
        return {o: min(m[o].seq if o in m else 0 for m in [applied, *marks]) for o in applied}


def history(kind: str, root: Path, seed: int, say: Callable[..., None] | None = None) -> Any:
    if kind == "own":
        return OwnHistory(root, seed, say)
    spec = constraint_histories.load_global_spec()
    assert spec is not None
    kinds = {"toy": ToyHistory, "forget": ForgettingHistory, "hasty": HastyHistory}
    return kinds[kind](root, spec, seed, say)


if __name__ == "__main__":
    kind, *seeds = sys.argv[1:]
    sys.exit(hunt(lambda folder, seed, say: history(kind, folder, seed, say).run(), seeds))
