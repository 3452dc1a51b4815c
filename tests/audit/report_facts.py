"""Facts of reports, made up: quiet and busy networks, one site and fifty, and names that attack."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from satchel.audit.report.facts import OPS, Count, Facts
from satchel.audit.report.period import read_period

ATTACK = "<script>alert(1)</script>"
QUOTED = "\"><img src=x onerror='alert(2)'>\u202e\x00&amp;"
VERIFIED: dict[str, Any] = {
    "packets": 412, "files": 1290, "bytes": 31_415_926, "root": "667aa09b0a1b2c3d", "problems": [], "incomplete": [],
}  # fmt: skip


def facts(sites: int = 4, days: int = 31, *, start: str = "2026-03-01", seed: int = 0, **changes: Any) -> Facts:
    """A period of `days` in which everybody was busy."""
    chance = random.Random(seed)
    period = read_period(start, None, "Europe/Zurich", None)
    end = (period.start + timedelta(days=days - 1)).date().isoformat()
    period = read_period(start, end, "Europe/Zurich", None)
    names = ["office", "branch", "clinic", "depot-of-the-northern-islands", *(f"site-{n:02}" for n in range(50))][
        :sites
    ]
    tables = ["customers", "quotes", "quote_lines", "stock", "measurements_of_the_last_quarter_by_device_and_channel"]
    cube = [
        Count(period.start.date() + timedelta(days=day), table, site, person, op, chance.randint(1, 90) * weight)
        for day in range(days) if (period.start + timedelta(days=day)).weekday() < 5 or chance.random() < 0.1
        for site, weight in zip(names, range(len(names), 0, -1), strict=True) if chance.random() < 0.7
        for table in chance.sample(tables, 2) for op in OPS if chance.random() < 0.6
        for person in [chance.choice(["ann", "bob", "Maximiliane Freifrau von und zu Hohenstein-Waldburg", None])]
    ]  # fmt: skip
    at = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
    packets = [
        {"site": name, "packets": 20 + place, "changes": 900 * place, "bytes": 70_000 * place, "first": at, "last": at}
        for place, name in enumerate(names)
    ]
    members = [
        {"node": name, "role": "member", "invited_by": "office", "heard": at, "behind": place, "waiting": 0,
         "quarantined": 0, "open_conflicts": 1} for place, name in enumerate(names)
    ]  # fmt: skip
    found = Facts(
        network="acme", places=["packets"], made=at, software="satchel 1", period=period, cube=cube, untimed=7,
        unreal=0, packets=packets, conflicts=[conflict(), conflict(closed_by="office/9", how="resolved")], parked=[],
        database="", gaps=[], pruned=[], members=members, verification=VERIFIED,
    )  # fmt: skip
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def conflict(name: str = "customers", value: str = "555-0101", by: str = "ann", **changes: Any) -> dict[str, Any]:
    """Two sites wrote a phone number."""
    at = datetime(2026, 3, 4, 9, 30)
    versions = [
        {"origin": origin, "seq": 3, "at": "2026-03-04 09:30:00", "by": by, "op": op,
         "row": json.dumps({"id": "c1", "name": "Ann", "phone": phone})}
        for origin, op, phone in (("office", "update", value), ("branch", "delete", None))
    ]  # fmt: skip
    return {
        "id": "7f3a21bc09", "table_name": name, "key": json.dumps(["c1"]), "kind": "edit", "columns": ["phone"],
        "policy": "merge", "rule": "an update wins over a delete that had not seen it", "shown": "{}",
        "closed_by": None, "how": None, "versions": versions, "opened": at, "closed": None, **changes,
    }  # fmt: skip


def gap(origin: str = "branch", first: int = 12, last: int = 14) -> dict[str, Any]:
    """Packets that are not there."""
    return {"origin": origin, "first": first, "last": last, "how": "chain", "shown_by": f"{origin}/{last + 1}",
            "after_time": None, "before_time": None}  # fmt: skip


def problem(packet: str = "branch/9", reason: str = "its sha256 is another") -> dict[str, str]:
    """A packet that does not verify."""
    return {"packet": packet, "file": "customers.parquet", "reason": reason, "folder": "x"}
