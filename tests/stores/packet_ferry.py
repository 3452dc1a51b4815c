"""The ferry with real packets: parts written, signed, read back and checked, as they travel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from satchel.model.ids import Dot
from satchel.packet.document import Network
from satchel.packet.keys import PrivateKey
from satchel.packet.manifest import folder_name
from satchel.packet.reader import open_packet
from satchel.packet.signing import SealFacts, sign_packets
from satchel.packet.writer import write_packets
from satchel.stores.base import Delta
from satchel.stores.records import Incoming, Sealed, Stretch
from tests.stores.ferry import BASELINE_TIME, Ferry, Shipped, Site

NETWORK = Network(id="0b6a54b6-4d8f-4cbb-a9a0-3c5b8a4d1c11", name="acme")


@dataclass
class PacketFerry(Ferry):
    """Packets in folders below `folder`."""

    folder: Path = Path()
    key: PrivateKey = field(default_factory=PrivateKey.generate)

    def packed(self, site: Site, delta: Delta, data: Mapping[str, list[pa.RecordBatch]]) -> list[Sealed]:
        context = site.store.vector()
        last = context.get(site.name)
        tables = {table.name: table for table in site.store.tables()}
        written = write_packets(
            lambda seq, suffix: self.folder / site.name / folder_name(seq, suffix),
            {tables[name]: lambda batches=batches: iter(batches) for name, batches in data.items()},
            site.name,
            last.seq + 1 if last else 1,
            max_rows=self.rows_each,
        )
        kind = delta.kind
        facts = SealFacts(NETWORK, 1, kind, context, BASELINE_TIME, "satchel test")  # type: ignore[arg-type]
        previous = None
        if last is not None:
            previous = self.packets[Dot(site.name, last.seq)].incoming.hash
        sealed = []
        for packet, made in zip(written, sign_packets(written, facts, self.key, previous), strict=True):
            manifest = made.manifest
            sealed.append(
                Sealed(
                    dot=packet.dot,
                    hash=made.hash,
                    suffix=packet.suffix,
                    group=manifest.group,
                    context=manifest.vector,
                    kind=manifest.kind,
                    envelope=made.envelope,
                    created=manifest.created_ms,
                    rows=manifest.rows,
                    stretches=[Stretch(*stretch) for stretch in packet.stretches],
                )
            )
            reader = open_packet(packet.folder, manifest)
            incoming = Incoming(
                dot=packet.dot,
                hash=made.hash,
                suffix=packet.suffix,
                group=manifest.group,
                context=manifest.vector,
                kind=manifest.kind,
                created=manifest.created_ms,
                rows=manifest.rows,
                batches=reader.batches,
            )
            self.packets[packet.dot] = Shipped(incoming, {})
        return sealed
