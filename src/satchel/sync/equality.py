"""The certificate of equality: digests of this database, those of others, and what to say where they differ (PROTOCOL,
Equality; ADR 30).

Digests read every row, so they are taken once in a while (`[equality] hours` of satchel.toml), when somebody asks, and
when another node has told its own at just the vector that this one has. After that they are taken again, as often as
costs a hundredth of the time, until every member has told the same at some vector: nodes that write all the time meet
at one vector only now and then.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from satchel.errors import SatchelError
from satchel.model.stamp import rfc3339
from satchel.model.vector import Vector
from satchel.packet.equal import Told, differing, in_words, plain_vector, rules_digest
from satchel.sync.site import Site, now_ms

if TYPE_CHECKING:
    from satchel.stores.look import Digests

TAKEN = "digests"  # note: {at, seconds, said: [entry]}: the newest of this node, the last one first
COMPARED = "equality"  # note: {node: {at, of, differs: {table: [column]}}}: what was found last of each; of: when the
# digests of both were taken
_KEPT = 4  # own digests that are remembered: those of others come late
_COLUMNS = 20_000  # more are not told: an acknowledgement is a note, not an archive
_HOUR = 3_600_000  # milliseconds
_SHARE = 100  # of the time that passes, this part may be spent on taking digests again
_PAUSE = 600_000  # milliseconds between two that are taken again, at least

Words = list[dict[str, Any]]


def certify(site: Site) -> None:
    """Takes the digests of this database if it is time or the site was asked to, and compares them with those that
    others have told. Says in the site's warnings where they differ."""
    if site.joining or site.dry_run:
        return
    taken = _taken(site)
    if site.comparing or _is_due(site, taken):
        _take(site, taken)
    _compare(site)
    site.warnings += [alarm["what"] for alarm in alarms(site)]


def _take(site: Site, taken: Mapping[str, Any]) -> None:
    """Takes the digests, unless something was written since the last seal: then it is for the next time."""
    began, said = time.monotonic(), taken["said"]
    try:
        found = site.store.digests()
    except SatchelError as problem:
        if site.comparing:
            raise
        # nobody asked for it: what was applied must not fail for it, nor must the next run try at once
        site.warnings.append(f"the digests of the rows could not be taken: {problem.message}")
    else:
        if found is None:
            return
        said = [_entry(site, found), *_without(said, found.vector)][:_KEPT]
    _keep(site, TAKEN, {"at": now_ms(), "seconds": round(time.monotonic() - began, 3), "said": said})


def own_entry(site: Site) -> Any:
    """What the acknowledgement tells: the newest digests of this node, as JSON has them; None before any were taken."""
    said = _taken(site)["said"]
    return said[0] if said else None


def _compare(site: Site) -> None:
    """Compares what others have told with what this node told at the same vector, and remembers what was found."""
    said = _taken(site)["said"]
    if not said:
        return
    known = compared(site)
    found = dict(known)
    for node, entry in _others(site).items():
        for mine in said:
            of = [entry["at"], mine["at"]]
            if node in known and known[node]["of"] == of:
                break  # these two were compared before
            differs = differing(mine, entry)
            if differs is not None:
                found[node] = {"at": rfc3339(now_ms()), "of": of, "differs": differs}
                break
    if found != known:
        _keep(site, COMPARED, found)


def compared(site: Site) -> dict[str, Any]:
    """What was found of each node last: {node: {at, differs: {table: [column]}}}."""
    found: dict[str, Any] = json.loads(site.notes.get(COMPARED, "{}"))
    return found


def alarms(site: Site) -> Iterator[dict[str, str]]:
    """[{what, hint}]: nodes with the same packets and other rows."""
    me = site.settings.node
    for node, told in sorted(compared(site).items()):
        if told["differs"] and (node in site.peers):
            yield {
                "what": f"{me} and {node} have the same packets and not the same rows: {in_words(told['differs'])}",
                "hint": "run `satchel verify --replay` at both: it compares a database with its packets, row by row",
            }


def equality_json(site: Site) -> dict[str, Any]:
    """{taken, seconds, peers: [{node, equal, at, newest, told, tables: [{table, columns}]}]}: `taken`: when this node
    last took its digests (null: never); `equal` null: never compared at one vector; `newest`: whether what was compared
    are the newest digests of both; `told`: when that node took those that are known here."""
    taken, found, others = _taken(site), compared(site), _others(site)
    said = taken["said"]
    peers = []
    for peer in site.peers:
        known, told = found.get(peer), others.get(peer, {}).get("at")
        tables = [] if known is None else sorted(known["differs"].items())
        peers.append(
            {
                "node": peer,
                "equal": None if known is None else not tables,
                "at": None if known is None else known["at"],
                "newest": known is not None and bool(said) and known["of"] == [told, said[0]["at"]],
                "told": told,
                "tables": [{"table": table, "columns": columns} for table, columns in tables],
            }
        )
    return {"taken": said[0]["at"] if said else None, "seconds": taken["seconds"] if said else None, "peers": peers}


# -- when


def _is_due(site: Site, taken: Mapping[str, Any]) -> bool:
    period, now = site.settings.equality_hours * _HOUR, now_ms()
    if not period:
        return False
    if not taken["at"]:  # the first period begins now
        _keep(site, TAKEN, {"at": now, "seconds": 0, "said": []})
        return False
    age = now - taken["at"]
    if not 0 <= age < period:
        return True
    rest = max(_PAUSE, taken["seconds"] * 1000 * _SHARE)
    vector = plain_vector(site.store.vector())
    newest = taken["said"][0] if taken["said"] else None
    if newest is not None and newest["vector"] == vector and newest["rules"] == _rules(site):
        return False
    if any(plain_vector(told["vector"]) == vector for told in _others(site).values()):
        return newest is None or age >= rest
    return newest is not None and age >= rest and _is_unconfirmed(site, now - period)


def _others(site: Site) -> dict[str, Told]:
    """What other nodes tell of their databases."""
    acks = ((node, ack) for node, ack in site.acks().items() if node != site.settings.node)
    return {node: told for node, ack in acks if (told := ack.fields.get("digests"))}


def _is_unconfirmed(site: Site, since: float) -> bool:
    """Whether some member has not told the same for a period."""
    from satchel.packet.wire import time_value

    found = compared(site)
    return any(peer not in found or time_value(found[peer]["at"]) < since for peer in site.peers)


# -- what is kept


def _taken(site: Site) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(site.notes.get(TAKEN, "{}"))
    return {"at": 0, "seconds": 0, "said": [], **found}


def _keep(site: Site, name: str, value: Any) -> None:
    site.note(**{name: json.dumps(value, separators=(",", ":"))})


def _without(said: Words, vector: Vector) -> Words:
    """All but those of one vector."""
    return [entry for entry in said if entry["vector"] != plain_vector(vector)]


def _rules(site: Site) -> str:
    agreed = site.members.agreed
    return rules_digest("" if agreed is None else agreed.file_name, site.members.bans.cuts)


def _entry(site: Site, found: Digests) -> dict[str, Any]:
    columns = sum(len(table.columns or ()) for table in found.tables)
    return {
        "at": rfc3339(now_ms()),
        "vector": plain_vector(found.vector),
        "rules": _rules(site),
        "tables": [
            {
                "table": table.table,
                "rows": table.rows,
                "dots": table.dots,
                "deleted": table.deleted,
                "columns": None if columns > _COLUMNS or table.columns is None else dict(table.columns),
            }
            for table in found.tables
        ],
    }
