"""Random histories: every site changes its schema in its own order and time, and in the end all have it whole."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from satchel.stores.sqlite.store import SQLiteStore
from tests.sync.schemas import join, network, recomputed, rest, silent
from tests.sync.sites import Place, opened

SCHEMA = (
    "CREATE TABLE guests (id INTEGER PRIMARY KEY, name TEXT, host INTEGER REFERENCES guests)",
    "CREATE TABLE rooms (code TEXT PRIMARY KEY, beds INTEGER)",
)
ROWS = (
    "INSERT INTO guests VALUES (1, 'Ada', NULL), (2, 'Bob', 1), (3, 'Cid', 2)",
    "INSERT INTO rooms VALUES ('r1', 1), ('r2', 2)",
)
# what: (what it needs, statement)
STEPS = {
    "mail": (None, "ALTER TABLE guests ADD COLUMN mail TEXT DEFAULT '-'"),
    "age": (None, "ALTER TABLE guests ADD COLUMN age INTEGER"),
    "view": (None, "ALTER TABLE rooms ADD COLUMN view TEXT NOT NULL DEFAULT 'sea'"),
    "stays": (None, "CREATE TABLE stays (id INTEGER PRIMARY KEY, guest INTEGER REFERENCES guests, nights INTEGER)"),
    "bills": ("stays", "CREATE TABLE bills (code TEXT PRIMARY KEY, stay INTEGER REFERENCES stays, sum REAL)"),
    "room": ("stays", "ALTER TABLE stays ADD COLUMN room TEXT REFERENCES rooms"),
    "last": ("stays", "ALTER TABLE guests ADD COLUMN last INTEGER REFERENCES stays"),
}


class Application:
    """A program of one site: it writes what its schema has, and migrates when it is told to."""

    def __init__(self, place: Place, rng: random.Random, done: set[str]) -> None:
        self.place = place
        self.rng = rng
        self.done = done

    def migrate(self) -> None:
        """One step that is possible now; some migrations fill in values."""
        ready = [s for s, (needs, _) in STEPS.items() if s not in self.done and (needs is None or needs in self.done)]
        if ready:
            step = self.rng.choice(ready)
            self.done.add(step)
            self.place.sql(STEPS[step][1])
            if self.rng.random() < 0.3:
                self.edit()

    def edit(self) -> None:
        """Some rows are written; what the database refuses is not."""
        with opened(self.place.db) as db:
            for _ in range(self.rng.randrange(1, 5)):
                table = self.rng.choice([name for name in ("guests", "rooms", "stays", "bills") if self._has(name)])
                try:
                    self._write(db, table)
                except sqlite3.IntegrityError:
                    continue

    def _has(self, table: str) -> bool:
        return table in ("guests", "rooms") or table in self.done

    def _write(self, db: sqlite3.Connection, table: str) -> None:
        columns = [entry[1] for entry in db.execute(f"PRAGMA table_info({table})")]
        key, others = columns[0], columns[1:]
        keys = [value for (value,) in db.execute(f"SELECT {key} FROM {table}")]
        what = self.rng.choice(("insert", "update", "update", "update", "delete"))
        if what == "delete" and keys and self.rng.random() < 0.4:
            db.execute(f"DELETE FROM {table} WHERE {key} = ?", (self.rng.choice(keys),))
        elif what == "insert" or not keys:
            some = {column: self._value(db, column) for column in others if self.rng.random() < 0.7}
            if key == "code":
                some["code"] = f"r{self.rng.randrange(9)}"
            elif not some:
                some["id"] = None
            holders = ", ".join("?" * len(some))
            db.execute(f"INSERT INTO {table} ({', '.join(some)}) VALUES ({holders})", tuple(some.values()))
        else:
            column = self.rng.choice(others)
            values = (self._value(db, column), self.rng.choice(keys))
            db.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", values)

    def _value(self, db: sqlite3.Connection, column: str) -> object:
        parent = {"guest": "guests", "host": "guests", "stay": "stays", "last": "stays", "room": "rooms"}.get(column)
        if parent is not None:
            keys = [value for (value,) in db.execute(f"SELECT {'code' if parent == 'rooms' else 'id'} FROM {parent}")]
            return self.rng.choice([None, *keys])
        number = self.rng.randrange(100)
        return number if column in ("beds", "age", "nights", "sum") else f"{column}{number}"


def finish(applications: list[Application]) -> None:
    for application in applications:
        while len(application.done) < len(STEPS):
            application.migrate()


def portrait(place: Place) -> dict[str, list[tuple[object, ...]]]:
    """What a site shows, with rows named by what they are, not by their numbers here."""
    with opened(place.db) as db:
        gids = {table: dict(_gids(place, db, table)) for table in ("guests", "stays")}
        found = {}
        for table, parents in {
            "guests": {"host": "guests", "last": "stays"},
            "stays": {"guest": "guests"},
            "bills": {"stay": "stays"},
            "rooms": {},
        }.items():
            columns = sorted(entry[1] for entry in db.execute(f"PRAGMA table_info({table})"))
            rows = []
            for line in db.execute(f"SELECT {', '.join(columns)} FROM {table}"):
                row = dict(zip(columns, line, strict=True))
                named = {c: gids[parents[c]].get(v, v) if c in parents else v for c, v in row.items()}
                if table in gids:
                    named["id"] = gids[table][row["id"]]
                rows.append(tuple(map(str, named.values())))
            found[table] = sorted(rows)
        return found


def _gids(place: Place, db: sqlite3.Connection, table: str) -> list[tuple[int, str]]:
    numbers = [number for (number,) in db.execute(f"SELECT id FROM {table}")]
    with closing(SQLiteStore(place.db)) as store:
        return [(number, str(store.identity(table, [number])[0])) for number in numbers]


def history(root: Path, seed: int) -> None:
    rng = random.Random(seed)
    policy = rng.choice(("merge", "merge", "latest", "manual", "priority:south,north"))
    names = ("north", "south", "east")[: rng.choice((2, 3, 3))]
    places = network(root, SCHEMA, *names, rows=ROWS, policies={"*": policy})
    applications = [Application(place, rng, set()) for place in places]
    for _ in range(rng.randrange(4, 10)):
        application = rng.choice(applications)
        what = rng.random()
        if what < 0.35:
            application.migrate()
        if what < 0.85:
            application.edit()
        if rng.random() < 0.6:
            application.place.node.sync(root / "share")
    if rng.random() < 0.4:
        applications.append(Application(join(places, "late", *SCHEMA), rng, set()))
    finish(applications)
    rest(places)
    rest(places)
    shown = [portrait(place) for place in places]
    for place, other in zip(places[1:], shown[1:], strict=True):
        assert other == shown[0], (seed, place.name)
    for place in places:
        assert place.rows("PRAGMA foreign_key_check") == [], (seed, place.name)
        assert recomputed(place) == [], (seed, place.name)
    silent(places)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_the_order_of_the_migrations_all_sites_show_the_same_rows(seed: int, tmp_path: Path) -> None:
    history(tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 118))
def test_many_orders_of_the_migrations(seed: int, tmp_path: Path) -> None:
    history(tmp_path, seed)
