"""Whose births the rows of a baseline are, known before the first of them is loaded: tables may refer to each other in
a circle, so that a row may stand in a packet before the row that it refers to."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from satchel.model.gids import parse_gid
from satchel.stores.records import Incoming
from satchel.stores.sqlite import baseline, books
from satchel.stores.sqlite.layout import Layout


def note(db: sqlite3.Connection, layouts: Mapping[str, Layout], packets: Sequence[Incoming]) -> None:
    """Notes origin and nonce of the rows that these packets of one group bring to tables that are still empty."""
    for name, layout in layouts.items():
        if layout.is_local and layout.bearing is None and baseline.fits(db, layout, layouts, packets):
            packet = next((packet for packet in packets if packet.rows.get(name)), None)
            if packet is None:
                continue
            change = next(iter(packet.batches(name))).column("_change")
            gid = parse_gid(change.field("gid")[0].as_py())
            books.bear(db, layout, (gid.origin, gid.nonce))
