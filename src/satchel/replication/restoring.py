"""Parents that were deleted unseen come back for children that insist (PROTOCOL, Constraints)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from satchel.model.admission import Candidate, RowId
from satchel.model.version import NEVER_WRITTEN
from satchel.replication.living import Living, image_of
from satchel.replication.plan import Held, TablePlan


def living_rows(plans: Mapping[str, TablePlan], candidates: Sequence[Candidate]) -> dict[RowId, Living]:
    """The rows that are to be decided and live, with the deleted ones that a living child needs, and their own parents.

    A child names its parent by the values that the parent's last image holds; while a living row holds them nobody is
    missed. Of several deleted rows that held them the one that got them last comes back.
    """
    decided = [c for c in candidates if not c.fixed]
    living = {c.id: Living(plans[c.id[0]], c) for c in decided if not c.resolved.deleted}
    there = {held for row in living.values() for held in row.offers}
    there.update(held for c in candidates if c.fixed for held in plans[c.id[0]].offers(image_of(plans[c.id[0]], c)))
    gone: dict[Held, Candidate] = {}
    for candidate in decided:
        if candidate.resolved.deleted:
            plan = plans[candidate.id[0]]
            for held in plan.offers(image_of(plan, candidate)):
                if held not in gone or _got(candidate, held) > _got(gone[held], held):
                    gone[held] = candidate
    newest: Iterable[Living] = list(living.values())
    while newest:
        back: dict[RowId, Living] = {}
        for child in newest:
            for held in _insists(child):
                if held not in there and held in gone and gone[held].id not in back:
                    parent = gone[held]
                    back[parent.id] = Living(plans[parent.id[0]], parent)
                    back[parent.id].needed_by = child.id
        living |= back
        there.update(held for row in back.values() for held in row.offers)
        newest = back.values()
    return living


def _insists(child: Living) -> list[Held]:
    held = (reference.looks_for(child.values) for reference in child.plan.references if reference.restores)
    return [parent for parent in held if parent]


def _got(candidate: Candidate, held: Held) -> tuple[object, ...]:
    """When the row got these values."""
    return max(candidate.resolved.cells.get(column, NEVER_WRITTEN).rank for column in held[1])
