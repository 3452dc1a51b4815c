"""What the network's schema asks of each table: unique keys, references, and the parts of rows that others refer to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from satchel.model.key import canonical
from satchel.model.schema import Column, ForeignKey, Table, UniqueKey
from satchel.model.value import Value
from satchel.replication.comparing import comparable

# Values of one row, as a unique key claims them or a reference looks for them: table, columns, values, and the
# collations of a unique key that compares in its own way (two keys may be over the same columns).
Held = tuple[str, tuple[str, ...], tuple[Value, ...], tuple[str, ...]]

FORGETTING = ("SET NULL", "SET DEFAULT")


@dataclass(frozen=True, slots=True)
class Reference:
    """A declared reference. `parent_columns` are in order of their names, so that all who mean the same say the same.

    `forgets`: a row does without its parent; else `restores`: the parent comes back, or the row is parked (CASCADE).
    """

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[Column, ...]
    forgets: bool
    restores: bool
    defaults: bool

    def looks_for(self, row: Mapping[str, Value]) -> Held | None:
        """What the parent must hold; None: no reference (MATCH SIMPLE: some column is NULL)."""
        values = tuple(
            comparable(column, row.get(name)) for name, column in zip(self.columns, self.parent_columns, strict=True)
        )
        return None if None in values else (self.parent, tuple(c.name for c in self.parent_columns), values, ())


class TablePlan:
    """One table: its unique keys, its references, and the sets of its columns that somebody refers to."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.references: list[Reference] = []
        self.wanted: set[tuple[str, ...]] = set()  # sets of own columns that references look for
        self.roots: dict[str, tuple[str, ...]] = {}  # columns that hold gids, and the tables of whose rows
        self._claimed = [(key, _compared(table, key)) for key in table.unique_keys]
        self._key = UniqueKey(table.key), _compared(table, UniqueKey(table.key))

    @cached_property
    def movable(self) -> bool:
        """Whether a twin of some parent can change the key under which a row is shown."""
        return self.table.scope != "local" and any(name in self.roots for name in self.table.key)

    def claims(self, row: Mapping[str, Value]) -> list[Held]:
        """The unique values that a row claims; NULL claims nothing."""
        return [claim for key, columns in self._claimed if (claim := self._held(key, columns, row))]

    def place(self, row: Mapping[str, Value]) -> list[Held]:
        """The key under which a row is shown, where that is not its identity for sure."""
        held = self._held(*self._key, row) if self.movable else None
        return [held] if held else []

    def _held(self, key: UniqueKey, columns: Sequence[Column], row: Mapping[str, Value]) -> Held | None:
        values = tuple(canonical(column, row.get(column.name)) for column in columns)
        return None if None in values else (self.table.name, key.columns, values, key.collations)

    def offers(self, row: Mapping[str, Value]) -> list[Held]:
        """What a row holds of all that references look for."""
        found: list[Held] = []
        for columns in self.wanted:
            values = tuple(comparable(self.table.column(name), row.get(name)) for name in columns)
            if None not in values:
                found.append((self.table.name, columns, values, ()))
        return found


def _compared(table: Table, key: UniqueKey) -> tuple[Column, ...]:
    """The columns of a unique key, as it compares them."""
    columns = tuple(map(table.column, key.columns))
    if not key.collations:
        return columns
    return tuple(replace(c, collation=collation) for c, collation in zip(columns, key.collations, strict=True))


def plan_tables(tables: Mapping[str, Table]) -> dict[str, TablePlan]:
    """The plan of each table by name. References that are not declared, or lead out of these tables, are no
    constraints."""
    plans = {name: TablePlan(table) for name, table in tables.items()}
    for plan in plans.values():
        for key in plan.table.foreign_keys:
            parent = plans.get(key.parent) if key.declared else None
            reference = _reference(plan.table, key, parent.table) if parent else None
            if parent and reference:
                plan.references.append(reference)
                parent.wanted.add(tuple(column.name for column in reference.parent_columns))
    _spread_roots(plans)
    return plans


def _reference(child: Table, key: ForeignKey, parent: Table) -> Reference | None:
    """None where the parent lacks a column: the database itself could not check such a reference."""
    theirs = {name.lower(): parent.column(name) for name in parent.names}
    own = {name.lower(): name for name in child.names}
    pairs = list(zip(key.columns, key.parent_columns, strict=False))
    if not pairs or not all(c.lower() in own and p.lower() in theirs for c, p in pairs):
        return None
    ordered = sorted(((theirs[p.lower()], own[c.lower()]) for c, p in pairs), key=lambda pair: pair[0].name)
    columns = tuple(name for _, name in ordered)
    # A key cannot be forgotten: the database refuses to set it to NULL, and so to delete the parent.
    forgets = key.on_delete.upper() in FORGETTING and not set(columns) & set(child.key)
    restores = not forgets and key.on_delete.upper() != "CASCADE"
    return Reference(
        columns, parent.name, tuple(c for c, _ in ordered), forgets, restores, key.on_delete.upper() == "SET DEFAULT"
    )


def _spread_roots(plans: Mapping[str, TablePlan]) -> None:
    """Finds the columns that hold gids: keys of local tables, and whatever refers to such a column."""
    for name, plan in plans.items():
        if plan.table.scope == "local":
            plan.roots = dict.fromkeys(plan.table.key, (name,))
    links = [(p, r.columns[i], plans[r.parent], c.name) for p in plans.values() for r in p.references
             for i, c in enumerate(r.parent_columns)]  # fmt: skip
    spread = True
    while spread:
        spread = False
        for child, column, parent, parent_column in links:
            known = child.roots.get(column, ())
            more = tuple(root for root in parent.roots.get(parent_column, ()) if root not in known)
            if more:
                child.roots[column] = tuple(sorted(known + more))
                spread = True
