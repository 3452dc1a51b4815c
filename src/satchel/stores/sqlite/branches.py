"""Packets of a fork get the name of their branch, wherever it stands in satchel's tables (PROTOCOL, Trouble: clone,
fork): vector, packets and their contexts, versions with row contexts and lineage, the list of conflicts.

Numbers of rows (gids) are identities and keep the name under which they were born. What is one chain under its old name
is one chain here: everything from a number on is of the branch, so that a few statements a table do it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from satchel.model.ids import Dot, parse_dot
from satchel.model.key import conflict_id
from satchel.model.renaming import Renaming
from satchel.model.vector import Mark
from satchel.stores.sqlite import books, exact, lineage
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.numbers import Numbers
from satchel.stores.sqlite.row import RowEditor


def rename(db: sqlite3.Connection, layouts: Mapping[str, Layout], renamings: Sequence[Renaming]) -> None:
    """Does them in their order, inside the caller's transaction."""
    for renaming in renamings:
        _rename(db, layouts.values(), renaming)


def _rename(db: sqlite3.Connection, layouts: Iterable[Layout], renaming: Renaming) -> None:
    old, new = books.origin_number(db, renaming.old), books.origin_number(db, renaming.new)
    db.create_function("satchel_lineage_of", 1, lambda text: _lineage(text, old, new, renaming.first))
    db.create_function("satchel_context_of", 1, lambda text: _context(text, renaming))
    versions = [table for layout in layouts for table in (layout.rows, layout.images)]
    dotted = [*versions, *(layout.base for layout in layouts), "_satchel_packet", "_satchel_envelope"]
    for table in dotted:
        db.execute(f"UPDATE {table} SET o = ? WHERE o = ? AND q >= ?", (new, old, renaming.first))
    for table in versions:
        db.execute(f"UPDATE {table} SET l = satchel_lineage_of(l) WHERE instr(l, ?)", (f"{old}.",))
    for table, column in [*((table, "x") for table in versions), ("_satchel_packet", "context")]:
        change = f"UPDATE {table} SET {column} = satchel_context_of({column}) WHERE instr({column}, ?)"
        db.execute(change, (f'"{renaming.old}":',))
    _rename_head(db, old, new, renaming)
    _rename_closed(db, renaming)


def _rename_head(db: sqlite3.Connection, old: int, new: int, renaming: Renaming) -> None:
    db.execute("UPDATE _satchel_vector SET o = ? WHERE o = ? AND q >= ?", (new, old, renaming.first))
    if renaming.before is not None:
        values = (old, renaming.before.seq, renaming.before.hash)
        db.execute("INSERT OR REPLACE INTO _satchel_vector VALUES (?, ?, ?)", values)


def _lineage(text: str, old: int, new: int, first: int) -> str | None:
    return lineage.write(
        lineage.Group(new, q, s, mask) if o == old and q >= first else lineage.Group(o, q, s, mask)
        for o, q, s, mask in lineage.read(text)
    )


def _context(text: str, renaming: Renaming) -> str:
    found = books.context_from_json(text)
    mark = found.get(renaming.old)
    if mark is None or mark.seq < renaming.first:
        return text
    del found[renaming.old]
    found[renaming.new] = mark
    if renaming.before is not None:
        found[renaming.old] = Mark(renaming.before.seq, renaming.before.hash)
    return books.context_to_json(found)


def _rename_closed(db: sqlite3.Connection, renaming: Renaming) -> None:
    """Entries of the list of conflicts that are closed carry their versions with them."""
    query = "SELECT number, versions, closed_by FROM _satchel_conflict WHERE closed IS NOT NULL"
    for number, versions, closed_by in db.execute(query).fetchall():
        raw: list[dict[str, Any]] = [
            entry | {"dot": list(renaming.renamed(Dot(*entry["dot"])))} for entry in json.loads(versions or "[]")
        ]
        by = json.loads(closed_by or "{}")
        if by.get("packet"):
            by["packet"] = str(renaming.renamed(parse_dot(by["packet"])))
        db.execute(
            "UPDATE _satchel_conflict SET versions = ?, closed_by = ? WHERE number = ?",
            (None if versions is None else json.dumps(raw), None if closed_by is None else json.dumps(by), number),
        )


def know_ids(db: sqlite3.Connection, layouts: Mapping[str, Layout]) -> None:
    """Conflicts are called by the dots of their versions: each gets the id that it has everywhere now, and keeps those
    that it had."""
    by_number = {layout.number: layout for layout in layouts.values()}
    numbers = Numbers(db, layouts)
    query = "SELECT number, tab, key, kind, closed, versions FROM _satchel_conflict ORDER BY number"
    for number, tab, key_text, kind, closed, versions in db.execute(query).fetchall():
        if tab not in by_number:
            continue
        layout, key = by_number[tab], exact.read_values(key_text)
        if closed is None:
            dots = [version.dot for version in RowEditor(db, layout, numbers).standing(key)]
        else:
            dots = [Dot(*entry["dot"]) for entry in json.loads(versions or "[]")]
        if dots:
            id_ = conflict_id(layout.table, key, kind, dots)
            db.execute("INSERT OR IGNORE INTO _satchel_conflict_id VALUES (?, ?)", (id_, number))
