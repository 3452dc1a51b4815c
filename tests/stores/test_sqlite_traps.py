"""Capture: what an application does from another process arrives, and nothing else does (PROTOCOL, Capture).

Each trap is a schema, rows that both sites have, and what the application does at one of them. By default the sealed
changes must be exactly the rows that differ afterwards, with the columns that differ; `changes` says it where the
difference alone does not tell.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.stores.ferry import Change, Ferry, Site, closing
from tests.stores.traps import Trap
from tests.stores.traps_replace import HIDDEN, REPLACE
from tests.stores.traps_rows import KEYS, NET, UNIQUE
from tests.stores.traps_schema import ACTIONS, SHAPES, TRIGGERS
from tests.stores.workshop import SQLiteWorkshop, quote, sites

TRAPS = [*REPLACE, *HIDDEN, *KEYS, *NET, *UNIQUE, *ACTIONS, *SHAPES, *TRIGGERS]
# The other two in the full suite.
MODES = [
    ("wal", "off"),
    ("delete", "on"),
    pytest.param("wal", "on", marks=pytest.mark.slow),
    pytest.param("delete", "off", marks=pytest.mark.slow),
]


def rows_by_key(workshop: SQLiteWorkshop, url: str, site: Site) -> dict[str, dict[tuple[Any, ...], dict[str, str]]]:
    """Table -> key -> column -> value, exactly."""
    found = {}
    for table in site.store.tables():
        exact = ", ".join(f"typeof({quote(c)}) || quote({quote(c)})" for c in table.names)
        keys = ", ".join(map(quote, table.key))
        rows = workshop.rows(url, f"SELECT {keys}, {exact} FROM {quote(table.name)}")
        found[table.name] = {
            row[: len(table.key)]: dict(zip(table.names, row[len(table.key) :], strict=True)) for row in rows
        }
    return found


def difference(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """What a seal should hold, by what was there before and is there now."""
    found = set()
    for table, old in before.items():
        new = after[table]
        for key in old.keys() | new.keys():
            columns = [] if key not in old or key not in new else [c for c in new[key] if new[key][c] != old[key][c]]
            name = f"{table} {'/'.join(map(str, key))}"
            if key not in new:
                found.add(f"delete {name}")
            elif key not in old:
                found.add(f"insert {name} *")
            elif columns:
                found.add(f"update {name} {','.join(columns)}")
    return found


def described(changes: list[Change]) -> set[str]:
    assert len({(c.table, c.key) for c in changes}) == len(changes), "a key stands twice in a seal"
    return set(map(str, changes))


@pytest.mark.parametrize(("journal", "recursive"), MODES)
@pytest.mark.parametrize("case", TRAPS, ids=lambda case: case.name)
def test_what_the_application_does_arrives_and_nothing_else(
    case: Trap, journal: str, recursive: str, tmp_path: Path
) -> None:
    pragmas = [f"recursive_triggers = {recursive}", f"foreign_keys = {int(case.foreign_keys)}"]
    workshop = SQLiteWorkshop(tmp_path, journal, pragmas)
    check(workshop, case)


def check(workshop: SQLiteWorkshop, case: Trap) -> None:
    ours = workshop.database("a", *case.schema, *case.before)
    theirs = SQLiteWorkshop(workshop.folder, "delete" if workshop.journal == "wal" else "wal").database(
        "b", *case.schema
    )
    a, b = sites(workshop, ours, theirs)
    ferry = Ferry()
    with closing(a, b):
        ferry.found(a)
        ferry.receive(b)
        assert workshop.dump(theirs) == workshop.dump(ours)
        before = rows_by_key(workshop, ours, a)
        workshop.run(ours, *case.during)
        expected = difference(before, rows_by_key(workshop, ours, a)) if case.changes is None else set(case.changes)
        assert a.store.pending() >= len(expected)
        sealed = described(ferry.seal(a))
        assert expected <= sealed <= expected | case.maybe
        assert a.store.pending() == 0
        ferry.receive(b)
        assert workshop.dump(theirs) == workshop.dump(ours)
        assert b.store.pending() == 0
        assert ferry.seal(b) == []
        assert workshop.rows(theirs, "PRAGMA integrity_check") == [("ok",)]
