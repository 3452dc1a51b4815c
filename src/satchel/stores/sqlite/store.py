"""The SQLite store: `base.Store` over one database file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from satchel.errors import ConstraintRefused
from satchel.stores.sqlite import books
from satchel.stores.sqlite.connection import connect, text_literal, transaction
from satchel.stores.sqlite.knowledge import Knowledge
from satchel.stores.sqlite.roomy import roomy
from satchel.stores.sqlite.single_rows import SingleRows
from satchel.stores.sqlite.surroundings import Surroundings

if TYPE_CHECKING:
    from satchel.stores.base import Delta, Rules
    from satchel.stores.counts import RowCounts
    from satchel.stores.look import Digests, Look
    from satchel.stores.records import Incoming, Joining, Sealed
    from satchel.stores.snapshot import IncomingState, State
    from satchel.stores.sqlite.apply import SQLiteApplying


class SQLiteStore(Surroundings, Knowledge, SingleRows):
    """One application's SQLite database with satchel's tables in it."""

    # -- seal and apply

    @contextmanager
    def baseline(self, at: int) -> Iterator[Delta]:
        """Every row of every captured table, from one snapshot, with the time `at` (ms since 1970)."""
        from satchel.stores.sqlite import install
        from satchel.stores.sqlite.delta import BaselineDelta

        with self._wall() as db:
            install.bear(db, self._layouts, books.read_notes(db).get("origin", ""))
        self._forget()
        with self._wall() as db, self._snapshot() as reader:
            yield BaselineDelta(db, reader, self._layouts, at, self._author)

    @contextmanager
    def _snapshot(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state of the database while the application writes on. In rollback-journal mode a
        reader would block every commit, so there a private copy is read."""
        with ExitStack() as stack:
            (mode,) = self._db.execute("PRAGMA main.journal_mode").fetchone()
            if mode == "wal":
                reader = connect(self.path, timeout=self._timeout, read_only=True)
                stack.callback(reader.close)
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM main.sqlite_master").fetchone()
            else:
                import tempfile

                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="satchel-", ignore_cleanup_errors=True))
                copy = Path(folder) / "copy.db"
                self._copy(copy)
                reader = connect(copy, timeout=self._timeout)
                stack.callback(reader.close)
            yield reader

    def _copy(self, target: Path) -> None:
        """One state of the database in another file."""
        try:
            self._db.execute(f"VACUUM main INTO {text_literal(str(target))}")
        except sqlite3.OperationalError as problem:
            # VACUUM writes every row, and a table may use a function or collation that only its application knows; of a
            # connection that only reads, SQLite 3.40 cannot vacuum generated columns
            if not str(problem).startswith("no such ") and "values were supplied" not in str(problem):
                raise
            target.unlink(missing_ok=True)
            with closing(sqlite3.connect(target)) as copy:
                self._db.backup(copy)

    @contextmanager
    def delta(self, rules: Rules) -> Iterator[Delta | None]:
        """What is pending; None: nothing."""
        from satchel.stores.sqlite.delta import frozen_delta

        with (
            self._wall() as db,
            roomy(db),
            frozen_delta(db, self._layouts, rules, self._author, locked=False) as delta,
        ):
            yield delta

    @contextmanager
    def applying(self) -> Iterator[SQLiteApplying]:
        """Takes the store's write lock; leaving without `commit` rolls everything back."""
        from satchel.stores.sqlite.apply import SQLiteApplying

        with self._wall() as db, roomy(db):
            db.execute("PRAGMA synchronous = FULL")
            db.execute("BEGIN IMMEDIATE")
            try:
                yield SQLiteApplying(db, self._layouts, self._author)
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                self._forget()  # packets may have brought tables and columns

    @contextmanager
    def state(self) -> Iterator[State | None]:
        """Everything that a snapshot holds, of one moment; None: something was written since the last seal."""
        from satchel.stores.sqlite.snapshot_out import SQLiteState

        with self._wall(), self._snapshot() as reader:
            found = SQLiteState(reader)
            yield found if found.is_sealed else None

    @contextmanager
    def look(self) -> Iterator[Look]:
        """Every row as it is on the wire, of one moment."""
        from satchel.stores.sqlite.looking import SQLiteLook

        with self._wall(), self._snapshot() as reader:
            yield SQLiteLook(reader)

    def make_empty_copy(self, path: Path) -> None:
        """Makes a database at `path` with the replicated tables of this one and no rows."""
        from satchel.stores.sqlite.empty_copy import make_empty_copy

        with self._wall() as db:
            make_empty_copy(db, self._layouts, path)

    def digests(self) -> Digests | None:
        """Digests of all tables; None: something was written since the last seal."""
        from satchel.stores.sqlite.digests import digests
        from satchel.stores.sqlite.looking import SQLiteLook

        with self._wall() as db:
            if not SQLiteLook(db).is_sealed:  # a snapshot may be a copy of everything
                return None
            with self._snapshot() as reader:
                return digests(reader)

    def forget_deleted(self, upto: Mapping[str, int], *, dry_run: bool = False) -> Mapping[str, int]:
        """Removes tombstones; how many of each table."""
        from satchel.stores.sqlite import tombstones

        with self._wall() as db, transaction(db, durable=True):
            return tombstones.forget(db, self._layouts, upto, dry_run=dry_run)

    def expect_births(self, packets: Iterable[Incoming]) -> None:
        """These own packets were sealed by a state of the database that is lost."""
        from satchel.stores.sqlite import reborn

        with self._wall() as db, transaction(db, durable=True):
            reborn.note(db, self._layouts, packets)

    def rebuilt(self) -> Sequence[str]:
        """Tables whose triggers were lost, and that have to be compared with the packets."""
        with self._wall() as db:
            known = json.loads(books.read_notes(db).get(books.REBUILT, "[]"))
            return [name for name in known if name in self._layouts]

    def compare(self, table: str, packets: Iterable[Incoming], rules: Rules) -> int:
        """Compares a table with what the packets say of the rows that it shows."""
        from satchel.stores.sqlite.rebuilt import Rebuilt

        with self._wall() as db, transaction(db, durable=True):
            found = Rebuilt(db, self._layouts[table], self._layouts, rules).compare(packets)
            left = [name for name in json.loads(books.read_notes(db).get(books.REBUILT, "[]")) if name != table]
            books.write_notes(db, {books.REBUILT: json.dumps(left)})
        return found

    def unsettle(self, tables: Sequence[str]) -> None:
        """Rows of these tables that have several siblings are decided again by the next `retry`."""
        with self._wall() as db, transaction(db, durable=True):
            known = {*json.loads(books.read_notes(db).get(books.UNSETTLED, "[]")), *tables}
            books.write_notes(db, {books.UNSETTLED: json.dumps(sorted(known & self._layouts.keys()))})

    def needs_retry(self) -> bool:
        """Whether rows are kept aside that this database may take now."""
        with self._wall() as db:
            if books.read_notes(db).get(books.UNSETTLED, "[]") != "[]":
                return True
            return any(books.any_refused(db, layout) for layout in self._layouts.values())

    def join_rows(
        self,
        groups: Iterable[Sequence[Incoming]],
        rules: Rules,
        seal: Callable[[Delta], Sequence[Sealed]],
        facts: Mapping[str, str],
        dry_run: bool = False,
        state: IncomingState | None = None,
    ) -> tuple[RowCounts, Joining]:
        """The first import of a node that joined with rows, in one transaction; `facts` are noted with it."""
        from satchel.stores.sqlite.joining import join_rows

        with self._wall() as db, roomy(db):
            try:
                with transaction(db, durable=True):
                    done = join_rows(db, self._layouts, self._author, groups, rules, seal, state)
                    books.write_notes(db, {**facts, "whole_rows": "0"})
                    if dry_run:
                        raise _DryRun
            except _DryRun:
                return done
            except sqlite3.IntegrityError as problem:
                raise ConstraintRefused(
                    f"the rows of this database and those of the network do not fit together: {problem}",
                    "change the rows that clash in one of the databases, then import again; nothing was changed",
                ) from problem
        return done


class _DryRun(Exception):
    """Takes a transaction back that was only tried."""
