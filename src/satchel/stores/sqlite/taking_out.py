"""Taking out what lies beyond a cut (PROTOCOL, Members): the siblings of the touched rows become the versions of the
remaining packets that no other remaining one has seen; then constraints and own numbers follow, as at an apply.

Row by row: it happens once in the life of a network, to the rows of one node's last packets.
"""

from __future__ import annotations

import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from satchel.model.admission import ABSENT, Outcome
from satchel.model.value import Value
from satchel.model.vector import Mark, Vector
from satchel.model.version import Resolved, Version
from satchel.stores.base import Rules
from satchel.stores.counts import RowCounts
from satchel.stores.records import Contested, Incoming, Settled
from satchel.stores.snapshot import IncomingState
from satchel.stores.sqlite import apart, books
from satchel.stores.sqlite.cases import Case, Cases, row_id
from satchel.stores.sqlite.landing import Landing
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.snapshot_in import VersionStage
from satchel.stores.sqlite.stage import Stage, fetch
from satchel.stores.sqlite.suspend import SuspendedTriggers
from satchel.stores.sqlite.versions import VersionReader

Maximal = Callable[[Iterable[Version]], Sequence[Version]]
_BEYOND = "temp._satchel_beyond"


class TakingOut:
    """One taking out; the write lock is held, and nothing is pending. `cuts`: the last packet of each origin that
    counts, seq 0: none does."""

    def __init__(
        self,
        db: sqlite3.Connection,
        layouts: Mapping[str, Layout],
        rules: Rules,
        triggers: SuspendedTriggers,
        cuts: Mapping[str, Mark],
    ) -> None:
        self.db = db
        self.layouts = layouts
        self.rules = rules
        self.triggers = triggers
        self.cuts = cuts
        self.reader = VersionReader(db)

    def run(
        self,
        going: Iterable[Incoming],
        remaining: Iterable[Incoming],
        states: Iterable[IncomingState],
        maximal: Maximal,
    ) -> RowCounts:
        """Does all of it. `going`: the packets beyond the cuts; `remaining`: all others that were applied; `states`:
        snapshots that stand for those that were pruned."""
        self._note_beyond()
        for layout in self.layouts.values():
            self._make_touched(layout)
        for packet in going:
            self._touch(packet)
        versions = self._versions(remaining)
        for state in states:
            self._add_state(state, versions)
        now = time.time_ns() // 1_000_000
        landing = Landing(self.db, self.layouts, self.rules, self.triggers, 0, {}, now)

        def seeds(cases: Cases) -> Iterator[Case]:
            for layout in self.layouts.values():
                for key in self._touched(layout):
                    case = cases.find(layout, key)
                    if case is not None:
                        self._decide(case, versions.get(case.id, ()), maximal)
                        yield case
            for layout in self.layouts.values():  # what kept them apart may be gone
                yield from (case for key, _ in list(apart.every(self.db, layout)) if (case := cases.find(layout, key)))

        counts = landing.land({}, anew=seeds)
        self._forget_packets()
        return counts

    # -- which rows

    def _note_beyond(self) -> None:
        self.db.execute(f"DROP TABLE IF EXISTS {_BEYOND}")
        self.db.execute(f"CREATE TABLE {_BEYOND} (o INTEGER PRIMARY KEY, q INTEGER)")
        cuts = [(books.origin_number(self.db, origin), mark.seq) for origin, mark in self.cuts.items()]
        self.db.executemany(f"INSERT INTO {_BEYOND} VALUES (?, ?)", cuts)

    @staticmethod
    def _name(layout: Layout) -> str:
        return f"temp._satchel_touched_{layout.number}"

    def _make_touched(self, layout: Layout) -> None:
        """The rows that stand in a version from beyond a cut; those of the packets are added."""
        keys = ", ".join(layout.keys)
        self.db.execute(f"DROP TABLE IF EXISTS {self._name(layout)}")
        self.db.execute(f"CREATE TABLE {self._name(layout)} ({layout.key_list()}, PRIMARY KEY ({keys})) WITHOUT ROWID")
        for source in (layout.rows, layout.images):
            self.db.execute(
                f"INSERT OR IGNORE INTO {self._name(layout)} SELECT {layout.list_of('r', layout.keys)}"
                f" FROM {source} r JOIN {_BEYOND} b ON b.o = r.o WHERE r.q > b.q"
            )

    def _touch(self, packet: Incoming) -> None:
        for stage in self._staged(packet, only_touched=False):
            slots = ", ".join(stage.layout.key_slots)
            self.db.execute(f"INSERT OR IGNORE INTO {self._name(stage.layout)} SELECT {slots} FROM {stage.name}")

    def _touched(self, layout: Layout) -> list[tuple[Value, ...]]:
        query = f"SELECT {', '.join(layout.keys)} FROM {self._name(layout)}"
        return [key for keys in fetch(self.db, query, len(layout.keys)) for key in keys]

    # -- what is left of them

    def _versions(self, packets: Iterable[Incoming]) -> dict[object, list[Version]]:
        """What these packets say of the touched rows."""
        found: dict[object, list[Version]] = defaultdict(list)
        for packet in packets:
            for stage in self._staged(packet, only_touched=True):
                number = books.origin_number(self.db, packet.dot.origin)
                for version, key in self._read(stage, f"{number}, {packet.dot.seq}", packet.context):
                    found[row_id(stage.layout, key)].append(version)
        return found

    def _add_state(self, state: IncomingState, found: dict[object, list[Version]]) -> None:
        """What a snapshot says of the touched rows."""
        for name in state.tables:
            layout = self.layouts.get(name)
            if layout is None or not self._any_touched(layout):
                continue
            for batch in state.batches(name):
                stage = VersionStage(layout, "beyond")
                stage.create(self.db)
                stage.take(self.db, [batch])
                for version, key in self._read(stage, "s.o, s.q", None):
                    found[row_id(layout, key)].append(version)
                stage.drop(self.db)

    def _staged(self, packet: Incoming, *, only_touched: bool) -> Iterator[Stage]:
        """The rows of a packet, some ten thousand at a time."""
        for name, count in packet.rows.items():
            layout = self.layouts.get(name)
            if layout is None or not count or (only_touched and not self._any_touched(layout)):
                continue
            for batch in packet.batches(name):
                stage = Stage(layout, "beyond")
                stage.create(self.db)
                stage.fill(self.db, packet.dot.seq, [batch])
                yield stage
                stage.drop(self.db)

    def _any_touched(self, layout: Layout) -> bool:
        return self.db.execute(f"SELECT 1 FROM {self._name(layout)} LIMIT 1").fetchone() is not None

    def _read(self, stage: Stage, dot: str, context: Vector | None) -> Iterator[tuple[Version, tuple[Value, ...]]]:
        """(version, key) of staged rows that are touched. `dot`: SQL, origin and seq; `context`: of their packet, None:
        that of each one's own."""
        layout = stage.layout
        query = (
            f"SELECT {dot}, s.op, s.at, s.by, s.stamp, s.lin, s.ctx, {layout.list_of('s')} FROM {stage.name} s"
            f" JOIN {self._name(layout)} k ON {layout.match('k:k', 'c:s')}"
        )
        for lines in fetch(self.db, query, layout.width):
            for o, q, op, at, by, stamp, lin, ctx, *row in lines:
                saw = context if ctx is None else None
                gone = op == "delete"
                version = self.reader.version(layout, (o, q), stamp, gone, lin, row, saw=saw, ctx=ctx, at=at, by=by)  # type: ignore[arg-type]
                yield version, tuple(row[place] for place in layout.key_places)

    def _decide(self, case: Case, known: Sequence[Version], maximal: Maximal) -> None:
        """What stands of the row now. Without a version left it was never there: no tombstone, nobody's parent."""
        left = {version.dot: version for version in case.standing if not self._is_beyond(version)}
        siblings = maximal((left | {version.dot: version for version in known}).values())
        if siblings:
            case.settled = self.rules.settle(Contested(case.layout.table.name, case.key, siblings, None))
        else:
            case.settled = Settled((), Resolved(True, case.settled.resolved.cells, frozenset()))
            case.outcome = Outcome(None, ABSENT)

    def _is_beyond(self, version: Version) -> bool:
        cut = self.cuts.get(version.dot.origin)
        return cut is not None and version.dot.seq > cut.seq

    # -- bookkeeping

    def _forget_packets(self) -> None:
        for origin, mark in self.cuts.items():
            number = books.origin_number(self.db, origin)
            self.db.execute("DELETE FROM _satchel_packet WHERE o = ? AND q > ?", (number, mark.seq))
            if mark.seq:
                self.db.execute("UPDATE _satchel_vector SET q = ?, hash = ? WHERE o = ?", (mark.seq, mark.hash, number))
            else:
                self.db.execute("DELETE FROM _satchel_vector WHERE o = ?", (number,))
