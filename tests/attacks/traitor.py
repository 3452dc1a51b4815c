"""A member with bad intent: a good key, programs of its own, and a share in which everybody looks for its packets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from satchel.model.schema import Column, Table
from satchel.model.vector import HASH_DIGITS, Mark
from satchel.packet.configuration import Configuration
from satchel.packet.document import Network
from satchel.packet.envelope import seal_envelope
from satchel.packet.keys import PrivateKey
from satchel.packet.manifest import MANIFEST_NAME, Manifest, folder_name, manifest_hash
from satchel.packet.members import Members
from satchel.packet.signing import SealFacts, SignedPacket, sign_packets
from satchel.packet.writer import write_packets
from satchel.packet.written import Written
from tests.packet.builders import batch, streamed
from tests.sync.sites import Place

CUSTOMERS = Table(
    "customers",
    tuple(Column(name, "string", "TEXT", "text") for name in ("id", "name", "town")),
    ("id",),
)
Fields = dict[str, Any]


def customers(*names: str) -> pa.RecordBatch:
    """Rows that the other sites do not have yet."""
    return batch(CUSTOMERS, {"id": [f"t{place}" for place in range(len(names))], "name": names})


class Traitor:
    """A site whose node seals by hand: the next packet of its sequence, having seen all that the site has applied."""

    def __init__(self, place: Place, share: Path) -> None:
        self.place = place
        self.share = share
        self.key = PrivateKey.load(place.home / "node.key")
        files = [path.read_bytes() for path in (place.home / "packets" / "nodes").glob("*.json")]
        self.members = Members.from_files(None, files)
        self.network: Network = self.members.network
        status = place.node.status()
        self.origin: str = status["origin"]
        self.heads = {
            origin: Mark(seq, status["heads"][origin][:HASH_DIGITS]) for origin, seq in status["vector"].items()
        }
        self.previous: str | None = None

    def write(self, rows: pa.RecordBatch, table: Table = CUSTOMERS) -> Written:
        """The parts of the next packet in the share, without manifest."""
        seq = self.heads[self.origin].seq + 1 if self.origin in self.heads else 1
        root = self.share / "packets" / self.network.name / self.origin
        parts = {table: streamed(rows)}
        [written] = write_packets(lambda seq, suffix: root / folder_name(seq, suffix), parts, self.origin, seq)
        return written

    def sign(self, written: Written) -> SignedPacket:
        """What its manifest should be."""
        assert self.members.configuration is not None
        facts = SealFacts(
            self.network, self.members.configuration.version, "changes", self.heads, 1_800_000_000_000, "bad intent"
        )
        [signed] = sign_packets([written], facts, self.key, self.previous)
        return signed

    def drop(self, written: Written, change: Callable[[Fields], object] = lambda fields: None) -> Path:
        """Writes the manifest, with whatever `change` makes of it, rightly signed. Returns the packet's folder."""
        fields = json.loads(self.sign(written).manifest_bytes)
        change(fields)
        payload = json.dumps(fields).encode("utf-8", "surrogatepass")
        (written.folder / MANIFEST_NAME).write_bytes(seal_envelope(Manifest.payload_type, payload, [self.key]))
        return written.folder

    def send(self, rows: pa.RecordBatch, table: Table = CUSTOMERS) -> Path:
        """One packet with these rows."""
        return self.drop(self.write(rows, table))

    def configure(self, change: Callable[[Fields], object]) -> None:
        """Drops the next version of the configuration, with whatever `change` makes of it, rightly signed."""
        before = self.members.configuration
        assert before is not None
        fields = json.loads(before.to_bytes())
        fields |= {"version": before.version + 1, "signer": self.place.name}
        change(fields)
        payload = json.dumps(fields).encode("utf-8", "surrogatepass")
        nodes = self.share / "nodes"
        nodes.mkdir(exist_ok=True)
        (nodes / "config-hostile.json").write_bytes(seal_envelope(Configuration.payload_type, payload, [self.key]))

    def hash_of(self, packet: Path) -> str:
        """The hash of the manifest in a packet's folder."""
        return manifest_hash(Manifest.open((packet / MANIFEST_NAME).read_bytes()).payload)

    def mark_of(self, packet: Path) -> Mark:
        """The packet as a vector names it, the next of this node's."""
        seq = self.heads[self.origin].seq + 1 if self.origin in self.heads else 1
        return Mark(seq, self.hash_of(packet)[:HASH_DIGITS])
