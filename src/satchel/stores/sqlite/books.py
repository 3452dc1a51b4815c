"""Satchel's own tables that are not about one table of the application. All names begin with `_satchel`.

_satchel_note          small facts about this node, by name
_satchel_table         captured tables: number, name, definition, highest log row that is sealed; origin and nonce of
                       rows that stand under the number of their birth (numbers.py); mask of the columns that came after
                       the baseline; columns that the application's table lacked when we last looked
_satchel_origin        origins by number
_satchel_vector        what has been applied
_satchel_packet        every applied packet, with its context
_satchel_envelope      own packets whose manifest may not be in the archive yet
_satchel_conflict      the list of conflicts; _satchel_conflict_id: every id that an entry has had
_satchel_run           the log of runs
_satchel_reborn        inserts that a lost state of the database has sealed (reborn.py)
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from satchel.model.gids import gid_columns
from satchel.model.ids import Dot
from satchel.model.schema import Column, ForeignKey, Table
from satchel.model.vector import HASH_DIGITS, Mark, Vector
from satchel.stores.sqlite import reborn
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.lineage import NOWHERE
from satchel.stores.sqlite.schema import rowid_name, table_columns, user_tables

if TYPE_CHECKING:
    from satchel.stores.packet_record import PacketRecord
    from satchel.stores.records import Incoming, Sealed
    from satchel.stores.run import Run


FORGOT = "forgot"  # note: tombstones may have been removed, here or in a snapshot that was installed
DDL = (
    "CREATE TABLE _satchel_note (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID",
    "CREATE TABLE _satchel_table (number INTEGER PRIMARY KEY, name TEXT, definition TEXT, mark INTEGER DEFAULT 0,"
    " bearer TEXT, nonce TEXT, base_lacks TEXT DEFAULT '0', absent TEXT DEFAULT '[]')",
    "CREATE TABLE _satchel_origin (number INTEGER PRIMARY KEY, name TEXT UNIQUE)",
    "CREATE TABLE _satchel_vector (o INTEGER PRIMARY KEY, q INTEGER, hash TEXT)",
    "CREATE TABLE _satchel_packet (o INTEGER, q INTEGER, hash TEXT, suffix TEXT, first INTEGER, last INTEGER,"
    " kind TEXT, created INTEGER, context TEXT, rows INTEGER, PRIMARY KEY (o, q)) WITHOUT ROWID",
    "CREATE TABLE _satchel_envelope (o INTEGER, q INTEGER, envelope BLOB, PRIMARY KEY (o, q)) WITHOUT ROWID",
    "CREATE TABLE _satchel_conflict (number INTEGER PRIMARY KEY, tab INTEGER, row TEXT, key TEXT, kind TEXT,"
    " columns TEXT, opened INTEGER, closed INTEGER, closed_by TEXT, reviewed INTEGER DEFAULT 0, shown TEXT,"
    " versions TEXT, apart TEXT, reason TEXT)",
    "CREATE INDEX _satchel_conflict_row ON _satchel_conflict (tab, row)",
    "CREATE INDEX _satchel_conflict_open ON _satchel_conflict (closed) WHERE closed IS NULL",
    "CREATE TABLE _satchel_conflict_id (id TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID",
    reborn.DDL,
    "CREATE TABLE _satchel_run (number INTEGER PRIMARY KEY, at INTEGER, command TEXT, exchange TEXT, seconds REAL,"
    " report TEXT, trouble TEXT)",
)
NOWHERE_DDL = f"INSERT INTO _satchel_origin VALUES ({NOWHERE}, '')"
RUNS_KEPT = 10_000
REBUILT = "rebuilt"  # note: tables that have to be compared (rebuilt.py)
UNSETTLED = "unsettled"  # note: tables of which kept values can be shown now (homecoming.py)


def is_installed(db: sqlite3.Connection) -> bool:
    """Whether our tables are there."""
    return db.execute("SELECT 1 FROM main.sqlite_master WHERE name = '_satchel_note'").fetchone() is not None


# -- notes


def read_notes(db: sqlite3.Connection) -> dict[str, str]:
    """All notes."""
    return dict(db.execute("SELECT name, value FROM _satchel_note").fetchall())


def write_notes(db: sqlite3.Connection, facts: Mapping[str, str]) -> None:
    """Sets some notes."""
    db.executemany("INSERT OR REPLACE INTO _satchel_note VALUES (?, ?)", list(facts.items()))


# -- captured tables


def table_to_json(table: Table) -> str:
    """A table's definition as text."""
    return json.dumps(asdict(table), separators=(",", ":"))


def table_from_json(text: str) -> Table:
    """A table's definition from its text."""
    raw = json.loads(text)
    return Table(
        name=raw["name"],
        columns=tuple(Column(**column) for column in raw["columns"]),
        key=tuple(raw["key"]),
        scope=raw["scope"],
        unique=tuple(tuple(columns) for columns in raw["unique"]),
        foreign_keys=tuple(
            ForeignKey(**{**k, "columns": tuple(k["columns"]), "parent_columns": tuple(k["parent_columns"])})
            for k in raw["foreign_keys"]
        ),
        unique_collations=tuple(tuple(collations) for collations in raw.get("unique_collations", ())),
    )


def layouts(db: sqlite3.Connection) -> dict[str, Layout]:
    """The captured tables by name, in the order in which they were installed (parents first)."""
    rows = db.execute(
        "SELECT number, definition, bearer, nonce, base_lacks FROM _satchel_table ORDER BY number"
    ).fetchall()
    tables = [table_from_json(definition) for _, definition, *_ in rows]
    roots: dict[str, dict[int, str]] = {table.name: {} for table in tables}
    places = {table.name: {name: place for place, name in enumerate(table.names)} for table in tables}
    for (name, column), root in gid_columns(tables).items():
        roots[name][places[name][column]] = root
    ordinary = {name.lower() for name, _ in user_tables(db)}  # and no view: what a packet names may be anything here
    found = {}
    for table, (number, _, bearer, nonce, base_lacks) in zip(tables, rows, strict=True):
        columns = table_columns(db, table.name)
        have = {column.lower() for column, *_ in columns}
        # without its key it is no use, either
        keyed = any(place for *_, place, _ in columns) and have.issuperset(name.lower() for name in table.key)
        away = not keyed or table.name.lower() not in ordinary
        found[table.name] = Layout(
            number=number,
            table=table,
            rowid="rowid" if away else rowid_name(db, table.name),
            roots=dict(sorted(roots[table.name].items())),
            bearing=None if nonce is None else (bearer, nonce),
            absent=frozenset(p for p, name in enumerate(table.names) if not away and name.lower() not in have),
            away=away,
            base_lacks=int(base_lacks, 16),
        )
    return found


def bear(db: sqlite3.Connection, layout: Layout, bearing: tuple[str, str] | None) -> None:
    """From now on rows of a table without an entry of their own are those born at this seal: origin and nonce."""
    origin, nonce = bearing or (None, None)
    db.execute("UPDATE _satchel_table SET bearer = ?, nonce = ? WHERE number = ?", (origin, nonce, layout.number))
    layout.bearing = bearing


def noted(db: sqlite3.Connection, known: Iterable[Layout]) -> list[tuple[Layout, int]]:
    """The tables in whose logs there is something after the last seal, each with the log row that was sealed last."""
    marks = dict(db.execute("SELECT number, mark FROM _satchel_table").fetchall())
    pairs = ((layout, int(marks[layout.number])) for layout in known)
    query = "SELECT EXISTS (SELECT 1 FROM {} WHERE id > ?)"
    return [(each, mark) for each, mark in pairs if db.execute(query.format(each.log), (mark,)).fetchone()[0]]


# -- origins and vectors


def origin_number(db: sqlite3.Connection, name: str) -> int:
    """The number of an origin, given now if it has none."""
    row = db.execute("SELECT number FROM _satchel_origin WHERE name = ?", (name,)).fetchone()
    if row is None:
        db.execute("INSERT INTO _satchel_origin (name) VALUES (?)", (name,))
        return origin_number(db, name)
    return int(row[0])


def origins(db: sqlite3.Connection) -> dict[int, str]:
    """Origins by number."""
    return dict(db.execute("SELECT number, name FROM _satchel_origin").fetchall())


def read_vector(db: sqlite3.Connection) -> dict[str, Mark]:
    """What has been applied."""
    rows = db.execute("SELECT name, q, hash FROM _satchel_vector JOIN _satchel_origin ON number = o ORDER BY name")
    return {name: Mark(seq, digest) for name, seq, digest in rows.fetchall()}


def context_to_json(context: Vector) -> str:
    """A vector as text."""
    return json.dumps(
        {origin: [mark.seq, mark.hash] for origin, mark in sorted(context.items())}, separators=(",", ":")
    )


def context_from_json(text: str) -> dict[str, Mark]:
    """A vector from its text."""
    return {origin: Mark(seq, digest) for origin, (seq, digest) in json.loads(text).items()}


# -- packets


def add_packet(db: sqlite3.Connection, packet: Sealed | Incoming) -> None:
    """Books one packet, own or another's, as applied."""
    origin, seq = origin_number(db, packet.dot.origin), packet.dot.seq
    context, rows = context_to_json(packet.context), sum(packet.rows.values())
    values = (origin, seq, packet.hash, packet.suffix, *packet.group, packet.kind, packet.created, context, rows)
    db.execute("INSERT INTO _satchel_packet VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
    db.execute("INSERT OR REPLACE INTO _satchel_vector VALUES (?, ?, ?)", (origin, seq, packet.hash[:HASH_DIGITS]))


_PACKET = (
    "SELECT n.name, p.q, p.hash, p.suffix, p.first, p.last, p.kind, p.created, p.context, p.rows FROM _satchel_packet p"
)


def _packet_record(row: Sequence[object]) -> PacketRecord:
    from satchel.stores.packet_record import PacketRecord

    name, seq, digest, suffix, first, last, kind, created, context, rows = row
    record = Dot(str(name), int(str(seq)))
    group = (int(str(first)), int(str(last)))
    numbers = int(str(created)), context_from_json(str(context)), int(str(rows))
    return PacketRecord(record, str(digest), str(suffix), group, str(kind), *numbers)


def packets_after(db: sqlite3.Connection, vector: Vector) -> Iterator[PacketRecord]:
    """Applied packets that `vector` does not cover, each origin in order of seq."""
    for number, name in sorted(origins(db).items(), key=lambda item: item[1]):
        known = vector[name].seq if name in vector else 0
        rows = db.execute(
            f"{_PACKET} JOIN _satchel_origin n ON n.number = p.o WHERE p.o = ? AND p.q > ? ORDER BY p.q",
            (number, known),
        )
        yield from map(_packet_record, rows.fetchall())


def packet(db: sqlite3.Connection, dot: Dot) -> PacketRecord | None:
    """An applied packet."""
    row = db.execute(f"{_PACKET} JOIN _satchel_origin n ON n.number = p.o WHERE n.name = ? AND p.q = ?", dot).fetchone()
    return None if row is None else _packet_record(row)


def suffixes(db: sqlite3.Connection, trunk: str, after: int = 0) -> dict[int, frozenset[str]]:
    """The suffixes of the applied packets of an origin and its branches, by seq: those with higher numbers."""
    names = "SELECT number FROM _satchel_origin WHERE name = ? OR substr(name, 1, ?) = ?"
    rows = db.execute(
        f"SELECT q, group_concat(suffix) FROM _satchel_packet WHERE o IN ({names}) AND q > ? GROUP BY q",
        (trunk, len(trunk) + 1, f"{trunk}~", after),
    )
    return {seq: frozenset(texts.split(",")) for seq, texts in rows.fetchall()}


# -- own packets between record and publication


def keep_envelope(db: sqlite3.Connection, sealed: Sealed) -> None:
    """Keeps the exact manifest until it is in the archive."""
    values = (origin_number(db, sealed.dot.origin), sealed.dot.seq, sealed.envelope)
    db.execute("INSERT OR REPLACE INTO _satchel_envelope VALUES (?, ?, ?)", values)


def unpublished(db: sqlite3.Connection) -> list[Sealed]:
    """Own packets whose manifest may not be in the archive yet, each origin in order: of an epoch before, too."""
    query = "SELECT name, q, envelope FROM _satchel_envelope JOIN _satchel_origin ON number = o ORDER BY o, q"
    rows = db.execute(query).fetchall()
    if not rows:
        return []
    from satchel.stores.records import Sealed

    found = []
    for origin, seq, envelope in rows:
        record = packet(db, Dot(origin, seq))
        if record is not None:
            found.append(
                Sealed(
                    dot=record.dot,
                    hash=record.hash,
                    suffix=record.suffix,
                    group=record.group,
                    context=record.context,
                    kind=record.kind,
                    envelope=bytes(envelope),
                    created=record.created,
                    rows={},
                )
            )
    return found


def forget_envelopes(db: sqlite3.Connection, upto: Dot) -> None:
    """The manifests up to this packet are in the archive."""
    db.execute("DELETE FROM _satchel_envelope WHERE o = ? AND q <= ?", (origin_number(db, upto.origin), upto.seq))


# -- conflicts

UNREVIEWED = "closed IS NOT NULL AND NOT reviewed AND json_extract(closed_by, '$.how') = 'passed-over'"


def conflict_counts(db: sqlite3.Connection) -> dict[str, int]:
    """{open, parked, passed_over}."""
    still, parked = db.execute(
        "SELECT count(*), coalesce(sum(coalesce(apart, '') IN ('parked', 'refused')), 0) FROM _satchel_conflict"
        " WHERE closed IS NULL"
    ).fetchone()
    (passed,) = db.execute(f"SELECT count(*) FROM _satchel_conflict WHERE {UNREVIEWED}").fetchone()
    return {"open": still - parked, "parked": parked, "passed_over": passed}


def any_refused(db: sqlite3.Connection, layout: Layout) -> bool:
    """Whether this database does not take some row (apart.py)."""
    return db.execute(f"SELECT 1 FROM {layout.apart} WHERE status = 'refused' LIMIT 1").fetchone() is not None


# -- log of runs


def add_run(db: sqlite3.Connection, run: Run) -> None:
    """Appends to the log of runs; the oldest beyond some thousand go."""
    values = (run.at, run.command, run.exchange, run.seconds, json.dumps(run.report), run.trouble)
    db.execute(
        "INSERT INTO _satchel_run (at, command, exchange, seconds, report, trouble) VALUES (?, ?, ?, ?, ?, ?)", values
    )
    db.execute("DELETE FROM _satchel_run WHERE number <= (SELECT max(number) FROM _satchel_run) - ?", (RUNS_KEPT,))


def read_runs(db: sqlite3.Connection, limit: int) -> list[Run]:
    """The newest runs first."""
    from satchel.stores.run import Run

    rows = db.execute(
        "SELECT at, command, exchange, seconds, report, trouble FROM _satchel_run ORDER BY number DESC LIMIT ?",
        (limit,),
    ).fetchall()
    return [
        Run(at, command, exchange, seconds, json.loads(report), trouble)
        for at, command, exchange, seconds, report, trouble in rows
    ]
