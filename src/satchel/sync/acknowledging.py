"""Acknowledge: what this node has, what waits here and why, in one signed file (PROTOCOL, Acknowledgements)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from satchel.exchange.folder import open_exchange
from satchel.model.stamp import rfc3339
from satchel.model.vector import HASH_DIGITS
from satchel.packet.json_text import dump_json
from satchel.packet.receipt import Receipt
from satchel.packet.wire import FORMAT_MAJOR, FORMAT_MINOR, time_value
from satchel.sync.equality import own_entry
from satchel.sync.memory import NOTE as VERIFIED
from satchel.sync.missing import missing
from satchel.sync.origins import predecessor
from satchel.sync.patience import gaps_before, is_wanted, wanted
from satchel.sync.quarantine import Quarantine
from satchel.sync.site import SOFTWARE, Site, now_ms

_STILL_MS = 10 * 60 * 1000
_MOST = 1000  # entries of each list: an acknowledgement is a note, not an archive


def acknowledge(site: Site, waiting: Sequence[dict[str, str]]) -> None:
    """Writes the own acknowledgement into the archive and the outbox; after the commit that it speaks of. One that says
    nothing new is written every ten minutes only, as a sign of life."""
    known, now = site.acks().get(site.settings.node), now_ms()
    highest = max(known.counter if known else 0, site.seen_counter, int(site.notes.get("acknowledged", "0")))
    said = _said(site, waiting)
    if known is not None and known.counter == highest and _is_still(known, said, now):
        return
    from satchel.packet.ack import Ack, sign_ack

    counter = max(now, highest + 1)
    ack = Ack.parse(dump_json({**said, "counter": str(counter), "clock": rfc3339(now), "software": SOFTWARE}))
    data = sign_ack(ack, site.key)
    site.memory.keep(data)
    # before the file: one that the database did not write shows a restored backup
    site.note(acknowledged=str(counter), **{VERIFIED: site.memory.text()})
    site.put_ack(ack.file_name, data)
    outbox = open_exchange(site.home.outbox, site.settings.network_id, create=True)
    outbox.put_side_file(f"acks/{ack.file_name}", data)


def _is_still(known: Receipt, said: Mapping[str, Any], now: int) -> bool:
    """Whether the last acknowledgement said the same, not long ago by this clock."""
    return 0 <= now - time_value(known.clock) < _STILL_MS and all(known.fields.get(n) == v for n, v in said.items())


def _said(site: Site, waiting: Sequence[dict[str, str]]) -> dict[str, Any]:
    """What is to be acknowledged, as JSON has it."""
    quarantined = Quarantine(site.home.quarantine, now_ms()).entries()
    gaps = wanted(waiting, site.wants)
    again = {entry.packet: entry.hash[:HASH_DIGITS] for entry in quarantined if is_wanted(entry)}
    again |= dict.fromkeys(gaps_before(site, gaps), "") | gaps
    again |= {str(record.dot): record.hash[:HASH_DIGITS] for record in missing(site)}
    digests = own_entry(site)
    return {
        "format": {"major": FORMAT_MAJOR, "minor": FORMAT_MINOR},
        "network": {"id": site.settings.network_id, "name": site.settings.network},
        "node": site.settings.node,
        "origin": site.origin,
        "predecessor": predecessor(site),
        "was": json.loads(site.notes.get("was", "[]")),
        "vector": {origin: [mark.seq, mark.hash] for origin, mark in site.store.vector().items()},
        "waiting": [_waiting(entry, site.wants) for entry in waiting[:_MOST]],
        "quarantined": [{"packet": _clip(e.packet), "reason": _clip(e.reason)} for e in quarantined[:_MOST]],
        "wanted": [{"packet": packet, "hash": digest or None} for packet, digest in list(again.items())[:_MOST]],
        "configuration": site.agreed.version,
        "conflicts": site.store.conflict_counts()["open"],
        "lacks": [{"table": e.table, "columns": _listed(e.columns)} for e in site.store.lacks()[:_MOST]],
        "digests": digests,
    }


def _listed(columns: Sequence[str] | None) -> list[str] | None:
    return None if columns is None else list(columns)


def _waiting(entry: Mapping[str, str], hashes: Mapping[str, str]) -> dict[str, str | None]:
    """Without the place where it lies: that is nobody else's."""
    return {"packet": _clip(entry["packet"]), "for": _clip(entry["for"]), "hash": hashes.get(entry["for"])}


def _clip(text: str) -> str:
    return text[:500]
