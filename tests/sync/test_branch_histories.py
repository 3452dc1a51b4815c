"""Random histories with clones: whoever heard of a fork when, and in whatever order, all end equal, and as somebody who
knew of every fork from the first packet on."""

from __future__ import annotations

import random

import pytest

from tests.replication.toy import load_spec
from tests.sync.branch_model import assert_as_the_model_says
from tests.sync.clones import assert_equal, clone, gossip, hand_over, seal
from tests.sync.sites import Place, emptied, join_network

TOWNS = ("Kiel", "Jena", "Bern", "Rom")


def statement(rng: random.Random) -> str:
    key = rng.choice(("c1", "c2", "c3"))
    column = rng.choice(("town", "name"))
    value = rng.choice(TOWNS)
    return rng.choice(
        (
            f"UPDATE customers SET {column} = '{value}{rng.randrange(90)}' WHERE id = '{key}'",
            f"UPDATE customers SET {column} = '{value}{rng.randrange(90)}' WHERE id = '{key}'",
            f"INSERT INTO customers VALUES ('{key}', '{value}', NULL) ON CONFLICT (id) DO UPDATE SET name = '{value}'",
            f"DELETE FROM customers WHERE id = '{key}'",
            f"UPDATE stock SET pieces = {rng.randrange(90)} WHERE id = 's1'",
        )
    )


def run(office: Place, branch: Place, clinic: Place, seed: int) -> None:
    rng = random.Random(seed)
    places = [office, branch, clinic]
    for step in range(rng.randrange(8, 16)):
        place = rng.choice(places)
        act = rng.random()
        if act < 0.5:
            seal(place, statement(rng))
        elif act < 0.65 and len(places) < 6:
            places.append(clone(place, f"copy{step}"))
            for copy in (place, places[-1]):  # before either can hear of the other
                seal(copy, *(statement(rng) for _ in range(rng.randrange(3))))
        else:
            hand_over(rng.choice([other for other in places if other is not place]), place)
    gossip(*places)
    assert_equal(*places)
    late = join_network(office, "late", emptied(office.db, office.root / "late.db"))
    gossip(office, late, *places[1:])
    assert_equal(office, late, *places[1:])
    spec = load_spec()
    if spec is not None:  # it stands beside this repository
        assert_as_the_model_says(spec, office)


@pytest.mark.parametrize("seed", [1])
def test_clones_of_any_node_at_any_moment_end_equal(office: Place, branch: Place, clinic: Place, seed: int) -> None:
    run(office, branch, clinic, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 13))
def test_clones_of_any_node_at_any_moment_end_equal_in_many_histories(
    office: Place, branch: Place, clinic: Place, seed: int
) -> None:
    run(office, branch, clinic, seed)
