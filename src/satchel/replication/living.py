"""Rows that may stand in the application's tables, while the constraints are being kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from satchel.model.admission import Candidate, RowId
from satchel.model.key import canonical, key_text
from satchel.model.value import Value, same
from satchel.model.vector import Vector
from satchel.model.version import Cell
from satchel.replication.plan import Held, Reference, TablePlan

Defaults = Callable[[str, str], Value]


def image_of(plan: TablePlan, candidate: Candidate) -> dict[str, Value]:
    """A row as the policy shows it, or a delete's last image. The key is that of the identity, as the row spells it."""
    image = {name: cell.value for name, cell in candidate.resolved.cells.items()}
    for name, value in zip(plan.table.key, candidate.id[1], strict=True):
        column = plan.table.column(name)
        if canonical(column, image.get(name)) != canonical(column, value):
            image[name] = value
    return image


class Living:
    """A row that the policy shows, or a deleted parent that is needed. `values`: as it would be shown."""

    def __init__(self, plan: TablePlan, candidate: Candidate) -> None:
        self.plan = plan
        self.id: RowId = candidate.id
        self.order = (candidate.id[0], key_text(plan.table, candidate.id[1]))
        self.deleted = candidate.resolved.deleted
        self.cells: Mapping[str, Cell] = candidate.resolved.cells
        self.saw: Sequence[Vector] = candidate.saw
        self.values = image_of(plan, candidate)
        self.misled = candidate.misled
        self.moved = False  # its key leads to the twin of a parent
        self.forgot: list[Reference] = []
        self.needed_by: RowId | None = None  # deleted, and back for this row
        self.weigh()

    def weigh(self) -> None:
        """Reads from the values what the row claims, offers and needs."""
        self.claims: list[Held] = self.plan.claims(self.values)
        self.holds = self.claims + self.plan.place(self.values)  # what nobody else may have
        self.offers = self.plan.offers(self.values)
        strict = (ref.looks_for(self.values) for ref in self.plan.references if not ref.forgets)
        self.needs = list(dict.fromkeys(held for held in strict if held))
        # What it refers to was there for its author, and was taken out: if nobody has it, it is missing.
        astray = (ref for ref in self.plan.references if self.misled.intersection(ref.columns))
        self.missed = frozenset(held for ref in astray if (held := ref.looks_for(self.values)))

    def redirect(self, twins: Mapping[RowId, RowId]) -> None:
        """References to a row that a twin stands for become references to the twin."""
        own = self.plan.table.key if self.plan.table.scope == "local" else ()
        for column, roots in self.plan.roots.items():
            gid = self.values.get(column)
            twin = next((twins[root, (gid,)] for root in roots if (root, (gid,)) in twins), None)
            if twin and column not in own:
                self.values[column] = twin[1][0]
                self.moved = self.moved or column in self.plan.table.key

    def forget(self, present: Callable[[Held], bool], stands: Callable[[Held], bool], defaults: Defaults) -> bool:
        """Lets go of parents that are not `present` where the row is declared to do without (SET NULL, SET DEFAULT).

        A default is taken if it is no reference or its parent `stands`, else NULL. One column can belong to several
        references, so all are looked at until none has anything to let go of. -> whether there was anything.
        """
        any_gone = False
        for turn in range(len(self.plan.table.columns) + 1):
            gone = [ref for ref in self.plan.references if ref.forgets and not self._has(ref, present)]
            for ref in gone:
                self.forgot += [] if ref in self.forgot else [ref]
                new = {name: defaults(self.plan.table.name, name) for name in ref.columns}
                held = ref.looks_for(self.values | new)
                usable = turn == 0 and ref.defaults and (held is None or stands(held))
                self.values.update(new if usable else dict.fromkeys(ref.columns))
            if not gone:
                break
            any_gone = True
        if any_gone:
            self.weigh()
        return any_gone

    def _has(self, ref: Reference, present: Callable[[Held], bool]) -> bool:
        held = ref.looks_for(self.values)
        return held is None or present(held)

    @property
    def can_have_twin(self) -> bool:
        """Whether its number, or the key that a twin of its parent gave it, is nothing that a person entered."""
        return self.moved or self.plan.table.scope == "local"

    def equals(self, other: Living) -> bool:
        """Equal in every column besides an identity of its own; never written equals NULL."""
        own = self.plan.table.key if self.plan.table.scope == "local" else ()
        names = (self.values.keys() | other.values.keys()) - set(own)
        return all(same(self.values.get(name), other.values.get(name)) for name in names)
