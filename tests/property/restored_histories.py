"""Random histories with databases that are put back from backups: the product against the reference model, where a node
that went backwards goes on under an origin of its own (model.py, `Node.branch`).

`python -m tests.property.restored_histories FIRST LAST` hunts and prints failing seeds; `-v SEED` tells one history.
"""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.property.application import Statement
from tests.property.comparing import compare
from tests.property.histories import History
from tests.property.hunting import hunt
from tests.property.member import Member, packets_below, small_packets

_FACTS = ("vector", "rows", "pending", "origin")


@dataclass(frozen=True)
class Kept:
    """A member's database at some moment, and what the model's node was then."""

    member: Member
    db: Path
    model: dict[str, Any]
    blind: frozenset[str]


class RestoredHistory(History):
    """One seed."""

    def __init__(self, *words: Any, **options: Any) -> None:
        super().__init__(*words, **options)
        self.kept: list[Kept] = []

    def step(self, member: Member) -> None:
        act = self.rng.random()
        if member.joining is None and act < 0.12:
            self.keep(member)
        elif act < 0.22 and (kept := [kept for kept in self.kept if kept.member is member]):
            self.restore(self.rng.choice(kept))
        else:
            super().step(member)

    def keep(self, member: Member) -> None:
        path = self.world.root / f"kept-{len(self.kept)}.db"
        with closing(sqlite3.connect(path)) as copy:
            member.application.db.backup(copy)
        model = {fact: deepcopy(getattr(member.model, fact)) for fact in _FACTS}
        self.kept.append(Kept(member, path, model, frozenset(member.blind)))
        self.world.say(member.name, "keeps", path.name, model["vector"])

    def restore(self, kept: Kept) -> None:
        """Puts it back; perhaps somebody works on; then a sync, which notices."""
        world, member = self.world, kept.member
        with closing(sqlite3.connect(kept.db)) as copy:
            copy.backup(member.application.db)
        for fact in _FACTS:
            setattr(member.model, fact, deepcopy(kept.model[fact]))
        member.blind = set(kept.blind)
        world.say(member.name, "RESTORES", kept.db.name)
        for _ in range(self.rng.choice((0, 0, 1, 3))):
            world.edit(member, Statement.draw(self.rng))
        held = {dot for dot, _ in packets_below(world.share)}
        with small_packets(member.model.part):
            report = member.node.sync(world.share)
        origin = str(member.node.status()["origin"])
        assert (origin != member.model.origin) == any("a backup was restored" in line for line in report.warnings)
        member.model.origin = origin
        world.say(member.name, "goes on as", origin, "sealed", report.sealed, "applied", report.applied)
        world._received(member, report, held)
        compare(member)


if __name__ == "__main__":
    sys.exit(hunt(lambda folder, seed, say: RestoredHistory(folder, seed, say).run(), sys.argv[1:]))
