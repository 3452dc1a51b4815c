"""Constraints, in and out: what the rules are told of a row, and what they make of it (PROTOCOL, Constraints)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from satchel.model.value import Value
from satchel.model.vector import Vector
from satchel.model.version import Resolved

RowId = tuple[str, tuple[Value, ...]]  # table, key in key order, as on the wire

SHOWN, ABSENT, PARKED, TWIN = "shown", "absent", "parked", "twin"
UNIQUE, FOREIGN_KEY = "unique", "foreign-key"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row as the policy shows it. `saw`: the contexts of the living versions that take part, of all if none lives.

    `fixed`: it is known to be in the table and is not decided again; it only serves as a parent. `misled`: columns that
    were written in sight of packets which count no more.
    """

    id: RowId
    resolved: Resolved
    saw: Sequence[Vector]
    fixed: bool = False
    misled: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the constraints make of a row.

    `row`: what the application's table holds, None: it is not there. `would`: the row as it would be shown, after
    forgetting and redirection; what a parked row claims. `note`: shown, but not as it was written, or deleted and back.
    `first`: in a circle of tables, whether it came in at once and stayed.
    """

    row: Mapping[str, Value] | None
    status: str  # shown | absent (deleted, and nobody needs it) | parked | twin
    kind: str = ""  # unique | foreign-key
    reason: str = ""
    blockers: Sequence[RowId] = ()
    twin: RowId | None = None
    would: Mapping[str, Value] = field(default_factory=dict)
    note: bool = False
    first: bool = True
