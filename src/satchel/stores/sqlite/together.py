"""Several groups of one origin in one go (PROTOCOL, Promises 4: several ready groups may share a transaction).

What rows come to is a function of the versions that stand, and a row that is in one of the groups only has the same
versions afterwards, whether they came together or one after the other. Each keeps the context of its own packet.
A row is classified by the context of the first packet, which has seen least: what only a later one had seen goes to the
rules, which look at its own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from satchel.stores.records import Incoming

MOST_ROWS = 100_000  # of groups in one go


class TwiceTold(Exception):
    """A row is in two of the groups: they are applied one after the other. It does not leave this room."""


@contextmanager
def told_once(once: bool) -> Iterator[None]:
    """TwiceTold if a row is staged twice inside: no more than the packets up to there were read for nothing."""
    try:
        yield
    except sqlite3.IntegrityError as problem:
        if not once:
            raise
        raise TwiceTold from problem


def runs(groups: Iterable[Sequence[Incoming]]) -> Iterator[list[Sequence[Incoming]]]:
    """Groups that follow each other, of one origin, with changes of rows: so many that memory stays bounded."""
    run: list[Sequence[Incoming]] = []
    rows = 0
    for group in groups:
        size = sum(count for packet in group for count in packet.rows.values())
        if run and (not _go_on(run[-1], group) or rows + size > MOST_ROWS):
            yield run
            run, rows = [], 0
        run.append(group)
        rows += size
    if run:
        yield run


def _go_on(one: Sequence[Incoming], two: Sequence[Incoming]) -> bool:
    return one[0].dot.origin == two[0].dot.origin and all(p.kind == "changes" for p in (*one, *two))
