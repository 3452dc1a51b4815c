"""Random histories in whose end all nodes have one vector: their digests are equal, and any single thing that is
changed on one side, past the triggers or in the books, shows, with the table and the column.

`python -m tests.property.equality_histories toy|own|forget|replay FIRST LAST` hunts; `toy -v SEED` tells one.
"""

from __future__ import annotations

import random
import sqlite3
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from satchel.stores.look import Digests, TableDigest
from satchel.stores.sqlite.store import SQLiteStore
from satchel.sync.differences import compare
from tests.property import histories, snapshot_histories
from tests.property.comparing import agree
from tests.property.hunting import hunt
from tests.property.member import Member


def digests_of(store: SQLiteStore) -> Digests:
    found = store.digests()
    assert found is not None, "something is pending"
    return found


def plain(digest: TableDigest) -> Mapping[str, Any]:
    """A table's sums by name."""
    columns = {f"column {name}": text for name, text in (digest.columns or {}).items()}
    return {"rows": digest.rows, "dots": digest.dots, **columns}


def agree_on(one: SQLiteStore, other: SQLiteStore) -> None:
    """Equal vectors, equal digests; and no row differs."""
    first, second = digests_of(one), digests_of(other)
    assert first.vector == second.vector
    for mine, theirs in zip(first.tables, second.tables, strict=True):
        agree(f"digest of {mine.table}", plain(mine), plain(theirs))
        assert mine.deleted is None or theirs.deleted is None or mine.deleted == theirs.deleted
    with one.look() as here, other.look() as there:
        found = compare(here, there)
        assert not found.count, found.found


def differing(one: Digests, other: Digests) -> set[tuple[str, str]]:
    """(table, sum) of those that differ."""
    pairs = zip(one.tables, other.tables, strict=True)
    names = {(a.table, name) for a, b in pairs for name, text in plain(a).items() if plain(b)[name] != text}
    told = [
        pair for pair in zip(one.tables, other.tables, strict=True) if None not in (pair[0].deleted, pair[1].deleted)
    ]
    gone = {a.table for a, b in told if a.deleted != b.deleted}
    return names | {(table, "deleted") for table in gone}


class Meddler:
    """Changes one thing in a database, without a trigger of ours hearing of it."""

    def __init__(self, path: Path, rng: random.Random) -> None:
        self.path = path
        self.rng = rng

    def meddle(self, store: SQLiteStore) -> tuple[str, set[str]] | None:
        """(table, what must differ): one of the names of `plain`. None: there was nothing to change."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as db:
            kept = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
            db.execute("PRAGMA foreign_keys = OFF")
            for name, _ in kept:
                db.execute(f'DROP TRIGGER "{name}"')
            try:
                return self._change(db, store)
            finally:
                for _, text in kept:
                    db.execute(text)

    def _change(self, db: sqlite3.Connection, store: SQLiteStore) -> tuple[str, set[str]] | None:
        numbers = dict(db.execute("SELECT name, number FROM _satchel_table").fetchall())
        tables = [table for table in store.tables() if db.execute(f"SELECT 1 FROM {table.name}").fetchone()]
        books = [(t, n) for t, n in numbers.items() if db.execute(f"SELECT 1 FROM _satchel_image_{n}").fetchone()]
        if books and (not tables or self.rng.random() < 0.3):
            name, number = self.rng.choice(books)
            rows = f"_satchel_image_{number}"
            (o, q) = db.execute(f"SELECT o, q FROM {rows} ORDER BY random() LIMIT 1").fetchone()
            before = db.execute(f"SELECT count(*) FROM {rows} WHERE o = ? AND q = ?", (o, q)).fetchone()[0]
            db.execute(f"UPDATE {rows} SET q = q + 1000 WHERE o = ? AND q = ?", (o, q))
            assert before
            return name, {"dots", "deleted"}
        if not tables:
            return None
        table = self.rng.choice(tables)
        data = [name for name in table.names if name not in table.key and not name.startswith(("ref", "tag", "number"))]
        key = " AND ".join(f"{name} = ?" for name in table.key)
        rows = db.execute(f"SELECT {', '.join(table.key)} FROM {table.name}").fetchall()
        row = self.rng.choice(rows)
        if self.rng.random() < 0.3:
            db.execute(f"DELETE FROM {table.name} WHERE {key}", row)
            return table.name, {"rows"}
        column = self.rng.choice([name for name in data if name not in ("code",)])
        db.execute(f"UPDATE {table.name} SET {column} = coalesce({column}, '') || 'x' WHERE {key}", row)
        return table.name, {f"column {column}"}


def finish(world: Any, rng: random.Random, run: Callable[[], None]) -> bool:
    """A whole history; then what must be. Whether there was something to meddle with."""
    close, world.close = world.close, lambda: None
    try:
        run()
        first, *rest = (node.store for node in world.nodes)
        for other in rest:
            agree_on(first, other)
        before = digests_of(rest[-1])
        node = rng.choice(world.nodes)
        changed = Meddler(node.store.path, rng).meddle(node.store)
        if changed is None:
            return False
        other = next(each for each in world.nodes if each is not node)
        table, what = changed
        found = differing(digests_of(node.store), digests_of(other.store))
        world.say("meddled with", node.name, changed, found)
        forgot = any(each.deleted is None for each in digests_of(node.store).tables + digests_of(other.store).tables)
        if found or not (forgot and "deleted" in what):  # what one side may have forgotten is not compared
            assert {name for name, _ in found} == {table} and {word for _, word in found} & what, (changed, found)
        assert before == digests_of(rest[-1]) or rest[-1] is node.store
        with node.store.look() as here, other.store.look() as there:
            rows = compare(here, there)
        assert rows.count and {entry.table for entry in rows.found} == {table}, rows
        column = next(iter(what)).removeprefix("column ")
        assert what & {"rows", "dots", "deleted"} or any(column in entry.columns for entry in rows.found), rows
        return True
    finally:
        close()


def play(kind: str, root: Path, seed: int, say: Callable[..., None] | None = None) -> bool:
    """One history."""
    history = snapshot_histories.history(kind, root, seed, say)
    return finish(history.world, history.rng, history.run)


class ReplayedHistory(histories.History):
    """Nodes with homes: at any moment the packets of each come to what its database shows, pending edits apart."""

    def step(self, member: Member) -> None:
        super().step(member)
        if self.rng.random() < 0.1:
            self.replay()

    def replay(self) -> None:
        """Looks at every node that can be looked at."""
        for member in self.world.members:
            if member.joining is None and not member.node.status()["missing"]:  # a copy without its archive
                report = member.node.replay()
                assert report["equal"], (member.name, report)

    def run(self) -> None:
        """The whole history."""
        close, self.world.close = self.world.close, lambda: None  # type: ignore[method-assign]
        try:
            super().run()
            self.replay()
        finally:
            close()


if __name__ == "__main__":
    kind, *seeds = sys.argv[1:]
    if kind == "replay":
        sys.exit(hunt(lambda folder, seed, say: ReplayedHistory(folder, seed, say).run(), seeds))
    sys.exit(hunt(lambda folder, seed, say: play(kind, folder, seed, say) and None, seeds))
