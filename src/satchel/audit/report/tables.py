"""The CSV files of a report: every figure of the page, in full, for a spreadsheet or a program.

UTF-8 with a mark in front, commas, CRLF (RFC 4180). Times are UTC. A text that a spreadsheet would take for a formula
has an apostrophe in front.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from satchel.audit.report.facts import Facts

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
CHANGES = "changes.csv"


def csv_files(facts: Facts) -> dict[str, bytes]:
    """All of them, by name."""
    changes = [
        {"day": c.day, "table": c.table, "site": c.site, "person": c.person, "operation": c.op, "changes": c.changes}
        for c in facts.cube
    ]
    conflicts = [
        {**c, "columns": " ".join(c["columns"] or ()), "versions": json.dumps(c["versions"], ensure_ascii=False)}
        for c in facts.conflicts
    ]
    return {
        CHANGES: _csv(["day", "table", "site", "person", "operation", "changes"], changes),
        "packets.csv": _csv(["site", "packets", "changes", "bytes", "first", "last"], facts.packets),
        "conflicts.csv": _csv(
            ["id", "table_name", "key", "columns", "opened", "closed", "closed_by", "how", "policy", "rule", "shown",
             "versions"], conflicts,
        ),
        "parked.csv": _csv(["id", "table", "key", "kind", "state", "why", "since"], facts.parked),
        "gaps.csv": _csv(["origin", "first", "last", "how", "shown_by", "after_time", "before_time"], facts.gaps),
        "problems.csv": _csv(["packet", "file", "reason", "folder"], facts.problems),
        "members.csv": _csv(
            ["node", "role", "invited_by", "heard", "behind", "waiting", "quarantined", "open_conflicts"],
            facts.members,
        ),
    }  # fmt: skip


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_field(row.get(name)) for name in columns])
    return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8", "backslashreplace")


def _field(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    risky = isinstance(value, str) and text.startswith(_FORMULA)
    return f"'{text}" if risky else text
