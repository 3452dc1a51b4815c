"""References that ON UPDATE CASCADE changed because the row that they refer to got another number: nothing travels.

Such an update is none on the wire, where the reference stays. It is taken out of the events, and what the log says of
the row later is put back to the number that the parent had before (PROTOCOL, Whose key is it?).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from satchel.model.value import Value
from satchel.stores.sqlite.connection import tolerant
from satchel.stores.sqlite.layout import MASK_BITS, Layout

Key = tuple[Value, ...]


def take_out(db: sqlite3.Connection, layout: Layout, layouts: Mapping[str, Layout], noted: Mapping[str, str]) -> None:
    """Puts the events of a table right. `noted`: the tables of events, by table."""
    name = noted[layout.table.name]
    cascades = {place: root for place, root in layout.roots.items() if _cascades(layout, place) and root in noted}
    renamed = {place: _renamed(db, layouts[root], noted[root]) for place, root in cascades.items()}
    places = [place for place in renamed if renamed[place]]
    if not places:
        return
    keys = [layout.old_slots[place] for place in layout.key_places]
    slots = [layout.old_slots[place] for place in places]
    query = (
        f"SELECT id, upper(kind), at, renamed, {', '.join([*layout.masks, *keys, *slots])} FROM {name} ORDER BY id DESC"
    )
    with tolerant(db):
        rows = db.execute(query).fetchall()
    reading = Reading(layout, places, renamed, _present(db, layout, places))
    for row in rows:
        reading.step(_event(layout, row))
    reading.write(db, name)


def _cascades(layout: Layout, place: int) -> bool:
    column = layout.table.names[place].lower()
    declared = [key for key in layout.table.foreign_keys if key.declared and key.on_update.upper() == "CASCADE"]
    return place not in layout.key_places and any(column in map(str.lower, key.columns) for key in declared)


def _renamed(db: sqlite3.Connection, root: Layout, noted: str) -> set[tuple[int, Value, Value]]:
    """(time, old number, new number) of the rows that got another number."""
    number = root.old_slots[root.key_places[0]]
    return set(db.execute(f"SELECT at, {number}, renamed FROM {noted} WHERE upper(kind) = 'R'").fetchall())


def _present(db: sqlite3.Connection, layout: Layout, places: list[int]) -> Callable[[Key], Key]:
    """Gives the references of a row as they are now, by its key."""
    columns = ", ".join(layout.columns[place] for place in places)
    match = " AND ".join(f"{layout.columns[place]} = ?" for place in layout.key_places)
    nothing = (None,) * len(places)

    def found(key: Key) -> Key:
        with tolerant(db):
            row = db.execute(f"SELECT {columns} FROM {layout.source} WHERE {match}", key).fetchone()
        return nothing if row is None else tuple(row)

    return found


@dataclass(frozen=True, slots=True)
class Event:
    """One log row. `mask`: of the columns that a U changed; `values`: the old ones of the references."""

    id: int
    kind: str
    at: int
    renamed: Value
    mask: int
    key: Key
    values: Key


def _event(layout: Layout, row: tuple[Any, ...]) -> Event:
    id_, kind, at, renamed, *rest = row
    masks, rest = rest[: len(layout.masks)], rest[len(layout.masks) :]
    mask = sum((part or 0) << (MASK_BITS * i) for i, part in enumerate(masks))
    width = len(layout.key_places)
    return Event(id_, kind, at, renamed, mask, tuple(rest[:width]), tuple(rest[width:]))


@dataclass
class Reading:
    """The events of one table, read backwards."""

    layout: Layout
    places: list[int]
    renamed: Mapping[int, set[tuple[int, Value, Value]]]
    present: Callable[[Key], Key]
    _then: dict[Key, dict[int, Value]] = field(default_factory=dict)  # row -> place -> its number after the event
    _told: dict[Key, dict[int, list[int]]] = field(default_factory=dict)  # row -> place -> log rows with its old value
    _values: dict[tuple[int, int], Value] = field(default_factory=dict)  # log row, place -> what it is to say
    _masks: dict[int, int] = field(default_factory=dict)  # log row -> its mask from now on

    def step(self, event: Event) -> None:
        """The event before."""
        images = dict(zip(self.places, event.values, strict=True))
        if event.kind == "R":
            self._move(event.key, (event.renamed,))
        elif event.kind == "I":
            self._told.pop(event.key, None)
            self._then.pop(event.key, None)
        elif event.kind == "D":
            self._told[event.key] = {place: [event.id] for place in self.places}
            self._then[event.key] = images
        elif event.kind == "M":
            told = self._told.setdefault(event.key, {})
            for place in self.places:
                told.setdefault(place, []).append(event.id)
            self._then[event.key] = images
        else:
            for place, value in images.items():
                if event.mask >> place & 1:
                    self._look(event, place, value)

    def _move(self, before: Key, after: Key) -> None:
        """The row itself got another number."""
        if after in self._told:
            self._told[before] = self._told.pop(after)
        self._then[before] = self._numbers(after)
        del self._then[after]

    def _numbers(self, key: Key) -> dict[int, Value]:
        """What the references of a row were after the event that is read."""
        if key not in self._then:
            self._then[key] = dict(zip(self.places, self.present(key), strict=True))
        return self._then[key]

    def _look(self, event: Event, place: int, value: Value) -> None:
        """A cascade is told from a move by the number that the reference had afterwards: times are milliseconds, and
        an application does more than one thing in one."""
        told, then = self._told.setdefault(event.key, {}), self._numbers(event.key)
        after, then[place] = then[place], value
        if (event.at, value, after) in self.renamed[place]:
            self._masks[event.id] = self._masks.get(event.id, event.mask) & ~(1 << place)
            self._values.update({(id_, place): value for id_ in told.get(place, ())})
        else:
            told[place] = [event.id]

    def write(self, db: sqlite3.Connection, noted: str) -> None:
        """Notes what came of it."""
        masks = ", ".join(f"{name} = ?" for name in self.layout.masks)
        changed = [(*self.layout.mask_parts(mask), id_) for id_, mask in self._masks.items() if mask]
        db.executemany(f"UPDATE {noted} SET {masks} WHERE id = ?", changed)
        db.executemany(f"DELETE FROM {noted} WHERE id = ?", [(id_,) for id_, mask in self._masks.items() if not mask])
        for (id_, place), value in self._values.items():
            db.execute(f"UPDATE {noted} SET {self.layout.old_slots[place]} = ? WHERE id = ?", (value, id_))
