"""The period of a report: two moments, and the zone in which its days begin. A time in no zone is nobody's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from satchel.errors import UsageError

_HINT = "name the zone, --zone Europe/Zurich or --zone UTC; or write 2026-05-03T10:00Z, 2026-05-03T12:00+02:00"
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 1, 1, tzinfo=UTC)
_WEEKS_FROM, _MONTHS_FROM = 100, 800  # days from which a plot has a bar per week, or per month


@dataclass(frozen=True, slots=True)
class Segment:
    """From `start` (UTC) on the zone is `offset` ahead of UTC."""

    start: datetime
    offset: timedelta


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` until before `end`; `open_start`, `open_end`: nobody named them, they are those of the packets."""

    start: datetime
    end: datetime
    zone: tzinfo
    zone_name: str
    open_start: bool = False
    open_end: bool = False

    @property
    def words(self) -> str:
        """For people: whole days as days, else to the minute; both ends with the zone."""
        start, end = self.start.astimezone(self.zone), self.end.astimezone(self.zone)
        if start.time() == time() == end.time() and end > start:
            last = (end - timedelta(days=1)).date()
            days = f"{start.date()}" if last == start.date() else f"{start.date()} to {last}"
            return f"{days} ({self.zone_name})"
        return f"{start:%Y-%m-%d %H:%M} until {end:%Y-%m-%d %H:%M} ({self.zone_name})"

    def segments(self) -> Iterator[Segment]:
        """How far the zone is ahead of UTC: one segment, and one more for each change of the clocks in the period."""
        at, known = self.start.astimezone(UTC), self._offset(self.start)
        yield Segment(_FIRST, known)
        while at < self.end:
            later = at + timedelta(days=1)
            if (offset := self._offset(later)) != known:
                yield Segment(self._change(at, later), offset)
                known = offset
            at = later

    def _offset(self, at: datetime) -> timedelta:
        return at.astimezone(self.zone).utcoffset() or timedelta()

    def _change(self, low: datetime, high: datetime) -> datetime:
        """The minute between two moments at which the clocks were changed."""
        while high - low > timedelta(minutes=1):
            middle = low + (high - low) / 2
            low, high = (middle, high) if self._offset(middle) == self._offset(low) else (low, middle)
        return high.replace(second=0, microsecond=0)

    def days(self) -> tuple[date, date]:
        """The first and the last day, in the zone."""
        last = self.end - timedelta(microseconds=1)
        return self.start.astimezone(self.zone).date(), max(self.start, last).astimezone(self.zone).date()

    def buckets(self) -> list[date]:
        """The first days of the bars of a plot: days, weeks or months, so many that they can be told apart."""
        first, last = self.days()
        count = (last - first).days + 1
        found = [self.bucket_of(first)]
        while (following := _next(found[-1], _unit(count))) <= last:
            found.append(following)
        return found

    def bucket_of(self, day: date) -> date:
        """The bar that a day is in."""
        first, last = self.days()
        unit = _unit((last - first).days + 1)
        if unit == "month":
            return day.replace(day=1)
        return day - timedelta(days=day.weekday()) if unit == "week" else day

    @property
    def unit(self) -> str:
        """What a bar stands for: day, week or month."""
        first, last = self.days()
        return _unit((last - first).days + 1)


def _unit(days: int) -> str:
    return "day" if days < _WEEKS_FROM else "week" if days < _MONTHS_FROM else "month"


def _next(day: date, unit: str) -> date:
    if unit == "month":
        return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return day + timedelta(days=7 if unit == "week" else 1)


def read_zone(name: str) -> tzinfo:
    """A zone of the tz database. UsageError: there is none of that name."""
    if name.upper() in ("UTC", "Z"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
        raise UsageError(f"there is no zone {name!r}", "write one as in Europe/Zurich or America/New_York") from problem


def read_period(
    start: str | None, end: str | None, zone: str | None, found: tuple[datetime, datetime] | None
) -> Period:
    """The period from `start` to `end`: moments with a zone, or days and times of the zone that is named; a day stands
    for its beginning, at the end for its end. None: from the first, to the last change that was `found` (UTC).
    UsageError: no time, a time in no zone, or an end before the start."""
    place = read_zone(zone) if zone is not None else None
    first = None if start is None else _moment(start, place, last=False)
    last = None if end is None else _moment(end, place, last=True)
    shown, name = _zone_of(place, zone, first, last)
    low, high = found or (first or last or _FIRST, last or first or _FIRST)
    first_known, last_known = first is not None, last is not None
    begin = first or _midnight(min(low, last - timedelta(microseconds=1)) if last else low, shown)
    until = last or _midnight(max(high, begin), shown) + timedelta(days=1)
    if until <= begin:
        raise UsageError("the period ends before it begins", "give --from an earlier time than --to")
    return Period(begin, until, shown, name, not first_known, not last_known)


def _zone_of(
    place: tzinfo | None, name: str | None, first: datetime | None, last: datetime | None
) -> tuple[tzinfo, str]:
    if place is not None:
        return place, "UTC" if place is UTC else str(name)
    given = first or last
    offset = given.utcoffset() if given is not None else None
    if given is None or not offset:
        return UTC, "UTC"
    return given.tzinfo or UTC, f"UTC{given:%z}"[:6] + ":" + f"{given:%z}"[3:5]


def _midnight(at: datetime, zone: tzinfo) -> datetime:
    return datetime.combine(at.astimezone(zone).date(), time(), zone)


def _moment(text: str, zone: tzinfo | None, *, last: bool) -> datetime:
    bare = text.strip()
    try:
        if len(bare) <= 10:
            day = date.fromisoformat(bare)
            at = datetime.combine(day + timedelta(days=last), time())
        else:
            at = datetime.fromisoformat(bare)
    except (ValueError, OverflowError) as problem:
        raise UsageError(f"{text!r} is no time", "write 2026-05-03, or 2026-05-03T10:00Z") from problem
    if at.tzinfo is None:
        if zone is None:
            raise UsageError(f"{bare} is a {'day' if len(bare) <= 10 else 'time'} in no zone", _HINT)
        at = at.replace(tzinfo=zone)
    if not _FIRST <= at <= _LAST:
        raise UsageError(f"{bare} is before 1970 or after 9998", "give a time that a computer can have had")
    return at
