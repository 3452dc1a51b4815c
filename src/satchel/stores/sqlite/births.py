"""Whose number was it? The log of a table with local numbers, event by event (PROTOCOL, Whose key is it?).

An insert of a number that was deleted or parked since is a birth, even between two seals, unless the row is the same in
every column. OR REPLACE on a number that is there is an update. An update of the number itself renames the row here.

For every log row of a stretch `_satchel_whose_N` says which gid it was about, and under which number that row is now.
`_satchel_now_N` has the numbers that changed hands; `_satchel_was_N` whose they were when the stretch began.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from satchel.model.value import same
from satchel.stores.sqlite import numbers, reborn
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.stage import fetch


def whose(layout: Layout) -> str:
    """Name of the table (id of the log row, gid, number now; number NULL: it has none)."""
    return f"temp._satchel_whose_{layout.number}"


def now(layout: Layout) -> str:
    """Name of the table (number, gid) of rows that have another number than at the last seal; gid NULL: nobody's."""
    return f"temp._satchel_now_{layout.number}"


def was(layout: Layout) -> str:
    """Name of the table (number, gid) of the rows that the log is about, as they were at the last seal."""
    return f"temp._satchel_was_{layout.number}"


def gid_at_seal(root: Layout, number: str) -> str:
    """SQL: whose number it was at the last seal; NULL: nobody's."""
    found = f"(SELECT w.gid FROM {was(root)} w WHERE w.n = {number})"
    return f"coalesce({found}, {numbers.gid_of(root, number)})"


def gid_now(root: Layout, number: str) -> str:
    """SQL: whose number it is now, or was last; NULL: nobody's."""
    found = f"(SELECT w.gid FROM {now(root)} w WHERE w.n = {number})"
    return f"coalesce({found}, {gid_at_seal(root, number)})"


def is_used_again(db: sqlite3.Connection, layout: Layout) -> bool:
    """Whether a number has become another row's since the last seal."""
    query = f"SELECT 1 FROM {now(layout)} n JOIN {was(layout)} w ON w.n = n.n WHERE n.gid <> w.gid LIMIT 1"
    return db.execute(query).fetchone() is not None


def prepare(db: sqlite3.Connection, layout: Layout) -> None:
    """Makes the three tables, empty: nothing happened to the numbers."""
    drop(db, layout)
    db.execute(f"CREATE TABLE {whose(layout)} (id INTEGER PRIMARY KEY, gid TEXT, n INTEGER)")
    db.execute(f"CREATE TABLE {now(layout)} (n INTEGER PRIMARY KEY, gid TEXT)")
    db.execute(f"CREATE TABLE {was(layout)} (n INTEGER PRIMARY KEY, gid TEXT)")


def drop(db: sqlite3.Connection, layout: Layout) -> None:
    """Removes them."""
    for name in (whose(layout), now(layout), was(layout)):
        db.execute(f"DROP TABLE IF EXISTS {name}")


def read(db: sqlite3.Connection, layout: Layout, noted: str, origin: str, nonce: str) -> None:
    """Fills the three tables from a table of events (events.py). `nonce`: of the rows that were born."""
    key = layout.old_slots[layout.key_places[0]]
    simple = "temp._satchel_simple"
    db.execute(f"DROP TABLE IF EXISTS {simple}")
    # A number with one event, or with updates only, needs no history: the usual case, and the fast one.
    db.execute(
        f"CREATE TABLE {simple} AS SELECT n, kind, at FROM (SELECT {key} AS n, max(upper(kind)) AS kind,"
        f" min(upper(kind)) AS lowest, count(*) AS events, min(at) AS at FROM {noted} GROUP BY {key})"
        " WHERE (lowest = kind AND kind = 'U') OR (events = 1 AND kind IN ('I', 'D', 'M'))"
    )
    db.execute(f"DELETE FROM {simple} WHERE n IN (SELECT renamed FROM {noted} WHERE renamed IS NOT NULL)")
    db.execute("CREATE UNIQUE INDEX temp._satchel_simple_n ON _satchel_simple (n)")
    born = f"coalesce({reborn.gid_of(layout, 's.n', 's.at')}, '{origin}:' || s.n || ':{nonce}')"
    gid = f"CASE WHEN s.kind = 'I' THEN {born} ELSE {numbers.gid_that_was(layout, 's.n')} END"
    db.execute(
        f"INSERT INTO {whose(layout)} SELECT e.id, {gid}, CASE s.kind WHEN 'D' THEN NULL ELSE s.n END"
        f" FROM {noted} e JOIN {simple} s ON s.n = e.{key}"
    )
    db.execute(f"INSERT INTO {now(layout)} SELECT s.n, {born} FROM {simple} s WHERE s.kind = 'I'")
    db.execute(
        f"INSERT INTO {was(layout)} SELECT s.n, {numbers.gid_that_was(layout, 's.n')} FROM {simple} s"
        " WHERE s.kind <> 'I'"
    )
    rest = (
        f"SELECT id, upper(kind), at, {key}, renamed, {', '.join(layout.old_slots)} FROM {noted}"
        f" WHERE {key} NOT IN (SELECT n FROM {simple}) ORDER BY id"
    )
    walk = Walk(db, layout, origin, nonce)
    for lines in fetch(db, rest, layout.width):
        for line in lines:
            walk.step(line[0], line[1], line[2], line[3], line[4], line[5:])  # type: ignore[arg-type]
    walk.write()
    db.execute(f"DROP TABLE {simple}")


@dataclass(frozen=True, slots=True)
class Gone:
    """A row that was deleted: its last image, and the log row that says so."""

    gid: str
    row: tuple[Any, ...]
    id: int


@dataclass
class Walk:
    """The events of numbers that changed hands, in order: each row's history matters, so one by one."""

    db: sqlite3.Connection
    layout: Layout
    origin: str
    nonce: str
    held: dict[int, str | None] = field(default_factory=dict)  # number -> gid of the row that has it; None: no row
    was: dict[int, str] = field(default_factory=dict)
    about: dict[int, str] = field(default_factory=dict)  # log row -> gid
    _gone: dict[int, Gone] = field(default_factory=dict)
    _born: set[str] = field(default_factory=set)
    _noted: dict[int, float] = field(default_factory=dict)  # number -> time of the last M
    _replaced: dict[int, float] = field(default_factory=dict)  # of the last D that a REPLACE fired (M, D, I)

    def step(self, id_: int, kind: str, at: float, number: int, renamed: int | None, row: tuple[Any, ...]) -> None:
        """The next event."""
        if kind == "I":
            if self.held.get(number) is None and self._replaced.get(number) == at:
                self.held[number] = self._gone.pop(number).gid
            elif self.held.get(number) is None or self._noted.get(number) != at:
                self.held[number] = self._reborn(number, at) or self._birth(number)
        elif number not in self.held:
            self.held[number] = self.was[number] = self._known(number)
        gid = self.held[number] or (self._gone[number].gid if number in self._gone else self._birth(number))
        self.about[id_] = gid
        if kind == "M":
            self._noted[number] = at
        elif kind == "D":
            if self._noted.get(number) == at:
                self._replaced[number] = at
            self.held[number] = None
            self._take(number, Gone(gid, row, id_))
        elif kind == "R" and renamed is not None:
            self.held[number] = None
            self.held[renamed] = gid

    def _take(self, number: int, gone: Gone) -> None:
        """A row goes; one that only stood for the row before it, the same in every column, was never there."""
        before = self._gone.get(number)
        if before is not None and gone.gid in self._born and _equal(before.row, gone.row):
            self._forget(gone.gid)
        else:
            self._gone[number] = gone

    def _forget(self, gid: str) -> None:
        self.about = {id_: whose_ for id_, whose_ in self.about.items() if whose_ != gid}

    def _known(self, number: int) -> str:
        query = f"SELECT {numbers.gid_that_was(self.layout, '?1')}"
        (gid,) = self.db.execute(query, (number,)).fetchone()
        return str(gid) if gid is not None else self._birth(number)

    def _reborn(self, number: int, at: float) -> str | None:
        (gid,) = self.db.execute(f"SELECT {reborn.gid_of(self.layout, '?1', '?2')}", (number, at)).fetchone()
        if gid is None:
            return None
        self._born.add(str(gid))
        return str(gid)

    def _birth(self, number: int) -> str:
        gid = f"{self.origin}:{number}:{self.nonce}"
        while gid in self._born or gid == self.was.get(number):
            gid = f"{self.origin}:{number}:{secrets.token_hex(4)}"
        self._born.add(gid)
        return gid

    def write(self) -> None:
        """Notes what came of it."""
        self._same_again()
        numbers_now = {gid: number for number, gid in self.held.items() if gid is not None}
        self.db.executemany(
            f"INSERT INTO {whose(self.layout)} VALUES (?, ?, ?)",
            ((id_, gid, numbers_now.get(gid)) for id_, gid in self.about.items()),
        )
        self.db.executemany(f"INSERT OR REPLACE INTO {was(self.layout)} VALUES (?, ?)", self.was.items())
        changed = ((n, gid) for n, gid in self.held.items() if gid is not None and self.was.get(n) != gid)
        self.db.executemany(f"INSERT OR REPLACE INTO {now(self.layout)} VALUES (?, ?)", changed)

    def _same_again(self) -> None:
        """A row that was deleted and inserted again under its number, the same in every column, was never gone."""
        for number, gone in self._gone.items():
            gid, born = gone.gid, self.held.get(number)
            if born is None or born not in self._born or gid in self._born or gid in self.held.values():
                continue
            if self._stands(number, gone.row):
                self.held[number] = gid
                self._forget(born)
                del self.about[gone.id]  # what was done to it before counts

    def _stands(self, number: int, image: Iterable[Any]) -> bool:
        columns = ", ".join(self.layout.columns)
        query = f"SELECT {columns} FROM {self.layout.source} WHERE {self.layout.key_names[0]} = ?"
        row = next((line for lines in fetch(self.db, query, self.layout.width, (number,)) for line in lines), None)
        return row is not None and _equal(row, image)


def _equal(one: Iterable[Any], two: Iterable[Any]) -> bool:
    return all(same(a, b) for a, b in zip(one, two, strict=True))


def keep(db: sqlite3.Connection, layouts: Mapping[str, Layout]) -> None:
    """The numbers that changed hands are the network's business from now on: at the recording of a seal."""
    for layout in layouts.values():
        if layout.is_local:
            db.execute(f"DELETE FROM {layout.numbers} WHERE gid IN (SELECT gid FROM {now(layout)})")
            db.execute(
                f"INSERT OR REPLACE INTO {layout.numbers} SELECT n, gid FROM {now(layout)} WHERE gid IS NOT NULL"
            )
