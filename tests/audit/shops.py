"""Random histories of three databases with unique keys, references and own numbers, which sync through a share; for
comparing what an audit shows with what the databases do."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import satchel
from satchel.model.value import to_json
from satchel.sync.identities import Identities
from satchel.sync.opening import reading

SCHEMA = """
CREATE TABLE people (code TEXT PRIMARY KEY, name TEXT COLLATE NOCASE UNIQUE, boss TEXT REFERENCES people (code)
    ON DELETE SET NULL, pay REAL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, number INTEGER UNIQUE, person TEXT REFERENCES people (code), note);
CREATE TABLE lines (ordered INTEGER REFERENCES orders (id) ON DELETE CASCADE, place INTEGER, what TEXT,
    PRIMARY KEY (ordered, place)) WITHOUT ROWID;
CREATE TABLE plain (k TEXT PRIMARY KEY, a TEXT, b INTEGER, c);
"""
TABLES = ("people", "orders", "lines", "plain")
POLICIES = ["merge", "merge", "latest", "priority:south,office"]


class Shops:
    """A network of three sites."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root, self.rng = root, random.Random(seed)
        self.share = root / "share"
        self.share.mkdir()
        for name in ("office", "south", "north"):
            with closing(sqlite3.connect(self.database(name))) as db:
                db.executescript(SCHEMA)
        self.edit("office", 8)
        policy = self.rng.choice(POLICIES)
        satchel.init(root / "office", db=self.database("office"), node="office", network="acme", policy=policy)
        self.nodes = {"office": satchel.open(root / "office")}
        for name in ("south", "north"):
            self.nodes["office"].invite(name, out=root / f"{name}.invite")
            satchel.join(root / f"{name}.invite", root / name, db=self.database(name))
            self.nodes[name] = satchel.open(root / name)
        for name in ("office", "south", "north"):
            self.sync(name)

    def database(self, name: str) -> Path:
        return self.root / f"{name}.db"

    def sync(self, name: str) -> None:
        self.nodes[name].sync(self.share)

    def run(self, rounds: int, names: Sequence[str] = ()) -> None:
        """Edits and syncs at random, of all or of some."""
        names = names or list(self.nodes)
        for _ in range(rounds):
            self.edit(self.rng.choice(names), self.rng.randrange(1, 6))
            if self.rng.random() < 0.6:
                self.sync(self.rng.choice(names))

    def settle(self) -> None:
        """Everybody gets everything."""
        for _ in range(2):
            for name in self.nodes:
                self.sync(name)

    def edit(self, name: str, count: int) -> None:
        """Statements, each of which the database may refuse."""
        with closing(sqlite3.connect(self.database(name), isolation_level=None)) as db:
            db.execute("PRAGMA foreign_keys = ON")
            for _ in range(count):
                sql, values = self._statement()
                with suppress(sqlite3.IntegrityError):
                    db.execute(sql, values)

    def _statement(self) -> tuple[str, tuple[Any, ...]]:
        draw, some = self.rng.random(), self.rng.choice
        code, number, key = f"p{some('123')}", some((None, 1, 2, 3, 4)), f"k{some('123')}"
        if draw < 0.30:
            return some([
                ("INSERT INTO people VALUES (?, ?, ?, ?)", (code, some(("ann", "Bob", "CLEO", "bob")), None, 1.5)),
                ("UPDATE people SET name = ? WHERE code = ?", (some(("ANN", "bob", "cleo", None)), code)),
                ("UPDATE people SET boss = ? WHERE code = ?", (f"p{some('123')}", code)),
                ("DELETE FROM people WHERE code = ?", (code,)),
            ])  # fmt: skip
        if draw < 0.70:
            pick = "(SELECT id FROM orders ORDER BY id LIMIT 1 OFFSET ?)"
            return some([
                ("INSERT INTO orders (number, person, note) VALUES (?, ?, ?)", (number, code, some((1, 2.5, b"x")))),
                ("INSERT INTO orders (number, person, note) VALUES (?, NULL, ?)", (number, "n")),
                (f"UPDATE orders SET number = ? WHERE id = {pick}", (number, some((0, 1, 2)))),
                (f"UPDATE orders SET note = ? WHERE id = {pick}", (some(("a", 7)), some((0, 1, 2)))),
                (f"DELETE FROM orders WHERE id = {pick}", (some((0, 1, 2)),)),
                (f"INSERT INTO lines VALUES ({pick}, ?, ?)", (some((0, 1, 2)), some((1, 2)), some("xyz"))),
                (f"UPDATE lines SET what = ? WHERE ordered = {pick}", (some("abc"), some((0, 1, 2)))),
                (f"DELETE FROM lines WHERE ordered = {pick}", (some((0, 1)),)),
            ])  # fmt: skip
        return some([
            ("INSERT INTO plain VALUES (?, ?, ?, ?)", (key, some("xy"), some((1, "one")), some((None, 1.0, "t")))),
            ("UPDATE plain SET a = ? WHERE k = ?", (some("uvw"), key)),
            ("UPDATE plain SET b = ?, c = ? WHERE k = ?", (some((5, 6)), some((1, 2.5, "z")), key)),
            ("DELETE FROM plain WHERE k = ?", (key,)),
        ])  # fmt: skip

    # -- what there is

    def live(self, name: str) -> dict[str, list[str]]:
        """The rows of a database as JSON; numbers of its own as gids."""
        with reading(self.root / name) as site, closing(sqlite3.connect(self.database(name))) as db:
            identities = Identities(site.store)
            found = {}
            for table in TABLES:
                known, rows = identities.table(table), db.execute(f"SELECT * FROM {table}")
                names = [column[0] for column in rows.description]
                found[table] = []
                for values in rows.fetchall():
                    row = identities.row_on_wire(known, dict(zip(names, values, strict=True)))
                    if table == "orders":
                        [row["id"]] = identities.on_wire(known, [row["id"]])
                    found[table].append(_text(row))
                found[table].sort()
        return found


def shown(audit: Any) -> dict[str, list[str]]:
    """The rows that an audit shows, as JSON; numbers of its own as gids."""
    found = {}
    for table in TABLES:
        asked = f"SELECT after, gid FROM diff('{table}', '1970-01-01T00:00Z', '2100-01-01T00:00Z')"
        rows = [({**json.loads(row)} | ({"id": gid} if gid else {})) for row, gid in audit.sql(asked).rows]
        found[table] = sorted(json.dumps(row, sort_keys=True) for row in rows)
        [(count,)] = audit.sql(f"SELECT count(*) FROM {table}").rows
        assert count == len(rows)
    return found


def _text(row: dict[str, Any]) -> str:
    return json.dumps({name: to_json(value) for name, value in row.items()}, sort_keys=True)
