"""The period of a report: moments, days of a zone, and never a time in no zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from satchel.audit.report.period import Period, read_period
from satchel.errors import UsageError

FOUND = datetime(2026, 2, 3, 23, 30, tzinfo=UTC), datetime(2026, 2, 5, 1, 0, tzinfo=UTC)


def bounds(period: Period) -> tuple[str, str]:
    return tuple(f"{at.astimezone(UTC):%Y-%m-%d %H:%M}" for at in (period.start, period.end))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("start", "end", "zone", "between", "words"),
    [
        ("2026-03-01", "2026-03-31", "UTC", ("2026-03-01 00:00", "2026-04-01 00:00"), "2026-03-01 to 2026-03-31 (UTC)"),
        ("2026-03-29", "2026-03-29", "Europe/Zurich", ("2026-03-28 23:00", "2026-03-29 22:00"),
         "2026-03-29 (Europe/Zurich)"),
        ("2026-03-01T10:00Z", "2026-03-01T12:30Z", None, ("2026-03-01 10:00", "2026-03-01 12:30"),
         "2026-03-01 10:00 until 2026-03-01 12:30 (UTC)"),
        ("2026-03-01T00:00+02:00", "2026-03-02T00:00+02:00", None, ("2026-02-28 22:00", "2026-03-01 22:00"),
         "2026-03-01 (UTC+02:00)"),
        ("2026-03-01T10:00", None, "Asia/Kolkata", ("2026-03-01 04:30", "2026-03-01 18:30"),
         "2026-03-01 10:00 until 2026-03-02 00:00 (Asia/Kolkata)"),
        (None, None, None, ("2026-02-03 00:00", "2026-02-06 00:00"), "2026-02-03 to 2026-02-05 (UTC)"),
        (None, None, "Europe/Zurich", ("2026-02-03 23:00", "2026-02-05 23:00"),
         "2026-02-04 to 2026-02-05 (Europe/Zurich)"),
        (None, "2026-02-04", "UTC", ("2026-02-03 00:00", "2026-02-05 00:00"), "2026-02-03 to 2026-02-04 (UTC)"),
    ],
)  # fmt: skip
def test_a_period_is_two_moments(
    start: str | None, end: str | None, zone: str | None, between: tuple[str, str], words: str
) -> None:
    period = read_period(start, end, zone, FOUND)
    assert bounds(period) == between
    assert period.words == words


@pytest.mark.parametrize(
    ("start", "end", "zone", "says"),
    [
        ("2026-03-01", None, None, "2026-03-01 is a day in no zone"),
        (None, "2026-03-01T10:00", None, "2026-03-01T10:00 is a time in no zone"),
        ("yesterday", None, "UTC", "'yesterday' is no time"),
        ("2026-02-30", None, "UTC", "'2026-02-30' is no time"),
        ("2026-03-01", None, "Mars/Olympus", "there is no zone 'Mars/Olympus'"),
        ("2026-03-01", None, "../etc/passwd", "there is no zone"),
        ("2026-03-02", "2026-03-01", "UTC", "ends before it begins"),
        ("0001-01-01", None, "UTC", "before 1970"),
        ("9999-12-31", None, "UTC", "after 9998"),
    ],
)
def test_what_is_no_period_is_said(start: str | None, end: str | None, zone: str | None, says: str) -> None:
    with pytest.raises(UsageError, match=says) as refused:
        read_period(start, end, zone, FOUND)
    assert refused.value.hint


def test_where_nothing_was_changed_the_period_is_still_one() -> None:
    assert read_period(None, None, None, None).buckets() == [date(1970, 1, 1)]
    assert read_period("2026-03-01", None, "UTC", None).buckets() == [date(2026, 3, 1)]


def test_the_segments_follow_the_clocks_of_the_zone() -> None:
    period = read_period("2026-03-01", "2026-11-30", "Europe/Zurich", FOUND)
    winter, summer, late = period.segments()
    assert [segment.offset for segment in (winter, summer, late)] == [timedelta(hours=h) for h in (1, 2, 1)]
    assert (summer.start, late.start) == (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("end", "unit", "count"), [("2026-03-31", "day", 31), ("2026-12-31", "week", 45), ("2029-12-31", "month", 46)]
)
def test_long_periods_have_longer_bars_and_every_day_is_in_one(end: str, unit: str, count: int) -> None:
    period = read_period("2026-03-01", end, "UTC", FOUND)
    buckets = period.buckets()
    assert (period.unit, len(buckets)) == (unit, count)
    first, last = period.days()
    days = {period.bucket_of(first + timedelta(days=n)) for n in range((last - first).days + 1)}
    assert days == set(buckets)
