"""Two sites whose constraints are kept, for the contract of stores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from satchel.stores.counts import RowCounts
from satchel.stores.records import ConflictRecord
from tests.stores.ferry import Ferry, Site, closing
from tests.stores.workshop import Workshop, sites

CHILD = "CREATE TABLE c (id TEXT PRIMARY KEY, t TEXT REFERENCES t)"
PLAIN = ("CREATE TABLE t (id TEXT PRIMARY KEY, v TEXT, code TEXT UNIQUE)", CHILD)


class Network:
    """Two sites with the founder's rows at both. The second's schema may be another one."""

    def __init__(
        self, workshop: Workshop, schema: tuple[str, ...], rows: tuple[str, ...], stricter: tuple[str, ...] = ()
    ) -> None:
        self.workshop, self.ferry = workshop, Ferry()
        self.ours, self.theirs = workshop.database("a", *schema, *rows), workshop.database("b", *(stricter or schema))
        self.a, self.b = sites(workshop, self.ours, self.theirs)
        self.ferry.found(self.a)
        self.ferry.receive(self.b)

    def run(self, url: str, *statements: str) -> None:
        self.workshop.run(url, *statements)

    def meet(self, times: int = 1) -> None:
        for _ in range(times):
            self.ferry.meet(self.a, self.b)

    def send(self) -> RowCounts:
        """What is ours goes to them."""
        self.ferry.seal(self.a)
        return self.ferry.receive(self.b)

    def retry(self, site: Site) -> RowCounts:
        with site.store.applying() as applying:
            counts = applying.retry(self.ferry.rules)
            applying.commit()
        return counts

    def rows(self, url: str, query: str) -> list[tuple[Any, ...]]:
        return self.workshop.rows(url, query)

    def both(self, query: str) -> list[tuple[Any, ...]]:
        """What both show."""
        found = self.rows(self.ours, query)
        assert self.rows(self.theirs, query) == found
        return found

    def listed(self, site: Site) -> dict[tuple[str, Any], ConflictRecord]:
        """Open entries by table and key, which has one column."""
        return {(entry.table, entry.key[0]): entry for entry in site.store.conflicts()}

    def kinds(self) -> dict[tuple[str, Any], str]:
        """What is listed at both, which is the same with the same ids; nothing waits and nothing is pending."""
        ours, theirs = self.listed(self.a), self.listed(self.b)
        assert {place: (e.id, e.kind, e.reason) for place, e in ours.items()} == {
            place: (e.id, e.kind, e.reason) for place, e in theirs.items()
        }
        assert self.a.store.vector() == self.b.store.vector()
        assert (self.a.store.pending(), self.b.store.pending()) == (0, 0)
        return {place: entry.kind for place, entry in ours.items()}


@contextmanager
def network(
    workshop: Workshop, *schema: str, rows: tuple[str, ...] = (), stricter: tuple[str, ...] = ()
) -> Iterator[Network]:
    made = Network(workshop, schema, rows, stricter)
    with closing(made.a, made.b):
        yield made
