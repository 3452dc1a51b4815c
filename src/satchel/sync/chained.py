"""The chain of an origin: each packet names the whole hash of the one before it (docs/spec/packet.md, C3)."""

from __future__ import annotations

from collections.abc import Callable

from satchel.errors import BadPacket
from satchel.model.ids import Dot, trunk_of
from satchel.packet.verify import SignedManifest
from satchel.replication.order import Header


def check_chain(signed: SignedManifest, header: Header, hash_of: Callable[[Dot], str | None]) -> None:
    """BadPacket if the packet before is known here and has another hash. The causal order compares 16 digits only;
    what is applied with the other 48 wrong would make every archive fail its verification. `header`: in the names that
    hold here; `hash_of`: the manifest hash of a packet, None: not known."""
    previous = signed.manifest.previous
    if previous is None:
        return
    for origin, mark in header.context.items():
        same = trunk_of(origin) == trunk_of(header.dot.origin) and mark.seq == header.dot.seq - 1
        if same and previous.startswith(mark.hash):  # and not of another branch that its author had seen
            known = hash_of(Dot(origin, mark.seq))
            if known is not None and known.startswith(mark.hash) and not previous.startswith(known):
                raise BadPacket(f"the hash of the packet before is not that of {Dot(origin, mark.seq)}")
