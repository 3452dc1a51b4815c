"""Any order of edits, seals, deliveries and joins that hypothesis can think of, and the shortest one that fails."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.property.application import COLUMNS, KEYS, KINDS, VALUES, Row, Statement, name_of
from tests.property.comparing import compare
from tests.property.histories import SKEWS, WORDS, decide, settle
from tests.property.member import Member, scratch
from tests.property.world import World

NUMBERS = st.integers(0, 4)
PARTS = st.sampled_from((1, 2, 1000))


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Row]:
    keys = draw(st.sets(st.sampled_from(KEYS)))
    return {name_of(key): {c: draw(st.sampled_from(VALUES[c])) for c in COLUMNS} for key in sorted(keys)}


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    key, kind = draw(st.sampled_from(KEYS)), draw(st.sampled_from(KINDS))
    whole = kind in ("insert", "replace", "upsert", "ignore", "again", "undone")
    names = COLUMNS if whole else sorted(draw(st.sets(st.sampled_from(COLUMNS), min_size=1, max_size=2)))
    other = draw(st.sampled_from([k for k in KEYS if k[0] == key[0]])) if kind == "rename" else None
    return Statement(kind, key, {name: draw(st.sampled_from(VALUES[name])) for name in names}, other)


class Network(RuleBasedStateMachine):
    """Up to four nodes; every rule ends with a comparison."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = scratch()
        self.world: World

    @initialize(policy=st.sampled_from(WORDS), first=rows(), part=PARTS)
    def found(self, policy: str, first: dict[str, Row], part: int) -> None:
        self.world = World(Path(self.folder.name), random.Random(0), policy, first, part)
        self.join(first, part, 0)

    @precondition(lambda self: len(self.world.members) < 4)
    @rule(own=rows(), part=PARTS, skew=st.sampled_from(SKEWS))
    def join(self, own: dict[str, Row], part: int, skew: int) -> None:
        self.world.invite(self.world.members[0], own, part, skew, "member")

    @rule(number=NUMBERS, edits=st.lists(statements(), min_size=1, max_size=3))
    def edit(self, number: int, edits: list[Statement]) -> None:
        for statement in edits:
            self.world.edit(self.member(number), statement)

    @rule(number=NUMBERS, late=st.lists(statements(), max_size=1))
    def seal(self, number: int, late: list[Statement]) -> None:
        self.world.seal(self.member(number), late)
        compare(self.member(number))

    @rule(number=NUMBERS)
    def exchange(self, number: int) -> None:
        self.world.exchange(self.member(number))
        compare(self.member(number))

    @rule(number=NUMBERS, some=st.lists(st.integers(0, 30), max_size=12), cards=st.booleans())
    def deliver(self, number: int, some: list[int], cards: bool) -> None:
        every = sorted({dot for member in self.world.members for dot in member.shelf})
        dots = [every[place] for place in dict.fromkeys(some) if place < len(every)]
        self.world.deliver(self.member(number), dots, cards=cards)
        compare(self.member(number))

    def member(self, number: int) -> Member:
        return self.world.members[number % len(self.world.members)]

    def teardown(self) -> None:
        try:
            if hasattr(self, "world"):
                settle(self.world)
                decide(self.world, random.Random(len(self.world.packets)))
        finally:
            if hasattr(self, "world"):
                self.world.close()
            self.folder.cleanup()


COMMON = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

TestNetwork = Network.TestCase
TestNetwork.settings = settings(COMMON, max_examples=5, stateful_step_count=12)


class LargerNetwork(Network):
    """The same, at length."""


TestLargerNetwork = pytest.mark.slow(LargerNetwork.TestCase)
TestLargerNetwork.settings = settings(COMMON, max_examples=12, stateful_step_count=20)
