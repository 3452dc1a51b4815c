"""Sites for tests: a database with a home, driven through the Python API, and ways to compare what they hold."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import satchel
from satchel.api.node import Node
from satchel.sync.report import Report

GLOBAL = {"*": "global"}
Rows = dict[str, list[tuple[str, ...]]]


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def opened(db: Path) -> Iterator[sqlite3.Connection]:
    """The application's own connection: foreign keys on, transactions by hand."""
    with closing(sqlite3.connect(db, isolation_level=None, timeout=10)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = OFF")  # no test pulls the plug on the application
        yield connection


def make_database(db: Path, *statements: str) -> Path:
    with opened(db) as connection:
        for statement in statements:
            connection.execute(statement)
    return db


def tables_of(connection: sqlite3.Connection) -> list[str]:
    """The application's tables."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
    return [name for (name,) in found if not name.lower().startswith(("sqlite_", "_satchel"))]


def dump(db: Path) -> Rows:
    """Every row of the application's tables, each value as its storage class and exact content."""
    found: Rows = {}
    with opened(db) as connection:
        for table in tables_of(connection):
            columns = [entry[1] for entry in connection.execute(f"PRAGMA table_xinfo({quote(table)})")]
            exact = ", ".join(
                f"typeof({c}) || ':' || CASE typeof({c}) WHEN 'real' THEN quote({c}) ELSE hex({c}) END"
                for c in map(quote, columns)
            )
            found[table] = sorted(connection.execute(f"SELECT {exact} FROM {quote(table)}").fetchall())
    return found


def differences(one: Rows, other: Rows) -> dict[str, tuple[list[Any], list[Any]]]:
    """Table -> rows of one only, rows of the other only (some). Empty: they are equal."""
    found = {}
    for table in sorted(one.keys() | other.keys()):
        here, there = one.get(table, []), other.get(table, [])
        if here != there:
            found[table] = (sorted(set(here) - set(there))[:3], sorted(set(there) - set(here))[:3])
    return found


def logical(db: Path) -> list[str]:
    """Everything that is in a database, satchel's tables included, as SQL. Does not write to it."""
    with closing(sqlite3.connect(f"{db.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        return list(connection.iterdump())


def contents(folder: Path, *leave_out: str) -> dict[str, str]:
    """Every file below a folder with the hash of its content; folders end with a slash."""
    found = {}
    for base, folders, files in os.walk(folder):
        for name in folders:
            found[str((Path(base) / name).relative_to(folder)) + "/"] = ""
        for name in files:
            path = Path(base) / name
            if name not in leave_out:
                found[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def times(folder: Path) -> dict[str, tuple[int, int]]:
    """Every entry below a folder, itself included, with its size and time of change."""
    entries = [folder, *folder.rglob("*")]
    return {
        str(e.relative_to(folder)): (e.lstat().st_size if e.is_file() else 0, e.lstat().st_mtime_ns) for e in entries
    }


def packets_in(folder: Path) -> set[str]:
    """The names of the packets below a folder, whole or not."""
    return {f"{p.parent.parent.name}/{int(p.parent.name.partition('-')[0])}" for p in folder.rglob("manifest.json")}


@dataclass
class Place:
    """One site of a test."""

    name: str
    root: Path
    db: Path

    @property
    def home(self) -> Path:
        return self.root / f"{self.name}-home"

    @property
    def node(self) -> Node:
        return satchel.open(self.home)

    def sql(self, *statements: str) -> None:
        """One transaction of the application."""
        with opened(self.db) as connection:
            connection.execute("BEGIN")
            for statement in statements:
                connection.execute(statement)
            connection.execute("COMMIT")

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with opened(self.db) as connection:
            return connection.execute(statement).fetchall()

    def export(self, folder: Path) -> Report:
        folder.mkdir(exist_ok=True)
        return self.node.export(folder)

    def dump(self) -> Rows:
        return dump(self.db)

    def vector(self) -> dict[str, int]:
        found: dict[str, int] = self.node.status()["vector"]
        return found

    def state(self) -> tuple[list[str], dict[str, str]]:
        """Everything that a command could change, but for the lock file and the files beside the database."""
        return logical(self.db), contents(self.home, "lock")


def found_network(root: Path, db: Path, name: str = "office", **options: Any) -> Place:
    place = Place(name, root, db)
    satchel.init(place.home, db=db, node=name, network="acme", **{"key_scope": GLOBAL, **options})
    return place


def join_network(inviter: Place, name: str, db: Path) -> Place:
    """A site that has its home and has imported nothing yet."""
    place = Place(name, inviter.root, db)
    invitation = inviter.root / f"{name}.invite"
    inviter.node.invite(name, out=invitation)
    satchel.join(invitation, place.home, db=db)
    return place


def copied(source: Path, target: Path) -> Path:
    shutil.copyfile(source, target)
    return target


def emptied(source: Path, target: Path) -> Path:
    """A database with the schema of another and no rows."""
    with opened(source) as connection:
        wanted = connection.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            " AND name NOT LIKE '\\_satchel%' ESCAPE '\\'"
            " ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'view' THEN 1 WHEN 'index' THEN 2 ELSE 3 END, rowid"
        ).fetchall()
    return make_database(target, *(statement for (statement,) in wanted))


def moved(report: Report) -> tuple[int, int, int]:
    """How many packets a run sealed, applied, dropped."""
    return len(report.sealed), len(report.applied), len(report.dropped)


def meet(share: Path, places: Sequence[Place]) -> None:
    """Everybody syncs with a share until nothing moves any more."""
    share.mkdir(exist_ok=True)
    for _ in range(6):
        if {moved(place.node.sync(share)) for place in places} == {(0, 0, 0)}:
            return
    raise AssertionError(f"never comes to rest: {[place.vector() for place in places]}")


def carry(stick: Path, places: Sequence[Place], rounds: int = 2) -> None:
    """A stick goes round: each imports what it brings, and puts on it what others lack."""
    stick.mkdir(exist_ok=True)
    for _ in range(rounds):
        for place in places:
            place.node.import_(stick)
            place.node.export(stick)


SCHEMA = (
    "CREATE TABLE customers (id TEXT PRIMARY KEY, name TEXT, town TEXT)",
    "CREATE TABLE stock (id TEXT PRIMARY KEY, pieces INTEGER)",
    "INSERT INTO customers VALUES ('c1', 'Ada', 'Ulm'), ('c2', 'Bob', 'Bonn')",
    "INSERT INTO stock VALUES ('s1', 4)",
)
NAMES = ("office", "branch", "clinic")


class Templates:
    """Networks of one to three sites at rest, through a folder `share`: made once, then copied for each test."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.made: dict[int, Path] = {}

    def copy(self, sites: int, target: Path) -> None:
        """`office.db`, `office-home`, `branch.db` ... and `share` in `target`."""
        if sites not in self.made:
            self.made[sites] = self._make(sites)
        source = self.made[sites]
        shutil.copytree(source, target, dirs_exist_ok=True)
        for name in NAMES[:sites]:
            settings = target / f"{name}-home" / "satchel.toml"
            settings.write_text(settings.read_text().replace(str(source), str(target)))

    def _make(self, sites: int) -> Path:
        root = self.root / f"{sites}-sites"
        if sites == 1:
            root.mkdir()
            found_network(root, make_database(root / "office.db", *SCHEMA))
            return root
        self.copy(sites - 1, root)
        places = [Place(name, root, root / f"{name}.db") for name in NAMES[: sites - 1]]
        name = NAMES[sites - 1]
        meet(root / "share", [*places, join_network(places[0], name, emptied(places[0].db, root / f"{name}.db"))])
        (root / f"{name}.invite").unlink()
        return root
