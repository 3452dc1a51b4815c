"""The SQLite store: `base.Store` over one database file."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from satchel.errors import ConstraintRefused, UsageError
from satchel.model.admission import RowId
from satchel.model.gids import is_gid
from satchel.model.ids import Dot
from satchel.model.schema import ForeignKey, LeftOut, Schema, Table
from satchel.model.value import Value
from satchel.model.vector import Mark, Vector
from satchel.model.version import Version
from satchel.stores.base import Delta, Rules
from satchel.stores.counts import Renumbered, RowCounts
from satchel.stores.records import (
    ConflictRecord,
    Incoming,
    Joining,
    Lacks,
    PacketRecord,
    Run,
    Sealed,
    Seeming,
    TriggerUse,
)
from satchel.stores.snapshot import IncomingState, State
from satchel.stores.sqlite import (
    adopting,
    apart,
    app_triggers,
    books,
    branches,
    conflicts,
    following,
    install,
    pending,
    reborn,
    schema,
    seeming,
    tombstones,
)
from satchel.stores.sqlite.connection import LOCK_TIMEOUT, connect, text_literal, transaction, translated
from satchel.stores.sqlite.drift import UNSETTLED, Drift, fit, lacking
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.numbers import Numbers, renumbered
from satchel.stores.sqlite.rebuilt import REBUILT
from satchel.stores.sqlite.row import RowEditor

if TYPE_CHECKING:
    from satchel.stores.sqlite.apply import SQLiteApplying


class SQLiteStore:
    """One application's SQLite database with satchel's tables in it."""

    def __init__(self, path: Path, *, timeout: float = LOCK_TIMEOUT, read_only: bool = False) -> None:
        self.path = path
        self.url = str(path)
        self._timeout = timeout
        self._read_only = read_only
        self._db = connect(path, timeout=timeout, read_only=read_only)

    def close(self) -> None:
        """Closes the connection."""
        self._db.close()

    @contextmanager
    def _wall(self) -> Iterator[sqlite3.Connection]:
        with translated(self.path):
            yield self._db

    # -- the application's schema, and ours

    def inspect(self) -> Schema:
        """What the database holds."""
        with self._wall() as db:
            return schema.inspect(db)

    def is_installed(self) -> bool:
        """Whether satchel's own tables are there."""
        with self._wall() as db:
            return books.is_installed(db)

    def install(self, tables: Sequence[Table], *, author_column: str | None = None, joining: bool = False) -> None:
        """Makes satchel's tables and triggers, in one transaction."""
        with self._wall() as db, transaction(db, durable=True):
            install.install(db, tables, joining=joining)
            fit(db, whole_rows=joining)
            facts = {"author_column": author_column or "", "whole_rows": str(int(joining))}
            books.write_notes(db, {**facts, "fingerprint": schema.fingerprint(db)})
        self._forget()

    def adopt(self, tables: Sequence[Table]) -> Sequence[str]:
        """Follows a new version of the configuration; see base.Store."""
        with self._wall() as db, transaction(db, durable=True):
            whole = books.read_notes(db).get("whole_rows") == "1"
            found = adopting.adopt(db, self._layouts, tables, whole_rows=whole)
        self._forget()
        return found

    def follow(self) -> Sequence[str]:
        """Adds the columns and tables that others have to the application's database; what was done, in words."""
        with self._wall() as db, transaction(db, durable=True):
            said = following.follow(db)
        self._forget()
        return said

    def _forget(self) -> None:
        self.__dict__.pop("_layouts", None)

    @cached_property
    def _layouts(self) -> dict[str, Layout]:
        return books.layouts(self._db)

    @property
    def _author(self) -> str | None:
        return books.read_notes(self._db).get("author_column") or None

    def tables(self) -> Sequence[Table]:
        """The tables that are captured."""
        with self._wall():
            return [layout.table for layout in self._layouts.values()]

    def left_out(self) -> Sequence[LeftOut]:
        """Tables that are not captured, rows with NULL in a key, columns that the network does not have."""
        with self._wall() as db:
            captured = {name.lower() for name in self._layouts}
            others = [name for name, _ in schema.user_tables(db) if name.lower() not in captured]
            out = [
                LeftOut(name, schema.obstacle(db, name) or "it is not among the tables of the network")
                for name in others
            ]
            for layout in self._layouts.values():
                out += self._left_out_of(db, layout)
            return out

    def _left_out_of(self, db: sqlite3.Connection, layout: Layout) -> Iterator[LeftOut]:
        name = layout.table.name
        missing = install.missing_columns(db, layout)
        if missing is None:
            yield LeftOut(name, "the table is gone from this database")
            return
        if not missing and (count := schema.rows_without_key(db, name, layout.table.key)):
            yield LeftOut(name, f"{count} rows with NULL in the key")
        have = [column for column, *_, hidden in schema.table_columns(db, name) if hidden == 0]
        if extra := [column for column in have if column not in layout.table.names]:
            yield LeftOut(name, f"columns that the network does not have yet: {', '.join(extra)}")

    def renew_capture(self, choose: Callable[[Schema], Sequence[Table]] | None = None) -> Sequence[str]:
        """Follows what happened to the application's schema; says in words what was found."""
        with self._wall() as db:
            whole = books.read_notes(db).get("whole_rows") == "1"
            stale = install.outdated(db, self._layouts, whole_rows=whole)
            fingerprint = schema.fingerprint(db)
            if not stale and books.read_notes(db).get("fingerprint") == fingerprint:
                return []
            new = choose(schema.inspect(db)) if choose is not None else []
            with transaction(db, durable=True):
                drift = Drift(db, joining=whole)
                drift.notice()
                drift.take(new)
                renewed = drift.renew(stale)
                books.write_notes(db, {"fingerprint": fingerprint})
            self._forget()
            return [*drift.said, *renewed]

    def triggers(self, run: Sequence[str] = (), skip: Sequence[str] = ()) -> Sequence[TriggerUse]:
        """The application's triggers on replicated tables, and whether they run for rows that arrive."""
        with self._wall() as db:
            wanted, names = app_triggers.Wishes.of(run, skip), list(self._layouts)
            here = [layout for layout in self._layouts.values() if not layout.away]
            found = (app_triggers.uses(db, each, names, app_triggers.names_of(db, each), wanted) for each in here)
            return [use for several in found for use in several]

    def seeming_references(self) -> Sequence[Seeming]:
        """Columns that seem to hold numbers of another table."""
        with self._wall() as db:
            return seeming.find(db, self._layouts)

    def detach(self) -> None:
        """Removes every trigger and table of satchel; the rows stay."""
        with self._wall() as db, transaction(db, durable=True):
            install.detach(db)
        self._forget()

    # -- what is known

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
            sealed = dict(db.execute("SELECT number, mark FROM _satchel_table").fetchall())
            return sum(pending.count(db, layout, sealed[layout.number]) for layout in self._layouts.values())

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

    def suffixes(self, trunk: str) -> Mapping[int, frozenset[str]]:
        """The suffixes of the applied packets of an origin and its branches, by seq."""
        with self._wall() as db:
            return branches.suffixes(db, trunk)

    def packet(self, dot: Dot) -> PacketRecord | None:
        """An applied packet."""
        with self._wall() as db:
            return books.packet(db, dot)

    # -- seal and apply

    @contextmanager
    def baseline(self, at: int) -> Iterator[Delta]:
        """Every row of every captured table, from one snapshot, with the time `at` (ms since 1970)."""
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
            # VACUUM writes every row, and a table may use a function or collation that only its application knows
            if not str(problem).startswith("no such "):
                raise
            target.unlink(missing_ok=True)
            with closing(sqlite3.connect(target)) as copy:
                self._db.backup(copy)

    @contextmanager
    def delta(self, rules: Rules) -> Iterator[Delta | None]:
        """What is pending; None: nothing."""
        from satchel.stores.sqlite.delta import frozen_delta

        with self._wall() as db, frozen_delta(db, self._layouts, rules, self._author, locked=False) as delta:
            yield delta

    @contextmanager
    def applying(self) -> Iterator[SQLiteApplying]:
        """Takes the store's write lock; leaving without `commit` rolls everything back."""
        from satchel.stores.sqlite.apply import SQLiteApplying

        with self._wall() as db:
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

    def forget_deleted(self, upto: Mapping[str, int], *, dry_run: bool = False) -> Mapping[str, int]:
        """Removes tombstones; how many of each table."""
        with self._wall() as db, transaction(db, durable=True):
            return tombstones.forget(db, self._layouts, upto, dry_run=dry_run)

    def expect_births(self, packets: Iterable[Incoming]) -> None:
        """These own packets were sealed by a state of the database that is lost."""
        with self._wall() as db, transaction(db, durable=True):
            reborn.note(db, self._layouts, packets)

    def renumbered(self, limit: int = 100) -> tuple[int, Sequence[Renumbered]]:
        """How many rows have another number here than that of their birth, and the first of them."""
        with self._wall() as db:
            return renumbered(db, self._layouts.values(), limit)

    def lacks(self) -> Sequence[Lacks]:
        """Tables and columns of the network that this database does not have."""
        with self._wall():
            found = (lacking(layout) for layout in self._layouts.values())
            return [lacks for lacks in found if lacks is not None]

    def rebuilt(self) -> Sequence[str]:
        """Tables whose triggers were lost, and that have to be compared with the packets."""
        with self._wall() as db:
            known = json.loads(books.read_notes(db).get(REBUILT, "[]"))
            return [name for name in known if name in self._layouts]

    def compare(self, table: str, packets: Iterable[Incoming], rules: Rules) -> int:
        """Compares a table with what the packets say of the rows that it shows."""
        from satchel.stores.sqlite.rebuilt import Rebuilt

        with self._wall() as db, transaction(db, durable=True):
            found = Rebuilt(db, self._layouts[table], self._layouts, rules).compare(packets)
            left = [name for name in json.loads(books.read_notes(db).get(REBUILT, "[]")) if name != table]
            books.write_notes(db, {REBUILT: json.dumps(left)})
        return found

    def unsettle(self, tables: Sequence[str]) -> None:
        """Rows of these tables that have several siblings are decided again by the next `retry`."""
        with self._wall() as db, transaction(db, durable=True):
            known = {*json.loads(books.read_notes(db).get(UNSETTLED, "[]")), *tables}
            books.write_notes(db, {UNSETTLED: json.dumps(sorted(known & self._layouts.keys()))})

    def needs_retry(self) -> bool:
        """Whether rows are kept aside that this database may take now."""
        with self._wall() as db:
            if books.read_notes(db).get(UNSETTLED, "[]") != "[]":
                return True
            return any(apart.any_refused(db, layout) for layout in self._layouts.values())

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

        with self._wall() as db:
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

    # -- conflicts and single rows

    def conflicts(self, closed: bool = False) -> Sequence[ConflictRecord]:
        """Open conflicts and those passed over until reviewed; with `closed` all of them."""
        with self._wall() as db:
            by_number = {layout.number: layout for layout in self._layouts.values()}
            return conflicts.read(db, by_number, self._live, closed=closed)

    def _live(self, layout: Layout, key: Sequence[Value]) -> tuple[Sequence[Version], dict[str, Value] | None]:
        rows = RowEditor(self._db, layout, Numbers(self._db, self._layouts))
        return rows.standing(key), rows.read(key)

    def conflict_counts(self) -> Mapping[str, int]:
        """{open, parked, passed_over}."""
        with self._wall() as db:
            return conflicts.counts(db)

    def conflict_number(self, conflict_id: str) -> int:
        """Which entry an id names, now or earlier. UsageError if none."""
        with self._wall() as db:
            return conflicts.number_of(db, conflict_id)

    def review(self, conflict_id: str) -> None:
        """Somebody has looked at a conflict that was passed over."""
        with self._wall() as db, transaction(db):
            by_number = {layout.number: layout for layout in self._layouts.values()}
            conflicts.review(db, by_number, self._live, conflict_id, time.time_ns() // 1_000_000)

    def _row(self, table: str) -> RowEditor:
        return RowEditor(self._db, self._layouts[table], Numbers(self._db, self._layouts))

    def write_row(self, table: str, key: Sequence[Value], values: Mapping[str, Value] | None) -> None:
        """An ordinary edit of one row, captured like the application's, with its foreign keys kept; None deletes."""
        with self._wall() as db:
            db.execute("PRAGMA foreign_keys = ON")  # declared actions are captured like everything else
            try:
                with transaction(db):
                    self._row(table).write(key, values)
            except sqlite3.IntegrityError as problem:
                raise ConstraintRefused(f"the database refuses it: {problem}", "choose other values") from problem
            finally:
                db.execute("PRAGMA foreign_keys = OFF")

    def dependants(
        self, table: str, key: Sequence[Value], rules: Rules
    ) -> Sequence[tuple[str, tuple[Value, ...], ForeignKey]]:
        """(table, key, its reference) of the rows that refer to one."""
        from satchel.stores.sqlite.finder import dependants

        with self._wall() as db:
            return dependants(db, self._layouts, rules, self._layouts[table], key)

    def is_hidden(self, table: str, key: Sequence[Value]) -> bool:
        """Whether a living row is kept out of the application's sight."""
        with self._wall() as db:
            why = apart.read(db, self._layouts[table], key)
            return why is not None and why.hidden

    def blockers(self, table: str, key: Sequence[Value]) -> Sequence[RowId]:
        """The rows that keep a parked one out."""
        with self._wall() as db:
            why = apart.read(db, self._layouts[table], key)
            return () if why is None else why.blockers

    def touch_row(self, table: str, key: Sequence[Value], columns: Sequence[str]) -> None:
        """An ordinary edit that writes these columns with the values that they have."""
        with self._wall() as db, transaction(db):
            self._row(table).touch(key, columns)

    def read_row(self, table: str, key: Sequence[Value]) -> dict[str, Value] | None:
        """The row as the application sees it, with its own numbers."""
        with self._wall():
            row = self._row(table).here(key)
            return None if row is None else dict(zip(self._layouts[table].table.names, row, strict=True))

    def identity(self, table: str, key: Sequence[Value]) -> tuple[Value, ...]:
        """A key as a person gives it, own numbers or gids, as it is on the wire. UsageError: no such table."""
        layout = self._layouts.get(table)
        if layout is None:
            raise UsageError(f"{table} is not replicated", "see `satchel tables`")
        with self._wall():
            rows = self._row(table)
            parsed = [
                rows.parse(name, part) if isinstance(part, str) and not is_gid(part) else part
                for name, part in zip(layout.table.key, key, strict=True)
            ]
            return Numbers(self._db, self._layouts).key_to_wire(layout, parsed)

    def own_row(self, table: str, row: Mapping[str, Value]) -> dict[str, Value]:
        """A row of the network as people here know it: with own numbers where there are any, else gids."""
        layout = self._layouts[table]
        with self._wall():
            numbers = Numbers(self._db, self._layouts)
            found = dict(row)
            for place in layout.roots:
                name = layout.table.names[place]
                number = numbers.value_to_local(layout, place, row.get(name))
                if name in row and number is not None:
                    found[name] = number
            return found

    def standing(self, table: str, key: Sequence[Value]) -> Sequence[Version]:
        """The siblings of a row; empty if the network never had it."""
        with self._wall():
            return self._row(table).standing(key)

    def parse_value(self, table: str, column: str, text: str) -> Value:
        """A word of the command line as the column's affinity has it."""
        with self._wall():
            return self._row(table).parse(column, text)

    # -- log of runs

    def record_run(self, run: Run) -> None:
        """Appends to the log of runs."""
        with self._wall() as db, transaction(db):
            books.add_run(db, run)

    def runs(self, limit: int = 100) -> Sequence[Run]:
        """The newest runs first."""
        with self._wall() as db:
            return books.read_runs(db, limit)


class _DryRun(Exception):
    """Takes a transaction back that was only tried."""
