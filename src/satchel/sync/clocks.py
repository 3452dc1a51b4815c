"""Clocks that are wrong (PROTOCOL, Trouble: wrong clock): what was sealed under one is applied like any other; both
sides are warned, since neither can know whose clock it is."""

from __future__ import annotations

from collections.abc import Iterator

from satchel.model.ids import Dot, trunk_of
from satchel.packet.wire import time_value
from satchel.sync.site import Site, now_ms

TOLERANCE_MS = 3_600_000  # an hour: what is less decides between few edits, and sites without a network drift
_DAY_MS = 86_400_000


def wrong_clocks(site: Site) -> list[str]:
    """Warnings: packets from the future, and own packets that somebody had before they were sealed by the clock here.
    Only the newest packet of an origin is looked at: once a clock is right, what is sealed next ends the warning."""
    return [*_from_the_future(site), *_acknowledged_too_early(site)]


def _from_the_future(site: Site) -> Iterator[str]:
    now = now_ms()
    for origin, mark in site.store.vector().items():
        record = site.store.packet(Dot(origin, mark.seq))
        if record is not None and record.created > now + TOLERANCE_MS:
            ahead = in_words(record.created - now)
            whose = trunk_of(origin).partition(".")[0]
            others = f"the clock of {whose} or of this machine" if whose != site.settings.node else "its clock"
            yield f"{record.dot} was sealed {ahead} in the future: {others} is or was wrong; set it right"


def _acknowledged_too_early(site: Site) -> Iterator[str]:
    own = site.own_origin
    for node, ack in sorted(site.acks().items()):
        mark = ack.marks.get(own)
        record = site.store.packet(Dot(own, mark.seq)) if mark is not None and node != site.settings.node else None
        early = record.created - time_value(ack.clock) if record is not None else 0
        if record is not None and early > TOLERANCE_MS:
            words = f"{node} had {record.dot} {in_words(early)} before it was sealed, by the clock there"
            yield f"{words}: that clock or the one of this machine is or was wrong; set it right"


def in_words(milliseconds: int) -> str:
    """A long time as people say it: `3 days`."""
    hours, days = milliseconds // TOLERANCE_MS, milliseconds // _DAY_MS
    if days >= 365:
        return f"{days // 365} year{'s' if days >= 730 else ''}"
    return f"{days} day{'s' if days > 1 else ''}" if days else f"{hours} hour{'s' if hours > 1 else ''}"
