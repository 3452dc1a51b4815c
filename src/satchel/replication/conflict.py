"""What is a conflict, and how one is closed (PROTOCOL, Conflict policies)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from satchel.model.value import Value, same
from satchel.model.version import NEVER_WRITTEN, Cell, Version
from satchel.replication.merge import standing
from satchel.replication.policies import Policy, Shown
from satchel.replication.siblings import columns_of, knew, of_known_time

Closing = Literal["resolved", "passed-over"]


def decide_shown(siblings: Sequence[Version], policy: Policy) -> Shown:
    """What the policy shows of one or more siblings. A row with one version in question shows that version, without
    asking anybody: rows with one version are applied by SQL, and one row must not look different from the other."""
    timed = of_known_time(siblings)
    if len(timed) == 1:
        return Shown(timed[0].deleted, timed[0].cells)
    return policy.pick(timed)


def conflict_columns(siblings: Sequence[Version], policy: Policy) -> frozenset[str]:
    """The columns that a person should look at; none: no conflict.

    `merge`: columns with a write that nobody overwrote knowingly and whose value is not the one shown. Other policies:
    columns in which the living siblings differ. A delete beside a living version conflicts in the columns that it had
    not seen (other policies: in all of them). Deletes alone are never a conflict. Never written equals NULL.
    """
    if len(siblings) < 2:
        return frozenset()
    shown = decide_shown(siblings, policy).cells if policy.by_column else {}
    return find_conflict(siblings, policy, shown)


def find_conflict(siblings: Sequence[Version], policy: Policy, shown: Mapping[str, Cell]) -> frozenset[str]:
    """`conflict_columns` where the cells shown are known already."""
    in_conflict = _unseen_writes if policy.by_column else _differs
    alive = [version for version in siblings if not version.deleted]
    return frozenset(column for column in columns_of(alive) if in_conflict(column, siblings, shown))


def _differs(column: str, siblings: Sequence[Version], shown: Mapping[str, Cell]) -> bool:
    alive = [version for version in siblings if not version.deleted]
    return len(alive) < len(siblings) or not _all_same([version.cell(column).value for version in alive])


def _unseen_writes(column: str, siblings: Sequence[Version], shown: Mapping[str, Cell]) -> bool:
    alive = [version for version in siblings if not version.deleted]
    known = shown.get(column, NEVER_WRITTEN).value
    if not _all_same([known, *(cell.value for cell in standing(column, alive, siblings))]):
        return True
    gone = [version for version in siblings if version.deleted]
    return any(not knew(delete.saw, version.cell(column).dot) for delete in gone for version in alive)


def _all_same(values: Sequence[Value]) -> bool:
    return all(same(values[0], value) for value in values[1:])


def closing(conflict: Collection[str], written: Collection[str] | None, deleted: bool = False) -> Closing:
    """How a version that supersedes the siblings closes their conflict, under every policy.

    `conflict`: the columns in conflict; `written`: the columns that the version wrote, None: all of them. Writing all
    columns in question, or deleting the row, decides them; an edit of others happens to pass over them, and status
    keeps that in sight until somebody has looked. So `manual` is closed by `resolve` or by a write of those columns.
    """
    decided = deleted or written is None or set(conflict) <= set(written)
    return "resolved" if decided else "passed-over"
