"""What a report says, as numbers and lists, asked of the views of an audit. Rows are counted in DuckDB; here is one
object for each day, table, site and person together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Protocol

from satchel.audit.report.period import Period, read_period
from satchel.errors import SatchelError
from satchel.files import read_limited
from satchel.packet.envelope import read_envelope
from satchel.packet.limits import DEFAULT_LIMITS
from satchel.packet.manifest import MANIFEST_NAME, Manifest

OPS = ("insert", "update", "delete")
_IN_REACH = "t >= TIMESTAMP '1970-01-01' AND t < TIMESTAMP '9999-01-01'"
# The time of a change whose own is unknown is that of the packet that brought it.
_TIMED = """
    SELECT c.table_name, c.origin, c.op, c."by", c."at" IS NULL AS untimed, coalesce(c."at", p.created) AS t
    FROM changes AS c LEFT JOIN (
        SELECT origin, seq, any_value(created) AS created FROM packets GROUP BY origin, seq
    ) AS p USING (origin, seq)
"""


class Asks(Protocol):
    """An audit, as far as a report needs one."""

    warnings: list[str]

    def sql(self, text: str) -> Any:
        """Runs SQL: `columns` and `rows`."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many changes of one kind: a cell of the cube. `person` None: the author is not known."""

    day: date
    table: str
    site: str
    person: str | None
    op: str
    changes: int


@dataclass(slots=True)
class Facts:
    """Everything that a report shows. Lists of dicts have the columns of their CSV files."""

    network: str
    places: list[str]
    made: datetime
    software: str
    period: Period
    cube: list[Count]
    untimed: int  # changes of unknown time, counted when they were sealed
    unreal: int  # changes whose clock was before 1970 or after 9998
    packets: list[dict[str, Any]]  # per site, of the period
    conflicts: list[dict[str, Any]]
    parked: list[dict[str, Any]]
    database: str  # why parked rows are not known as a database has them; empty: they are
    gaps: list[dict[str, Any]]
    pruned: list[dict[str, Any]]  # packets that were removed, for which a snapshot stands: their changes are not here
    members: list[dict[str, Any]]
    verification: Mapping[str, Any]
    warnings: list[str] = field(default_factory=list)

    @property
    def changes(self) -> int:
        """All of the period."""
        return sum(count.changes for count in self.cube)

    @property
    def problems(self) -> list[Mapping[str, str]]:
        """What does not verify; gaps are a list of their own."""
        return [p for p in self.verification["problems"] if not p["reason"].startswith("gap:")]


def gather(
    audit: Asks,
    verification: Mapping[str, Any],
    *,
    places: Sequence[str],
    span: tuple[str | None, str | None, str | None],
    software: str,
    parked: Sequence[Mapping[str, Any]] | None,
    database: str = "",
) -> Facts:
    """Asks everything. `span`: start, end and zone, as a person writes them; `parked`: what the home's database keeps
    out of its tables, None: there is no home, or `database` says why it is not known."""
    period = read_period(*span, None if span[0] and span[1] else _found(audit))
    cube, untimed, unreal = count_changes(audit, period)
    conflicts, gaps = _conflicts(audit, period), _gaps(audit, period)
    return Facts(
        network=_network(audit),
        places=list(places),
        made=datetime.now(UTC),
        software=software,
        period=period,
        cube=cube,
        untimed=untimed,
        unreal=unreal,
        packets=_packets(audit, period),
        conflicts=[entry for entry in conflicts if entry["kind"] == "edit"],
        parked=_parked(conflicts, parked),
        database=database,
        gaps=[gap for gap in gaps if not gap["covered"]],
        pruned=[gap for gap in gaps if gap["covered"]],
        members=_members(audit),
        verification=verification,
        warnings=list(audit.warnings),
    )


def _dicts(audit: Asks, query: str) -> list[dict[str, Any]]:
    found = audit.sql(query)
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def _found(audit: Asks) -> tuple[datetime, datetime] | None:
    low, high = audit.sql(f"SELECT min(t), max(t) FROM ({_TIMED}) WHERE {_IN_REACH}").rows[0]
    return None if low is None else (low.replace(tzinfo=UTC), high.replace(tzinfo=UTC))


def _text(at: datetime) -> str:
    return f"TIMESTAMP '{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}'"


def _within(period: Period, name: str = "t") -> str:
    return f"{name} >= {_text(period.start)} AND {name} < {_text(period.end)}"


def count_changes(audit: Asks, period: Period) -> tuple[list[Count], int, int]:
    """The cube; how many of its changes have no known time; how many have one before 1970 or after 9998 and are in no
    period. Days begin at the zone's midnight: what the zone is ahead of UTC is added first."""
    cases = "".join(
        f" WHEN t >= {_text(segment.start)} THEN {int(segment.offset.total_seconds())}"
        for segment in reversed(list(period.segments()))
    )
    query = f"""
        SELECT {_IN_REACH} AS real, CASE WHEN real THEN CAST(t + to_seconds(CASE{cases} END) AS DATE) END AS day,
            table_name, regexp_extract(origin, '^[^.~]*') AS site, "by", op, count(*) AS changes,
            count(*) FILTER (untimed) AS untimed
        FROM ({_TIMED}) WHERE ({_within(period)}) OR NOT ({_IN_REACH}) GROUP BY ALL ORDER BY ALL
    """
    rows = audit.sql(query).rows
    cube = [Count(*row[:-1]) for real, *row in rows if real]
    return cube, sum(row[-1] for row in rows if row[0]), sum(row[-2] for row in rows if not row[0])


def _network(audit: Asks) -> str:
    """Its name, as a packet has it; empty: there is no packet, or it is gone by now."""
    for (folder,) in audit.sql("SELECT folder FROM packets LIMIT 1").rows:
        with suppress(SatchelError):
            marker = read_limited(Path(folder) / MANIFEST_NAME, DEFAULT_LIMITS.envelope_bytes)
            return Manifest.parse(read_envelope(marker).payload).network.name
    return ""


def _packets(audit: Asks, period: Period) -> list[dict[str, Any]]:
    return _dicts(
        audit,
        f"""SELECT regexp_extract(origin, '^[^.~]*') AS site, count(*) AS packets, sum("rows")::BIGINT AS changes,
            sum(bytes)::BIGINT AS bytes, min(created) AS first, max(created) AS last
            FROM packets WHERE {_within(period, "created")} GROUP BY ALL ORDER BY ALL""",
    )


def _conflicts(audit: Asks, period: Period) -> list[dict[str, Any]]:
    """Conflicts with a version of the period, or that were settled in it, and those that are open now."""
    within = _within(period, 'coalesce(v."at", p.created)')
    found = _dicts(
        audit,
        f"""SELECT c.id, c.table_name, c.key, c.kind, c."columns", c.policy, c.rule, c.shown, c.closed_by, c.how,
            to_json(c.versions)::VARCHAR AS versions, min(coalesce(v."at", p.created)) AS opened,
            any_value(closing.created) AS closed
            FROM (SELECT *, unnest(versions) AS v FROM conflicts) AS c
            LEFT JOIN packets AS p ON p.origin = v.origin AND p.seq = v.seq
            LEFT JOIN packets AS closing ON closing.origin || '/' || closing.seq = c.closed_by
            GROUP BY ALL
            HAVING c.closed_by IS NULL OR bool_or({within}) OR bool_or({_within(period, "closing.created")})
            ORDER BY opened, c.table_name, c.key""",
    )
    for entry in found:
        entry["versions"] = json.loads(entry["versions"])
    return found


def _parked(told: Sequence[Mapping[str, Any]], known: Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]]:
    """Rows that are kept out of their table now, or noted: as a database has them, else as the packets tell."""
    if known is not None:
        return [
            {"table": c["table"], "key": json.dumps(c["key"], ensure_ascii=False), "kind": c["kind"],
             "state": c["state"], "why": c["reason"], "since": c["opened"], "id": c["id"]}
            for c in known if c["state"] != "edit" and c["closed"] is None
        ]  # fmt: skip
    return [
        {"table": c["table_name"], "key": c["key"], "kind": c["kind"], "state": c["shown"], "why": c["rule"],
         "since": c["opened"], "id": c["id"]}
        for c in told if c["kind"] != "edit" and c["closed_by"] is None
    ]  # fmt: skip


def _gaps(audit: Asks, period: Period) -> list[dict[str, Any]]:
    """Packets that are not here and may be of the period, by the times of their neighbours; `covered`: a snapshot
    stands for them."""
    return _dicts(
        audit,
        f"""SELECT g.origin, g.first, g.last, g.how, g.shown_by, g.covered, before.created AS after_time,
            following.created AS before_time
            FROM gaps AS g
            LEFT JOIN packets AS before ON before.origin = g.origin AND before.seq = g.first - 1
            LEFT JOIN packets AS following ON following.origin = g.origin AND following.seq = g.last + 1
            WHERE coalesce(before.created < {_text(period.end)}, true)
            AND coalesce(following.created >= {_text(period.start)}, true) ORDER BY ALL""",
    )


def _members(audit: Asks) -> list[dict[str, Any]]:
    """Every member with what it has said last: `behind` counts the packets here that it has not acknowledged."""
    heads = _dicts(audit, "SELECT origin, list(seq) AS seqs FROM packets GROUP BY ALL")
    acks = {entry["node"]: entry for entry in _dicts(audit, "SELECT * FROM acks")}
    found = []
    query = "SELECT node, any_value(role) AS role, any_value(invited_by) AS invited_by FROM nodes WHERE accepted"
    for node in _dicts(audit, f"{query} GROUP BY node ORDER BY node"):
        ack = acks.get(node["node"])
        vector = json.loads(ack["vector"]) if ack else {}
        covered = {origin: int(mark[0]) for origin, mark in vector.items()}
        behind = sum(seq > covered.get(entry["origin"], 0) for entry in heads for seq in entry["seqs"])
        found.append(
            {
                "node": node["node"],
                "role": node["role"],
                "invited_by": node["invited_by"],
                "heard": ack["clock"] if ack else None,
                "behind": behind if ack else None,
                "waiting": len(json.loads(ack["waiting"])) if ack else None,
                "quarantined": len(json.loads(ack["quarantined"])) if ack else None,
                "open_conflicts": ack["open_conflicts"] if ack else None,
            }
        )
    return found
