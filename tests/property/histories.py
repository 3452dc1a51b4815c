"""Random histories of a network, from a seed: the product against the reference model after every step.

`python -m tests.property.histories FIRST LAST` hunts and prints the seeds that fail; `-v SEED` tells one history.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.property.application import COLUMNS, KEYS, VALUES, Row, Statement, name_of
from tests.property.chosen import POLICIES
from tests.property.comparing import compare
from tests.property.hunting import hunt
from tests.property.member import Member
from tests.property.world import World

WORDS = ["latest", "merge", "merge", "manual", "priority:n1,n0", *POLICIES]
SKEWS = [0, 0, 0, -500, 5000, 3_600_000, 10**11, -(10**12), -(10**13)]
_PARTS = [1, 2, 3, 1000]


def draw_rows(rng: random.Random) -> dict[str, Row]:
    names = [name_of(key) for key in KEYS if rng.random() < 0.5]
    return {name: {c: rng.choice(VALUES[c]) for c in COLUMNS} for name in names}


class History:
    """One seed."""

    def __init__(self, root: Path, seed: int, say: Callable[..., None] | None = None) -> None:
        self.rng = rng = random.Random(seed)
        self.world = World(root, rng, rng.choice(WORDS), draw_rows(rng), rng.choice(_PARTS))
        self.past: list[dict[str, Row]] = [{}, self.world.members[0].application.rows()]
        if say is not None:
            self.world.say = say
            say("policy", self.world.policy, "rows", self.past[1])
        self.size = rng.choice((2, 2, 3, 3, 4, 5))
        self.steps = rng.randrange(10, 50)

    def run(self) -> None:
        """The whole history."""
        try:
            while len(self.world.members) < min(2, self.size):
                self.join()
            for _ in range(self.steps):
                member = self.rng.choice(self.world.members)
                self.step(member)
            while len(self.world.members) < self.size:
                self.join()
            settle(self.world)
            decide(self.world, self.rng)
        finally:
            self.world.close()

    def step(self, member: Member) -> None:
        world, act = self.world, self.rng.random()
        if act < 0.5:
            for _ in range(self.rng.choice((1, 1, 2, 4))):
                world.edit(member, Statement.draw(self.rng))
        elif act < 0.58:
            world.seal(member)
        elif act < 0.66:
            world.seal(member, [Statement.draw(self.rng) for _ in range(self.rng.choice((1, 2)))])
        elif act < 0.85:
            self.deliver(member)
        elif act < 0.92:
            world.exchange(member, [Statement.draw(self.rng) for _ in range(self.rng.choice((0, 0, 1)))])
        elif act < 0.95:
            world.carry(member, self.rng.choice(world.members))
        elif len(world.members) < self.size:
            self.join()
            if self.rng.random() < 0.3 and len(world.members) < self.size:
                self.join()
        if act >= 0.5:
            compare(member)
            if not member.joining:
                self.past.append(member.application.rows())

    def deliver(self, member: Member) -> None:
        rng = self.rng
        every = sorted({dot for other in self.world.members for dot in other.shelf})
        share = rng.choice((0.2, 0.6, 0.9, 1))
        dots = [dot for dot in every if rng.random() < share]
        broken = [dot for dot in every if dot not in dots and rng.random() < 0.2]
        self.world.deliver(member, dots, broken, cards=rng.random() < 0.9, acks=rng.random() < 0.5)

    def join(self) -> None:
        rng = self.rng
        active = [member for member in self.world.members if member.joining is None]
        inviter = rng.choice([member for member in active if member.admin])
        if rng.random() < 0.2:
            self.world.invite_copy(inviter, rng.choice(active), rng.choice(_PARTS), rng.choice(SKEWS))
            return
        rows = {name: dict(row) for name, row in rng.choice(self.past).items() if rng.random() < 0.9}
        for name in [name_of(key) for key in KEYS if rng.random() < 0.3]:
            row = rows.setdefault(name, dict.fromkeys(COLUMNS))
            column = rng.choice(COLUMNS)
            row[column] = rng.choice(VALUES[column])
        self.world.invite(inviter, rows, rng.choice(_PARTS), rng.choice(SKEWS), rng.choice(("admin", "member")))


def settle(world: World) -> None:
    """Everybody gets everything twice: all are equal, nothing is pending, nothing waits, nothing is left to drop."""
    for _ in range(4):  # a node that joins seals what was edited since in its second run
        for member in world.members:
            world.exchange(member)
    first = world.members[0]
    for member in world.members:
        compare(member)
        status = member.node.status()
        assert status["pending"] == 0 and status["waiting"] == []
        assert status["vector"] == first.model.vector
        assert member.application.rows() == first.application.rows()
        assert [entry["id"] for entry in open_conflicts(member)] == [entry["id"] for entry in open_conflicts(first)]
        assert all(peer["behind"] == 0 for peer in status["peers"])
        report = member.node.sync(world.share)
        assert not (report.sealed or report.applied or report.dropped or report.waiting)
        stick = world.root / f"stick-{member.name}"
        stick.mkdir(exist_ok=True)
        assert not member.node.export(stick).dropped


def decide(world: World, rng: random.Random) -> None:
    """Conflicts are settled at random nodes, two perhaps at once, and are closed everywhere then."""
    for _ in range(3):
        member = rng.choice(world.members)
        entries = open_conflicts(member)
        if not entries:
            break
        world.resolve(member, rng.choice(entries))
        if rng.random() < 0.5:
            world.exchange(member)
    settle(world)


def open_conflicts(member: Member) -> list[dict[str, Any]]:
    entries = [entry for entry in member.node.conflicts() if entry["closed"] is None]
    return sorted(entries, key=lambda entry: (entry["table"], entry["key"]))


def play(folder: Path, seed: int, say: Callable[..., None]) -> None:
    """One history."""
    History(folder, seed, say).run()


if __name__ == "__main__":
    sys.exit(hunt(play, sys.argv[1:]))
