"""Capture triggers: they note which rows changed (PROTOCOL, Capture). Any program that writes is captured, so they use
only what every SQLite has built in.

Kinds of log rows:

    I  a row was inserted                 key
    U  a row was updated                  key, mask of changed columns, their old values
    D  a row was deleted                  key, the whole old row
    M  a row that a REPLACE may displace  key, the whole old row; whether it is gone is decided at the seal

A changed key is a D of the old key and an I of the new one. The old values of updated columns are noted because a row
that is updated and then deleted between two seals has as its last image what the network knew (docs/adr/0005).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from satchel.model.schema import Column
from satchel.stores.sqlite.displaced import Displaced
from satchel.stores.sqlite.layout import MASK_BITS, Layout

LOWEST = "-9223372036854775808"
_NOW = "julianday('now')"  # converted at the seal: that is cheaper than formatting it for every row


def triggers(db: sqlite3.Connection, layout: Layout, *, whole_rows: bool) -> dict[str, str]:
    """Name and text of each capture trigger of a table. `whole_rows`: every update notes its whole old row first."""
    displaced = Displaced(db, layout)
    made = {
        "insert": _after_insert(layout),
        "update": _after_update(layout),
        "delete": _after_delete(layout),
        "before_insert": _before_insert(layout, displaced),
        "before_update": _before_update(layout, displaced, whole_rows),
    }
    named = {f"_satchel_{layout.number}_{what}": body for what, body in made.items() if body}
    return {name: body.replace("TRIGGER", f"TRIGGER {name}", 1) for name, body in named.items()}


def _note(layout: Layout, kind: str, slots: dict[str, str], rest: str = "") -> str:
    """One log row: the slots with the expressions that fill them."""
    names = ", ".join(slots)
    return f"INSERT INTO {layout.log} (kind, at, {names}) SELECT '{kind}', {_NOW}, {', '.join(slots.values())} {rest};"


def _whole(layout: Layout, alias: str) -> dict[str, str]:
    return {slot: f"{alias}.{column}" for slot, column in zip(layout.slots, layout.columns, strict=True)}


def _key(layout: Layout, alias: str) -> dict[str, str]:
    return {layout.slots[p]: f"{alias}.{layout.columns[p]}" for p in layout.key_places}


def _after_insert(layout: Layout) -> str:
    return f"CREATE TRIGGER AFTER INSERT ON {layout.user} BEGIN {_note(layout, 'I', _key(layout, 'NEW'))} END"


def _after_delete(layout: Layout) -> str:
    return f"CREATE TRIGGER AFTER DELETE ON {layout.user} BEGIN {_note(layout, 'D', _whole(layout, 'OLD'))} END"


def differs(column: Column, one: str, two: str) -> str:
    """SQL: whether two values of a column differ, bit for bit. A collation would hide 'abc' to 'ABC'; without an
    affinity 1 and 1.0 stand side by side."""
    binary = "" if column.collation == "BINARY" else " COLLATE BINARY"
    condition = f"{one} IS NOT {two}{binary}"
    classes = f"typeof({one}) <> typeof({two})"
    if column.affinity in ("integer", "numeric"):  # they make integers of whole reals, but not of the lowest one
        return f"({condition} OR ({one} = {LOWEST} AND {classes}))"
    return f"({condition} OR {classes})" if column.affinity == "blob" else f"({condition})"


def mask_terms(layout: Layout, ones: Sequence[str], twos: Sequence[str]) -> list[str]:
    """SQL for each mask column: which columns differ between two rows, whose values are given by place. In groups:
    one long expression breaks at a thousand columns (ARCHITECTURE, facts)."""
    bits = [
        f"({differs(column, one, two)} << {place % MASK_BITS})"
        for place, (column, one, two) in enumerate(zip(layout.table.columns, ones, twos, strict=True))
    ]
    return [" | ".join(bits[start : start + MASK_BITS]) for start in range(0, len(bits), MASK_BITS)]


def _after_update(layout: Layout) -> str:
    key_changes = " OR ".join(f"OLD.{layout.columns[p]} IS NOT NEW.{layout.columns[p]}" for p in layout.key_places)
    olds, news = ([f"{row}.{name}" for name in layout.columns] for row in ("OLD", "NEW"))
    slots = dict(zip(layout.masks, mask_terms(layout, olds, news), strict=True))
    for place, (column, name) in enumerate(zip(layout.table.columns, layout.columns, strict=True)):
        old = f"OLD.{name}"
        changed = f"CASE WHEN {differs(column, old, f'NEW.{name}')} THEN {old} END"
        slots[layout.slots[place]] = old if place in layout.key_places else changed
    notes = [
        _note(layout, "U", slots, f"WHERE NOT ({key_changes})"),
        _note(layout, "D", _whole(layout, "OLD"), f"WHERE {key_changes}"),
        _note(layout, "I", _key(layout, "NEW"), f"WHERE {key_changes}"),
    ]
    return f"CREATE TRIGGER AFTER UPDATE ON {layout.user} BEGIN {' '.join(notes)} END"


def _before_insert(layout: Layout, displaced: Displaced) -> str:
    conditions = [displaced.by_key(), *map(displaced.by_index, displaced.indexes)]
    if displaced.rowid:
        conditions.append(f"NEW.{displaced.rowid} <> -1 AND t.{displaced.rowid} = NEW.{displaced.rowid}")
    notes = [_note(layout, "M", _whole(layout, "t"), f"FROM {layout.user} AS t WHERE {c}") for c in conditions]
    return f"CREATE TRIGGER BEFORE INSERT ON {layout.user} BEGIN {' '.join(notes)} END"


def _before_update(layout: Layout, displaced: Displaced, whole_rows: bool) -> str:
    conditions = [f"({displaced.key_changes()}) AND {displaced.by_key()}"]
    for index in displaced.indexes:
        changes = displaced.changes_of(index)
        conditions.append((f"({changes}) AND " if changes else "") + displaced.by_index(index))
    if rowid := displaced.rowid:
        conditions.append(f"OLD.{rowid} <> NEW.{rowid} AND t.{rowid} = NEW.{rowid}")
    source = f"FROM {layout.user} AS t WHERE"
    notes = [_note(layout, "M", _whole(layout, "OLD"))] if whole_rows else []
    notes += [_note(layout, "M", _whole(layout, "t"), f"{source} {c} AND {displaced.others()}") for c in conditions]
    return f"CREATE TRIGGER BEFORE UPDATE ON {layout.user} BEGIN {' '.join(notes)} END"
