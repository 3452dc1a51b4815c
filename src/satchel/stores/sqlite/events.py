"""What the capture log says, statement by statement: the log rows between two marks as a table of events.

An event is about a row as the application's table had it then: keys and references are this database's own numbers.

    id       number of the log row: the order of the events
    kind     I U D M R (capture.py); lower case: its author did not see the row as the network showed it
    at       wall clock in milliseconds since 1970 UTC
    m0 ...   masks of the columns that changed (U)
    o0 ...   old values by place: the key of every event (R: the old number); U: of the changed columns; D, M: all
    renamed  R: the new number

An update that changed no value is no event. Each event is the effect of one statement on one row, but for an update of
the number, which is an R, and a U under the new number if values changed as well.
"""

from __future__ import annotations

import sqlite3

from satchel.model.value import Value
from satchel.stores.sqlite.layout import Layout, typed

# julianday to milliseconds since 1970; beyond the limit, which lies in the year 4199, a stamp would not fit 64 bits
_MS = "min(max(CAST(({at} - 2440587.5) * 86400000.0 + 0.5 AS INTEGER), 0), (1 << 46) - 1)"


def events(db: sqlite3.Connection, layout: Layout, after: int, upto: int) -> str:
    """The log rows (after, upto] as a temporary relation of events; its name. Where numbers of this database stand in
    them it is a table, since the events are put right (births.py, cascaded.py, followed.py); else a view of the log."""
    name = f"temp._satchel_events_{layout.number}"
    forget_events(db, layout, name)
    renamed = "l.renamed" if layout.renames else "NULL"
    slots = ", ".join(f"l.{slot} AS {old}" for slot, old in zip(layout.slots, layout.old_slots, strict=True))
    query = (
        f"SELECT l.id AS id, l.kind AS kind, {_MS.format(at='l.at')} AS at,"
        f" {', '.join(f'l.{mask} AS {mask}' for mask in layout.masks)}, {slots}, {renamed} AS renamed"
        f" FROM main.{layout.log} l WHERE l.id > {after} AND l.id <= {upto} AND {layout.whole_key('c:l')}"
        f" AND {is_event(layout, 'l')}"
    )
    if not layout.roots:
        db.execute(f"CREATE TEMP VIEW {name.partition('.')[2]} AS {query}")
        return name
    masks = ", ".join(f"{mask} INTEGER" for mask in layout.masks)
    old = ", ".join(typed(slot, column) for slot, column in zip(layout.old_slots, layout.table.columns, strict=True))
    number = typed("renamed", layout.key_columns[0])
    db.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, kind TEXT, at INTEGER, {masks}, {old}, {number})")
    db.execute(f"INSERT INTO {name} {query}")
    return name


def forget_events(db: sqlite3.Connection, layout: Layout, name: str) -> None:
    """Removes the relation."""
    db.execute(f"DROP {'TABLE' if layout.roots else 'VIEW'} IF EXISTS {name}")


def is_event(layout: Layout, alias: str) -> str:
    """SQL: whether a log row is an event: everything but an update that changed no value."""
    return f"({alias}.kind NOT IN ('U', 'u') OR {changed(layout, alias)})"


def changed(layout: Layout, alias: str) -> str:
    """SQL: whether a U changed a value."""
    return "(" + " OR ".join(f"{alias}.{mask} <> 0" for mask in layout.masks) + ")"


def has_renames(db: sqlite3.Connection, layout: Layout, mark: int) -> bool:
    """Whether a number was changed after `mark`."""
    if not layout.renames:
        return False
    query = f"SELECT EXISTS (SELECT 1 FROM {layout.log} l WHERE l.id > ? AND l.kind = 'R')"
    return bool(db.execute(query, (mark,)).fetchone()[0])


def count_renamed(db: sqlite3.Connection, layout: Layout, mark: int) -> int:
    """How many rows have changes after `mark`, where numbers were changed as well. Read backwards: a number means the
    row that has it in the end, up to the moment at which it was given that number, or at which a row of it was deleted.
    """
    (slot,), (name,) = layout.key_slots, layout.key_names
    there = f"SELECT EXISTS (SELECT 1 FROM main.{layout.user} t WHERE t.{name} = ?)"
    query = (
        f"SELECT l.id, upper(l.kind), l.{slot}, l.renamed FROM {layout.log} l"
        f" WHERE l.id > ? AND {layout.whole_key('c:l')} AND {is_event(layout, 'l')} ORDER BY l.id DESC"
    )
    # number -> the row's last one, and the log row that ended it (0: none)
    rows: dict[Value, tuple[Value, int]] = {}
    found = set()
    for event, kind, number, renamed in db.execute(query, (mark,)).fetchall():
        if kind == "R":
            rows[number] = rows.get(renamed, (renamed, 0))
            rows[renamed] = renamed, event
            continue
        if kind == "D":
            rows[number] = number, event
        row = rows.get(number, (number, 0))
        if kind != "M" or row[1] or not db.execute(there, row[:1]).fetchone()[0]:
            found.add(row)
    return len(found)
