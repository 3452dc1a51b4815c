"""Births that were sealed once already, by a later state of this database that a backup has replaced (ADR 18).

What was pending when the backup was made is pending again. Where it went out meanwhile, the rows that it bore have a
gid; the same insert, of the same number at the same moment, means the same row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from satchel.model.stamp import milliseconds_of

if TYPE_CHECKING:
    from satchel.stores.records import Incoming
    from satchel.stores.sqlite.layout import Layout

DDL = (
    "CREATE TABLE _satchel_reborn (tab INTEGER, n INTEGER, at INTEGER, gid TEXT, PRIMARY KEY (tab, n, at))"
    " WITHOUT ROWID"
)


def note(db: sqlite3.Connection, layouts: Mapping[str, Layout], packets: Iterable[Incoming]) -> None:
    """Notes the births in these packets; those that were noted before are not needed any more."""
    db.execute("DELETE FROM _satchel_reborn")
    for packet in packets:
        for name in packet.rows:
            layout = layouts.get(name)
            if layout is not None and layout.is_local:
                db.executemany(
                    "INSERT OR IGNORE INTO _satchel_reborn VALUES (?, ?, ?, ?)",
                    ((layout.number, *born) for born in _births(packet, name, layout.table.key[0])),
                )


def _births(packet: Incoming, table: str, key: str) -> Iterator[tuple[int, int, str]]:
    """(number, milliseconds since 1970 UTC, gid) of each insert. One by one: a backup is not restored every day."""
    for batch in packet.batches(table):
        changes = batch.column("_change").to_pylist()
        for number, change in zip(batch.column(key).to_pylist(), changes, strict=True):
            if change["op"] == "insert" and number is not None:
                own = [group["stamp"] for group in change["lineage"] or () if group["origin"] is None]
                # the insert wrote every column; what was updated before the seal has a later stamp
                yield number, milliseconds_of(min([change["stamp"], *own])), change["gid"]


def gid_of(layout: Layout, number: str, at: str) -> str:
    """SQL: the gid that this insert was given when it was sealed first; NULL: it was not."""
    known = f"h.tab = {layout.number} AND h.n = {number} AND h.at = {at}"
    return f"(SELECT h.gid FROM main._satchel_reborn h WHERE {known})"
