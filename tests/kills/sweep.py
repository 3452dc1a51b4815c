"""Kills a command at each of its steps, restarts it plainly, and looks whether every promise holds (PROTOCOL, 5).

Run as a program: `python -m tests.kills.sweep FOLDER COMMAND FIRST STEP`; prints one JSON document. Steps are those of
the file layer and every COMMIT of the database, before and after. The command runs in a forked process that ends with
`os._exit`, as a kill does: nothing is cleaned up, no buffer is flushed.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import satchel
import satchel.api.node
import satchel.api.places
import satchel.audit.verification
import satchel.packet.reader
import satchel.packet.writer
import satchel.stores.sqlite.apply
import satchel.stores.sqlite.connection as connections
import satchel.stores.sqlite.delta
import satchel.stores.sqlite.joining
from satchel.errors import SatchelError
from satchel.files.faults import faults

KILLED = 137
SCHEMA = "CREATE TABLE parts (id TEXT PRIMARY KEY, name TEXT, price REAL)"


class Steps:
    """Counts steps; at the chosen one the process is gone."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.count = 0

    def step(self, *_: object) -> None:
        self.count += 1
        if self.count == self.at:
            os._exit(KILLED)


class Connection(sqlite3.Connection):
    """A connection whose commits are steps."""

    steps: Steps

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql != "COMMIT":
            return super().execute(sql, *values)
        self.steps.step()
        done = super().execute(sql)
        self.steps.step()
        return done


@contextmanager
def stepping(steps: Steps) -> Iterator[None]:
    plain = sqlite3.connect

    def connect(*args: Any, **options: Any) -> sqlite3.Connection:
        return plain(*args, factory=Connection, **options)

    Connection.steps = steps
    connections.sqlite3.connect = connect  # type: ignore[assignment]
    try:
        with faults(steps.step):
            yield
    finally:
        connections.sqlite3.connect = plain  # type: ignore[assignment]


def application(db: Path, *statements: str) -> None:
    connection = sqlite3.connect(db)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def rows(db: Path) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(db)
    try:
        return connection.execute("SELECT * FROM parts ORDER BY id").fetchall()
    finally:
        connection.close()


class World:
    """Two sites and a share; the databases lie in the homes, so that a world can be copied."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.share = root / "share"

    def db(self, name: str) -> Path:
        return self.root / name / "data.db"

    def node(self, name: str) -> Any:
        return satchel.open(self.root / name)

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

    def resolve(self) -> None:
        (conflict,) = self.node("a").conflicts()
        self.node("a").resolve(conflict["id"], take="b")


def begun(root: Path) -> World:
    """Databases, and nothing of satchel."""
    world = World(root)
    world.share.mkdir(parents=True)
    for name in "ab":
        world.db(name).parent.mkdir()
        application(world.db(name), SCHEMA)
    application(world.db("a"), *(f"INSERT INTO parts VALUES ('p{i}', 'part {i}', {i}.5)" for i in range(20)))
    return world


def prepared(root: Path, command: str) -> World:
    """The world right before the command."""
    world = begun(root)
    if command == "init":
        return world
    world.init()
    if command == "invite":
        application(world.db("a"), "UPDATE parts SET name = 'edited' WHERE id = 'p1'")
        return world
    world.invite()
    if command == "join":
        application(
            world.db("b"), "INSERT INTO parts VALUES ('p1', 'part 1', 1.5)", "INSERT INTO parts VALUES ('own', 'b', 1)"
        )
        return world
    world.export()
    world.join()
    if command == "first":
        application(world.db("b"), "INSERT INTO parts VALUES ('late', 'edited while joining', 1)")
        return world
    world.receive()
    world.node("b").sync(world.share)
    world.sync()
    application(world.db("a"), "UPDATE parts SET price = 9 WHERE id = 'p2'", "DELETE FROM parts WHERE id = 'p3'")
    application(world.db("b"), "UPDATE parts SET price = 8 WHERE id = 'p2'", "INSERT INTO parts VALUES ('new', 'b', 2)")
    if command == "export":
        return world
    world.export()
    if command == "receive":
        return world
    world.node("b").sync(world.share)
    if command == "resolve":
        world.sync()
    return world


COMMANDS: dict[str, Callable[[World], None]] = {
    "init": World.init,
    "invite": World.invite,
    "join": World.join,
    "first": World.receive,
    "export": World.export,
    "receive": World.receive,
    "sync": World.sync,
    "resolve": World.resolve,
}


def forked(steps: Steps, run: Callable[[], None]) -> int:
    """The exit code of a process that ran it; the number of steps if it came to its end is left in a pipe."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with stepping(steps):
                run()
            os.write(write, str(steps.count).encode())
            os._exit(0)
        except BaseException as problem:
            os.write(write, repr(problem).encode())
            os._exit(1)
    os.close(write)
    _, status = os.waitpid(child, 0)
    with os.fdopen(read) as pipe:
        forked.said = pipe.read()  # type: ignore[attr-defined]
    return os.waitstatus_to_exitcode(status)


def again(world: World, command: str) -> None:
    """A plain restart: the same command once more. What was already done may say so."""
    try:
        COMMANDS[command](world)
    except (SatchelError, ValueError) as problem:
        done = {"init": "a", "join": "b"}.get(command)
        if command == "resolve" and isinstance(problem, ValueError) and not world.node("a").conflicts():
            return
        if command == "invite" and (world.root / "b.invite").exists():
            return
        if done is None or not (world.root / done / "satchel.toml").exists():
            raise


def settle(world: World) -> None:
    """Everything that is missing is done, and everybody meets."""
    if not (world.root / "b.invite").exists():
        world.invite()
    if not (world.root / "b" / "satchel.toml").exists():
        world.join()
    for name in "ababa":
        world.node(name).sync(world.share)


def check(world: World, expected: list[tuple[Any, ...]]) -> None:
    """The promises: nothing lost, nothing doubled, equal everywhere, everything verifies, nothing waits."""
    assert rows(world.db("a")) == expected, (rows(world.db("a")), expected)
    assert rows(world.db("b")) == expected, (rows(world.db("b")), expected)
    for place in (world.root / "a" / "packets", world.root / "b" / "packets", world.share):
        problems = satchel.verify(place)["problems"]
        assert not problems, problems
    for name in "ab":
        status = world.node(name).status()
        assert not (status["waiting"] or status["quarantined"] or status["pending"]), status
        assert not list((world.root / name).rglob("*.tmp"))
    for _, seqs in satchel.verify(world.share)["heads"].items():
        assert seqs["seq"] >= 1


def expected_rows(folder: Path, command: str) -> list[tuple[Any, ...]]:
    """What both hold in the end if nobody is killed."""
    world = prepared(folder, command)
    COMMANDS[command](world)
    settle(world)
    return rows(world.db("a"))


def sweep(folder: Path, command: str, first: int, stride: int) -> dict[str, Any]:
    """Kills at steps first, first + stride ..., each in a fresh copy of the world."""
    code = forked(
        Steps(0),
        lambda: (folder / "expected.json").write_text(json.dumps(expected_rows(folder / "e", command))) and None,
    )
    assert code == 0, forked.said  # type: ignore[attr-defined]
    expected = [tuple(row) for row in json.loads((folder / "expected.json").read_text())]
    assert forked(Steps(0), lambda: prepared(folder / "original", command) and None) == 0, forked.said  # type: ignore[attr-defined]
    steps, killed, broken = first, 0, []
    while True:
        root = folder / f"w{steps}"
        shutil.copytree(folder / "original", root)
        world = World(root)
        code = forked(Steps(steps), lambda world=world: COMMANDS[command](world))
        if code == 0:
            return {"command": command, "steps": int(forked.said), "killed": killed, "broken": broken}  # type: ignore[attr-defined]
        if code != KILLED:
            broken.append([steps, "not killed", forked.said])  # type: ignore[attr-defined]
        killed += 1

        def after(world: World = world) -> None:
            again(world, command)
            settle(world)
            check(world, expected)

        if forked(Steps(0), after) != 0:
            broken.append([steps, forked.said])  # type: ignore[attr-defined]
        else:
            shutil.rmtree(root)
        steps += stride


if __name__ == "__main__":
    print(json.dumps(sweep(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
