"""Rows that keep a number which has become another row's: its row was deleted, and the number used again, while they
referred to it (an application with foreign keys off).

In the application's eyes they belong to the new row from then on, and so they do for everybody: each gets an event, as
if the application had written the reference at the new row's birth. Only rows that are born and die in one stretch of
the log can do that; it is looked for where a number changed hands.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping

from satchel.stores.sqlite import births, numbers
from satchel.stores.sqlite.layout import MASK_BITS, Layout

_TAKEN_OVER = "temp._satchel_taken_over"


def adopt_stranded(
    db: sqlite3.Connection, layouts: Mapping[str, Layout], root: Layout, noted: str, events_of: Callable[[Layout], str]
) -> None:
    """Adds the events of rows that refer to numbers of `root` which have died and were used again. `noted`: its own
    events; `events_of`: the table of events of another table."""
    key = root.old_slots[root.key_places[0]]
    db.execute(f"DROP TABLE IF EXISTS {_TAKEN_OVER}")
    db.execute(
        f"CREATE TABLE {_TAKEN_OVER} AS SELECT n.n AS n, (SELECT max(e.at) FROM {noted} e WHERE e.{key} = n.n) AS at"
        f" FROM {births.now(root)} n JOIN {births.was(root)} w ON w.n = n.n WHERE n.gid <> w.gid"
        f" AND EXISTS (SELECT 1 FROM {noted} d JOIN {births.whose(root)} b ON b.id = d.id"
        f" WHERE d.{key} = n.n AND upper(d.kind) = 'D' AND b.gid = w.gid)"
    )
    if db.execute(f"SELECT 1 FROM {_TAKEN_OVER} LIMIT 1").fetchone():
        for layout in layouts.values():
            for place, name in layout.roots.items():
                if name == root.table.name and not (layout.is_local and place in layout.key_places):
                    _adopt(db, layout, place, events_of)
    db.execute(f"DROP TABLE {_TAKEN_OVER}")


def _adopt(db: sqlite3.Connection, layout: Layout, place: int, events_of: Callable[[Layout], str]) -> None:
    stranded = f"FROM {layout.source} t JOIN {_TAKEN_OVER} x ON t.{layout.columns[place]} = x.n"
    if db.execute(f"SELECT 1 {stranded} LIMIT 1").fetchone() is None:
        return
    events = events_of(layout)
    (last,) = db.execute(f"SELECT max(coalesce((SELECT max(id) FROM {events}), 0), 1 << 62)").fetchone()
    untouched = f"{_untouched(layout, events)} AND {_unwritten(layout, events, place)}"
    masks = [f"{1 << place % MASK_BITS if part == place // MASK_BITS else 0}" for part in range(len(layout.masks))]
    old = [f"t.{column}" for column in layout.columns]
    number = f"{last} + row_number() OVER (ORDER BY {', '.join(layout.key_of('u:t'))})"
    names = ", ".join(("id", "kind", "at", *layout.masks, *layout.old_slots))
    if place not in layout.key_places:
        touched = {*layout.key_places, place}
        values = [value if at in touched else "NULL" for at, value in enumerate(old)]
        db.execute(
            f"INSERT INTO {events} ({names}) SELECT {number}, 'U', x.at, {', '.join([*masks, *values])} {stranded}"
            f" WHERE {untouched}"
        )
    else:
        nothing = ["0"] * len(masks)
        rows = db.execute(f"SELECT count(*) {stranded} WHERE {untouched}").fetchone()[0]
        row = ", ".join((*layout.masks, *layout.old_slots))
        db.execute(
            f"INSERT INTO {events} ({names}) SELECT {number}, 'D', x.at, {', '.join([*nothing, *old])} {stranded}"
            f" WHERE {untouched}"
        )
        db.execute(f"INSERT INTO {events} ({names}) SELECT id + {rows}, 'I', at, {row} FROM {events} WHERE id > {last}")
    if layout.is_local:
        (key,) = layout.key_places
        number = f"e.{layout.old_slots[key]}"
        now = f"(SELECT m.gid FROM {births.now(layout)} m WHERE m.n = {number})"
        gid = f"coalesce({now}, {numbers.gid_that_was(layout, number)})"
        db.execute(
            f"INSERT INTO {births.whose(layout)} SELECT e.id, {gid}, e.{layout.old_slots[key]} FROM {events} e"
            f" WHERE e.id > {last}"
        )


def _untouched(layout: Layout, events: str) -> str:
    """SQL over `t`: whether a row was there before. Whoever was inserted meanwhile has written the reference itself."""
    if layout.is_local:
        (key,) = layout.key_names
        old = f"SELECT gid FROM {births.was(layout)}"
        return f"NOT EXISTS (SELECT 1 FROM {births.now(layout)} m WHERE m.n = t.{key} AND m.gid NOT IN ({old}))"
    own = " AND ".join(f"i.{layout.old_slots[key]} = t.{layout.columns[key]}" for key in layout.key_places)
    return f"NOT EXISTS (SELECT 1 FROM {events} i WHERE {own} AND upper(i.kind) = 'I')"


def _unwritten(layout: Layout, events: str, place: int) -> str:
    """SQL over `t`: whether nobody has written the reference meanwhile."""
    own = " AND ".join(f"u.{layout.old_slots[key]} = t.{layout.columns[key]}" for key in layout.key_places)
    bit = f"u.{layout.masks[place // MASK_BITS]} & {1 << place % MASK_BITS}"
    return f"NOT EXISTS (SELECT 1 FROM {events} u WHERE {own} AND upper(u.kind) = 'U' AND {bit})"
