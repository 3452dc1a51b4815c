"""What is pending, with the rows and versions that it is about, copied to temporary tables (PROTOCOL, Seal).

The log, the rows as they are now and their versions are read in one short read transaction: one snapshot of the store,
after which the application may write on, in rollback-journal mode too. Numbers become gids here: old values by the map
as it was at the last seal, present ones by the map as it is now.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping

from satchel.stores.sqlite import births, cascaded
from satchel.stores.sqlite.events import events, forget_events
from satchel.stores.sqlite.followed import follow
from satchel.stores.sqlite.layout import Layout, typed
from satchel.stores.sqlite.sight import Sight
from satchel.stores.sqlite.stranded import adopt_stranded

Stretch = tuple[Layout, int, int]  # of a table's log: after, up to


def freeze(
    db: sqlite3.Connection,
    layouts: Mapping[str, Layout],
    stretches: Iterable[Stretch],
    origin: str,
    nonce: str | None = None,
) -> list[tuple[Layout, int, str]]:
    """(table, highest log row, name of the temporary table) for each stretch: every event beside its row. `origin` and
    `nonce`, if it is not to be drawn, of rows that are born."""
    return [
        (layout, upto, copy_beside(db, seen))
        for layout, upto, seen in look_at_events(db, layouts, stretches, origin, nonce or secrets.token_hex(4))
    ]


def look_at_events(
    db: sqlite3.Connection, layouts: Mapping[str, Layout], stretches: Iterable[Stretch], origin: str, nonce: str
) -> Iterator[tuple[Layout, int, Sight]]:
    """(table, highest log row, its events as they are meant) for each stretch; they are there until the next step."""
    noted = [(layout, upto, events(db, layout, after, upto)) for layout, after, upto in stretches]
    if noted:
        for layout in layouts.values():
            if layout.is_local:
                births.prepare(db, layout)
    for layout, _, name in noted:
        if layout.is_local:
            births.read(db, layout, name, origin, nonce)
    tables = {layout.table.name: name for layout, _, name in noted}
    _adopt_stranded(db, layouts, noted, tables)
    for layout, _, _ in noted:
        cascaded.take_out(db, layout, layouts, tables)
    moved = {layout.table.name for layout, _, _ in noted if follow(db, layout, layouts, tables)}
    for layout, upto, name in noted:
        seen = Sight(db, layout, layouts, name, layout.table.name in moved)
        yield layout, upto, seen
        seen.drop()
    for layout, _, name in noted:
        forget_events(db, layout, name)


def _adopt_stranded(
    db: sqlite3.Connection, layouts: Mapping[str, Layout], noted: list[tuple[Layout, int, str]], tables: dict[str, str]
) -> None:
    """Rows that keep a number which has become another row's (stranded.py)."""

    def events_of(layout: Layout) -> str:
        name = layout.table.name
        if name not in tables:
            (mark,) = db.execute("SELECT mark FROM _satchel_table WHERE number = ?", (layout.number,)).fetchone()
            tables[name] = events(db, layout, mark, mark)
            noted.append((layout, mark, tables[name]))
        return tables[name]

    for layout, _, name in list(noted):
        if layout.is_local:
            adopt_stranded(db, layouts, layout, name, events_of)


def copy_beside(db: sqlite3.Connection, seen: Sight, rest: str = "") -> str:
    """Copies events with their rows and versions to a temporary table; its name. `rest`: name of a table (id, place) of
    the events that are wanted, and of the places of their rows; empty: all of them."""
    layout, raw = seen.layout, f"temp._satchel_raw_{seen.layout.number}"
    columns = layout.table.columns
    old = ", ".join(typed(slot, column) for slot, column in zip(layout.old_slots, columns, strict=True))
    masks = ", ".join(f"{mask} INTEGER" for mask in layout.masks)
    db.execute(f"DROP TABLE IF EXISTS {raw}")
    db.execute(
        f"CREATE TABLE {raw} (id INTEGER PRIMARY KEY, kind TEXT, at INTEGER, {masks}, {old}, {layout.slot_list()},"
        f" present, vo, vq, vs, vl, gone{layout.own_number_list()}, place INTEGER)"
    )
    row = [f"e.{seen.old(place)}" for place in range(layout.width)] + seen.now(seen.key("e"))
    numbers = [f"coalesce(t.{layout.columns[p]}, {seen.old_number(p, 'e')})" for p in layout.roots]
    values = ["e.id", "e.kind", "e.at", layout.list_of("e", layout.masks), *row, seen.present, *seen.past, seen.gone]
    values += [*numbers, "x.place" if rest else "NULL"]
    wanted = f"{rest} x CROSS JOIN {seen.source} e ON e.id = x.id" if rest else f"{seen.source} e"
    joins = seen.beside(seen.key("e"), seen.here("e"), "upper(e.kind)")
    db.execute(f"INSERT INTO {raw} SELECT {', '.join(values)} FROM {wanted}{joins} WHERE e.kind <> 'R'")
    return raw
