"""Two shops whose databases hand out their own numbers: clashing numbers, a code that both took, a row that one of the
databases refuses; a command is killed on the way.

Every row of a table with own numbers has a label that no other row has, and lines begin with the label of their
invoice, so that it can be seen whether each is where it belongs, whatever its number is.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

import satchel
from satchel.packet import writer
from tests.kills.world import World, application

SCHEMA = (
    "CREATE TABLE customers (id INTEGER PRIMARY KEY, label TEXT, code TEXT UNIQUE, town TEXT)",
    "CREATE TABLE invoices (id INTEGER PRIMARY KEY, label TEXT, customer INTEGER REFERENCES customers(id), total REAL)",
    "CREATE TABLE lines (id INTEGER PRIMARY KEY, label TEXT, pieces INTEGER,"
    " invoice INTEGER NOT NULL REFERENCES invoices(id) ON DELETE CASCADE ON UPDATE CASCADE)",
    "CREATE TABLE tags (invoice INTEGER REFERENCES invoices(id) ON DELETE CASCADE ON UPDATE CASCADE, word TEXT,"
    " label TEXT, PRIMARY KEY (invoice, word))",
    "CREATE TABLE visits (id INTEGER PRIMARY KEY, label TEXT, who INTEGER)",
)
ROWS = (
    *(f"INSERT INTO customers VALUES ({n}, 'c{n}', 'k{n}', 'Ulm')" for n in range(1, 7)),
    *(f"INSERT INTO invoices VALUES ({n}, 'i{n}', {n % 6 + 1}, {n}.5)" for n in range(1, 9)),
    *(f"INSERT INTO lines VALUES ({n}, 'i{(n + 1) // 2}:{n}', {n}, {(n + 1) // 2})" for n in range(1, 17)),
    *(f"INSERT INTO tags VALUES ({n}, 'red', 'i{n}:red')" for n in range(1, 5)),
    "INSERT INTO visits VALUES (1, 'v1', 2), (2, 'v2', 3)",
)
EDITS_A = (
    "INSERT INTO customers VALUES (7, 'a-7', 'dup', 'Ulm'), (8, 'a-8', 'a8', 'Ulm')",
    "INSERT INTO invoices VALUES (9, 'a-9', 7, 1), (10, 'a-10', 8, 2)",
    "INSERT INTO lines VALUES (17, 'a-9:1', 1, 9), (18, 'a-10:1', 2, 10), (19, 'a-10:big', 5000, 10)",
    "INSERT INTO tags VALUES (10, 'red', 'a-10:red')",
    "INSERT INTO visits VALUES (3, 'a-v', 8)",
    "UPDATE invoices SET id = 50 WHERE id = 2",
    "DELETE FROM invoices WHERE id = 3",
    "INSERT INTO invoices VALUES (3, 'a-3', 1, 3)",
    "INSERT INTO lines VALUES (20, 'a-3:1', 1, 3)",
    "UPDATE customers SET town = 'of a' WHERE id = 1",
)
EDITS_B = (
    "INSERT INTO customers VALUES (7, 'b-7', 'dup', 'Bonn'), (8, 'b-8', 'b8', 'Bonn')",
    "INSERT INTO invoices VALUES (9, 'b-9', 7, 1), (10, 'b-10', 8, 2)",
    "INSERT INTO lines VALUES (17, 'b-9:1', 1, 9), (18, 'b-10:1', 2, 10)",
    "INSERT INTO tags VALUES (10, 'red', 'b-10:red'), (9, 'blue', 'b-9:blue')",
    "INSERT INTO visits VALUES (3, 'b-v', 8)",
    "UPDATE invoices SET id = 9000 WHERE id = 4",
    "DELETE FROM lines WHERE id = 16",
    "INSERT INTO lines VALUES (16, 'b-10:2', 3, 10)",
    "UPDATE customers SET town = 'of b' WHERE id = 1",
)
PARENTS = {
    ("invoices", "customer"): "customers",
    ("lines", "invoice"): "invoices",
    ("tags", "invoice"): "invoices",
    ("visits", "who"): "customers",
    ("notes", "invoice"): "invoices",
    ("notes", "about"): "customers",
}
LATE = (
    "INSERT INTO invoices (id, label, customer, total) SELECT max(id) + 1, 'late', 2, 7 FROM invoices",
    "INSERT INTO lines SELECT (SELECT max(id) + 1 FROM lines), 'late:1', 1, id FROM invoices WHERE label = 'late'",
)
OVERTAKING = (  # twice does no more than once
    "DELETE FROM invoices WHERE label = 'a-10'",
    "INSERT INTO invoices SELECT 10, 'new', 2, 3 WHERE NOT EXISTS (SELECT 1 FROM invoices WHERE label = 'new')",
)
NETWORK: dict[str, Any] = {"references": ["visits.who=customers"]}


def tables_of(db: sqlite3.Connection) -> list[str]:
    """The application's tables."""
    found = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
    return [name for (name,) in found if not name.startswith(("sqlite_", "_satchel"))]


def shown(path: Path) -> dict[str, list[list[Any]]]:
    """Every row without its number, references by the labels of their parents."""
    found = {}
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        for table in tables_of(db):
            names = [entry[1] for entry in db.execute(f"PRAGMA table_info({table})") if entry[1] != "id"]
            cells = [
                f"(SELECT p.label FROM {parent} p WHERE p.id = t.{name})"
                if (parent := PARENTS.get((table, name)))
                else f"t.{name}"
                for name in sorted(names)
            ]
            rows = db.execute(f"SELECT {', '.join(cells)} FROM {table} t").fetchall()
            found[table] = [sorted(names), *sorted(map(list, rows), key=repr)]
    return found


def numbers(path: Path) -> dict[str, dict[str, int]]:
    """Table -> label -> number."""
    with closing(sqlite3.connect(path)) as db:
        own = [table for table in tables_of(db) if table != "tags"]
        return {table: dict(db.execute(f"SELECT label, id FROM {table}").fetchall()) for table in own}


def identities(share: Path) -> dict[str, dict[str, set[str]]]:
    """Table -> label -> gids under which rows with this label travelled."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for part in share.rglob("*.parquet"):
        for row in pq.read_table(part).to_pylist():
            if row["_change"]["gid"] and row["_change"]["op"] != "delete":
                found[part.stem][row["label"]].add(row["_change"]["gid"])
    return found


class Shop(World):
    """Own numbers, references, a clash of codes, a refused row."""

    options = NETWORK

    def init(self) -> None:
        satchel.init(self.root / "a", db=self.db("a"), node="a", network="acme", **self.options)

    def sync_b(self) -> None:
        self.node("b").sync(self.share)

    def conflict(self, name: str, state: str, kind: str) -> str | None:
        ids = [c["id"] for c in self.node(name).conflicts() if (c["state"], c["kind"]) == (state, kind)]
        return str(ids[0]) if ids else None

    def settle_parked(self, name: str, **how: Any) -> None:
        parked = self.conflict(name, "parked", "unique")
        if parked is not None:
            self.node(name).resolve(parked, **how)

    def give_value(self) -> None:
        self.settle_parked("a", set={"code": "free"})

    def merge(self) -> None:
        self.settle_parked("b", take="a")

    def take_over(self) -> None:
        self.settle_parked("a", take="b")

    def remove(self) -> None:
        self.settle_parked("b", delete=True)

    def let_in(self) -> None:
        refused = self.conflict("b", "refused", "constraint")
        if refused is not None:
            self.node("b").resolve(refused, set={"pieces": "5"})

    def settle_edit(self) -> None:
        edit = self.conflict("a", "edit", "edit")
        if edit is not None:
            self.node("a").resolve(edit, take="b" if self.command == "shop-edit" else "a")

    def free_value(self) -> None:
        """The row in the way gives its code up: at this seal the parked one comes back."""
        self.node("a").export(self.share)

    def overtaken(self) -> None:
        """While an export writes its parts the application deletes what is being sealed, and takes its number."""
        write = writer.write_packets

        def write_and_work(*arguments: Any, **options: Any) -> Any:
            writer.write_packets = write  # once more under the lock
            written = write(*arguments, **options)
            application(self.db("a"), *OVERTAKING)
            return written

        writer.write_packets = write_and_work
        try:
            self.export()
        finally:
            writer.write_packets = write

    # -- before and after

    def begin(self) -> None:
        """Databases, and nothing of satchel. The one of b takes no line of a thousand pieces or more."""
        self.share.mkdir(parents=True)
        for name in "ab":
            self.db(name).parent.mkdir()
        application(self.db("a"), *SCHEMA, *ROWS)
        if self.command in ("shop-join", "shop-first"):
            shutil.copyfile(self.db("a"), self.db("b"))
            application(self.db("b"), *(edit for edit in EDITS_B if "SET id" not in edit))  # it would be another row
        elif not self.carries:
            small = [s.replace("pieces INTEGER", "pieces INTEGER CHECK (pieces < 1000)") for s in SCHEMA]
            application(self.db("b"), *small)

    @property
    def carries(self) -> bool:
        """Whether b joins with a copy that has satchel's tables in it."""
        return self.command.startswith("shop-carried")

    @property
    def site_killed(self) -> str:
        here = ("join", "first", "receive", "back", "merge", "remove", "let-in", "carried", "carried-first")
        return "b" if self.command.removeprefix("shop-") in here else "a"

    def prepare(self) -> None:
        self.begin()
        if self.command == "shop-init":
            return
        self.init()
        if self.carries:
            self.node("a").export(self.share)
            shutil.copyfile(self.db("a"), self.db("b"))
            application(self.db("b"), *EDITS_B)
            application(self.db("a"), *EDITS_A)
        self.invite()
        if self.command in ("shop-join", "shop-carried"):
            return
        self.join()
        if self.command == "shop-first":
            application(self.db("a"), *EDITS_A)
            application(self.db("b"), "UPDATE invoices SET total = 77 WHERE label = 'i5'")
        self.export()
        if self.command in ("shop-first", "shop-carried-first"):
            return
        for name in "bab":
            self.node(name).sync(self.share)
        self.edit()

    def understood(self, edits: tuple[str, ...]) -> list[str]:
        """Without visits where nobody has said to whom their numbers refer."""
        return [edit for edit in edits if "visits" not in edit or self.options.get("references")]

    def edit(self) -> None:
        """Both sides' edits, and who has heard of them when the command begins."""
        application(self.db("a"), *self.understood(EDITS_A))
        application(self.db("b"), *self.understood(EDITS_B))
        if self.command in ("shop-export", "shop-overtaken"):
            return
        self.export()
        if self.command == "shop-receive":
            return
        self.node("b").sync(self.share)
        if self.command == "shop-sync":
            return
        for name in "aba":
            self.node(name).sync(self.share)
        if self.command == "shop-free":
            application(self.db("a"), "UPDATE customers SET code = 'other' WHERE label = 'a-7'")
        if self.command == "shop-back":
            application(self.db("a"), "UPDATE customers SET code = 'other' WHERE label = 'a-7'")
            application(self.db("a"), "UPDATE lines SET pieces = 9 WHERE label = 'a-10:big'")
            self.node("a").export(self.share)

    def write_after(self) -> None:
        application(self.db(self.site_killed), *LATE)
        if self.command not in ("shop-join", "shop-carried"):  # there it may be before the capture begins
            application(self.db(self.site_killed), "UPDATE customers SET town = 'after' WHERE label = 'c2'")

    def again(self) -> None:
        if self.command == "shop-init" and (self.root / "a" / "satchel.toml").exists():
            return
        if self.command in ("shop-join", "shop-carried") and (self.root / "b" / "satchel.toml").exists():
            return
        super().again()

    def outcome(self) -> Any:
        return [[shown(self.db(name)), self.listed(name)] for name in "ab"]

    def listed(self, name: str) -> list[list[Any]]:
        """What is open, by labels."""
        found = []
        for entry in self.node(name).conflicts():
            labels = sorted({str((version["row"] or {}).get("label")) for version in entry["versions"]})
            row = [entry["table"], entry["kind"], entry["state"], entry["columns"], labels, len(entry["versions"])]
            found.append([*row, entry["closed"] is None])
        return sorted(found, key=repr)

    def check(self) -> None:
        super().check()
        (a, _), (b, _) = self.outcome()
        refused = [row for row in a["lines"] if "a-10:big" in row]
        assert {**a, "lines": [row for row in a["lines"] if row not in refused]} == {
            **b,
            "lines": [row for row in b["lines"] if row not in refused],
        }
        for rows in (a, b):
            for table in ("lines", "tags"):
                names = rows[table][0]
                for row in rows[table][1:]:
                    values = dict(zip(names, row, strict=True))
                    self.check_place(values["label"], values["invoice"])
        for table, labels in identities(self.share).items():
            if (self.command, table) == ("shop-take", "customers"):
                continue  # there a label is given to another row
            every = [gid for gids in labels.values() for gid in gids]
            assert all(len(gids) == 1 for gids in labels.values()), (table, labels)
            assert len(every) == len(set(every)), (table, labels)

    def check_place(self, line: str, invoice: str) -> None:
        """A line stands under its own invoice."""
        assert line.partition(":")[0] == invoice, (line, invoice)

    def before(self) -> Any:
        return {name: numbers(self.db(name)) for name in "ab"}

    def compare(self, before: Any) -> None:
        """No number changed; at a join it may where the network has another row of this number."""
        joins = self.command in ("shop-join", "shop-first")
        for name, tables in before.items():
            after = numbers(self.db(name))
            for table, labels in tables.items():
                changed = {label for label in labels if after[table].get(label, labels[label]) != labels[label]}
                taken = {labels[label] for label in changed} <= set(after[table].values())
                assert not changed or (joins and taken), (name, table, changed)


Shop.commands = {
    "shop-init": Shop.init,
    "shop-join": Shop.join,
    "shop-first": Shop.receive,
    "shop-carried": Shop.join,
    "shop-carried-first": Shop.receive,
    "shop-export": Shop.export,
    "shop-overtaken": Shop.overtaken,
    "shop-receive": Shop.receive,
    "shop-sync": Shop.sync,
    "shop-free": Shop.free_value,
    "shop-back": Shop.sync_b,
    "shop-give": Shop.give_value,
    "shop-merge": Shop.merge,
    "shop-take": Shop.take_over,
    "shop-remove": Shop.remove,
    "shop-let-in": Shop.let_in,
    "shop-edit": Shop.settle_edit,
}
