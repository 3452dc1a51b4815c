"""Steps of a command: everything that makes another state on the disk, of the file layer and of the database (every
COMMIT, every write outside of a transaction). A process is gone right before one of them; what reads or flushes is no
step, since whoever is killed there leaves what is left at the next step. Of the writes to one file two are steps: one
finds it empty, one half written.

The command runs in a forked process that ends with `os._exit`, as a kill does: nothing is cleaned up, no buffer is
flushed.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import satchel.stores.sqlite.connection as connections
from satchel.files.faults import faults

KILLED = 137
_CHANGES_NOTHING = {"open", "stat", "list", "fsync", "fsync-folder"}  # see files.faults
_WRITES = {"INSERT", "UPDATE", "DELETE", "REPLACE", "CREATE", "DROP", "ALTER", "WITH", "VACUUM"}


class Steps:
    """Counts steps; at the chosen one the process is gone."""

    def __init__(self, at: int = 0) -> None:
        self.at = at
        self.count = 0
        self.writes: dict[object, int] = {}

    def step(self, name: str, what: object = None) -> None:
        if name in _CHANGES_NOTHING or (name == "write" and self._is_long(what)):
            return
        self.count += 1
        if self.count == self.at:
            os._exit(KILLED)

    def _is_long(self, file: object) -> bool:
        self.writes[file] = self.writes.get(file, 0) + 1
        return self.writes[file] > 2


class Connection(sqlite3.Connection):
    """A connection whose commits are steps."""

    steps: Steps

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if self._makes_durable(sql):
            self.steps.step("commit")
        return super().execute(sql, *values)

    def _makes_durable(self, sql: str) -> bool:
        if sql == "COMMIT":
            return True
        writes = not self.in_transaction and sql.split(None, 1)[0].upper() in _WRITES
        return writes and "temp." not in sql


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


@dataclass(frozen=True)
class End:
    """How a forked process ended, and what it said: the number of its steps, or the problem."""

    code: int
    said: str


def forked(steps: Steps, run: Callable[[], object]) -> End:
    """Runs it in a process of its own."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with stepping(steps):
                run()
            os.write(write, str(steps.count).encode())
            os._exit(0)
        except BaseException as problem:
            os.write(write, f"{problem!r} at {_where(problem)}"[:60_000].encode("utf-8", "replace"))
            os._exit(1)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    return End(os.waitstatus_to_exitcode(status), said)


def _where(problem: BaseException) -> str:
    """The last lines that ran."""
    found, trace = [], problem.__traceback__
    while trace is not None:
        found.append(f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " ".join(found[-6:])
