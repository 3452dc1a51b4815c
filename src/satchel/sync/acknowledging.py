"""Acknowledge: what this node has, what waits here and why, in one signed file (PROTOCOL, Acknowledgements)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from satchel.exchange.folder import open_exchange
from satchel.model.stamp import rfc3339
from satchel.packet.ack import Ack, LacksEntry, QuarantineEntry, WaitingEntry, WantedEntry, sign_ack
from satchel.packet.document import to_wire
from satchel.sync.quarantine import Quarantine
from satchel.sync.site import SOFTWARE, Site, now_ms

_DOT = re.compile(r"[a-z0-9.~-]+/[0-9]+")
_MOST = 1000  # entries of each list: an acknowledgement is a note, not an archive


def acknowledge(site: Site, waiting: Sequence[dict[str, str]]) -> None:
    """Writes the own acknowledgement into the archive and the outbox; after the commit that it speaks of."""
    known = site.acks().get(site.settings.node)
    counter = max(now_ms(), int(known.counter) + 1 if known else 0)
    quarantined = Quarantine(site.home.quarantine, now_ms()).entries()
    wanted = dict.fromkeys(match[0] for entry in waiting if (match := _DOT.match(entry["for"])))
    ack = Ack(
        network=site.network,
        node=site.settings.node,
        origin=site.origin,
        counter=str(counter),
        vector=to_wire(site.store.vector()),
        waiting=tuple(WaitingEntry.model_validate(_clip(entry)) for entry in waiting[:_MOST]),
        quarantined=tuple(QuarantineEntry.model_validate(_clip(entry)) for entry in quarantined[:_MOST]),
        wanted=tuple(WantedEntry(packet=packet) for packet in list(wanted)[:_MOST]),
        configuration=site.configuration.version,
        conflicts=site.store.conflict_counts()["open"],
        lacks=tuple(LacksEntry(table=lacks.table, columns=lacks.columns) for lacks in site.store.lacks()[:_MOST]),
        clock=rfc3339(now_ms()),
        software=SOFTWARE,
    )
    data = sign_ack(ack, site.key)
    site.put_ack(ack, data)
    outbox = open_exchange(site.home.outbox, site.settings.network_id, create=True)
    outbox.put_side_file(f"acks/{ack.file_name}", data)


def _clip(entry: dict[str, str]) -> dict[str, str]:
    return {name: value[:500] for name, value in entry.items()}
