"""Signing the packets of one seal, after all their parts are written (docs/spec/packet.md, steps W4-W5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from satchel.model.vector import HASH_DIGITS, Mark, Vector
from satchel.packet.document import Network, refused_models
from satchel.packet.envelope import seal_envelope
from satchel.packet.keys import PrivateKey
from satchel.packet.manifest import Manifest, TableEntry, manifest_hash
from satchel.packet.wire import time_text, to_wire
from satchel.packet.written import Written


@dataclass(frozen=True, slots=True)
class SealFacts:
    """What the packets of one seal have in common. `context` is the author's vector, its own last packet included;
    `created` is milliseconds since 1970 UTC."""

    network: Network
    configuration: int
    kind: Literal["baseline", "changes", "join"]
    context: Vector
    created: int
    software: str
    predecessor: str | None = None  # of an epoch: the origin before it


@dataclass(frozen=True, slots=True)
class SignedPacket:
    """A packet's manifest. `envelope` is the exact content of manifest.json, `hash` the sha256 of `manifest_bytes`."""

    manifest: Manifest
    manifest_bytes: bytes
    hash: str
    envelope: bytes


def sign_packets(
    written: Sequence[Written], facts: SealFacts, key: PrivateKey, previous: str | None
) -> list[SignedPacket]:
    """Signs the packets of one seal in their order. `previous`: manifest hash of the origin's packet before them (64
    hex digits), None for a first one. BadPacket if no reader would take them: a fault of ours."""
    signed: list[SignedPacket] = []
    group = (written[0].dot.seq, written[-1].dot.seq) if written else (0, 0)
    context = dict(facts.context)
    for packet in written:
        manifest_bytes = _manifest_bytes(packet, facts, group, context, previous)
        digest = manifest_hash(manifest_bytes)
        manifest = Manifest.parse(manifest_bytes)  # what no reader would take must not be sealed
        envelope = seal_envelope(Manifest.payload_type, manifest_bytes, [key])
        signed.append(SignedPacket(manifest, manifest_bytes, digest, envelope))
        previous = digest
        context[packet.dot.origin] = Mark(packet.dot.seq, digest[:HASH_DIGITS])
    return signed


def _manifest_bytes(
    packet: Written, facts: SealFacts, group: tuple[int, int], context: Vector, previous: str | None
) -> bytes:
    with refused_models():
        manifest = Manifest(
            network=facts.network,
            configuration=facts.configuration,
            origin=packet.dot.origin,
            seq=packet.dot.seq,
            suffix=packet.suffix,
            group=group,
            kind=facts.kind,
            context=to_wire(context),
            previous=previous,
            created=time_text(facts.created),
            software=facts.software,
            predecessor=facts.predecessor,
            tables=tuple(TableEntry.of(part) for part in packet.parts),
        )
    return manifest.to_bytes()
