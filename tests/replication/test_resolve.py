from __future__ import annotations

import pytest

from satchel.replication.policies import LATEST, MANUAL, MERGE, Policy, priority
from satchel.replication.resolve import resolve, settle
from tests.replication.made import values, version

EVERY = [LATEST, MERGE, MANUAL, priority(["j"])]


@pytest.mark.parametrize("policy", EVERY, ids=lambda policy: policy.name)
def test_a_version_of_unknown_time_never_changes_what_members_see(policy: Policy) -> None:
    resolved = resolve([version("j/1", 0, x="joined"), version("a/1", 1, x="known")], policy)
    assert values(resolved.cells) == {"x": "known"}
    assert resolved.conflict == {"x"}


@pytest.mark.parametrize("policy", EVERY, ids=lambda policy: policy.name)
def test_a_version_of_unknown_time_does_not_bring_back_a_deleted_row(policy: Policy) -> None:
    resolved = resolve([version("j/1", 0, x="joined"), version("a/1", 1, deleted=True, x="known")], policy)
    assert resolved.deleted
    assert resolved.conflict == {"x"}


@pytest.mark.parametrize("policy", EVERY, ids=lambda policy: policy.name)
def test_versions_of_unknown_time_alone_are_shown(policy: Policy) -> None:
    resolved = resolve([version("j/1", 0, x=1), version("k/1", 0, deleted=True, x=1)], policy)
    assert values(resolved.cells) == {"x": 1}


def test_settling_adds_the_incoming_version_and_says_what_is_shown() -> None:
    base, one = version("a/1", 1, x=1), version("b/1", 5, x=2)
    siblings, resolved = settle([base], one, MERGE)
    assert siblings == [base, one]
    assert (values(resolved.cells), resolved.conflict) == ({"x": 2}, {"x"})


def test_a_version_that_has_seen_all_siblings_closes_the_conflict() -> None:
    siblings, resolved = settle(
        [version("a/1", 1, x=1), version("b/1", 5, x=2)], version("c/1", 6, ("a/1", "b/1"), x=1), MANUAL
    )
    assert [v.dot.origin for v in siblings] == ["c"]
    assert resolved.conflict == set()


def test_deciding_again_without_an_incoming_version_keeps_the_siblings() -> None:
    standing = [version("a/1", 1, x=1), version("b/1", 5, x=2)]
    siblings, resolved = settle(standing, None, priority(["a"]))
    assert siblings == standing
    assert values(resolved.cells) == {"x": 1}
