"""Stable: what no packet that is still to come can have to do with."""

from __future__ import annotations

from satchel.model.vector import Mark, Vector
from satchel.replication.stable import Blocker, Heard, covers, decide_stable


def vector(**seqs: int) -> Vector:
    return {origin.replace("_", "."): Mark(seq, f"{seq:016x}") for origin, seq in seqs.items()}


def test_what_every_member_has_acknowledged_is_stable() -> None:
    found = decide_stable(vector(a=5, b=3), [Heard("b", vector(a=4, b=3)), Heard("c", vector(a=5, b=2))])
    assert found == ({"a": 4, "b": 2}, ())


def test_alone_everything_is_stable() -> None:
    assert decide_stable(vector(a=5), []).upto == {"a": 5}


def test_acknowledged_by_all_is_not_enough() -> None:
    # b applied a/2 after it had sealed b/4, which had not seen it; b/4 is still on its way to us
    heard = [Heard("b", vector(a=2, b=4))]
    assert decide_stable(vector(a=2, b=3), heard) == ({}, (Blocker("b", "has sealed b/4, which is not applied here"),))
    assert decide_stable(vector(a=2, b=4), heard).upto == {"a": 2, "b": 4}


def test_what_a_member_sealed_after_its_acknowledgement_had_seen_what_it_acknowledged() -> None:
    assert decide_stable(vector(a=2, b=9), [Heard("b", vector(a=2, b=4))]).upto == {"a": 2, "b": 4}


def test_a_member_that_was_never_heard_of_holds_everything_back() -> None:
    found = decide_stable(vector(a=2), [Heard("b", vector(a=2)), Heard("c", None)])
    assert found == ({}, (Blocker("c", "has acknowledged nothing yet"),))


def test_an_epoch_that_a_member_opened_since_holds_everything_back() -> None:
    heard = [Heard("b", vector(a=2, b=4))]
    blocked = decide_stable(vector(a=2, b=4, b_x7k2=1), heard)
    assert blocked.upto == {} and "has opened b.x7k2" in blocked.blockers[0].reason
    seen_only = decide_stable(vector(a=2, b=4), heard, ["b.x7k2"])
    assert seen_only.upto == {}
    told = decide_stable(vector(a=2, b=4, b_x7k2=1), [Heard("b", vector(a=2, b=4, b_x7k2=1))])
    assert told.upto == {"a": 2, "b": 4, "b.x7k2": 1}


def test_every_sequence_of_a_member_has_to_be_here() -> None:
    heard = [Heard("b", vector(a=2, b=4, b_x7k2=2))]
    assert decide_stable(vector(a=2, b=4, b_x7k2=1), heard).upto == {}
    assert decide_stable(vector(a=2, b=3, b_x7k2=2), heard).upto == {}


def test_another_packet_of_that_number_is_nothing_in_common() -> None:
    heard = [Heard("b", {"a": Mark(2, "f" * 16)})]
    assert decide_stable(vector(a=2), heard).blockers == (Blocker("b", "knows another packet a/2"),)


def test_one_vector_covers_another() -> None:
    assert covers({"a": 2, "b": 1}, {"a": 2})
    assert not covers({"a": 2}, {"a": 2, "b": 1})
