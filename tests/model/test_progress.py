"""Work says how far it is, and does not care whether anybody listens."""

from __future__ import annotations

from satchel.model.progress import Listener, counted, counting, listening, stage


def test_work_that_nobody_listens_to_is_done_all_the_same() -> None:
    assert list(counted([1, 2, 3], "counting", "numbers")) == [1, 2, 3]
    with stage("reading", "bytes", 10) as under_way:
        assert list(counting([b"ab", b"cde"], under_way, len)) == [b"ab", b"cde"]
    assert under_way.done == 5


def test_a_listener_sees_the_inner_stage_last_and_nothing_afterwards() -> None:
    listener = Listener()
    seen = []
    with listening(listener), stage("outside", "things"):
        for _ in counted("ab", "inside", "letters", 2):
            seen.append([(each.doing, each.done, each.total) for each in listener.stages])
    assert seen == [
        [("outside", 0, None), ("inside", 0, 2)],
        [("outside", 0, None), ("inside", 1, 2)],
    ]
    assert listener.stages == []


def test_a_stage_ends_with_the_trouble_that_ended_it() -> None:
    listener = Listener()
    try:
        with listening(listener), stage("breaking", "things"):
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert listener.stages == []
    else:
        raise AssertionError("it was swallowed")
