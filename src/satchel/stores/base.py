"""What a database must be able to do. One class per kind of database implements `Store`.

Rows cross this boundary as Arrow record batches, never as objects. A *change batch* has the user's columns of one
table under their own names (types: `Column.type`), sorted by key, and one struct column `_change`:

    op       string            insert | update | delete
    at       timestamp[us,UTC] wall clock of the change; null: unknown
    by       string            value of the author column; null: none
    stamp    int64             see model.stamp
    columns  list<string>      columns that this change wrote; null: all; empty: none (a delete)
    lineage  list<struct<origin string, seq int64, stamp int64, columns list<string>>>
                               cells that are not of this packet and stamp; null origin and seq: this packet;
                               null list: every cell is of this packet and the row's stamp
    context  list<struct<origin string, seq int64, hash string>>
                               the row context where it is not the packet's (empty: saw nothing); null: the packet's
    gid      string            identity of a row with a local key; null
    misfit   list<struct<column string, class string, value binary>>
                               values that the Arrow type cannot hold (the column itself is null); class is integer |
                               real | text | blob; integer and real as ASCII digits, text and blob as their bytes

The packet room adds `origin` and `seq` in front (see packet/rows.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

    from satchel.model.admission import Outcome, RowId
    from satchel.model.change import Entry, Net
    from satchel.model.ids import Dot
    from satchel.model.renaming import Renaming
    from satchel.model.schema import ForeignKey, LeftOut, Schema, Table
    from satchel.model.value import Value
    from satchel.model.vector import Mark, Vector
    from satchel.model.version import Version
    from satchel.stores.counts import Renumbered, RowCounts
    from satchel.stores.look import Digests, Look
    from satchel.stores.packet_record import PacketRecord
    from satchel.stores.records import (
        ConflictRecord,
        Contested,
        Incoming,
        Joining,
        Lacks,
        RowEdit,
        Sealed,
        Seeming,
        Settled,
        Standing,
        TriggerUse,
    )
    from satchel.stores.run import Run
    from satchel.stores.snapshot import IncomingState, State


class Rules(Protocol):
    """The rules live in replication/, which stores do not know: the caller brings them."""

    def settle(self, contested: Contested) -> Settled:
        """Decides a contested row."""

    def admit(self, tables: Mapping[str, Table], rows: Iterable[Standing]) -> Mapping[RowId, Outcome]:
        """What the constraints make of rows that hang together; no outcome for fixed ones."""

    def coalesce(
        self, entries: Sequence[Entry], current: Mapping[str, Value] | None, known: bool, floor: int
    ) -> Net | None:
        """What several log rows of one row come to; None: nothing. `current`: the row now; `known`: whether the network
        had it alive at the last seal; `floor`: the highest stamp of its versions."""


class Delta(Protocol):
    """Pending changes at one mark, frozen: the application may go on writing meanwhile.

    Order of use: `batches` for each table of `rows`, then `record`, then (after the manifests are written) `release`.
    Leaving the context without `record` leaves every change pending.
    """

    kind: str
    counts: RowCounts  # what recording it did to rows of the application's tables

    @property
    def rows(self) -> Mapping[str, int]:
        """Tables with changes and their numbers of rows, parents' tables first."""

    def batches(self, table: str) -> Iterator[pa.RecordBatch]:
        """Change batches of a table in key order, some ten thousand rows each at most."""

    def record(self, packets: Sequence[Sealed], rules: Rules) -> None:
        """In one durable transaction: the manifests, the versions, the vector; conflicts that the edits close.
        Inside an apply the transaction is that of the apply. Overtaken, with nothing recorded, if what the application
        wrote since the mark leaves open which rows are meant; inside an apply there is nothing such."""

    def release(self) -> None:
        """Lets go of the log rows; the manifests are in the archive now."""


class Applying(Protocol):
    """The store's write lock is held; everything below is one transaction, committed by `commit`."""

    def delta(self, rules: Rules) -> AbstractContextManager[Delta | None]:
        """What is pending under the lock; None: nothing."""

    def retry(self, rules: Rules) -> RowCounts:
        """Looks once more at rows that this database did not take, and at those whose columns or table have come."""

    def by_hand(self, edits: Sequence[RowEdit], rules: Rules) -> AbstractContextManager[Delta]:
        """Edits of rows, whether the application sees them or not, as a delta to be sealed. Its author has seen every
        sibling. What is pending was sealed before."""

    def take_out(
        self,
        cuts: Mapping[str, Mark],
        going: Iterable[Incoming],
        remaining: Iterable[Incoming],
        rules: Rules,
        maximal: Callable[[Iterable[Version]], Sequence[Version]],
        states: Iterable[IncomingState] = (),
    ) -> RowCounts:
        """Takes out what lies beyond cuts (the last packet of each origin that counts, seq 0: none does): siblings
        become the `maximal` versions of the `remaining` packets, and of snapshots (`states`) that stand for packets
        which were pruned. `going`: the packets beyond. Nothing is pending."""

    def rename(self, renamings: Sequence[Renaming], facts: Mapping[str, str], rules: Rules) -> RowCounts:
        """Packets get the names of their branches, wherever they stand; `facts` are noted with it. What is pending was
        sealed before."""

    def apply_group(self, packets: Sequence[Incoming], rules: Rules) -> RowCounts:
        """Applies the packets of one group whole; what this database does not take is kept aside. Where it raises,
        nothing of the group was applied, and the transaction goes on without it."""

    def apply_groups(self, groups: Sequence[Sequence[Incoming]], rules: Rules) -> RowCounts:
        """The same for several groups of one origin that follow each other, with the same outcome as one by one. Where
        it raises, nothing of any of them was applied."""

    def install(self, state: IncomingState, rules: Rules) -> RowCounts:
        """Installs a snapshot over what stands here; what is pending was sealed before. All of it, or it raises."""

    def commit(self) -> None:
        """Makes it durable (synchronous=FULL) and gives the lock back."""


class Store(Protocol):
    """The database that the application uses, with satchel's own tables in it (all begin with `_satchel`)."""

    url: str

    def close(self) -> None:
        """Closes every connection."""

    # -- the application's schema, and ours

    def inspect(self) -> Schema:
        """What the database holds: tables that can be replicated, and those that cannot with the reason."""

    def is_installed(self) -> bool:
        """Whether satchel's own tables are there."""

    def install(self, tables: Sequence[Table], *, author_column: str | None = None, joining: bool = False) -> None:
        """Makes satchel's tables and the capture triggers for these tables, in one transaction. With `joining`
        every update notes its whole old row, so that the rows as they were can be compared at the first import."""

    def tables(self) -> Sequence[Table]:
        """The tables that are captured."""

    def left_out(self) -> Sequence[LeftOut]:
        """Tables that are not captured, and rows with NULL in a key."""

    def seen_schema(self) -> Mapping[str, str]:
        """What is to be noted when the run is done, so that the next `renew_capture` need not look."""

    def renew_capture(self, choose: Callable[[Schema], Sequence[Table]] | None = None) -> Sequence[str]:
        """Follows what happened to the application's schema, in one transaction: triggers are renewed, new columns are
        captured, and new tables that `choose` picks; says in words what was found."""

    def adopt(self, tables: Sequence[Table]) -> Sequence[str]:
        """Follows a new version of the configuration, in one transaction, also while joining: `tables` are all tables
        of the network, as they are on the wire. What was not captured is from now on, rows from before included; new
        references are translated; says in words what changed, nothing if nothing did. A table or column that this
        database lacks is no error: it is waited for. Again with the same tables changes nothing."""

    def follow(self) -> Sequence[str]:
        """Adds the columns and tables that others have to the application's database; what was done, in words."""

    def identity(self, table: str, key: Sequence[Value]) -> tuple[Value, ...]:
        """A key as a person gives it, this database's own numbers or gids, as it is on the wire: the gid for a table of
        scope local, a parent's gid where a part of the key refers to one. Texts are read as the column's affinity has
        them; a number that no row here has stays as it is. UsageError if the table is not known."""

    def triggers(self, run: Sequence[str] = (), skip: Sequence[str] = ()) -> Sequence[TriggerUse]:
        """The application's triggers on replicated tables. `run`, `skip`: those that a person wants to run for rows
        that arrive, or not to run."""

    def seeming_references(self) -> Sequence[Seeming]:
        """Columns that seem to hold numbers of another table, and that nobody has declared or named as references."""

    def detach(self) -> None:
        """Removes every trigger and table of satchel; the rows stay."""

    # -- what is known

    def read_only(self) -> bool:
        """Whether the database cannot be written."""

    def notes(self) -> dict[str, str]:
        """Small facts about this node (`node`, `origin`, `state` ...) by name."""

    def note(self, facts: Mapping[str, str]) -> None:
        """Writes small facts, in one transaction."""

    def vector(self) -> dict[str, Mark]:
        """What has been applied, own packets included."""

    def pending(self) -> int:
        """How many rows have changes that are not sealed."""

    def has_noted(self) -> bool:
        """Whether capture has noted anything since the last seal, though it may come to nothing."""

    def unpublished(self) -> Sequence[Sealed]:
        """Packets that are recorded and whose manifest may not be in the archive yet (a kill between the two)."""

    def published(self, upto: Dot) -> None:
        """The manifests up to this packet are in the archive."""

    def packets_after(self, vector: Vector) -> Iterator[PacketRecord]:
        """Applied packets that `vector` does not cover, each origin in order of seq."""

    def suffixes(self, trunk: str, after: int = 0) -> Mapping[int, frozenset[str]]:
        """The suffixes of the applied packets of an origin and its branches, by seq: those with higher numbers."""

    def packet(self, dot: Dot) -> PacketRecord | None:
        """An applied packet."""

    # -- seal and apply

    def baseline(self, at: int) -> AbstractContextManager[Delta]:
        """Every row of every captured table, as the founder's first group, with the time `at` (ms since 1970 UTC)."""

    def delta(self, rules: Rules) -> AbstractContextManager[Delta | None]:
        """What is pending; None: nothing. The lock is held only for marking."""

    def expect_births(self, packets: Iterable[Incoming]) -> None:
        """These own packets were sealed by a state of the database that is lost: an insert that is pending and stands
        in one of them means the row that was born there."""

    def renumbered(self, limit: int = 100) -> tuple[int, Sequence[Renumbered]]:
        """How many rows have another number here than that of their birth, and the first of them."""

    def lacks(self) -> Sequence[Lacks]:
        """Tables and columns of the network that this database does not have; what others write there is kept."""

    def rebuilt(self) -> Sequence[str]:
        """Tables whose triggers were lost, and that have to be compared with the packets."""

    def compare(self, table: str, packets: Iterable[Incoming], rules: Rules) -> int:
        """Compares a table with what the packets, all that were applied, say of the rows that it shows; where it says
        something else, the log is told. How many rows."""

    def unsettle(self, tables: Sequence[str]) -> None:
        """Rows of these tables that have several siblings are decided again by the next `retry`."""

    def needs_retry(self) -> bool:
        """Whether rows are kept aside that this database may take now."""

    def applying(self) -> AbstractContextManager[Applying]:
        """Takes the store's write lock. Leaving without `commit` rolls everything back."""

    def state(self) -> AbstractContextManager[State | None]:
        """Everything that a snapshot holds, of one moment; None: something was written since the last seal."""

    def look(self) -> AbstractContextManager[Look]:
        """Every row as it is on the wire, of one moment."""

    def make_empty_copy(self, path: Path) -> None:
        """Makes a database at `path`, where no file is, with the replicated tables of this one and no rows."""

    def digests(self) -> Digests | None:
        """Digests of all tables (PROTOCOL, Equality); None: something was written since the last seal. Reads every row:
        microseconds for each value."""

    def forget_deleted(self, upto: Mapping[str, int], *, dry_run: bool = False) -> Mapping[str, int]:
        """Removes tombstones of packets up to these of each origin; how many of each table."""

    def join_rows(
        self,
        groups: Iterable[Sequence[Incoming]],
        rules: Rules,
        seal: Callable[[Delta], Sequence[Sealed]],
        facts: Mapping[str, str],
        dry_run: bool = False,
        state: IncomingState | None = None,
    ) -> tuple[RowCounts, Joining]:
        """The first import of a node that joined with rows (PROTOCOL, Joining with rows), in one transaction:
        sets the own rows aside, installs the snapshot if there is one, applies the groups, compares, seals what is left
        as a packet of kind `join` by way of `seal` (not called if nothing is left), then puts the edits made since the
        join on top as ordinary changes.
        `facts` are noted in the same transaction. ConstraintRefused: nothing was changed."""

    # -- conflicts and history

    def conflicts(self, closed: bool = False) -> Sequence[ConflictRecord]:
        """Open conflicts and those passed over until reviewed; with `closed` all of them."""

    def conflict_counts(self) -> Mapping[str, int]:
        """{open, parked, passed_over}."""

    def conflict_number(self, conflict_id: str) -> int:
        """Which entry an id names, now or earlier: ids change as versions come. UsageError if none."""

    def review(self, conflict_id: str) -> None:
        """Somebody has looked at a conflict that was passed over."""

    def write_row(self, table: str, key: Sequence[Value], values: Mapping[str, Value] | None) -> None:
        """An ordinary edit of one row, captured like the application's: None deletes; a row that is gone is inserted.
        ConstraintRefused if the database does not take it."""

    def dependants(
        self, table: str, key: Sequence[Value], rules: Rules
    ) -> Sequence[tuple[str, tuple[Value, ...], ForeignKey]]:
        """(table, key on the wire, its reference) of the rows that refer to one by a declared reference, hidden ones
        among them."""

    def is_hidden(self, table: str, key: Sequence[Value]) -> bool:
        """Whether a living row is kept out of the application's sight."""

    def blockers(self, table: str, key: Sequence[Value]) -> Sequence[RowId]:
        """The rows that keep a parked one out."""

    def touch_row(self, table: str, key: Sequence[Value], columns: Sequence[str]) -> None:
        """An ordinary edit that writes these columns with the values that they have: it has seen every sibling."""

    def read_row(self, table: str, key: Sequence[Value]) -> dict[str, Value] | None:
        """The row with this key on the wire as the application sees it, with its own numbers."""

    def own_row(self, table: str, row: Mapping[str, Value]) -> dict[str, Value]:
        """A row on the wire as people here know it: with own numbers where there are any, else gids."""

    def parse_value(self, table: str, column: str, text: str) -> Value:
        """A word of the command line as the column's affinity has it."""

    def standing(self, table: str, key: Sequence[Value]) -> Sequence[Version]:
        """The siblings of a row, one or several; empty if the network never had it."""

    # -- log of runs

    def record_run(self, run: Run) -> None:
        """Appends to the log of runs."""

    def runs(self, limit: int = 100) -> Sequence[Run]:
        """The newest runs first."""
