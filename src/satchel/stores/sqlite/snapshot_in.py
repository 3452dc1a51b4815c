"""Installing a snapshot (PROTOCOL, Snapshots and pruning): keep a version that both have, or that one has and the
other's vector does not cover; drop the rest.

What the snapshot has beyond the own vector arrives like packets' rows: contexts are causally closed, so a version of
the snapshot supersedes just those of ours that its vector covers. Of several siblings of a row one lands after the
other. A row of ours that the snapshot covers and does not hold at all was deleted, and its tombstone removed since: it
goes by a tombstone of nobody, which is not kept.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from satchel.model.vector import Mark
from satchel.stores.base import Rules
from satchel.stores.counts import RowCounts
from satchel.stores.snapshot import IncomingState
from satchel.stores.sqlite import arrivals, books
from satchel.stores.sqlite.booking import classes, classify
from satchel.stores.sqlite.drift import meet
from satchel.stores.sqlite.landing import Landing
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.lineage import NOWHERE, know_missing, missing
from satchel.stores.sqlite.snapshot_out import plain_rows
from satchel.stores.sqlite.stage import FIXED, Stage

if TYPE_CHECKING:
    import pyarrow as pa

    from satchel.stores.sqlite.apply import SQLiteApplying

# Whether the rules must decide a row: its versions are several, or the snapshot does not cover the one that stands.
_ODD = (
    "CASE WHEN s.several OR r.many THEN 1 WHEN r.o IS NULL AND {absent} THEN 0"
    " WHEN s.ctx IS NOT NULL AND s.q > 0 THEN 1 WHEN r.o IS NULL THEN {base} ELSE r.q > coalesce(c.q, 0) END"
)


@dataclass(frozen=True)
class VersionStage(Stage):
    """A stage of versions of many packets: o is each one's origin; `several`: its row has more than one."""

    def create(self, db: sqlite3.Connection) -> None:
        """Makes it, empty."""
        super().create(db)
        for column in ("o INTEGER", "several INTEGER DEFAULT 0"):
            db.execute(f"ALTER TABLE {self.name} ADD COLUMN {column}")

    def origin_of(self, origin: int) -> str:
        """SQL: the number of a staged row's origin."""
        return "s.o"

    def take(self, db: sqlite3.Connection, batches: Iterable[pa.RecordBatch]) -> None:
        """Appends versions."""
        names = db.execute("SELECT name, number FROM _satchel_origin").fetchall()
        known: dict[str, int] = dict(names)
        for batch in batches:
            if batch.num_rows:
                change = batch.column(batch.schema.get_field_index("_change"))
                origins = [known[origin] for origin in change.field("origin").to_pylist()]
                self._append(db, batch, 0, {"o": origins, "q": change.field("seq").to_pylist()})
        self.brings.clear()  # told row by row, see Installation


class Installation:
    """One snapshot into one database, inside a savepoint of an apply."""

    def __init__(self, applying: SQLiteApplying, state: IncomingState, rules: Rules) -> None:
        self.applying = applying
        self.db = applying.db
        self.layouts = applying.layouts
        self.state = state
        self.rules = rules
        self.mine = books.read_vector(self.db)
        self.gone = False  # whether a row goes that the snapshot has forgotten

    def run(self) -> RowCounts:
        """Rows, versions, packets, vector. What became of rows."""
        meet(self.db, self.layouts, self.state.tables.values())
        self._note_vectors()
        stages: dict[str, VersionStage] = {}
        for name, layout in self.layouts.items():
            if name in self.state.tables or self.mine:
                stages[name] = self._stage(layout)
        counts = self._land(stages)
        while stages := self._rest(stages):
            counts.add(self._land(stages))
        if self.gone:
            counts.add(self._forget_nobody())
        books.write_notes(self.db, {**self.state.facts, books.FORGOT: "1"})  # its author may have forgotten some
        return counts

    def _note_vectors(self) -> None:
        """What the snapshot covers is from now on applied; contexts of versions are looked up there."""
        origins = {origin: books.origin_number(self.db, origin) for origin in self.state.vector}
        values = [
            (
                origins[p.dot.origin],
                p.dot.seq,
                p.hash,
                p.suffix,
                *p.group,
                p.kind,
                p.created,
                books.context_to_json(p.context),
                p.rows,
            )
            for p in self.state.packets
        ]
        self.db.executemany("INSERT OR IGNORE INTO _satchel_packet VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        for origin, mark in self.state.vector.items():
            if mark.seq > self.mine.get(origin, Mark(0, "")).seq:
                row = (origins[origin], *mark)
                self.db.execute("INSERT OR REPLACE INTO _satchel_vector VALUES (?, ?, ?)", row)
        for name, vector in (("mine", self.mine), ("context", self.state.vector)):
            self.db.execute(f"CREATE TABLE IF NOT EXISTS temp._satchel_{name} (o INTEGER PRIMARY KEY, q INTEGER)")
            self.db.execute(f"DELETE FROM temp._satchel_{name}")
            marks = [(books.origin_number(self.db, origin), mark.seq) for origin, mark in vector.items()]
            self.db.executemany(f"INSERT INTO temp._satchel_{name} VALUES (?, ?)", marks)

    # -- what is staged

    def _stage(self, layout: Layout) -> VersionStage:
        """What the snapshot has of a table and this database does not cover; the first version of each row."""
        stage = VersionStage(layout, "snapshot")
        stage.create(self.db)
        stage.take(self.db, self.state.batches(layout.table.name))
        index = ", ".join((*layout.key_slots, "o", "q"))
        name = stage.name.partition(".")[2]
        self.db.execute(f"CREATE INDEX {stage.name}_key ON {name} ({index})")
        self._mark_several(stage)
        if self.mine:
            self._add_gone(stage)
            self.db.execute(
                f"DELETE FROM {stage.name} WHERE o <> {NOWHERE} AND q <="
                f" coalesce((SELECT m.q FROM temp._satchel_mine m WHERE m.o = {name}.o), 0)"
            )
        arrivals.translate(self.db, self.layouts, stage)
        self.applying.noticed(stage.name, layout)
        later = _later(layout)
        self.db.execute(f"DROP TABLE IF EXISTS {later}")
        self.db.execute(f"CREATE TABLE {later} AS SELECT * FROM {stage.name} WHERE 0")
        self._put_back(stage, stage.name, later)
        return stage

    def _mark_several(self, stage: VersionStage) -> None:
        layout = stage.layout
        keys = ", ".join(layout.key_slots)
        several = f"SELECT {keys} FROM {stage.name} GROUP BY {keys} HAVING count(*) > 1"
        (count,) = self.db.execute(f"SELECT count(*) FROM ({several})").fetchone()
        if count:
            match = " AND ".join(f"v.{slot} = {stage.name.partition('.')[2]}.{slot}" for slot in layout.key_slots)
            self.db.execute(
                f"UPDATE {stage.name} SET several = 1 WHERE EXISTS (SELECT 1 FROM {stage.name} v WHERE {match}"
                f" AND v.rn <> {stage.name.partition('.')[2]}.rn)"
            )

    def _put_back(self, stage: VersionStage, source: str, later: str) -> None:
        """Only one version of a row is staged at a time."""
        keys = ", ".join(self.layouts[stage.layout.table.name].key_slots)
        rest = (
            "SELECT rn FROM (SELECT rn, row_number() OVER"
            f" (PARTITION BY {keys} ORDER BY o, q) AS n FROM {source} WHERE several) WHERE n > 1"
        )
        self.db.execute(f"INSERT INTO {later} SELECT * FROM {source} WHERE rn IN ({rest})")
        self.db.execute(f"DELETE FROM {source} WHERE rn IN (SELECT rn FROM {later})")

    def _rest(self, stages: Mapping[str, VersionStage]) -> dict[str, VersionStage]:
        """The next version of rows that have several."""
        found = {}
        for name, before in stages.items():
            layout = self.layouts[name]
            before.drop(self.db)
            if self.db.execute(f"SELECT 1 FROM {_later(layout)} LIMIT 1").fetchone() is None:
                continue
            stage = VersionStage(layout, "snapshot", set(before.lacks))
            stage.create(self.db)
            names = ", ".join((*FIXED, *layout.slots, "o", "several"))
            self.db.execute(f"INSERT INTO {stage.name} ({names}) SELECT {names} FROM {_later(layout)}")
            self.db.execute(f"DELETE FROM {_later(layout)}")
            self._put_back(stage, stage.name, _later(layout))
            arrivals.translate(self.db, self.layouts, stage)
            found[name] = stage
        return found

    # -- rows that the snapshot has deleted and forgotten

    def _add_gone(self, stage: VersionStage) -> None:
        layout = stage.layout
        there = f"SELECT 1 FROM {stage.name} s WHERE {layout.match('c:s', 'c:v')}"
        covered = "v.q <= coalesce((SELECT c.q FROM temp._satchel_context c WHERE c.o = v.o), 0)"
        context = books.context_to_json(self.state.vector)
        names = ", ".join(("q", "op", "stamp", "ctx", "o", *layout.slots))
        self.db.execute(
            f"INSERT INTO {stage.name} ({names}) SELECT 0, 'delete', v.s, ?, {NOWHERE}, {layout.list_of('v')}"
            f" FROM ({plain_rows(self.db, layout, self.layouts)}) v WHERE {covered} AND NOT EXISTS ({there})",
            (context,),
        )
        keys = layout.list_of("r", layout.keys)
        slots = ", ".join(("q", "op", "stamp", "ctx", "o", *layout.key_slots))
        gone = layout.match("c:s", "k:r")
        versions = " AND ".join(f"v.{key} = r.{key}" for key in layout.keys)
        self.db.execute(
            f"INSERT INTO {stage.name} ({slots}) SELECT 0, 'delete', r.s, ?, {NOWHERE}, {keys} FROM {layout.rows} r"
            f" WHERE (r.many OR r.d) AND NOT EXISTS (SELECT 1 FROM {stage.name} s WHERE {gone})"
            f" AND EXISTS (SELECT 1 FROM {layout.images} v WHERE {versions} AND {covered})",
            (context,),
        )
        self.gone |= self.db.execute(f"SELECT 1 FROM {stage.name} WHERE o = {NOWHERE} LIMIT 1").fetchone() is not None

    def _forget_nobody(self) -> RowCounts:
        """The tombstones of nobody go; rows that have other versions beside them are looked at once more."""
        again = []
        for layout in self.layouts.values():
            self.db.execute(f"DELETE FROM {layout.images} WHERE o = {NOWHERE} AND q = 0")
            left = " AND ".join(f"i.{key} = r.{key}" for key in layout.keys)
            alone = f"NOT EXISTS (SELECT 1 FROM {layout.images} i WHERE {left})"
            keys = ", ".join(layout.keys)
            dead = f"SELECT {layout.list_of('r', layout.keys)} FROM {layout.rows} r WHERE (r.d OR r.many) AND {alone}"
            self.db.execute(f"DELETE FROM {layout.rows} WHERE ({keys}) IN ({dead})")
            beside = f"SELECT 1 FROM {layout.rows} WHERE o = {NOWHERE} AND q = 0 LIMIT 1"
            if self.db.execute(beside).fetchone():
                again.append(layout)
        if not again:
            return RowCounts()
        now = time.time_ns() // 1_000_000
        return Landing(self.db, self.layouts, self.rules, self.applying.triggers, 0, {}, now).land({}, again)

    # -- landing

    def _land(self, stages: Mapping[str, VersionStage]) -> RowCounts:
        for stage in stages.values():
            layout = stage.layout
            self.applying.triggers.suspend(layout)
            absent = f"{layout.key_of('u:t')[0]} IS NULL"
            classify(self.db, stage, _ODD.format(absent=absent, base=int(not self._base_covered(layout))))
            self._make_odd(stage)
        now = time.time_ns() // 1_000_000
        return Landing(self.db, self.layouts, self.rules, self.applying.triggers, NOBODY, {}, now).land(stages)

    def _base_covered(self, layout: Layout) -> bool:
        row = self.db.execute(
            f"SELECT 1 FROM {layout.base} b LEFT JOIN temp._satchel_context c USING (o) WHERE b.q > coalesce(c.q, 0)"
            " LIMIT 1"
        ).fetchone()
        return row is None

    def _make_odd(self, stage: VersionStage) -> None:
        """Rows with values in columns which the application's table does not have are kept whole, beside it."""
        absent = stage.layout.absent_mask
        if not absent:
            return
        know_missing(self.db)
        texts = [text for (text,) in self.db.execute(f"SELECT DISTINCT lin FROM {stage.name}").fetchall()]
        brings = [text for text in texts if missing(text) & absent != absent]
        rows = f"SELECT rn FROM {stage.name} WHERE lin IS ? AND o <> {NOWHERE}"
        for text in brings:
            self.db.execute(f"UPDATE {classes(stage.layout)} SET odd = 1 WHERE rn IN ({rows})", (text,))


NOBODY = -1  # no origin has this number: every staged version names its own


def _later(layout: Layout) -> str:
    """Name of the table of versions that wait for their turn."""
    return f"temp._satchel_later_{layout.number}"


def install(applying: SQLiteApplying, state: IncomingState, rules: Rules) -> RowCounts:
    """Installs a snapshot; nothing of it where it raises."""
    db = applying.db
    db.execute("SAVEPOINT satchel_snapshot")
    try:
        with applying.triggers.attempt():
            counts = Installation(applying, state, rules).run()
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK TO satchel_snapshot")
            db.execute("RELEASE satchel_snapshot")
        raise
    db.execute("RELEASE satchel_snapshot")
    return counts
