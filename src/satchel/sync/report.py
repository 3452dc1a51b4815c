"""What a run did: the fields of INTERFACE for export, import and sync."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from satchel.model.value import to_json
from satchel.stores.counts import Fate, Renumbered, RowCounts

if TYPE_CHECKING:
    from satchel.stores.records import Joining

MOST = 1000  # single rows that are named in a report: it stays in the log of runs


@dataclass(slots=True)
class Report:
    """Packets as `site-a/12`; `conflicts`: how many were opened; `partial`: not all that was wanted could be done;
    `renumbered`, `parked`, `returned`: what became of single rows, the first thousand of each, all in `counts`."""

    sealed: list[str] = field(default_factory=list)
    pending: int = 0  # changed rows that a dry run would seal
    applied: list[str] = field(default_factory=list)
    taken_out: list[str] = field(default_factory=list)  # packets of a revoked node that were applied and count no more
    waiting: list[dict[str, str]] = field(default_factory=list)
    quarantined: list[dict[str, str]] = field(default_factory=list)
    rows: RowCounts = field(default_factory=RowCounts)
    installed: list[str] = field(default_factory=list)  # snapshots
    dropped: list[str] = field(default_factory=list)
    bytes_dropped: int = 0
    exchange: list[str] = field(default_factory=list)
    joined: Joining | None = None
    seconds: float = 0.0
    partial: bool = False
    dry_run: bool = False
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The document of INTERFACE."""
        joined: Mapping[str, int] | None = None
        if self.joined is not None:
            joined = {"same": self.joined.same, "added": self.joined.added, "beside": self.joined.beside}
        return {
            "sealed": self.sealed,
            "pending": self.pending,
            "applied": self.applied,
            "taken_out": self.taken_out,
            "waiting": self.waiting,
            "quarantined": self.quarantined,
            "rows": {"inserted": self.rows.inserted, "updated": self.rows.updated, "deleted": self.rows.deleted},
            "conflicts": self.rows.conflicts,
            "renumbered": [renumbered_json(row) for row in self.rows.renumbered[:MOST]],
            "parked": [_parked(fate) for fate in self.rows.parked[:MOST]],
            "returned": [_named(fate) for fate in self.rows.returned[:MOST]],
            "counts": {name: len(getattr(self.rows, name)) for name in ("renumbered", "parked", "returned")},
            "installed": self.installed,
            "dropped": self.dropped,
            "bytes_dropped": self.bytes_dropped,
            "exchange": ", ".join(self.exchange),
            "joined": joined,
            "seconds": round(self.seconds, 3),
            "partial": self.partial,
            "dry_run": self.dry_run,
            "warnings": self.warnings,
        }


def renumbered_json(row: Renumbered) -> dict[str, Any]:
    """{table, gid, birth, number}: the number that a row was born with, and the one that it has here."""
    return {"table": row.table, "gid": row.gid, "birth": row.birth, "number": row.number}


def _named(fate: Fate) -> dict[str, Any]:
    return {"table": fate.table, "key": [to_json(value) for value in fate.key], "gid": fate.gid}


def _parked(fate: Fate) -> dict[str, Any]:
    return {**_named(fate), "kind": fate.kind, "reason": fate.reason, "left": fate.left}
