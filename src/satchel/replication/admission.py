"""Rows are admitted one by one; a row that does not fit is left out whole (PROTOCOL, Constraints)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import partial
from heapq import heapify, heappop, heappush

from satchel.model.admission import RowId
from satchel.replication.living import Defaults, Living
from satchel.replication.plan import Held


class Admission:
    """The rows of one component. `stands(held)`: whether a parent that holds this is in a component before it;
    `never(held)`: whether no row that the network knows has ever held it: its author's own database dangles there, and
    the reference counts as kept."""

    def __init__(self, stands: Callable[[Held], bool], never: Callable[[Held], bool]) -> None:
        self._stands = stands
        self._never = never
        self.inside: dict[RowId, Living] = {}
        self.first: frozenset[RowId] = frozenset()  # came in in the first pass, and stayed
        self.taken: dict[Held, Living] = {}
        self._offered: Counter[Held] = Counter()

    def is_met(self, row: Living, held: Held, among: Container[Held]) -> bool:
        """Whether a reference of a row leads somewhere."""
        return held in among or self._stands(held) or (held not in row.missed and self._never(held))

    def has_parents(self, row: Living, among: Container[Held] | None = None) -> bool:
        """Whether every parent that the row cannot do without is there. `among`: what the component offers; None: what
        its admitted rows do."""
        offered = self._offered if among is None else among
        return all(self.is_met(row, held, offered) for held in row.needs)

    def leads_somewhere(self, row: Living, held: Held) -> bool:
        """Whether a reference of a row that is decided has its parent."""
        return self.is_met(row, held, self._offered)

    def is_free(self, row: Living) -> bool:
        """Whether nobody has the row's unique values."""
        return not any(held in self.taken for held in row.holds)

    def add(self, row: Living) -> None:
        """Admits the row: its values are taken."""
        self.inside[row.id] = row
        self.taken.update(dict.fromkeys(row.holds, row))
        self._offered.update(row.offers)

    def blockers(self, row: Living) -> list[Living]:
        """The rows that hold the unique values of a row that was left out."""
        found = {self.taken[held].id: self.taken[held] for held in row.holds if held in self.taken}
        return sorted(found.values(), key=lambda blocker: blocker.order)

    def straight(self, order: Iterable[Living]) -> None:
        """A component without a circle: one pass."""
        for row in order:
            if self.is_free(row) and self.has_parents(row):
                self.add(row)
        self.first = frozenset(self.inside)

    def circular(self, order: Sequence[Living], defaults: Defaults) -> None:
        """A row may come before its parent: leave out rows that cannot have one, admit by unique keys alone, drop
        orphans until none is left, then admit again and again the first row that fits. In the end rows forget parents
        that did not make it."""
        hopeful = self._with_parents(order)
        for row in order:
            if row.id in hopeful and self.is_free(row):
                self.add(row)
        self._keep(self._with_parents(self.inside.values()))
        self.first = frozenset(self.inside)
        self._admit_rest(order)
        self._forget(order, defaults)

    def _admit_rest(self, order: Sequence[Living]) -> None:
        """Values that are taken stay taken and parents that are there stay: a row need be looked at again only when
        one of its parents comes."""
        rest = [i for i, row in enumerate(order) if row.id not in self.inside]
        children: dict[Held, list[int]] = {}
        for i in rest:
            for held in order[i].needs:
                children.setdefault(held, []).append(i)
        waiting = [i for i in rest if self.has_parents(order[i])]
        heapify(waiting)
        while waiting:
            row = order[heappop(waiting)]
            if row.id not in self.inside and self.is_free(row):
                self.add(row)
                for i in (i for held in row.offers for i in children.get(held, ())):
                    if self.has_parents(order[i]):
                        heappush(waiting, i)

    def _with_parents(self, rows: Iterable[Living]) -> dict[RowId, Living]:
        """The largest part of the rows in which every row has its parents."""
        kept = {row.id: row for row in rows}
        offered = Counter(held for row in kept.values() for held in row.offers)
        children: dict[Held, list[Living]] = {}
        for row in kept.values():
            for held in row.needs:
                children.setdefault(held, []).append(row)
        orphans = [row for row in kept.values() if not self.has_parents(row, offered)]
        while orphans:
            row = orphans.pop()
            if kept.pop(row.id, None) is None:
                continue
            for held in row.offers:
                offered[held] -= 1
                if not offered[held]:
                    del offered[held]
                    orphans += [c for c in children.get(held, ()) if not self.is_met(c, held, offered)]
        return kept

    def _keep(self, rows: Mapping[RowId, Living]) -> None:
        self.inside, self.taken, self._offered = {}, {}, Counter()
        for row in rows.values():
            self.add(row)

    def _forget(self, order: Sequence[Living], defaults: Defaults) -> None:
        """Forgetting can take away what others refer to: they go as well, until nothing changes."""
        changed = True
        while changed:
            changed = False
            for row in [row for row in order if row.id in self.inside]:
                before = dict(row.values)
                if row.forget(partial(self._is_offered, row), self._offers, defaults):
                    changed = True
                    if any(self.taken.get(held, row) is not row for held in row.holds):
                        # A default that somebody else has: without it, then.
                        row.values = before | {name: None for ref in row.forgot for name in ref.columns}
                        row.weigh()
                    self.taken.update(dict.fromkeys(row.holds, row))
            if changed:
                self._offered = Counter(held for row in self.inside.values() for held in row.offers)
                left = self._with_parents(self.inside.values())
                self.inside = {i: row for i, row in self.inside.items() if i in left}
                self._offered = Counter(held for row in self.inside.values() for held in row.offers)

    def _is_offered(self, row: Living, held: Held) -> bool:
        return self.is_met(row, held, self._offered)

    def _offers(self, held: Held) -> bool:
        return held in self._offered or self._stands(held)
