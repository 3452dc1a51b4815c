"""The list of conflicts, and rows that a person looks at or edits one by one (base.Store)."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from satchel.errors import ConstraintRefused, UsageError
from satchel.model.gids import is_gid
from satchel.stores.sqlite import books
from satchel.stores.sqlite.connection import transaction
from satchel.stores.sqlite.opened import Opened

if TYPE_CHECKING:
    from satchel.model.admission import RowId
    from satchel.model.schema import ForeignKey
    from satchel.model.value import Value
    from satchel.model.version import Version
    from satchel.stores.base import Rules
    from satchel.stores.records import ConflictRecord
    from satchel.stores.sqlite.layout import Layout
    from satchel.stores.sqlite.row import RowEditor


class SingleRows(Opened):
    """The part of `SQLiteStore` that settles by hand."""

    def conflicts(self, closed: bool = False) -> Sequence[ConflictRecord]:
        """Open conflicts and those passed over until reviewed; with `closed` all of them."""
        from satchel.stores.sqlite import conflicts

        with self._wall() as db:
            by_number = {layout.number: layout for layout in self._layouts.values()}
            return conflicts.read(db, by_number, self._live, closed=closed)

    def _live(self, layout: Layout, key: Sequence[Value]) -> tuple[Sequence[Version], dict[str, Value] | None]:
        from satchel.stores.sqlite.numbers import Numbers
        from satchel.stores.sqlite.row import RowEditor

        rows = RowEditor(self._db, layout, Numbers(self._db, self._layouts))
        return rows.standing(key), rows.read(key)

    def conflict_counts(self) -> Mapping[str, int]:
        """{open, parked, passed_over}."""
        with self._wall() as db:
            return books.conflict_counts(db)

    def conflict_number(self, conflict_id: str) -> int:
        """Which entry an id names, now or earlier. UsageError if none."""
        from satchel.stores.sqlite import conflicts

        with self._wall() as db:
            return conflicts.number_of(db, conflict_id)

    def review(self, conflict_id: str) -> None:
        """Somebody has looked at a conflict that was passed over."""
        from satchel.stores.sqlite import conflicts

        with self._wall() as db, transaction(db):
            by_number = {layout.number: layout for layout in self._layouts.values()}
            conflicts.review(db, by_number, self._live, conflict_id, time.time_ns() // 1_000_000)

    def _row(self, table: str) -> RowEditor:
        from satchel.stores.sqlite.numbers import Numbers
        from satchel.stores.sqlite.row import RowEditor

        return RowEditor(self._db, self._layouts[table], Numbers(self._db, self._layouts))

    def write_row(self, table: str, key: Sequence[Value], values: Mapping[str, Value] | None) -> None:
        """An ordinary edit of one row, captured like the application's, with its foreign keys kept; None deletes."""
        with self._wall() as db:
            db.execute("PRAGMA foreign_keys = ON")  # declared actions are captured like everything else
            try:
                with transaction(db):
                    self._row(table).write(key, values)
            except sqlite3.IntegrityError as problem:
                raise ConstraintRefused(f"the database refuses it: {problem}", "choose other values") from problem
            finally:
                db.execute("PRAGMA foreign_keys = OFF")

    def dependants(
        self, table: str, key: Sequence[Value], rules: Rules
    ) -> Sequence[tuple[str, tuple[Value, ...], ForeignKey]]:
        """(table, key, its reference) of the rows that refer to one."""
        from satchel.stores.sqlite.finder import dependants

        with self._wall() as db:
            return dependants(db, self._layouts, rules, self._layouts[table], key)

    def is_hidden(self, table: str, key: Sequence[Value]) -> bool:
        """Whether a living row is kept out of the application's sight."""
        from satchel.stores.sqlite import apart

        with self._wall() as db:
            why = apart.read(db, self._layouts[table], key)
            return why is not None and why.hidden

    def blockers(self, table: str, key: Sequence[Value]) -> Sequence[RowId]:
        """The rows that keep a parked one out."""
        from satchel.stores.sqlite import apart

        with self._wall() as db:
            why = apart.read(db, self._layouts[table], key)
            return () if why is None else why.blockers

    def touch_row(self, table: str, key: Sequence[Value], columns: Sequence[str]) -> None:
        """An ordinary edit that writes these columns with the values that they have."""
        with self._wall() as db, transaction(db):
            self._row(table).touch(key, columns)

    def read_row(self, table: str, key: Sequence[Value]) -> dict[str, Value] | None:
        """The row as the application sees it, with its own numbers."""
        with self._wall():
            row = self._row(table).here(key)
            return None if row is None else dict(zip(self._layouts[table].table.names, row, strict=True))

    def identity(self, table: str, key: Sequence[Value]) -> tuple[Value, ...]:
        """A key as a person gives it, own numbers or gids, as it is on the wire. UsageError: no such table."""
        from satchel.stores.sqlite.numbers import Numbers

        layout = self._layouts.get(table)
        if layout is None:
            raise UsageError(f"{table} is not replicated", "see `satchel tables`")
        with self._wall():
            rows = self._row(table)
            parsed = [
                rows.parse(name, part) if isinstance(part, str) and not is_gid(part) else part
                for name, part in zip(layout.table.key, key, strict=True)
            ]
            return Numbers(self._db, self._layouts).key_to_wire(layout, parsed)

    def own_row(self, table: str, row: Mapping[str, Value]) -> dict[str, Value]:
        """A row of the network as people here know it: with own numbers where there are any, else gids."""
        from satchel.stores.sqlite.numbers import Numbers

        layout = self._layouts[table]
        with self._wall():
            numbers = Numbers(self._db, self._layouts)
            found = dict(row)
            for place in layout.roots:
                name = layout.table.names[place]
                number = numbers.value_to_local(layout, place, row.get(name))
                if name in row and number is not None:
                    found[name] = number
            return found

    def standing(self, table: str, key: Sequence[Value]) -> Sequence[Version]:
        """The siblings of a row; empty if the network never had it."""
        with self._wall():
            return self._row(table).standing(key)

    def parse_value(self, table: str, column: str, text: str) -> Value:
        """A word of the command line as the column's affinity has it."""
        with self._wall():
            return self._row(table).parse(column, text)
