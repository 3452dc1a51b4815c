"""Rows that the application's table does not hold as they were written (PROTOCOL, Constraints).

    parked, twin   alive, and not in the table: a network constraint keeps them out
    refused        alive, and not in the table: this database alone does not take them, or their parent
    noted          in the table, but not as they were written: a reference is forgotten, or a deleted row is back

The slots hold the row as it was resolved; all versions of such a row are kept whole in `_satchel_image_N`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from satchel.stores.sqlite import exact
from satchel.stores.sqlite.connection import tolerant
from satchel.stores.sqlite.layout import Layout, compared, typed
from satchel.stores.sqlite.stage import at_key, bindable, placeholder

if TYPE_CHECKING:
    from satchel.model.admission import RowId
    from satchel.model.value import Value

PARKED, TWIN, REFUSED, NOTED = "parked", "twin", "refused", "noted"
_FIXED = ("status", "kind", "reason", "blockers", "moved")


@dataclass(frozen=True, slots=True)
class Apart:
    """Why a row is not shown as it was written. `moved`: it would not be shown as it was written either. `stands`: the
    key on the wire under which it is shown, where a twin stands for one of its parents; None: its own."""

    status: str
    kind: str  # unique | foreign-key | constraint
    reason: str
    blockers: Sequence[RowId] = ()
    moved: bool = False
    stands: tuple[Value, ...] | None = None

    @property
    def hidden(self) -> bool:
        """Whether the row is out of the application's sight."""
        return self.status != NOTED


def ddl(layout: Layout) -> list[str]:
    """What makes the table: an index for each claim and each reference, since rows are looked up by them."""
    keys = ", ".join(layout.keys)
    made = [
        f"CREATE TABLE {layout.apart} ({layout.key_list()}, status TEXT, kind TEXT, reason TEXT, blockers TEXT,"
        f" moved INTEGER, {_stand_list(layout)}, {layout.slot_list()}, PRIMARY KEY ({keys})) WITHOUT ROWID"
    ]
    if layout.key_roots and not layout.is_local:
        made.append(f"CREATE INDEX {layout.apart}_stands ON {layout.apart} ({', '.join(stand_slots(layout))})")
    wanted = [compared(layout.slots_of(key.columns), key.collations) for key in layout.table.unique_keys]
    wanted += [layout.slots_of(key.columns) for key in layout.table.foreign_keys if key.declared]
    for number, terms in enumerate(dict.fromkeys(wanted)):
        made.append(f"CREATE INDEX {layout.apart}_{number} ON {layout.apart} ({', '.join(terms)})")
    return made


def is_empty(db: sqlite3.Connection, layout: Layout) -> bool:
    """Whether every row of the table is shown as it was written."""
    return db.execute(f"SELECT 1 FROM {layout.apart} LIMIT 1").fetchone() is None


def read(db: sqlite3.Connection, layout: Layout, key: Sequence[Value]) -> Apart | None:
    """Why a row is apart; None: it is not."""
    where, bound = at_key(layout.keys, key)
    with tolerant(db):
        row = db.execute(f"SELECT {_columns(layout)} FROM {layout.apart} WHERE {where}", bound).fetchone()
    return None if row is None else _apart(row)


def stand_slots(layout: Layout) -> tuple[str, ...]:
    """s0, s1 ...: the key under which a row is shown, where that is not its own."""
    return tuple(f"s{place}" for place in range(len(layout.keys)))


def _stand_list(layout: Layout) -> str:
    pairs = zip(stand_slots(layout), layout.key_columns, strict=True)
    return ", ".join(typed(slot, column) for slot, column in pairs)


def _columns(layout: Layout) -> str:
    return ", ".join((*_FIXED, *stand_slots(layout)))


def has_stands(db: sqlite3.Connection, layout: Layout) -> bool:
    """Whether some row is shown under another key than its own."""
    return db.execute(f"SELECT 1 FROM {layout.apart} WHERE s0 IS NOT NULL LIMIT 1").fetchone() is not None


def own_key(db: sqlite3.Connection, layout: Layout, key: Sequence[Value]) -> tuple[Value, ...]:
    """The key of the row that is shown under a key."""
    if not layout.key_roots or layout.is_local:
        return tuple(key)
    where, bound = at_key(stand_slots(layout), key)
    with tolerant(db):
        row = db.execute(f"SELECT {', '.join(layout.keys)} FROM {layout.apart} WHERE {where}", bound).fetchone()
    return tuple(key) if row is None else tuple(row)


def shown_key(db: sqlite3.Connection, layout: Layout, key: Sequence[Value]) -> tuple[Value, ...]:
    """The key under which a row is shown."""
    if not layout.key_roots or layout.is_local:
        return tuple(key)
    why = read(db, layout, key)
    return tuple(key) if why is None or why.stands is None else why.stands


def every(db: sqlite3.Connection, layout: Layout, condition: str = "1") -> Iterator[tuple[tuple[Value, ...], Apart]]:
    """(key, why) of the rows that are apart."""
    keys = ", ".join(layout.keys)
    with tolerant(db):
        rows = db.execute(f"SELECT {keys}, {_columns(layout)} FROM {layout.apart} WHERE {condition}").fetchall()
    width = len(layout.keys)
    for row in rows:
        yield tuple(row[:width]), _apart(row[width:])


def write(db: sqlite3.Connection, layout: Layout, key: Sequence[Value], why: Apart, row: Sequence[Value]) -> None:
    """Sets a row apart."""
    blockers = json.dumps([[table, exact.write_values(other)] for table, other in why.blockers])
    stands = why.stands or [None] * len(layout.keys)
    values = [*key, why.status, why.kind, why.reason, blockers, int(why.moved), *stands, *row]
    holders = ", ".join(map(placeholder, values))
    db.execute(f"INSERT OR REPLACE INTO {layout.apart} VALUES ({holders})", list(map(bindable, values)))


def remove(db: sqlite3.Connection, layout: Layout, key: Sequence[Value]) -> None:
    """The row is shown as it was written, or gone."""
    where, bound = at_key(layout.keys, key)
    db.execute(f"DELETE FROM {layout.apart} WHERE {where}", bound)


def _apart(row: Sequence[Any]) -> Apart:
    status, kind, reason, blockers, moved, *stands = row
    found = [(table, exact.read_values(key)) for table, key in json.loads(blockers)]
    return Apart(status, kind, reason, found, bool(moved), None if None in stands else tuple(stands))
