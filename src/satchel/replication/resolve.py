"""What a row shows (PROTOCOL, Apply 1 and 2): the only way from siblings to a row."""

from __future__ import annotations

from collections.abc import Sequence

from satchel.model.version import Resolved, Version
from satchel.replication.conflict import decide_shown, find_conflict
from satchel.replication.policies import Policy
from satchel.replication.siblings import add


def resolve(siblings: Sequence[Version], policy: Policy) -> Resolved:
    """What the policy makes of one or more siblings, in whatever order they come, and what is in conflict.

    Versions of unknown time (stamp 0) take no part in what is shown while one of known time exists, deletes included
    (Joining with rows); they do in the conflict. SatchelError if a user's own policy fails.
    """
    deleted, cells = decide_shown(siblings, policy)
    return Resolved(deleted, cells, find_conflict(siblings, policy, cells) if len(siblings) > 1 else frozenset())


def settle(standing: Sequence[Version], incoming: Version | None, policy: Policy) -> tuple[list[Version], Resolved]:
    """A row's siblings after `incoming` arrived (None: only decide again), and what is shown of them."""
    siblings = list(standing) if incoming is None else add(standing, incoming)
    return siblings, resolve(siblings, policy)
