"""The application's triggers: what each of them writes, and whether it runs for rows that arrive (PROTOCOL, Apply).

What a trigger writes to replicated tables was done where the change was made, and arrives as rows of its own; what it
writes to other tables has to be done here. Which is which SQLite says itself: its authorizer names trigger and table
while a statement is compiled with all its triggers.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache

from satchel.stores.records import TriggerUse
from satchel.stores.sqlite import books
from satchel.stores.sqlite.layout import Layout

TRIGGERS = "triggers"  # note: {run, skip}, the names in satchel.toml
_WRITES = (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE)
_NO_FUNCTION = "no such function: "


@dataclass(frozen=True, slots=True)
class Wishes:
    """Triggers that a person wants to run for rows that arrive, or not to run. Names, lower case."""

    run: frozenset[str] = frozenset()
    skip: frozenset[str] = frozenset()

    @staticmethod
    def of(run: Iterable[str], skip: Iterable[str]) -> Wishes:
        """As people write them."""
        return Wishes(frozenset(map(str.lower, run)), frozenset(map(str.lower, skip)))


def wishes(db: sqlite3.Connection) -> Wishes:
    """Those of this node's satchel.toml, as they were noted."""
    found = json.loads(books.read_notes(db).get(TRIGGERS, "{}"))
    return Wishes.of(found.get("run", ()), found.get("skip", ()))


def uses(
    db: sqlite3.Connection, layout: Layout, layouts: Collection[str], names: Iterable[str], wanted: Wishes
) -> list[TriggerUse]:
    """What becomes of the triggers of a table, given by name, when rows arrive."""
    own = [name for name in names if not name.lower().startswith("_satchel_")]
    if not own:
        return []
    found = Effects(db, layout)
    replicated = {name.lower() for name in layouts}
    return [_use(layout.table.name, name, found, replicated, wanted) for name in own]


def names_of(db: sqlite3.Connection, layout: Layout) -> list[str]:
    """All triggers of a table, oldest first."""
    query = "SELECT name FROM main.sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = lower(?) ORDER BY rowid"
    return [name for (name,) in db.execute(query, (layout.table.name,)).fetchall()]


def _use(table: str, name: str, found: Effects, replicated: Collection[str], wanted: Wishes) -> TriggerUse:
    writes = found.writes.get(name, set())
    here, there = sorted(writes & set(replicated)), sorted(writes - set(replicated))
    if unknown := found.cannot(name):
        return TriggerUse(name, table, runs=False, why=unknown)
    if name.lower() in wanted.skip:
        return TriggerUse(name, table, runs=False, why="satchel.toml says so")
    if name.lower() in wanted.run:
        return TriggerUse(name, table, runs=True, why="satchel.toml says so", mixed=bool(here))
    if here and there:
        why = f"it writes to replicated tables ({', '.join(here)}) and to others ({', '.join(there)})"
        return TriggerUse(name, table, runs=False, why=why, mixed=True)
    if here:
        return TriggerUse(name, table, runs=False, why=f"what it writes to {', '.join(here)} arrives as rows")
    if there:
        return TriggerUse(name, table, runs=True, why=f"{', '.join(there)} must follow here")
    return TriggerUse(
        name, table, runs=False, why="it writes nothing: what it checks was checked where the row is from"
    )


@dataclass
class Effects:
    """What the triggers of one table write, and which use functions that only their application has."""

    db: sqlite3.Connection
    layout: Layout
    writes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # trigger -> tables, lower case
    calls: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # trigger -> functions, lower case
    trouble: str = ""  # why the table's triggers cannot be compiled here at all

    def __post_init__(self) -> None:
        self.db.set_authorizer(self._note)
        try:
            for statement in self._statements():
                self._compile(statement)
        except sqlite3.OperationalError as problem:
            self.trouble = str(problem)
        finally:
            self.db.set_authorizer(None)

    def cannot(self, trigger: str) -> str:
        """Why a trigger cannot run here; empty: it can."""
        if self.trouble:
            return f"this database cannot compile it: {self.trouble}"
        functions = sorted(self.calls[trigger] - built_in_functions())
        return f"only its application knows the function {', '.join(functions)}" if functions else ""

    def _compile(self, statement: str) -> None:
        """Functions that are not known here get one that refuses, so that the rest can be looked at. It stays: Python
        cannot take it back."""
        given: set[str] = set()
        while True:
            try:
                self.db.execute(f"EXPLAIN {statement}").fetchall()
                return
            except sqlite3.OperationalError as problem:
                words = str(problem)
                name = words.removeprefix(_NO_FUNCTION).lower()
                if not words.startswith(_NO_FUNCTION) or name in given:
                    raise
                given.add(name)
                self.db.create_function(name, -1, _refuse)

    def _note(self, action: int, one: str | None, two: str | None, _schema: str | None, trigger: str | None) -> int:
        if trigger and action in _WRITES and one:
            self.writes[trigger].add(one.lower())
        elif trigger and action == sqlite3.SQLITE_FUNCTION and two:
            self.calls[trigger].add(two.lower())
        return sqlite3.SQLITE_OK

    def _statements(self) -> tuple[str, str, str]:
        layout = self.layout
        columns = [layout.columns[place] for place in layout.here]
        names, nulls = ", ".join(columns), ", ".join(["NULL"] * len(columns))
        return (
            f"INSERT INTO main.{layout.user} ({names}) VALUES ({nulls})",
            f"UPDATE main.{layout.user} SET {', '.join(f'{column} = {column}' for column in columns)}",
            f"DELETE FROM main.{layout.user}",
        )


@cache
def built_in_functions() -> frozenset[str]:
    """The functions that SQLite has by itself, lower case."""
    with closing(sqlite3.connect(":memory:")) as empty:
        return frozenset(name.lower() for (name,) in empty.execute("SELECT name FROM pragma_function_list").fetchall())


def _refuse(*_: object) -> None:
    raise NotImplementedError
