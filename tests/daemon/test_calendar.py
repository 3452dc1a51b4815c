"""When a round is due: no clock but the test's."""

from __future__ import annotations

from satchel.daemon.calendar import AGAIN, ARRIVED, ASKED, CHANGED, SCHEDULE, START, Calendar
from satchel.daemon.pace import Pace

PACE = Pace(every=300, settle=2, unrest=30, hurry=0.2, crowd=2, first_pause=5, most_pause=60)


def idle(now: float = 100.0) -> Calendar:
    calendar = Calendar(PACE)
    calendar.began()
    calendar.finished(now, did=False)
    return calendar


def test_the_first_round_is_due_at_once() -> None:
    assert Calendar(PACE).due() == (0.0, START)


def test_a_round_that_did_nothing_is_followed_by_the_schedule() -> None:
    assert idle(100).due() == (400, SCHEDULE)


def test_a_round_that_did_something_is_followed_by_another() -> None:
    calendar = idle()
    calendar.finished(100, did=True)
    assert calendar.due() == (100.2, AGAIN)


def test_two_programs_that_undo_each_other_are_slowed_down() -> None:
    calendar, now, rounds = idle(), 0.0, 0
    while now < 3600:
        calendar.began()
        calendar.finished(now, did=True)
        due = calendar.due()
        assert due is not None
        now, rounds = due[0], rounds + 1
    assert rounds < 40


def test_a_database_is_sealed_when_it_is_quiet() -> None:
    calendar = idle()
    calendar.changed(110)
    calendar.changed(111)
    assert calendar.due() == (113, CHANGED)


def test_a_database_that_is_never_quiet_is_sealed_all_the_same() -> None:
    calendar = idle()
    for second in range(110, 200):
        calendar.changed(second)
    assert calendar.due() == (140, CHANGED)


def test_a_burst_that_arrives_is_taken_in_one_go() -> None:
    calendar = idle()
    for tenth in range(10):
        calendar.arrived(110 + tenth / 10)
    due = calendar.due()
    assert due is not None
    assert due[1] == ARRIVED
    assert 111 < due[0] < 111.2


def test_what_arrives_all_the_time_waits_no_longer_than_a_crowd_may() -> None:
    calendar = idle()
    for tenth in range(100):
        calendar.arrived(110 + tenth / 10)
    assert calendar.due() == (112, ARRIVED)


def test_failures_are_followed_by_longer_and_longer_pauses_and_then_by_the_longest() -> None:
    calendar, pauses = idle(), []
    for _ in range(6):
        calendar.failed(1000)
        due = calendar.due()
        assert due is not None
        pauses.append(due[0] - 1000)
    assert pauses == [5, 10, 20, 40, 60, 60]


def test_nothing_but_somebody_who_asks_comes_before_the_pause_after_a_failure() -> None:
    calendar = idle()
    calendar.failed(110)
    calendar.arrived(111)
    calendar.changed(111)
    due = calendar.due()
    assert due is not None
    assert due[0] == 115
    calendar.asked()
    assert calendar.due() == (0.0, ASKED)


def test_success_ends_the_pause() -> None:
    calendar = idle()
    calendar.failed(110)
    calendar.began()
    calendar.finished(115, did=False)
    calendar.arrived(116)
    assert calendar.due() == (116.2, ARRIVED)
    assert calendar.failures == 0


def test_paused_nothing_is_due_unless_somebody_asks() -> None:
    calendar = idle()
    calendar.paused = True
    calendar.changed(110)
    assert calendar.due() is None
    calendar.asked()
    assert calendar.due() == (0.0, ASKED)


def test_what_somebody_wrote_that_was_not_the_application_calls_for_nothing() -> None:
    calendar = idle(100)
    calendar.changed(110)
    calendar.quiet()
    assert calendar.due() == (400, SCHEDULE)
