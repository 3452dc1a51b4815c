"""Conflict policies: pure functions of a row's siblings, so that equal siblings show equal rows on every node
(PROTOCOL, Conflict policies).

In the signed configuration a policy is a string: `latest`, `merge`, `manual`, `priority:site-a,site-b` or
`package.module:function`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from satchel.errors import UsageError
from satchel.model.ids import NODE_NAME, Dot, node_of
from satchel.model.version import Cell, Version
from satchel.replication.custom import load_function, shown_by
from satchel.replication.merge import merge_cells

_FUNCTION = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_HINT = "a policy is latest, merge, manual, priority:NODE,NODE... or package.module:function"


class Shown(NamedTuple):
    """What a policy picks: the whole row, or a delete with its last image."""

    deleted: bool
    cells: Mapping[str, Cell]


Pick = Callable[[Sequence[Version]], Shown]


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy under the name that it has in the configuration. `pick` gets one or more siblings sorted by dot;
    `by_column`: what is a conflict is decided column by column, by what each writer had seen."""

    name: str
    pick: Pick
    by_column: bool = False


def _latest(siblings: Sequence[Version]) -> Shown:
    top = max(siblings, key=lambda version: version.rank)
    return Shown(top.deleted, top.cells)


def _merge(siblings: Sequence[Version]) -> Shown:
    if all(version.deleted for version in siblings):
        return _latest(siblings)
    return Shown(False, merge_cells(siblings))


LATEST = Policy("latest", _latest)  # the newest stamp wins the row, deletes included
MERGE = Policy("merge", _merge, by_column=True)
MANUAL = Policy("manual", _latest)  # shows what latest shows; how it is closed: conflict.closing


def priority(nodes: Sequence[str]) -> Policy:
    """`priority`: the first listed node among the siblings' origins wins, an epoch or a branch as its node; else,
    and between versions of one node, the newest."""
    places = {node: place for place, node in enumerate(nodes)}

    def place(version: Version) -> tuple[int, tuple[int, str, Dot]]:
        return -places.get(node_of(version.dot.origin), len(places)), version.rank

    def pick(siblings: Sequence[Version]) -> Shown:
        top = max(siblings, key=place)
        return Shown(top.deleted, top.cells)

    return Policy("priority:" + ",".join(nodes), pick)


def custom(name: str) -> Policy:
    """`module:function`: the user's own pure function. SatchelError if it cannot be imported."""
    function = load_function(name)

    def pick(siblings: Sequence[Version]) -> Shown:
        return Shown(*shown_by(name, function, siblings))

    return Policy(name, pick)


def parse_policy(text: str) -> Policy:
    """The policy that a word of the configuration names.

    UsageError for what names no policy, SatchelError for a function that cannot be imported.
    """
    word = text.strip()
    for policy in (LATEST, MERGE, MANUAL):
        if word == policy.name:
            return policy
    if word == "priority" or word.startswith("priority:"):
        return priority(_parse_nodes(word))
    if _FUNCTION.fullmatch(word):
        return custom(word)
    raise UsageError(f"{text!r} is no conflict policy", _HINT)


def _parse_nodes(word: str) -> list[str]:
    """The nodes of `priority:site-a,site-b`."""
    nodes = [node.strip() for node in word.partition(":")[2].split(",")]
    for node in nodes:
        if not NODE_NAME.fullmatch(node):
            what = f"{node!r} is no node's name" if node else "a node's name is missing"
            raise UsageError(f"policy {word!r}: {what}", "write the nodes in order, as in priority:site-a,site-b")
    if len(set(nodes)) < len(nodes):
        raise UsageError(f"policy {word!r} names a node twice", "write each node once, the first one wins")
    return nodes
