"""What the measures of one workload share: a database, two nodes that have it, a delta on one of them, its packets.

Everything is made once, by the product, and copied for each run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import orders
from benchmarks.bench import Bench
from benchmarks.process import Taken


@dataclass(frozen=True, slots=True)
class Scene:
    """The workload "orders" with one kind of key; names of what lies in the bench's folder begin with that."""

    bench: Bench
    key: str = orders.TEXT
    full: int = orders.ROWS
    tag: str = ""

    @property
    def rows(self) -> int:
        """How many orders there are."""
        return self.bench.count(self.full, 200)

    @property
    def changes(self) -> int:
        """How many of them the delta changes."""
        return self.bench.count(orders.CHANGES, 20)

    @property
    def transactions(self) -> int:
        """In how many small transactions."""
        return self.bench.count(orders.SMALL, 2)

    @property
    def workload(self) -> dict[str, Any]:
        """What the application is told."""
        return {"rows": self.rows, "changes": self.changes, "key": self.key}

    def plain(self) -> Path:
        """The database without satchel."""
        name = f"{self.tag}{self.key}-plain"
        return self._once(name, lambda: self._create(name))

    def _create(self, name: str) -> Path:
        self.bench.say(f"making {self.rows:,} orders with {self.key} keys")
        path = self.bench.fresh(name) / "data.db"
        self.bench.ours("application:create", path=path, rows=self.rows, key=self.key)
        return path

    def pair(self) -> Path:
        """A folder with two homes, `office` and `branch`, that have the same rows and each other's word for it."""
        name = f"{self.tag}{self.key}-pair"
        return self._once(name, lambda: first_synchronisation(self, name)[0])

    def changed(self) -> Path:
        """The office's home after the application wrote the delta; nothing is sealed yet."""
        name = f"{self.tag}{self.key}-changed"
        return self._once(name, lambda: self._change(name))

    def _change(self, name: str) -> Path:
        home = self.bench.copy(self.pair() / "office", name)
        self.bench.ours("application:write", path=home / "data.db", **self.workload)
        return home

    def packets(self) -> Path:
        """An exchange with the delta, sealed by the office."""
        name = f"{self.tag}{self.key}-packets"
        return self._once(name, lambda: self._export(name))

    def _export(self, name: str) -> Path:
        exchange = self.bench.fresh(name)
        self.bench.ours("product:export", home=self.bench.copy(self.changed()), exchange=exchange)
        return exchange

    def rivals(self) -> Path:
        """The branch's home after it edited half as many of the same rows, sealed."""
        name = f"{self.tag}{self.key}-rivals"
        return self._once(name, lambda: self._rival(name))

    def _rival(self, name: str) -> Path:
        home = self.bench.copy(self.pair() / "branch", name)
        self.bench.ours("application:write_rival", path=home / "data.db", **self.workload)
        self.bench.ours("product:export", home=home, exchange=self.bench.fresh("run-exchange"))
        return home

    def rival_plain(self) -> Path:
        """The same edits in the database without satchel."""
        name = f"{self.tag}{self.key}-rival-plain"
        return self._once(name, lambda: self._rival_plain(name))

    def _rival_plain(self, name: str) -> Path:
        path = self.bench.copy(self.plain().parent, name) / "data.db"
        self.bench.ours("application:write_rival", path=path, **self.workload)
        return path

    def changeset(self) -> Path:
        """The delta as the session extension records it."""
        name = f"{self.tag}{self.key}-changeset"
        return self._once(name, lambda: self._record(name))

    def _record(self, name: str) -> Path:
        path = self.bench.fresh(name) / "delta.changeset"
        self.bench.theirs(
            "session:record", needs=["apsw"], path=self.bench.copy(self.plain()), changeset=path, **self.workload
        )
        return path

    def _once(self, name: str, make: Any) -> Path:
        path: Path = self.bench.once(name, make)
        return path


def first_synchronisation(scene: Scene, name: str) -> tuple[Path, list[Taken]]:
    """Two homes in a folder of this name: one that founded a network with the orders, and one that joined with an empty
    table and took them in. With the takes of founding, joining, export and import."""
    bench = scene.bench
    folder = bench.fresh(name)
    for place in ("office", "branch", "exchange"):
        (folder / place).mkdir()
    bench.copy(scene.plain(), f"{name}/office/data.db")
    bench.ours("application:create_empty", path=folder / "branch" / "data.db", key=scene.key)
    office, branch, exchange = folder / "office", folder / "branch", folder / "exchange"
    takes = [
        bench.ours("product:init", home=office),
        bench.ours("product:join", home=branch, inviter=office),
        bench.ours("product:export", home=office, exchange=exchange),
        bench.ours("product:import_", home=branch, exchange=exchange),
    ]
    for home in (branch, office):  # each learns what the other has
        bench.ours("product:sync", home=home, exchange=exchange)
    return folder, takes


def text_pair(bench: Bench) -> Path:
    """Two nodes, text keys."""
    return Scene(bench, orders.TEXT).pair()


def local_pair(bench: Bench) -> Path:
    """Two nodes, keys that each database hands out."""
    return Scene(bench, orders.LOCAL).pair()
