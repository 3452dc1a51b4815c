"""Cells that came from packets which do not count any more, since their author was revoked (PROTOCOL, Members: what
others made of it stays).

Their dots mean nothing to anybody: whoever writes such a row anew is their writer from then on, at their own times.
Otherwise a packet would name writes that its author cannot have seen, and be refused everywhere.
"""

from __future__ import annotations

import sqlite3

from satchel.stores.sqlite import books, lineage
from satchel.stores.sqlite.stage import Stage

CUTS = "cuts"  # note: revocations are known here


def inherit(db: sqlite3.Connection, stage: Stage) -> None:
    """Puts the lineage of staged own changes right. Only where a revocation is known: it looks at every row."""
    if not books.read_notes(db).get(CUTS):
        return
    known = dict(db.execute("SELECT o, q FROM _satchel_vector").fetchall())

    def inherited(text: str) -> str | None:
        groups = lineage.read(text)
        if all(_counts(group, known) for group in groups):
            return text
        return lineage.write(
            group if _counts(group, known) else lineage.Group(0, 0, group.stamp, group.mask) for group in groups
        )

    db.create_function("satchel_inherited", 1, inherited, deterministic=True)
    db.execute(f"UPDATE {stage.name} SET lin = satchel_inherited(lin) WHERE lin IS NOT NULL")


def _counts(group: lineage.Group, known: dict[int, int]) -> bool:
    return group.origin in (0, lineage.NOWHERE) or group.seq <= known.get(group.origin, 0)
