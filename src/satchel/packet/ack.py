"""Acknowledgements: what a node has applied, what waits there and why (docs/spec/packet.md, Acknowledgements)."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from satchel.errors import BadPacket
from satchel.model.ids import node_of
from satchel.model.vector import Mark
from satchel.packet.digests import DigestsEntry
from satchel.packet.document import (
    MAX_SEQ,
    Document,
    Model,
    Name,
    Network,
    NodeName,
    Number64,
    OriginName,
    Text,
    Time,
    WireVector,
)
from satchel.packet.keys import PrivateKey
from satchel.packet.limits import Limits
from satchel.packet.members import Members
from satchel.packet.problem import Waiting
from satchel.packet.signers import Kind, read_signed
from satchel.packet.wire import from_wire

_LAST_COUNTER = 1 << 62  # it is milliseconds; what comes after has room in 64 bits


class WaitingEntry(Model):
    """A packet that waits for another, named by the first 16 digits of its manifest's hash where that is known."""

    packet: Text
    needs: Text = Field(alias="for")
    hash: Text | None = None


class QuarantineEntry(Model):
    """A packet that is not trusted there."""

    packet: Text
    reason: Text


class WantedEntry(Model):
    """A packet that the node asks for again."""

    packet: Text
    hash: Text | None = None


class LacksEntry(Model):
    """What the database there does not have yet. `columns` null: the whole table."""

    table: Name
    columns: tuple[Name, ...] | None = None


class Ack(Document):
    """`acks/<node>.json`, replaced as a whole. `counter` only grows; `clock` is the node's own."""

    payload_type: ClassVar[str] = "application/vnd.satchel.ack+json"

    network: Network
    node: NodeName
    origin: OriginName
    predecessor: OriginName | None = None
    was: tuple[NodeName, ...] = ()  # names under which the database replicated before it got another identity
    counter: Number64
    vector: WireVector
    waiting: tuple[WaitingEntry, ...] = ()
    quarantined: tuple[QuarantineEntry, ...] = ()
    wanted: tuple[WantedEntry, ...] = ()
    configuration: int = Field(ge=0, le=2**31)
    conflicts: int = Field(default=0, ge=0, le=MAX_SEQ)
    lacks: tuple[LacksEntry, ...] = ()
    clock: Time
    digests: DigestsEntry | None = None
    software: Text = ""

    @model_validator(mode="after")
    def _can_grow(self) -> Self:
        if int(self.counter) > _LAST_COUNTER:
            raise ValueError("a counter after which there is none")
        return self

    @property
    def marks(self) -> dict[str, Mark]:
        """The vector as the rooms share it."""
        return from_wire(self.vector)

    @property
    def file_name(self) -> str:
        """Its name in `acks/`."""
        return f"{self.node}.json"


_ACK = Kind(Ack.payload_type, "an acknowledgement", Ack.parse, lambda ack: ack.node)


def sign_ack(ack: Ack, key: PrivateKey) -> bytes:
    """The acknowledgement as a signed file."""
    return ack.seal(key)


def open_ack(data: bytes, members: Members, limits: Limits | None = None) -> Ack | Waiting:
    """An acknowledgement that its node signed. Waiting: no card of the signer is accepted yet, or the format is newer.
    BadPacket: it is not to be trusted."""
    limits = limits or members.limits
    read = read_signed(_ACK, data, members, limits)
    if isinstance(read, Waiting):
        return read
    ack, _ = read
    if node_of(ack.origin) != ack.node:
        raise BadPacket(f"says that it is of {ack.origin}, and is signed by {ack.node}")
    return ack
