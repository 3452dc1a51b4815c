"""Two sites and a share, with keys that mean the same everywhere: where a command is killed, and what must hold then.

The databases lie in the homes, so that a world can be copied.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import satchel
from satchel.errors import SatchelError

SCHEMA = "CREATE TABLE parts (id TEXT PRIMARY KEY, name TEXT, price REAL)"


def application(db: Path, *statements: str) -> None:
    """One transaction of the application."""
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("BEGIN")
        for statement in statements:
            connection.execute(statement)
        connection.execute("COMMIT")


class World:
    """Two sites and a share."""

    commands: ClassVar[dict[str, Callable[[Any], None]]] = {}

    def __init__(self, root: Path, command: str) -> None:
        self.root = root
        self.command = command
        self.share = root / "share"

    def db(self, name: str) -> Path:
        return self.root / name / "data.db"

    def node(self, name: str) -> Any:
        return satchel.open(self.root / name)

    # -- what may be killed

    def run(self) -> None:
        self.commands[self.command](self)

    def init(self) -> None:
        satchel.init(self.root / "a", db=self.db("a"), node="a", network="acme")

    def join(self) -> None:
        satchel.join(self.root / "b.invite", self.root / "b", db=self.db("b"))

    def invite(self) -> None:
        self.node("a").invite("b", out=self.root / "b.invite")

    def export(self) -> None:
        self.node("a").export(self.share)

    def receive(self) -> None:
        self.node("b").import_(self.share)

    def sync(self) -> None:
        self.node("a").sync(self.share)

    # -- before and after

    def prepare(self) -> None:
        """Everything up to right before the command."""
        raise NotImplementedError

    def write_after(self) -> None:
        """What the application writes after the kill, before anybody restarts anything."""

    def again(self) -> None:
        """A plain restart: the same command once more. What was already done may say so."""
        try:
            self.run()
        except SatchelError:
            done = {"init": self.root / "a" / "satchel.toml", "join": self.root / "b" / "satchel.toml"}
            done["invite"] = self.root / "b.invite"
            if not (self.command in done and done[self.command].exists()):
                raise

    def settle(self) -> None:
        """Everything that is missing is done, and everybody meets."""
        if not (self.root / "b.invite").exists():
            self.invite()
        if not (self.root / "b" / "satchel.toml").exists():
            self.join()
        for name in "ababa":
            self.node(name).sync(self.share)

    def outcome(self) -> Any:
        """What both sites hold in the end: the same, whether the command was killed or not."""
        raise NotImplementedError

    def before(self) -> Any:
        """What is looked at right after the kill, for `compare` in the end."""
        return None

    def compare(self, before: Any) -> None:
        """What must still be as it was right after the kill."""

    def check(self) -> None:
        """Promises that do not depend on the command: everything verifies, nothing waits, nothing is left half."""
        for place in (self.root / "a" / "packets", self.root / "b" / "packets", self.share):
            found = satchel.verify(place)
            assert not found["problems"], found["problems"]
        for name in "ab":
            status = self.node(name).status()
            assert not (status["waiting"] or status["quarantined"] or status["pending"]), status
            assert not list((self.root / name).rglob("*.tmp"))
        for _, head in satchel.verify(self.share)["heads"].items():
            assert head["seq"] >= 1


class Parts(World):
    """One table, and a conflict."""

    def resolve(self) -> None:
        (conflict,) = self.node("a").conflicts()
        self.node("a").resolve(conflict["id"], take="b")

    def again(self) -> None:
        if self.command != "resolve" or self.node("a").conflicts():
            super().again()

    def outcome(self) -> Any:
        found = []
        for name in "ab":
            with closing(sqlite3.connect(self.db(name))) as connection:
                found.append([list(row) for row in connection.execute("SELECT * FROM parts ORDER BY id")])
        return found

    def check(self) -> None:
        super().check()
        a, b = self.outcome()
        assert a == b

    def begin(self) -> None:
        """Databases, and nothing of satchel."""
        self.share.mkdir(parents=True)
        for name in "ab":
            self.db(name).parent.mkdir()
            application(self.db(name), SCHEMA)
        application(self.db("a"), *(f"INSERT INTO parts VALUES ('p{i}', 'part {i}', {i}.5)" for i in range(20)))

    def prepare(self) -> None:
        self.begin()
        if self.command == "init":
            return
        self.init()
        if self.command == "invite":
            application(self.db("a"), "UPDATE parts SET name = 'edited' WHERE id = 'p1'")
            return
        self.invite()
        if self.command == "join":
            application(self.db("b"), "INSERT INTO parts VALUES ('p1', 'part 1', 1.5)")
            application(self.db("b"), "INSERT INTO parts VALUES ('own', 'b', 1)")
            return
        self.export()
        self.join()
        if self.command == "first":
            application(self.db("b"), "INSERT INTO parts VALUES ('late', 'edited while joining', 1)")
            return
        self.receive()
        self.node("b").sync(self.share)
        self.sync()
        application(self.db("a"), "UPDATE parts SET price = 9 WHERE id = 'p2'", "DELETE FROM parts WHERE id = 'p3'")
        application(self.db("b"), "UPDATE parts SET price = 8 WHERE id = 'p2'")
        application(self.db("b"), "INSERT INTO parts VALUES ('new', 'b', 2)")
        if self.command == "export":
            return
        self.export()
        if self.command == "receive":
            return
        self.node("b").sync(self.share)
        if self.command == "resolve":
            self.sync()


Parts.commands = {
    "init": Parts.init,
    "invite": Parts.invite,
    "join": Parts.join,
    "first": Parts.receive,
    "export": Parts.export,
    "receive": Parts.receive,
    "sync": Parts.sync,
    "resolve": Parts.resolve,
}
