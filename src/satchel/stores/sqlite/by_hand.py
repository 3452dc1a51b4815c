"""Edits that are made by way of satchel, because the row is out of the application's sight: one that is parked, or
refused here. A person's have seen every sibling (PROTOCOL, Conflict policies: a resolution is an ordinary edit); those
that were made before a database joined may stand beside what they had not seen. They become a packet of their own."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from satchel.model.stamp import milliseconds_of, stamp_of
from satchel.model.value import Value
from satchel.stores.base import Rules
from satchel.stores.records import Contested, RowEdit
from satchel.stores.sqlite import lineage, pending
from satchel.stores.sqlite.delta import SQLiteDelta
from satchel.stores.sqlite.inherited import inherit
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.numbers import Numbers
from satchel.stores.sqlite.row import RowEditor
from satchel.stores.sqlite.sight import own_slots
from satchel.stores.sqlite.stage import FIXED, Stage, bindable, placeholder
from satchel.stores.sqlite.versions import VersionWriter


class HandDelta(SQLiteDelta):
    """Edits of single rows; see base.Delta."""

    odd = "1"  # they are not in the application's table yet

    def __init__(self, db: sqlite3.Connection, layouts: Mapping[str, Layout], rules: Rules) -> None:
        super().__init__(db, layouts, locked=True)
        self.rules = rules
        self.numbers = Numbers(db, layouts)
        self.now = time.time_ns() // 1_000_000

    def stage(self, edits: Sequence[RowEdit]) -> None:
        """Stages the edits."""
        for name in dict.fromkeys(edit.table for edit in edits):
            stage = Stage(self.layouts[name], "delta")
            stage.create(self.db)
            own = sorted((e for e in edits if e.table == name), key=lambda e: repr(e.key))
            for edit in own:
                self._stage(stage, edit)
            inherit(self.db, stage)
            self.stages[name] = stage
            self.rows[name] = len(own)

    def _stage(self, stage: Stage, edit: RowEdit) -> None:
        layout = stage.layout
        standing = RowEditor(self.db, layout, self.numbers).standing(edit.key)
        cells, alive = {}, False
        if standing:
            resolved = self.rules.settle(Contested(edit.table, edit.key, standing, None)).resolved
            cells, alive = dict(resolved.cells), not resolved.deleted
        values = {name: cell.value for name, cell in cells.items()} | dict(edit.values or {})
        values |= dict(zip(layout.table.key, edit.key, strict=True))
        seen = [] if edit.blind else standing
        stamp = max([edit.stamp or stamp_of(self.now), *(version.stamp + 1 for version in seen)])
        again = edit.values is not None and not alive and not (edit.blind and standing)
        written = frozenset(values if again else edit.values or ())
        op = "delete" if edit.values is None else "insert" if again else "update"
        kept = {name: cell for name, cell in cells.items() if name not in written}
        lacks = layout.full & ~layout.mask_of(frozenset(values))
        lin = lineage.lacking(lacks, VersionWriter(self.db).partial(layout, kept))
        context = pending.BLIND if edit.blind else None
        at = milliseconds_of(stamp)
        fixed: list[Any] = [0, op, at, None, stamp, f"{layout.mask_of(written):x}", lin, context]
        row = [values.get(name) for name in layout.table.names]
        local = self.numbers.to_local(layout, row)
        everything: list[Value] = [*fixed, *row, *(local[place] for place in layout.roots)]
        names = ", ".join((*FIXED[1:], *layout.slots, *own_slots(layout)))
        holders = ", ".join(map(placeholder, everything))
        self.db.execute(f"INSERT INTO {stage.name} ({names}) VALUES ({holders})", list(map(bindable, everything)))

    def keep_numbers(self) -> None:
        """No number changes hands by these."""


@contextmanager
def by_hand(
    db: sqlite3.Connection, layouts: Mapping[str, Layout], rules: Rules, edits: Sequence[RowEdit]
) -> Iterator[HandDelta]:
    """The edits as a delta to be sealed; the write lock is held."""
    delta = HandDelta(db, layouts, rules)
    try:
        delta.stage(edits)
        yield delta
    finally:
        if db.in_transaction:
            delta.close()
