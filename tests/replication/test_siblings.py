from __future__ import annotations

from satchel.model.version import NOWHERE
from satchel.replication.siblings import add, columns_of, knew, maximal, of_known_time
from tests.replication.made import dot, vector, version

BASE = version("a/1", 10, x=1)


def test_a_version_supersedes_what_its_author_had_seen() -> None:
    after = version("b/1", 20, ("a/1",), x=2)
    assert add([BASE], after) == [after]


def test_a_version_stands_beside_what_its_author_had_not_seen() -> None:
    beside = version("b/1", 20, x=2)
    assert add([BASE], beside) == [BASE, beside]


def test_seeing_a_later_packet_of_an_origin_is_seeing_the_earlier_ones() -> None:
    after = version("b/1", 20, ("a/7",), x=2)
    assert add([BASE, version("c/1", 5)], after) == [version("c/1", 5), after]


def test_another_epoch_of_a_node_is_not_seen_with_the_node() -> None:
    epoch = version("a.x7k2/1", 10, x=3)
    assert add([epoch], version("b/1", 20, ("a/7",), x=2))[0] == epoch


def test_the_same_version_again_changes_nothing() -> None:
    assert add([BASE], BASE) == [BASE]


def test_the_maximal_versions_are_those_that_no_other_has_seen() -> None:
    second = version("a/2", 20, ("a/1",), x=2)
    third = version("b/1", 30, ("a/1",), x=3)
    assert maximal([BASE, second, third]) == [second, third]
    assert maximal([third, BASE]) == [third]


def test_everybody_knew_what_was_never_written() -> None:
    assert knew({}, NOWHERE)
    assert not knew({}, dot("a/1"))
    assert knew(vector("a/1"), dot("a/1"))


def test_versions_of_unknown_time_take_no_part_beside_known_time() -> None:
    unknown, late = version("j/1", 0, x=9), version("b/1", 1, deleted=True, x=1)
    assert of_known_time([unknown, late]) == [late]
    assert of_known_time([unknown]) == [unknown]


def test_siblings_take_part_in_the_order_of_their_dots() -> None:
    one, two = version("b/1", 1), version("a/2", 2)
    assert of_known_time([one, two]) == [two, one]


def test_columns_are_those_of_any_version() -> None:
    assert columns_of([version("a/1", 1, b=1), version("b/1", 1, a=1)]) == ["a", "b"]
