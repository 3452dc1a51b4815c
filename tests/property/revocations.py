"""Random histories in which a node is revoked, by several statements that are heard at different times: the store
against the specification.

`python -m tests.property.revocations FIRST LAST` hunts and prints the seeds that fail; `-v SEED` tells one.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from satchel.model.admission import Outcome, RowId
from satchel.model.ids import Dot
from satchel.model.schema import Table
from satchel.model.vector import HASH_DIGITS, Mark
from satchel.replication.cuts import clamp, is_beyond
from satchel.replication.siblings import maximal
from satchel.stores.counts import RowCounts
from satchel.stores.records import Incoming, Standing
from satchel.sync.rules import NetworkRules
from tests.property import constraint_histories
from tests.property.constraint_histories import load_global_spec
from tests.property.hunting import hunt
from tests.property.toy_world import Loading, ToyNode
from tests.stores.ferry import PlainRules, Site


@dataclass
class Cutting(Loading):
    """A carrier that knows which cuts each site has heard of; `asked`: whose turn it is."""

    cuts: dict[str, dict[str, Mark]] = field(default_factory=dict)
    asked: str = ""

    @property
    def rules(self) -> CutRules:
        return CutRules(self)

    def is_misled(self, write: Dot) -> bool:
        cuts = self.cuts.get(self.asked, {})
        context = self.packets[write].incoming.context if write in self.packets else {}
        return any(is_beyond(origin, mark.seq, cuts.get) for origin, mark in context.items())

    def ready_of(self, held: Collection[Dot], vector: Mapping[str, int]) -> list[Incoming] | None:
        cuts = self.cuts.get(self.asked, {})
        for dot in sorted(held):
            packet = self.packets[dot].incoming
            group = [Dot(dot.origin, seq) for seq in range(packet.group[0], packet.group[1] + 1)]
            if dot.seq != packet.group[0] or dot.seq != vector.get(dot.origin, 0) + 1 or not held >= {*group}:
                continue
            if dot.origin in cuts and packet.group[1] > cuts[dot.origin].seq:
                continue
            context = clamp(packet.context, cuts.get)
            if all(vector.get(origin, 0) >= mark.seq for origin, mark in context.items()):
                return [replace(self.packets[part].incoming, misled=self.is_misled(part)) for part in group]
        return None

    def revoke(self, site: Site, origin: str, seq: int) -> RowCounts | None:
        """The site hears of a cut. What taking out did; None: it had applied no more."""
        cuts = self.cuts.setdefault(site.name, {})
        packet = self.packets[Dot(origin, seq)].incoming
        cuts[origin] = min(Mark(seq, packet.hash[:HASH_DIGITS]), cuts.get(origin, Mark(sys.maxsize, "")))
        vector, cut = site.vector, cuts[origin]
        if vector.get(origin, 0) <= cut.seq:
            return None
        applied = [p.incoming for dot, p in self.packets.items() if dot.seq <= vector.get(dot.origin, 0)]
        going = [packet for packet in applied if packet.dot.origin == origin and packet.dot.seq > cut.seq]
        remaining = [packet for packet in applied if packet not in going]
        with site.store.applying() as applying:
            counts = applying.take_out({origin: cut}, going, remaining, self.rules, maximal)
            applying.commit()
        return counts


class CutRules(PlainRules):
    """The rules, which know whose references may lead to what was taken out."""

    def __init__(self, carrier: Cutting) -> None:
        super().__init__(carrier.policy)
        self.network = NetworkRules(None, carrier.is_misled)  # type: ignore[arg-type]

    def admit(self, tables: Mapping[str, Table], rows: Iterable[Standing]) -> Mapping[RowId, Outcome]:
        return self.network.admit(tables, rows)


class History(constraint_histories.History):
    """One seed. `n1` is revoked: its baseline is nobody's."""

    def __init__(self, root: Path, spec: ModuleType, seed: int, say: Callable[..., None] | None = None) -> None:
        super().__init__(root, spec, seed, say)
        self.carrier = Cutting(self.world.carrier.policy)
        self.world.carrier = self.carrier
        self.cuts: list[int] = []
        self.done = 0

    def step(self, node: ToyNode) -> None:
        self.carrier.asked = node.name
        super().step(node)
        self.done += 1
        rng = self.rng
        ends = sorted({p.incoming.group[1] for dot, p in self.carrier.packets.items() if dot.origin == "n1"})
        if not self.cuts and self.done > self.steps // 2 and len(ends) > 1:
            self.cuts = [rng.choice(ends[:-1]), rng.choice(ends[:-1])]
        if self.cuts and rng.random() < 0.15:
            self.revoke(rng.choice(self.others), rng.choice(self.cuts))

    @property
    def others(self) -> list[ToyNode]:
        return [node for node in self.world.nodes if node.name != "n1"]

    def revoke(self, node: ToyNode, seq: int) -> None:
        self.carrier.asked = node.name
        self.world.seal(node)
        taken = self.carrier.revoke(node.site, "n1", seq)
        self.world.say(node.name, "hears that n1 is revoked at", seq, "takes out" if taken else "")
        self.world.tally.update(taken_out=taken is not None)
        node.model.revoke("n1", seq)
        self.world.compare(node)
        self.compare_gone(node)

    def compare_gone(self, node: ToyNode) -> None:
        """Rows that only packets beyond the cut knew were never there."""
        known = {key for packet in node.model.known.values() for key in packet.rows}
        for key in known - node.model.siblings.keys():
            assert not node.store.standing(key.split("/")[0], (key,)), key

    def run(self) -> None:
        try:
            self._found()
            for _ in range(self.steps):
                self.step(self.rng.choice(self.world.nodes))
            if self.cuts:
                self.settle()
        finally:
            self.world.close()

    def settle(self) -> None:
        """Everybody hears of every cut and gets everything: all but the revoked are equal, nothing is stuck."""
        tell_everybody(self)
        first = self.others[0]
        for node in self.others:
            self.carrier.asked = node.name
            packets = list(self.carrier.packets)
            self.rng.shuffle(packets)
            self.world.deliver(node, packets)
            self.world.compare(node)
            assert node.application.rows() == first.application.rows()
            last = {dot.origin: dot.seq for dot in sorted(self.carrier.packets)}
            assert node.site.vector == last | {"n1": min(self.cuts)}


def tell_everybody(history: Any) -> None:
    """All but the revoked hear of every cut, some with more packets than others; then all seal."""
    for node in history.others:
        history.carrier.asked = node.name
        if history.rng.random() < 0.6:
            history.world.deliver(node, list(history.carrier.packets))
        for seq in history.rng.sample(history.cuts, 2):
            history.revoke(node, seq)
    for node in history.world.nodes:
        history.carrier.asked = node.name
        history.world.seal(node)


def play(folder: Path, seed: int, say: Callable[..., None]) -> Counter[str]:
    """One history; what there was to compare."""
    spec = load_global_spec()
    assert spec is not None
    history = History(folder, spec, seed, say)
    history.run()
    return history.world.tally


if __name__ == "__main__":
    sys.exit(hunt(play, sys.argv[1:]))
