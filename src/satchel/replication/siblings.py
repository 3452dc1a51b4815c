"""Siblings: the versions of a row that no other known version has seen (PROTOCOL, Words and Apply 1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from satchel.model.ids import Dot
from satchel.model.stamp import UNKNOWN
from satchel.model.vector import Vector, seen
from satchel.model.version import NOWHERE, Version


def knew(saw: Vector, dot: Dot) -> bool:
    """Whether an author with this row context knew the write `dot`. What was never written, everybody knew."""
    return dot == NOWHERE or seen(dot, saw)


def add(standing: Sequence[Version], incoming: Version) -> list[Version]:
    """The siblings after `incoming` arrived (Apply 1): it supersedes those that its author had seen.

    An incoming version is never stale, because causes come first. The same one again changes nothing.
    """
    kept = [v for v in standing if v.dot != incoming.dot and not seen(v.dot, incoming.saw)]
    return [*kept, incoming]


def maximal(versions: Iterable[Version]) -> list[Version]:
    """Siblings by definition, whatever the order: the versions that no other of these has seen. For checks, and for
    rebuilding a row from its packets; apply uses `add`."""
    every = list(versions)
    return [v for v in every if not any(seen(v.dot, other.saw) for other in every if other is not v)]


def of_known_time(siblings: Sequence[Version]) -> list[Version]:
    """The siblings that take part in a policy, sorted by dot (Joining with rows): those of known time, deletes
    included; all of them where there is none."""
    timed = [v for v in siblings if v.stamp != UNKNOWN] or siblings
    return sorted(timed, key=lambda v: v.dot)


def columns_of(versions: Iterable[Version]) -> list[str]:
    """Every column that some version has, sorted."""
    return sorted({column for version in versions for column in version.cells})


def contexts_of_living(siblings: Sequence[Version]) -> list[Vector]:
    """What the authors of the living versions that take part had seen; of all of them if none lives."""
    timed = of_known_time(siblings)
    return [version.saw for version in [v for v in timed if not v.deleted] or timed]
