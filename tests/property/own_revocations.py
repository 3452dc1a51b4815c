"""Random histories of databases with own numbers in which a node is revoked: what is left is what the remaining packets
say, and no row that stays gets another number.

`python -m tests.property.own_revocations FIRST LAST` hunts and prints the seeds that fail; `-v SEED` tells one.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from satchel.model.admission import Candidate
from satchel.model.ids import Dot
from tests.property import own_histories
from tests.property.hunting import hunt
from tests.property.own_world import OwnNode
from tests.property.revocations import Cutting, tell_everybody


class History(own_histories.History):
    """One seed; `n1` is revoked."""

    def __init__(self, root: Path, seed: int, say: Callable[..., None] | None = None) -> None:
        super().__init__(root, seed, say)
        self.carrier = Cutting(self.world.carrier.policy)
        self.world.carrier = self.carrier
        self._candidates = self.world._candidates
        self.world._candidates = self.candidates  # type: ignore[method-assign]
        self.cuts: list[int] = []
        self.taken = self.done = 0

    def candidates(self, node: OwnNode) -> list[Candidate]:
        """As the node knows them: which references were written in sight of what is gone."""
        self.carrier.asked = node.name
        return [replace(c, misled=self.misled(c)) for c in self._candidates(node)]

    def misled(self, candidate: Candidate) -> frozenset[str]:
        table = self.world.tables[candidate.id[0]]
        referring = {column for key in table.foreign_keys for column in key.columns}
        cells = candidate.resolved.cells.items()
        return frozenset(name for name, cell in cells if name in referring and self.carrier.is_misled(cell.dot))

    @property
    def others(self) -> list[OwnNode]:
        return [node for node in self.world.nodes if node.name != "n1"]

    def step(self, node: OwnNode) -> None:
        self.carrier.asked = node.name
        super().step(node)
        self.done += 1
        rng = self.rng
        ends = sorted({p.incoming.group[1] for dot, p in self.carrier.packets.items() if dot.origin == "n1"})
        if not self.cuts and self.done > self.steps // 2 and len(ends) > 1:
            self.cuts = [rng.choice(ends[:-1]), rng.choice(ends[:-1])]
        if self.cuts and rng.random() < 0.15:
            self.revoke(rng.choice(self.others), rng.choice(self.cuts))

    def revoke(self, node: OwnNode, seq: int) -> None:
        self.carrier.asked = node.name
        self.world.seal(node)
        before = node.application.tables()
        counts = self.carrier.revoke(node.site, "n1", seq)
        self.world.say(node.name, "hears that n1 is revoked at", seq, counts)
        if counts is not None:
            self.taken += 1
            self.world._look(node, before, {(row.table, row.number) for row in counts.renumbered})
        self.world.compare(node)

    def run(self) -> None:
        try:
            first = self.world.nodes[0]
            for _ in range(self.rng.choice((0, 0, 10))):
                self.edit(first)
            self.world.found()
            for _ in range(self.steps):
                self.step(self.rng.choice(self.world.nodes))
            if self.cuts:
                self.settle()
        finally:
            self.world.close()

    def settle(self) -> None:
        """Everybody hears of every cut and gets everything: all but the revoked show the same rows."""
        tell_everybody(self)
        rows = []
        for node in self.others:
            self.carrier.asked = node.name
            packets: Collection[Dot] = self.rng.sample(list(self.carrier.packets), len(self.carrier.packets))
            self.world.deliver(node, packets)
            rows.append(self.world._wire_rows(node))
            last = {dot.origin: dot.seq for dot in sorted(self.carrier.packets)}
            assert node.site.vector == last | {"n1": min(self.cuts)}
        assert all(one == rows[0] for one in rows), "nodes differ"


def play(folder: Path, seed: int, say: Callable[..., None]) -> Counter[str]:
    """One history; how many rows were taken out."""
    history = History(folder, seed, say)
    history.run()
    return Counter(taken_out=history.taken)


if __name__ == "__main__":
    sys.exit(hunt(play, sys.argv[1:]))
