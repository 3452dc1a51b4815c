"""How things stand: one sentence and one table (INTERFACE, status)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from satchel.model.stamp import rfc3339
from satchel.model.vector import Vector, behind
from satchel.sync.acknowledged import marks_of
from satchel.sync.branches import fork_alarms, forks, naming_of
from satchel.sync.cuts import REVOKED
from satchel.sync.equality import alarms, equality_json
from satchel.sync.missing import missing
from satchel.sync.origins import epochs
from satchel.sync.patience import incomplete_json, overdue, standing
from satchel.sync.quarantine import Quarantine
from satchel.sync.roll import troubles
from satchel.sync.sightings import Sightings
from satchel.sync.site import Site, now_ms

_SHOWN = 100  # rows that are named


def status(site: Site) -> dict[str, Any]:
    """The document of INTERFACE, with `sentence`, `state`, `heads`, `database`, `home`.

    `lacks` [{table, columns}]: what the network has and this database has not (columns null: the whole table), likewise
    of each peer by its last acknowledgement. `incomplete` [{packet, needs, where, since, overdue}]: not whole at an
    exchange, may be arriving. `overdue` [{what, hint}]: what a person has to see to. `renumbered` {count, rows:
    [{table, gid, birth, number}]}: rows whose number here is not that of their birth. `epochs` [{origin, predecessor,
    at, because}]: opened when a backup was restored. `forks` [{origin, first, branches:
    [{origin, seq, hash}], settled}]: numbers that were used twice (sync/branches.py). `missing` [packet]: applied and
    not in the archive any more. `equality`: how this database compares with others (sync/equality.py).
    """
    from satchel.sync.report import renumbered_json

    vector = site.store.vector()
    quarantine = Quarantine(site.home.quarantine, now_ms())
    entries, sightings = quarantine.entries(), Sightings.of(site)
    waiting = standing_waits(site, quarantine)
    incomplete = incomplete_json(site, standing(sightings)[1], sightings.now)
    renumbered, rows = site.store.renumbered(_SHOWN)
    found: dict[str, Any] = {
        "node": site.settings.node,
        "network": site.settings.network,
        "origin": site.own_origin,
        "epochs": [{**epoch, "at": rfc3339(epoch["at"])} for epoch in epochs(site)],
        "forks": forks(site),
        "missing": [str(record.dot) for record in missing(site)],
        "state": site.notes.get("state", "active"),
        "vector": {origin: mark.seq for origin, mark in vector.items()},
        "heads": {origin: mark.hash for origin, mark in vector.items()},
        "pending": site.store.pending(),
        "waiting": waiting,
        "incomplete": incomplete,
        "quarantined": [entry.as_json() for entry in entries],
        "overdue": [*alarms(site), *troubles(site), *overdue(site, sightings, waiting, entries, incomplete)],
        "peers": _peers(site, vector),
        "conflicts": dict(site.store.conflict_counts()),
        "left_out": [{"table": entry.table, "reason": entry.reason} for entry in site.store.left_out()],
        "lacks": [{"table": entry.table, "columns": _columns(entry.columns)} for entry in site.store.lacks()],
        "renumbered": {"count": renumbered, "rows": [renumbered_json(row) for row in rows]},
        "equality": equality_json(site),
        "database": site.store.url,
        "home": str(site.home.path),
        "warnings": list(dict.fromkeys([*site.warnings, *site.members.alarms, *fork_alarms(site)])),
    }
    return {"sentence": sentence(found), **found}


def standing_waits(site: Site, quarantine: Quarantine) -> list[dict[str, str]]:
    """[{packet, for}]: what is in the archive or lies at an exchange, is not applied, and what it waits for."""
    from satchel.sync.report import Report

    if not site.joining and not site.shelf.has_news():
        return standing(Sightings.of(site))[0]

    from satchel.sync.incoming import Intake

    intake = Intake(site, Report(), quarantine, [site.archive], dry_run=True)
    intake.look()
    if site.joining:
        have = {signed.manifest.dot for signed in intake.known}
        wanted = ((origin, seq) for origin, mark in site.inviter_vector().items() for seq in range(1, mark.seq + 1))
        return [{"packet": site.settings.node, "for": f"{o}/{seq}"} for o, seq in wanted if (o, seq) not in have][:1000]
    return intake.waiting() + standing(Sightings.of(site))[0]


def _peers(site: Site, vector: Vector) -> list[dict[str, Any]]:
    acks, naming = site.acks(), naming_of(site)
    found = []
    for peer in site.peers:
        ack = acks.get(peer)
        marks = marks_of(site, peer, naming)
        found.append(
            {
                "node": peer,
                "vector": {origin: mark.seq for origin, mark in marks.items()},
                "behind": behind(vector, marks, naming.first_of),
                "heard": ack.clock if ack else None,
                "lacks": [{"table": e.table, "columns": _columns(e.columns)} for e in ack.lacks] if ack else [],
            }
        )
    return found


def sentence(found: Mapping[str, Any]) -> str:
    """How things stand, for a person who is no administrator."""
    if found["state"] == "joining":
        return f"{found['node']} is joining {found['network']}: import once from the share or stick to finish."
    troubles = [entry["what"] for entry in found["overdue"]]
    if names := sorted({fork["origin"] for fork in found["forks"] if not fork["settled"]}):
        troubles.append(f"two databases write as {_list(names)}: see `satchel doctor`")
    if count := len({entry["packet"] for entry in found["waiting"]}):
        troubles.append(f"{_count(count, 'packet waits', 'packets wait')} for others")
    if count := sum(not entry["reason"].startswith(REVOKED) for entry in found["quarantined"]):
        troubles.append(f"{_count(count, 'packet is', 'packets are')} in quarantine")
    if count := found["conflicts"]["open"]:
        troubles.append(f"{_count(count, 'conflict is', 'conflicts are')} open")
    if count := found["conflicts"]["parked"]:
        troubles.append(f"{_count(count, 'row is', 'rows are')} parked: see `satchel conflicts`")
    if count := found["conflicts"]["passed_over"]:
        troubles.append(f"{_count(count, 'conflict was', 'conflicts were')} passed over and nobody has looked")
    todo = []
    if count := found["pending"]:
        todo.append(f"{_count(count, 'changed row is', 'changed rows are')} not sent yet")
    if lacking := [peer["node"] for peer in found["peers"] if peer["behind"]]:
        todo.append(f"{_list(lacking)} {'has' if len(lacking) == 1 else 'have'} not acknowledged everything")
    if not troubles and not todo:
        return (
            f"All is well: everybody has everything that {found['node']} has."
            if found["peers"]
            else (f"{found['node']} is alone in {found['network']}: invite somebody with `satchel invite`.")
        )
    return "; ".join([*troubles, *todo]) + "."


def _columns(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else list(names)


def _count(number: int, one: str, many: str) -> str:
    return f"1 {one}" if number == 1 else f"{number:,} {many}"


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
