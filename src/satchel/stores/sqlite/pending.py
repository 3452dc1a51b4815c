"""From frozen events to net changes: one line a row in a staging table (PROTOCOL, Capture; Seal).

Rows with one log entry, which are nearly all, are made by SQL; what several entries come to is decided row by row,
because their order matters (replication/coalesce.py).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

from satchel.model.change import Entry, Net
from satchel.model.value import Value, text_bytes
from satchel.stores.records import Contested
from satchel.stores.sqlite import apart, homecoming, lineage
from satchel.stores.sqlite.connection import tolerant
from satchel.stores.sqlite.events import count_renamed, has_renames, is_event
from satchel.stores.sqlite.inherited import inherit
from satchel.stores.sqlite.layout import MASK_BITS, Layout
from satchel.stores.sqlite.sight import GONE, HIDDEN, own_slots
from satchel.stores.sqlite.stage import FIXED, Stage, bindable, fetch, placeholder
from satchel.stores.sqlite.versions import VersionReader

if TYPE_CHECKING:
    from satchel.stores.base import Rules

BLIND = "{}"  # row context of a change whose author did not see the row; its log entries have a lower-case kind


def count(db: sqlite3.Connection, layout: Layout, mark: int) -> int:
    """How many rows have changes after `mark`. Another number alone is no change."""
    if has_renames(db, layout, mark):
        return count_renamed(db, layout, mark)
    keys = layout.list_of("l", layout.key_slots)
    # A row that may have been displaced counts if it is not there any more.
    there = f"EXISTS (SELECT 1 FROM main.{layout.user} t WHERE {layout.match('u:t', 'c:l')})"
    query = (
        f"SELECT count(*) FROM (SELECT DISTINCT {keys} FROM {layout.log} l"
        f" WHERE l.id > ? AND {layout.whole_key('c:l')}"
        f" AND CASE upper(l.kind) WHEN 'M' THEN NOT {there} ELSE {is_event(layout, 'l')} END)"
    )
    return int(db.execute(query, (mark,)).fetchone()[0])


def highest(db: sqlite3.Connection, layout: Layout) -> int:
    """The newest log row; 0 if there never was one."""
    return int(db.execute(f"SELECT coalesce(max(id), 0) FROM {layout.log}").fetchone()[0])


def coalesce(
    db: sqlite3.Connection, layout: Layout, stage: Stage, raw: str | None, rules: Rules, author: str | None
) -> None:
    """Adds the net changes of rows that are decided one by one, from what was frozen of them (plain.py), which is
    dropped; then puts right what every staged change carries."""
    if raw is not None:
        loose = Stage(layout, "loose")
        loose.create(db)
        _several(db, layout, raw, loose, rules, author)
        _number(db, layout, raw, loose)
        names = ", ".join((*FIXED, *layout.slots, *own_slots(layout)))
        db.execute(f"INSERT INTO {stage.name} ({names}) SELECT {names} FROM {loose.name}")
        loose.drop(db)
        db.execute(f"DROP TABLE {raw}")
    _as_written(db, layout, stage)
    _carry_unseen(db, layout, stage, rules)
    inherit(db, stage)


def _number(db: sqlite3.Connection, layout: Layout, raw: str, loose: Stage) -> None:
    """Own numbers of the rows that were decided one by one."""
    if not layout.roots:
        return
    found = " AND ".join(f"w.o{place} = s.c{place}" for place in layout.key_places)
    sets = ", ".join(
        f"{slot} = (SELECT w.{slot} FROM {raw} w WHERE {found} ORDER BY w.id DESC LIMIT 1)"
        for slot in own_slots(layout)
    )
    db.execute(f"UPDATE {loose.name} AS s SET {sets}")


def _as_written(db: sqlite3.Connection, layout: Layout, stage: Stage) -> None:
    """What a constraint shows of a row is no edit: a column that was not written keeps the value that it has on the
    wire (PROTOCOL, Seal)."""
    if apart.is_empty(db, layout):
        return
    masks = db.execute(f"SELECT DISTINCT mask FROM {stage.name} WHERE mask IS NOT NULL").fetchall()
    for place in range(layout.width):
        keeping = ", ".join(f"'{mask}'" for (mask,) in masks if not int(mask, 16) >> place & 1)
        where = f"{layout.match('k:a', 'c:s')} AND a.status = '{apart.NOTED}' AND s.mask IN ({keeping})"
        db.execute(f"UPDATE {stage.name} AS s SET c{place} = a.c{place} FROM {layout.apart} a WHERE {where}")


def _carry_unseen(db: sqlite3.Connection, layout: Layout, stage: Stage, rules: Rules) -> None:
    """Cells of columns that the application's table does not have, or does not show yet: an update carries them over,
    as they are resolved (PROTOCOL, Seal). Row by row: only rows that are kept whole beside the table have any."""
    unseen = layout.absent | {layout.place(name) for name in homecoming.arriving(db, layout.table.name)}
    if not unseen:
        return
    reader, names = VersionReader(db), layout.table.names
    with tolerant(db):
        lines = db.execute(
            f"SELECT s.rn, s.mask, {layout.list_of('s', layout.key_slots)} FROM {stage.name} s"
            f" JOIN {layout.rows} r ON {layout.match('k:r', 'c:s')} WHERE r.many AND s.op <> 'insert'"
        ).fetchall()
    for rn, mask, *key in lines:
        settled = rules.settle(Contested(layout.table.name, tuple(key), reader.images(layout, key), None))
        cells, written = settled.resolved.cells, int(mask or "0", 16)
        kept = {p: cells[names[p]].value for p in unseen if names[p] in cells and not written >> p & 1}
        if kept:
            sets = ", ".join(f"{layout.slots[place]} = {placeholder(value)}" for place, value in kept.items())
            db.execute(f"UPDATE {stage.name} SET {sets} WHERE rn = ?", [*map(bindable, kept.values()), rn])


def _old_key(layout: Layout) -> list[str]:
    return [f"o{place}" for place in layout.key_places]


def born(layout: Layout) -> tuple[str, str]:
    """SQL: mask and lineage of an insert, which writes every column of this store."""
    if not layout.absent:
        return "NULL", "NULL"
    return f"'{layout.full & ~layout.absent_mask:x}'", f"'{lineage.lacking(layout.absent_mask)}'"


def line_columns(layout: Layout) -> str:
    """What `_one` reads of a log row, behind the number of its row."""
    old = (f"o{place}" for place in range(layout.width))
    return ", ".join(("present, vo, vq, vs, vl, gone, id, kind, at", *layout.masks, *old, *layout.slots))


def _several(db: sqlite3.Connection, layout: Layout, raw: str, loose: Stage, rules: Rules, author: str | None) -> None:
    """Rows with several log entries, or with one that does not fit what the table shows now."""
    place = f"min(place) OVER (PARTITION BY {', '.join(_old_key(layout))})"
    query = f"SELECT {place}, {line_columns(layout)} FROM {raw} w ORDER BY 1, id"
    lines = (line for lines in fetch(db, query, 2 * layout.width) for line in lines)
    for _, group in groupby(lines, key=lambda line: line[0]):
        _one(db, layout, list(group), loose, rules, author)


def _one(
    db: sqlite3.Connection, layout: Layout, lines: list[tuple[Any, ...]], loose: Stage, rules: Rules, author: str | None
) -> None:
    entries = [entry(layout, line) for line in lines]
    # Only an entry that is no insert shows the baseline's version of the row (see `freeze`); a row whose first entry is
    # an insert has no version there, whatever the entries after it find by its key.
    born_here = lines[0][8].upper() == "I" and lines[0][2] is None
    last = lines[0] if born_here else next((line for line in reversed(lines) if line[2] is not None), lines[-1])
    _, _, vo, vq, vs, vl, gone, *_ = last
    current = dict(zip(layout.table.names, lines[-1][-layout.width :], strict=True)) if lines[-1][1] else None
    # Whoever inserts a row under the key of one that is kept out of sight has not seen that one.
    unseen = gone == HIDDEN and entries[0].kind == "I"
    known = vo is not None and gone != GONE and not unseen
    net = rules.coalesce(entries, current, known, vs or 0)
    if net is None:
        return
    past = (vo, vq, vs, vl) if vo is not None and not net.fresh else None
    row = (net.image if net.deleted else current) or {}
    blind = BLIND if unseen or any(line[8].islower() for line in lines) else None
    at = next((e.at for e in reversed(entries) if e.kind != "M"), entries[-1].at)
    by = None if net.deleted or author is None else author_name(row.get(author))
    op = "delete" if net.deleted else "insert" if past is None else "update"
    mask, lin = _lineage_of(layout, net, past)
    fixed = (lines[0][0], 0, op, at, by, net.clock, mask, lin, blind)
    values = [row.get(name) for name in layout.table.names]
    holders = ", ".join(["?"] * len(fixed) + [placeholder(value) for value in values])
    names = ", ".join((*FIXED, *layout.slots))
    db.execute(f"INSERT INTO {loose.name} ({names}) VALUES ({holders})", (*fixed, *map(bindable, values)))


def know_authors(db: sqlite3.Connection) -> None:
    """Makes what `author_of` uses."""
    db.create_function("satchel_author", 1, author_name, deterministic=True)


def author_of(value: str) -> str:
    """SQL: the author's name in the value of the author column."""
    return f"satchel_author(CAST(CAST({value} AS TEXT) AS BLOB))"


def author_name(value: Value) -> str | None:
    """The value of the author column as a name that can be shown; a blob is taken for text."""
    if value is None:
        return None
    raw = value if isinstance(value, bytes) else text_bytes(str(value))
    return raw.decode("utf-8", "replace")


def entry(layout: Layout, line: tuple[Any, ...]) -> Entry:
    """The log row of a line, see `line_columns`."""
    start = 10
    number, kind, at = line[7:start]
    masks = line[start : start + len(layout.masks)]
    values = line[start + len(layout.masks) :][: layout.width]
    whole: dict[str, Value] = dict(zip(layout.table.names, values, strict=True))
    kind = kind.upper()
    if kind == "U":
        mask = sum((part or 0) << (MASK_BITS * i) for i, part in enumerate(masks))
        written = frozenset(layout.names_of(mask))
        return Entry(number, kind, at, written, {name: whole[name] for name in written})
    return Entry(number, kind, at, frozenset(), whole if kind in "DM" else {})


def _lineage_of(
    layout: Layout, net: Net, past: tuple[int, int, int, str | None] | None
) -> tuple[str | None, str | None]:
    """Mask and lineage: columns written earlier than the row's own clock are of this packet at their own stamp."""
    written = layout.mask_of(frozenset(net.written)) & ~layout.absent_mask
    full = f"{layout.full:x}"
    lacking = lineage.lacking(layout.absent_mask)
    groups = list(lineage.read(lineage.carry(*past, f"{written:x}", full) if past else lacking))
    for name, clock in net.written.items():
        if clock != net.clock and layout.place(name) not in layout.absent:
            groups.append(lineage.Group(0, 0, clock, layout.mask_of((name,))))
    mask = None if past is None and not net.deleted and not layout.absent else f"{written:x}"
    return mask, lineage.write(groups)


def marks(db: sqlite3.Connection, layouts: dict[str, Layout]) -> Iterator[tuple[Layout, int, int]]:
    """(layout, highest sealed log row, highest log row) of tables with log rows that are not sealed."""
    sealed = dict(db.execute("SELECT number, mark FROM _satchel_table").fetchall())
    for layout in layouts.values():
        top = highest(db, layout)
        if top > sealed[layout.number]:
            yield layout, sealed[layout.number], top
