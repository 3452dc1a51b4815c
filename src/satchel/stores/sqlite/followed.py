"""Rows whose key is a reference, when the row that they refer to gets another number (PROTOCOL, Whose key is it?).

ON UPDATE CASCADE moves them to another key of this database; on the wire their key stays, and nothing travels. The log
has a D of the old key and an I of the new one at the time of the R; such pairs are taken out of the events, and the
other events are told whose key it was when they happened: `_satchel_followed_N` (id of the log row, w0 ... the parts of
the key that are gids).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from satchel.model.value import Value, same
from satchel.stores.sqlite import births
from satchel.stores.sqlite.connection import tolerant
from satchel.stores.sqlite.layout import Layout

Key = tuple[Value, ...]


def followed(layout: Layout) -> str:
    """Name of the table."""
    return f"temp._satchel_followed_{layout.number}"


def follow(db: sqlite3.Connection, layout: Layout, layouts: Mapping[str, Layout], noted: Mapping[str, str]) -> bool:
    """Fills the table and puts the events of a table right, whose key columns then hold what the row has now (NULL: it
    is gone); False: no row that a key refers to got another number. `noted`: the tables of events, by table."""
    roots = {root for root in layout.key_roots.values() if root in noted}
    if layout.is_local or not roots:
        return False
    walk = Walk(db, layout, layouts)
    for root in roots:
        walk.learn(root, noted[root])
    if not walk.renamed:
        return False
    keys = ", ".join(layout.old_slots[place] for place in layout.key_places)
    with tolerant(db):
        events = db.execute(
            f"SELECT id, upper(kind), at, {keys} FROM {noted[layout.table.name]} ORDER BY id"
        ).fetchall()
    for id_, kind, at, *key in events:
        walk.step(Event(id_, kind, at, tuple(key)))
    walk.write(noted[layout.table.name])
    return True


@dataclass(frozen=True, slots=True)
class Event:
    """One log row. `key`: as the application's table had it."""

    id: int
    kind: str
    at: int
    key: Key


@dataclass
class Life:
    """One row from its birth, or from the last seal, until it goes. `key`: on the wire."""

    key: Key
    born: bool = False


@dataclass
class Walk:
    """The events of one table in order."""

    db: sqlite3.Connection
    layout: Layout
    layouts: Mapping[str, Layout]
    renamed: set[tuple[str, int, Value, Value]] = field(default_factory=set)  # root, time, old number, new number
    _given: dict[tuple[str, Value], list[tuple[int, str]]] = field(default_factory=dict)  # number -> (time, gid) ...
    _held: dict[Key, Life] = field(default_factory=dict)  # own key -> the row that has it, of rows with events
    _about: dict[int, Life] = field(default_factory=dict)  # log row -> the row that it is about
    _dropped: list[int] = field(default_factory=list)
    _last: Event | None = None

    def learn(self, root: str, noted: str) -> None:
        """Whose the numbers of a table with own numbers became, and when."""
        layout = self.layouts[root]
        slot = layout.old_slots[layout.key_places[0]]
        rows = self.db.execute(
            f"SELECT e.at, upper(e.kind), e.{slot}, e.renamed, b.gid FROM {noted} e JOIN {births.whose(layout)} b"
            " ON b.id = e.id WHERE upper(e.kind) IN ('I', 'R') ORDER BY e.id"
        ).fetchall()
        for at, kind, number, renamed, gid in rows:
            if kind == "R":
                self.renamed.add((root, at, number, renamed))
            self._given.setdefault((root, renamed if kind == "R" else number), []).append((at, gid))

    def step(self, event: Event) -> None:
        """The next event."""
        last, self._last = self._last, event
        if event.kind == "I" and last is not None and self._is_renumbering(last, event):
            self._dropped += [last.id, event.id]
            self._held[event.key] = self._about.pop(last.id)
            return
        if event.kind == "I":
            self._held[event.key] = Life(self._key(event.key, event.at), born=True)
        elif event.key not in self._held:  # a row that nothing had happened to since the last seal
            self._held[event.key] = Life(self._key(event.key, None))
        self._about[event.id] = self._held[event.key]
        if event.kind == "D":
            del self._held[event.key]

    def _is_renumbering(self, gone: Event, born: Event) -> bool:
        if gone.kind != "D" or gone.id + 1 != born.id or gone.at != born.at:
            return False
        roots = self.layout.key_roots
        return all(
            same(old, new) or (part in roots and (roots[part], born.at, old, new) in self.renamed)
            for part, (old, new) in enumerate(zip(gone.key, born.key, strict=True))
        )

    def _key(self, key: Key, at: int | None) -> Key:
        """The key on the wire; `at`: time, None: at the last seal."""
        roots = self.layout.key_roots
        return tuple(self._gid(roots[part], n, at) if part in roots else n for part, n in enumerate(key))

    def _gid(self, root: str, number: Value, at: int | None) -> Value:
        given = [gid for when, gid in self._given.get((root, number), ()) if at is not None and when <= at]
        if given:
            return given[-1]
        query = f"SELECT {births.gid_at_seal(self.layouts[root], '?1')}"
        (gid,) = self.db.execute(query, (number,)).fetchone()
        return number if gid is None else gid

    def _settle(self) -> None:
        """Whoever was born and is there now hangs where the application shows it: times are milliseconds, and a number
        may have changed hands within one."""
        for own, life in self._held.items():
            if life.born:
                roots = self.layout.key_roots
                life.key = tuple(self._now(roots[part], n) if part in roots else n for part, n in enumerate(own))

    def _now(self, root: str, number: Value) -> Value:
        query = f"SELECT {births.gid_now(self.layouts[root], '?1')}"
        (gid,) = self.db.execute(query, (number,)).fetchone()
        return number if gid is None else gid

    def write(self, noted: str) -> None:
        """Notes what came of it."""
        self._settle()
        layout = self.layout
        wires = ", ".join(f"w{layout.key_places[part]}" for part in layout.key_roots)
        self.db.execute(f"DROP TABLE IF EXISTS {followed(layout)}")
        self.db.execute(f"CREATE TABLE {followed(layout)} (id INTEGER PRIMARY KEY, {wires})")
        holders = ", ".join("?" * (1 + len(layout.key_roots)))
        self.db.executemany(f"INSERT INTO {followed(layout)} VALUES ({holders})", self._lines())
        self.db.executemany(f"DELETE FROM {noted} WHERE id = ?", ((id_,) for id_ in self._dropped))
        sets = ", ".join(f"{layout.old_slots[layout.key_places[part]]} = ?" for part in layout.key_roots)
        self.db.executemany(f"UPDATE {noted} SET {sets} WHERE id = ?", self._numbers())

    def _lines(self) -> Iterator[tuple[Value, ...]]:
        for id_, life in self._about.items():
            yield id_, *(life.key[part] for part in self.layout.key_roots)

    def _numbers(self) -> Iterable[tuple[Value, ...]]:
        now = {life.key: own for own, life in self._held.items()}
        for id_, life in self._about.items():
            own = now.get(life.key)
            yield *(None if own is None else own[part] for part in self.layout.key_roots), id_
