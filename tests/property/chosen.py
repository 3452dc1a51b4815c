"""Policies of the user's own, as functions of the product's siblings and of the reference model's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from satchel.replication.custom import Sibling
from tests.model import reference


def earliest(siblings: Sequence[Sibling]) -> object:
    """The first by origin and number."""
    return siblings[0]


def largest(siblings: Sequence[Sibling]) -> object:
    """The newest row with the largest text in `a`; deleted only if nobody kept it."""
    alive = [sibling for sibling in siblings if not sibling.deleted]
    if not alive:
        return None
    return {"a": max(str(sibling.row["a"]) for sibling in alive), "d": 42}


def _newest(siblings: Sequence[reference.Version]) -> reference.Version:
    return max(siblings, key=lambda version: version.birth)


def _model_earliest(siblings: list[reference.Version]) -> reference.Face:
    return reference.face(min(siblings, key=lambda version: version.dot))


def _model_largest(siblings: list[reference.Version]) -> reference.Face:
    if len(siblings) == 1:
        return reference.face(siblings[0])
    alive = [version for version in siblings if not version.deleted]
    if not alive:
        newest = _newest(siblings)
        return True, newest.values, newest.births
    base = _newest(alive)
    values, births = dict(base.values), dict(base.births)
    for column, value in (("a", max(str(version.values["a"]) for version in alive)), ("d", 42)):
        equal = [v.births[column] for v in siblings if reference.alike([v.values[column], value])]
        values[column], births[column] = value, max(equal) if equal else _newest(siblings).birth
    return False, values, births


POLICIES: dict[str, Callable[[list[reference.Version]], Any]] = {
    f"{__name__}:earliest": _model_earliest,
    f"{__name__}:largest": _model_largest,
}
