"""Capture triggers: they note which rows changed (PROTOCOL, Capture). Any program that writes is captured, so they use
only what every SQLite has built in.

Kinds of log rows:

    I  a row was inserted                 key
    U  a row was updated                  key, mask of changed columns, their old values
    D  a row was deleted                  key, the whole old row
    M  a row that a REPLACE may displace  key, the whole old row; whether it is gone is decided at the seal
    R  a row got another number           old number, new number; only where the numbers are this database's own

A changed key is a D of the old key and an I of the new one; a changed number is an R, and a U of the new number. The
old values of updated columns are noted because a row that is updated and then deleted between two seals has as its last
image what the network knew (docs/adr/0005).

Everything but the key is named so that the application may drop the column while the triggers are there: see gap.py.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from satchel.model.schema import Column
from satchel.stores.sqlite.connection import quote
from satchel.stores.sqlite.displaced import Displaced
from satchel.stores.sqlite.layout import MASK_BITS, Layout
from satchel.stores.sqlite.schema import ROWID_NAMES, table_columns

LOWEST = "-9223372036854775808"
_NOW = "julianday('now')"  # converted at the seal: that is cheaper than formatting it for every row


def triggers(db: sqlite3.Connection, layout: Layout, *, whole_rows: bool) -> dict[str, str]:
    """Name and text of each capture trigger of a table. `whole_rows`: every update notes its whole old row first.
    None at all where a column of the key is missing: every write of the application would fail."""
    have = {column.lower() for column, *_ in table_columns(db, layout.table.name)}
    if not have.issuperset(name.lower() for name in layout.table.key):
        return {}
    displaced = Displaced(db, layout)
    made = {
        "insert": _after_insert(layout),
        "update": _after_update(layout),
        "rekey": _after_rename(layout) if layout.renames else _after_rekey(layout),
        "delete": _after_delete(layout),
        "before_insert": _before_insert(layout, displaced),
        "before_rekey": _before_rekey(layout, displaced),
        "before_update": _before_update(layout, displaced),
        "before_any_update": _before_any_update(layout) if whole_rows else "",
    }
    named = {f"_satchel_{layout.number}_{what}": body for what, body in made.items() if body}
    return {name: body.replace("TRIGGER", f"TRIGGER {name}", 1) for name, body in named.items()}


def _note(layout: Layout, kind: str, slots: dict[str, str], rest: str = "") -> str:
    """One log row: the slots with the expressions that fill them."""
    names = ", ".join(slots)
    return f"INSERT INTO {layout.log} (kind, at, {names}) SELECT '{kind}', {_NOW}, {', '.join(slots.values())} {rest};"


def _whole(layout: Layout) -> dict[str, str]:
    """The whole old row, beside the gap as OLD."""
    return {slot: f"(SELECT OLD.{column})" for slot, column in zip(layout.slots, layout.columns, strict=True)}


def _key(layout: Layout, alias: str) -> dict[str, str]:
    return {layout.slots[p]: f"{alias}.{layout.columns[p]}" for p in layout.key_places}


def _key_changes(layout: Layout) -> str:
    return " OR ".join(f"OLD.{layout.columns[p]} IS NOT NEW.{layout.columns[p]}" for p in layout.key_places)


def _after_insert(layout: Layout) -> str:
    return f"CREATE TRIGGER AFTER INSERT ON {layout.user} BEGIN {_note(layout, 'I', _key(layout, 'NEW'))} END"


def _after_delete(layout: Layout) -> str:
    note = _note(layout, "D", _whole(layout), f"FROM {layout.gap} AS OLD")
    return f"CREATE TRIGGER AFTER DELETE ON {layout.user} BEGIN {note} END"


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


def _updated(layout: Layout, key: str) -> str:
    """The U of an update; `key`: OLD or NEW."""
    olds, news = ([f"{row}.{name}" for name in layout.columns] for row in ("OLD", "NEW"))
    if layout.renames:  # a number is no value of the row
        olds[layout.key_places[0]] = news[layout.key_places[0]]
    slots = {mask: f"(SELECT {term})" for mask, term in zip(layout.masks, mask_terms(layout, olds, news), strict=True)}
    for place, column in enumerate(layout.table.columns):
        changed = f"CASE WHEN {differs(column, olds[place], news[place])} THEN {olds[place]} END"
        slots[layout.slots[place]] = f"(SELECT {changed})"
    slots |= {slot: f"(SELECT {value})" for slot, value in _key(layout, key).items()}
    return _note(layout, "U", slots, f"FROM {layout.gap} AS OLD CROSS JOIN {layout.gap} AS NEW")


def _after_update(layout: Layout) -> str:
    when = f"WHEN NOT ({_key_changes(layout)})"
    return f"CREATE TRIGGER AFTER UPDATE ON {layout.user} {when} BEGIN {_updated(layout, 'OLD')} END"


def _of_key(layout: Layout) -> str:
    """UPDATE OF: the statements that can change the key, by the names that they have for it. Others, which are nearly
    all, do not enter the trigger."""
    names = dict.fromkeys((*layout.table.key, *ROWID_NAMES))
    return f"UPDATE OF {', '.join(map(quote, names))}"


def _after_rekey(layout: Layout) -> str:
    gone = _note(layout, "D", _whole(layout), f"FROM {layout.gap} AS OLD")
    born = _note(layout, "I", _key(layout, "NEW"))
    return (
        f"CREATE TRIGGER AFTER {_of_key(layout)} ON {layout.user} WHEN {_key_changes(layout)} BEGIN {gone} {born} END"
    )


def _after_rename(layout: Layout) -> str:
    (number,) = _key(layout, "NEW").values()
    renamed = _note(layout, "R", {**_key(layout, "OLD"), "renamed": number})
    body = f"{renamed} {_updated(layout, 'NEW')}"
    return f"CREATE TRIGGER AFTER {_of_key(layout)} ON {layout.user} WHEN {_key_changes(layout)} BEGIN {body} END"


def _maybe(layout: Layout, displaced: Displaced, condition: str) -> str:
    columns = dict(zip(layout.slots, layout.columns, strict=True))
    return _note(layout, "M", columns, f"{displaced.source()} WHERE {condition}")


def _before_insert(layout: Layout, displaced: Displaced) -> str:
    conditions = [displaced.by_key(), *map(displaced.by_index, displaced.indexes)]
    found = [displaced.found(displaced.by_key()), *map(displaced.found_by_index, displaced.indexes)]
    if displaced.rowid:
        conditions.append(f"NEW.{displaced.rowid} <> -1 AND {displaced.by_rowid()}")
        found.append(f"(NEW.{displaced.rowid} <> -1 AND {displaced.found(displaced.by_rowid())})")
    notes = [_maybe(layout, displaced, condition) for condition in conditions]
    when = " OR ".join(found)  # nearly always nothing is in the way, and to look is all that it costs
    return f"CREATE TRIGGER BEFORE INSERT ON {layout.user} WHEN {when} BEGIN {' '.join(notes)} END"


def _before_rekey(layout: Layout, displaced: Displaced) -> str:
    changes = displaced.key_changes()
    notes = [_maybe(layout, displaced, f"({changes}) AND {displaced.by_key()} AND {displaced.others()}")]
    if rowid := displaced.rowid:
        moves = f"OLD.{rowid} <> NEW.{rowid}"
        notes.append(_maybe(layout, displaced, f"{moves} AND {displaced.by_rowid()} AND {displaced.others()}"))
        changes = f"{changes} OR {moves}"
    return f"CREATE TRIGGER BEFORE {_of_key(layout)} ON {layout.user} WHEN {changes} BEGIN {' '.join(notes)} END"


def _before_update(layout: Layout, displaced: Displaced) -> str:
    """Empty: the table has no unique index."""
    notes, found = [], []
    for index in displaced.indexes:
        changes = displaced.changes_of(index)
        condition = f"{changes} AND " if changes else ""
        notes.append(_maybe(layout, displaced, f"{condition}{displaced.by_index(index)} AND {displaced.others()}"))
        found.append(f"({condition}{displaced.found_by_index(index)})")
    named = [displaced.columns_of(index) for index in displaced.indexes]
    every = dict.fromkeys(quote(column) for columns in named for column in columns)
    of = f" OF {', '.join(every)}" if all(named) else ""
    when, body = " OR ".join(found), " ".join(notes)
    return f"CREATE TRIGGER BEFORE UPDATE{of} ON {layout.user} WHEN {when} BEGIN {body} END" if notes else ""


def _before_any_update(layout: Layout) -> str:
    note = _note(layout, "M", _whole(layout), f"FROM {layout.gap} AS OLD")
    return f"CREATE TRIGGER BEFORE UPDATE ON {layout.user} BEGIN {note} END"
