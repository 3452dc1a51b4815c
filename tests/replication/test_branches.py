"""What packets are called after a fork: a function of what is known, whoever learned it when (spec, branches.md)."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pytest

from satchel.model.ids import Dot
from satchel.model.vector import Mark
from satchel.replication.branches import Branch, Link, Naming, branches_from, links_of


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def link(seq: int, name: str, previous: Link | None = None) -> Link:
    return Link("branch", seq, digest(name), previous.hash if previous else "")


def fresh(links: Iterable[Link]) -> Naming:
    """As somebody knows them who has applied nothing yet."""
    return Naming(links, {}, lambda dot: None)


ONE = link(1, "one")
LAPTOP = link(2, "laptop", ONE)
LATER = link(3, "later", LAPTOP)
COPY = link(2, "copy", ONE)
AGAIN = [link(3, "again", COPY), link(3, "once more", COPY)]


def short(one: Link) -> str:
    return f"branch~{one.hash[:8]}"


# -- the example of docs/spec/branches.md


def test_each_side_of_a_fork_is_called_by_the_hash_of_its_first_packet() -> None:
    naming = fresh([ONE, LAPTOP, LATER, COPY])
    names = [naming.name_of(packet) for packet in (ONE, LAPTOP, LATER, COPY)]
    assert names == ["branch", short(LAPTOP), short(LAPTOP), short(COPY)]
    assert [naming.begins(packet) for packet in (ONE, LATER, COPY)] == [1, 2, 2]


def test_without_a_fork_nothing_has_another_name() -> None:
    naming = fresh([ONE, LAPTOP, LATER])
    assert [naming.name_of(packet) for packet in (ONE, LAPTOP, LATER)] == ["branch"] * 3
    assert (naming.news, naming.forked) == (False, frozenset())


def test_a_context_is_read_by_its_hashes() -> None:
    naming = fresh([ONE, LAPTOP, LATER, COPY])
    said = {"branch": Mark(3, LATER.digits), "office": Mark(7, "0" * 16)}
    path = {"branch": Mark(1, ONE.digits), short(LAPTOP): Mark(3, LATER.digits)}
    assert naming.resolve(said) == path | {"office": Mark(7, "0" * 16)}
    assert [naming.origin_in(said, "branch", seq) for seq in (1, 2, 3)] == ["branch", short(LAPTOP), short(LAPTOP)]


def test_who_knows_one_side_reads_the_name_of_a_branch_as_the_trunk() -> None:
    naming = fresh([ONE, COPY])
    said = {"branch": Mark(1, ONE.digits), short(COPY): Mark(2, COPY.digits), short(LAPTOP): Mark(3, LATER.digits)}
    assert naming.resolve(said) == {"branch": Mark(2, COPY.digits), short(LAPTOP): Mark(3, LATER.digits)}


def test_a_branch_that_forks_again_ends_there() -> None:
    naming = fresh([ONE, LAPTOP, COPY, *AGAIN])
    assert [naming.name_of(packet) for packet in AGAIN] == [short(packet) for packet in AGAIN]
    assert naming.resolve({"branch": Mark(3, AGAIN[0].digits)}) == {
        "branch": Mark(1, ONE.digits),
        short(COPY): Mark(2, COPY.digits),
        short(AGAIN[0]): Mark(3, AGAIN[0].digits),
    }
    assert naming.span(short(COPY), (2, 3)) == (2, 2)


def test_of_first_packets_each_is_a_branch() -> None:
    other = link(1, "other")
    naming = fresh([ONE, other, LAPTOP])
    assert [naming.name_of(packet) for packet in (ONE, other, LAPTOP)] == [short(ONE), short(other), short(ONE)]


def test_a_packet_whose_branch_nobody_can_tell_waits_for_the_one_before_it() -> None:
    naming = fresh([ONE, COPY, LAPTOP, link(4, "far", link(3, "unknown", COPY))])
    far = link(4, "far", link(3, "unknown", COPY))
    assert naming.name_of(far) not in ("branch", short(COPY), short(LAPTOP))
    said = {"branch": Mark(3, digest("unknown")[:16])}
    assert list(naming.resolve(said).values()) == [Mark(3, digest("unknown")[:16])]


def test_what_is_known_to_be_elsewhere_says_nothing_of_branches_that_are_not_known() -> None:
    vector = {"branch": Mark(3, LATER.digits)}
    hashes = {Dot("branch", packet.seq): packet.hash for packet in (ONE, LAPTOP, LATER)}
    naming = Naming([], vector, hashes.get)
    assert naming.covered({"branch": Mark(2, LAPTOP.digits)}) == {"branch": Mark(2, LAPTOP.digits)}
    assert naming.covered({"branch": Mark(9, "f" * 16)}) == {"branch": Mark(9, "f" * 16)}, "it is ahead"
    assert naming.covered({"branch": Mark(2, COPY.digits)}) == {short(COPY): Mark(2, COPY.digits)}, "on another side"


def test_branches_are_kept_as_plain_data() -> None:
    naming = fresh([ONE, LAPTOP, COPY])
    assert {b.name: b for b in branches_from(links_of(naming.branches))} == naming.branches


# -- random histories


@dataclass
class Database:
    """What a node keeps: hashes by dot, the vector, the branches that it tells apart; renamed as it is told."""

    hashes: dict[Dot, str] = field(default_factory=dict)
    vector: dict[str, Mark] = field(default_factory=dict)
    known: list[Branch] = field(default_factory=list)
    contexts: dict[str, Mapping[str, Mark]] = field(default_factory=dict)  # by hash of the packet

    def naming(self, links: Iterable[Link]) -> Naming:
        return Naming(links, dict(self.vector), dict(self.hashes).get, self.known)

    def learn(self, naming: Naming) -> None:
        for renaming in naming.renamings:
            moved = {dot for dot in self.hashes if dot.origin == renaming.old and dot.seq >= renaming.first}
            for dot in moved:
                self.hashes[Dot(renaming.new, dot.seq)] = self.hashes.pop(dot)
            self.vector = renamed(self.vector, renaming.old, renaming.new, renaming.first, renaming.before)
            self.contexts = {
                packet: renamed(context, renaming.old, renaming.new, renaming.first, renaming.before)
                for packet, context in self.contexts.items()
            }
        self.known = list(naming.branches.values())

    def apply(self, packet: Link, context: Mapping[str, Mark], naming: Naming) -> None:
        dot = Dot(naming.name_of(packet), packet.seq)
        self.contexts[packet.hash] = naming.resolve(context)
        self.hashes[dot] = packet.hash
        self.vector[dot.origin] = Mark(packet.seq, packet.digits)


def renamed(vector: Mapping[str, Mark], old: str, new: str, first: int, before: Mark | None) -> dict[str, Mark]:
    found = dict(vector)
    if old in found and found[old].seq >= first:
        found[new] = found.pop(old)
        if before is not None:
            found[old] = before
    return found


def tree(rng: random.Random) -> list[Link]:
    """Chains of one sequence that fork here and there, causes first."""
    links: list[Link] = []
    for number in range(rng.randrange(4, 14)):
        tips = [None, *links] if rng.random() < 0.1 else (links[-3:] or [None])
        before = rng.choice(tips)
        links.append(link(before.seq + 1 if before else 1, f"{rng.random()}{number}", before))
    return links


@pytest.mark.parametrize("seed", range(60))
def test_whoever_hears_of_packets_in_whatever_order_ends_with_the_same_names(seed: int) -> None:
    rng = random.Random(seed)
    links = tree(rng)
    whole = fresh(links)
    contexts = {one.hash: {"branch": Mark(one.seq - 1, one.previous[:16])} if one.previous else {} for one in links}
    wanted = {one.hash: whole.resolve(contexts[one.hash]) for one in links}
    database, here = Database(), list[Link]()
    todo = links[:]
    while todo or here:
        if todo:
            here += [todo.pop(rng.randrange(len(todo))) for _ in range(rng.randrange(len(todo) + 1))]
        naming = database.naming(here)
        assert naming.vector.keys() >= {
            name for name in database.vector if name not in {r.old for r in naming.renamings}
        }
        database.learn(naming)
        again = database.naming(here)
        assert (again.news, again.renamings) == (False, [])
        assert again.vector == naming.vector == database.vector
        applied = set(database.hashes.values())
        for packet in sorted(here, key=lambda one: one.seq):
            if not packet.previous or packet.previous in applied:
                database.apply(packet, contexts[packet.hash], again)
                here.remove(packet)
                break
    assert database.contexts == wanted
    assert {b.name for b in database.known} == set(whole.branches)
    for one in links:
        assert database.hashes[Dot(whole.name_of(one), one.seq)] == one.hash
    assert database.vector == {
        name: max(Mark(one.seq, one.digits) for one in links if whole.name_of(one) == name)
        for name in {whole.name_of(one) for one in links}
    }
