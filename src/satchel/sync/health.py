"""The health of the whole network, from the folder alone: what every member says of itself (PROTOCOL,
Acknowledgements)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from satchel.model.vector import Mark, behind
from satchel.packet.members import Members
from satchel.packet.receipt import Receipt
from satchel.packet.wire import time_value
from satchel.sync.bystander import Bystander, newest
from satchel.sync.clocks import TOLERANCE_MS, in_words
from satchel.sync.site import Site, now_ms

_DAY_MS = 86_400_000
SILENT_DAYS = 14.0
_SINCE = "nothing was heard of it yet"


def health_of(site: Site) -> dict[str, Any]:
    """As this node knows it."""
    days = site.settings.loud_after_days
    return _health(site.members, dict(site.acks()), days, own=site.store.vector())


def health_at(folder: Path) -> dict[str, Any]:
    """As a share or stick tells it to anybody. ExchangeUnreachable, SatchelError, VerificationFailed: see Bystander."""
    found = Bystander.at(folder)
    acks = {name: Receipt.of(ack.to_bytes()) for name, ack in newest(found.acks()).items()}
    return _health(found.members, acks, SILENT_DAYS)


def _health(
    members: Members, acks: Mapping[str, Receipt], silent_days: float, own: Mapping[str, Mark] | None = None
) -> dict[str, Any]:
    """{network, sentence, nodes: [{node, role, state, heard, behind, waiting, quarantined, conflicts, configuration,
    software, lacks: [{table, columns}], troubles: [text]}]}."""
    best = _union([*(ack.marks for ack in acks.values()), *([own] if own else [])])
    agreed = members.agreed.version if members.agreed else 0
    newest_version = max([agreed, *(int(ack.fields["configuration"]) for ack in acks.values())])
    nodes = []
    for member in sorted(members.members, key=lambda member: member.name):
        ack, state = acks.get(member.name), members.state(member.name)
        entry: dict[str, Any] = {"node": member.name, "role": member.role, "state": state, "heard": None}
        if ack is not None:
            entry |= _said(ack, best)
        entry["troubles"] = _troubles(entry, ack, newest_version, silent_days) if state == "active" else []
        nodes.append(entry)
    return {"network": members.network.name, "sentence": _sentence(nodes), "nodes": nodes}


def _union(vectors: list[Mapping[str, Mark]]) -> dict[str, Mark]:
    found: dict[str, Mark] = {}
    for vector in vectors:
        for origin, mark in vector.items():
            if origin not in found or found[origin].seq < mark.seq:
                found[origin] = mark
    return found


def _said(ack: Receipt, best: Mapping[str, Mark]) -> dict[str, Any]:
    return {
        "heard": ack.clock,
        "behind": behind(best, ack.marks),
        "waiting": len(ack.fields.get("waiting", ())),
        "quarantined": len(ack.quarantined),
        "conflicts": int(ack.fields.get("conflicts", 0)),
        "configuration": int(ack.fields["configuration"]),
        "software": str(ack.fields.get("software", "")),
        "lacks": [{"table": e.table, "columns": None if e.columns is None else list(e.columns)} for e in ack.lacks],
    }


def _troubles(entry: Mapping[str, Any], ack: Receipt | None, version: int, silent_days: float) -> list[str]:
    """What somebody should look at, in words."""
    if ack is None:
        return [_SINCE]
    found, ahead = [], time_value(ack.clock) - now_ms()
    if ahead > TOLERANCE_MS:
        found.append(f"its clock is {in_words(ahead)} ahead")
    elif -ahead > silent_days * _DAY_MS:
        found.append(f"nothing was heard of it for {in_words(-ahead)}")
    if entry["configuration"] < version:
        found.append(f"it follows configuration {entry['configuration']}, the newest is {version}")
    if entry["lacks"]:
        found.append("it lacks " + ", ".join(_lacking(lack) for lack in entry["lacks"][:4]))
    if entry["quarantined"]:
        found.append(f"{entry['quarantined']} packets are in quarantine there")
    return found


def _lacking(lack: Mapping[str, Any]) -> str:
    return lack["table"] if lack["columns"] is None else f"{lack['table']} ({', '.join(lack['columns'])})"


def _sentence(nodes: list[dict[str, Any]]) -> str:
    """For a person who is no administrator."""
    active = [entry for entry in nodes if entry["state"] == "active"]
    parts = []
    if late := [entry["node"] for entry in active if entry.get("behind")]:
        parts.append(f"{', '.join(late)} {'does' if len(late) == 1 else 'do'} not have everything yet")
    if troubled := [entry["node"] for entry in active if entry["troubles"]]:
        parts.append(f"look after {', '.join(troubled)}")
    if conflicts := sum(entry.get("conflicts", 0) for entry in active):
        parts.append(f"{conflicts:,} conflicts are open, counted at every node")
    count = "1 member" if len(active) == 1 else f"all {len(active)} members"
    return "; ".join(parts) + "." if parts else f"All is well: {count} said so, and lack nothing that is known of."
