"""Two sites with one schema, for the contract of stores."""

from __future__ import annotations

from typing import Any

from tests.stores.ferry import Ferry, Site
from tests.stores.workshop import Workshop, sites

SCHEMA = (
    "CREATE TABLE parent (id TEXT PRIMARY KEY, name TEXT)",
    "CREATE TABLE item (id TEXT PRIMARY KEY, parent TEXT REFERENCES parent, a INTEGER, b TEXT, code TEXT UNIQUE)",
    "CREATE TABLE pair (x TEXT, y INTEGER, v TEXT, PRIMARY KEY (y, x))",
)
ROWS = (
    "INSERT INTO parent VALUES ('p1', 'one'), ('p2', 'two')",
    "INSERT INTO item VALUES ('i1', 'p1', 1, 'x', 'c1'), ('i2', 'p1', 2, 'y', 'c2'), ('i3', 'p2', 3, 'z', NULL)",
    "INSERT INTO pair VALUES ('x', 1, 'v'), ('y', 1, 'w'), ('x', 2, NULL)",
)
TABLES = ("parent", "item", "pair")


class Pair:
    """Two sites with one schema; the first founded the network, the second has its baseline."""

    def __init__(self, workshop: Workshop, ferry: Ferry) -> None:
        self.workshop = workshop
        self.ferry = ferry
        self.ours, self.theirs = workshop.database("a", *SCHEMA, *ROWS), workshop.database("b", *SCHEMA)
        self.a, self.b = sites(workshop, self.ours, self.theirs)

    def meet(self, times: int = 1) -> None:
        for _ in range(times):
            self.ferry.meet(self.a, self.b)

    def all_rows(self, url: str) -> dict[str, list[tuple[Any, ...]]]:
        return {name: self.workshop.rows(url, f"SELECT * FROM {name} ORDER BY 1, 2") for name in TABLES}

    def check_equal(self) -> None:
        assert self.all_rows(self.theirs) == self.all_rows(self.ours)
        assert (self.a.store.pending(), self.b.store.pending()) == (0, 0)
        assert self.a.store.vector() == self.b.store.vector()

    def item(self, site: Site, key: str) -> dict[str, Any] | None:
        return site.store.read_row("item", [key])
