"""What the database knows of packets, numbers and runs, and what it lacks (base.Store)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from satchel.stores.sqlite import books
from satchel.stores.sqlite.connection import transaction
from satchel.stores.sqlite.opened import Opened

if TYPE_CHECKING:
    from satchel.model.ids import Dot
    from satchel.model.vector import Mark, Vector
    from satchel.stores.counts import Renumbered
    from satchel.stores.packet_record import PacketRecord
    from satchel.stores.records import Lacks, Sealed
    from satchel.stores.run import Run


class Knowledge(Opened):
    """The part of `SQLiteStore` that tells what has been applied."""

    def read_only(self) -> bool:
        """Whether the database cannot be written."""
        if self._read_only:
            return True
        with self._wall() as db:
            try:
                db.execute("BEGIN IMMEDIATE")
                db.execute("ROLLBACK")
            except sqlite3.OperationalError as problem:
                return "readonly" in str(problem)
            return False

    def notes(self) -> dict[str, str]:
        """Small facts about this node."""
        with self._wall() as db:
            return books.read_notes(db)

    def note(self, facts: Mapping[str, str]) -> None:
        """Writes small facts."""
        with self._wall() as db, transaction(db, durable=True):
            books.write_notes(db, facts)

    def vector(self) -> dict[str, Mark]:
        """What has been applied."""
        with self._wall() as db:
            return books.read_vector(db)

    def pending(self) -> int:
        """How many rows have changes that are not sealed."""
        with self._wall() as db:
            noted = books.noted(db, self._layouts.values())
            if not noted:
                return 0
            from satchel.stores.sqlite import pending

            return sum(pending.count(db, layout, mark) for layout, mark in noted)

    def has_noted(self) -> bool:
        """Whether capture has noted anything since the last seal, though it may come to nothing."""
        with self._wall() as db:
            return bool(books.noted(db, self._layouts.values()))

    def unpublished(self) -> Sequence[Sealed]:
        """Own packets whose manifest may not be in the archive yet."""
        with self._wall() as db:
            return books.unpublished(db)

    def published(self, upto: Dot) -> None:
        """The manifests up to this packet are in the archive."""
        with self._wall() as db, transaction(db):
            books.forget_envelopes(db, upto)

    def packets_after(self, vector: Vector) -> Iterator[PacketRecord]:
        """Applied packets that `vector` does not cover."""
        with self._wall() as db:
            yield from books.packets_after(db, vector)

    def suffixes(self, trunk: str, after: int = 0) -> Mapping[int, frozenset[str]]:
        """The suffixes of the applied packets of an origin and its branches, by seq: those with higher numbers."""
        with self._wall() as db:
            return books.suffixes(db, trunk, after)

    def packet(self, dot: Dot) -> PacketRecord | None:
        """An applied packet."""
        with self._wall() as db:
            return books.packet(db, dot)

    def renumbered(self, limit: int = 100) -> tuple[int, Sequence[Renumbered]]:
        """How many rows have another number here than that of their birth, and the first of them."""
        with self._wall() as db:
            local = [layout for layout in self._layouts.values() if layout.is_local]
            if not local:
                return 0, []
            from satchel.stores.sqlite.numbers import renumbered

            return renumbered(db, local, limit)

    def lacks(self) -> Sequence[Lacks]:
        """Tables and columns of the network that this database does not have."""
        with self._wall():
            poorer = [layout for layout in self._layouts.values() if layout.away or layout.absent]
            if not poorer:
                return []
            from satchel.stores.sqlite.drift import lacking

            return [lacks for lacks in map(lacking, poorer) if lacks is not None]

    def record_run(self, run: Run) -> None:
        """Appends to the log of runs."""
        with self._wall() as db, transaction(db):
            books.add_run(db, run)

    def runs(self, limit: int = 100) -> Sequence[Run]:
        """The newest runs first."""
        with self._wall() as db:
            return books.read_runs(db, limit)
