"""Acknowledge: what this node has, what waits here and why, in one signed file (PROTOCOL, Acknowledgements)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from satchel.exchange.folder import open_exchange
from satchel.model.stamp import rfc3339
from satchel.model.vector import HASH_DIGITS
from satchel.packet.ack import Ack, LacksEntry, QuarantineEntry, WaitingEntry, WantedEntry, sign_ack
from satchel.packet.wire import to_wire
from satchel.sync.missing import missing
from satchel.sync.origins import predecessor
from satchel.sync.patience import gaps_before, is_wanted, wanted
from satchel.sync.quarantine import Quarantine
from satchel.sync.site import SOFTWARE, Site, now_ms

_MOST = 1000  # entries of each list: an acknowledgement is a note, not an archive


def acknowledge(site: Site, waiting: Sequence[dict[str, str]]) -> None:
    """Writes the own acknowledgement into the archive and the outbox; after the commit that it speaks of."""
    known = site.acks().get(site.settings.node)
    highest = max(int(known.counter) if known else 0, site.seen_counter, int(site.notes.get("acknowledged", "0")))
    counter = max(now_ms(), highest + 1)
    quarantined = Quarantine(site.home.quarantine, now_ms()).entries()
    gaps = wanted(waiting, site.wants)
    again = {entry.packet: entry.hash[:HASH_DIGITS] for entry in quarantined if is_wanted(entry)}
    again |= dict.fromkeys(gaps_before(site, gaps), "") | gaps
    again |= {str(record.dot): record.hash[:HASH_DIGITS] for record in missing(site)}
    ack = Ack(
        network=site.network,
        node=site.settings.node,
        origin=site.origin,
        predecessor=predecessor(site),
        was=tuple(json.loads(site.notes.get("was", "[]"))),
        counter=str(counter),
        vector=to_wire(site.store.vector()),
        waiting=tuple(_waiting(entry, site.wants) for entry in waiting[:_MOST]),
        quarantined=tuple(
            QuarantineEntry(packet=_clip(entry.packet), reason=_clip(entry.reason)) for entry in quarantined[:_MOST]
        ),
        wanted=tuple(WantedEntry(packet=packet, hash=digest or None) for packet, digest in list(again.items())[:_MOST]),
        configuration=site.configuration.version,
        conflicts=site.store.conflict_counts()["open"],
        lacks=tuple(LacksEntry(table=lacks.table, columns=lacks.columns) for lacks in site.store.lacks()[:_MOST]),
        clock=rfc3339(now_ms()),
        software=SOFTWARE,
    )
    data = sign_ack(ack, site.key)
    site.note(acknowledged=str(counter))  # before the file: one that the database did not write shows a restored backup
    site.put_ack(ack, data)
    outbox = open_exchange(site.home.outbox, site.settings.network_id, create=True)
    outbox.put_side_file(f"acks/{ack.file_name}", data)


def _waiting(entry: Mapping[str, str], hashes: Mapping[str, str]) -> WaitingEntry:
    """Without the place where it lies: that is nobody else's."""
    fields = {"packet": _clip(entry["packet"]), "for": _clip(entry["for"]), "hash": hashes.get(entry["for"])}
    return WaitingEntry.model_validate(fields)


def _clip(text: str) -> str:
    return text[:500]
