"""One node at work: its home, its database, its archive, and what the signed files say of the network."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from satchel import __version__
from satchel.errors import BadPacket, KeyTrouble, SatchelError
from satchel.exchange.archive import Archive
from satchel.files import names_in
from satchel.model.ids import trunk_of
from satchel.model.vector import Mark
from satchel.packet.ack import Ack, newer, open_ack
from satchel.packet.configuration import Configuration
from satchel.packet.document import Network
from satchel.packet.keys import PrivateKey, PublicKey
from satchel.packet.limits import DEFAULT_LIMITS
from satchel.packet.members import Members
from satchel.stores.base import Store
from satchel.sync.cuts import Cuts
from satchel.sync.home import Home
from satchel.sync.settings import Settings
from satchel.sync.rules import NetworkRules

SOFTWARE = f"satchel {__version__}"
ENVELOPE_LIMIT = DEFAULT_LIMITS.manifest_bytes * 4 // 3 + 4096  # bytes of a signed file: base64 and what is around it
ACTIVE, JOINING = "active", "joining"


def now_ms() -> int:
    """The wall clock: milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


@dataclass
class Site:
    """Everything that the use cases need; made by opening.reading and opening.working."""

    home: Home
    settings: Settings
    store: Store
    archive: Archive
    warnings: list[str] = field(default_factory=list)
    untold: bool = False  # others have to hear of it, even if nothing is sealed or applied
    seen_counter: int = 0  # the highest counter of an own acknowledgement that was seen anywhere
    twins: list[Ack] = field(default_factory=list)  # own acknowledgements at exchanges that others than this wrote
    wants: dict[str, str] = field(default_factory=dict)  # what packets wait for, in words -> its hash, 16 digits
    dry_run: bool = False  # signed files that arrive are then only remembered
    borrowed: dict[str, bytes] = field(default_factory=dict)  # what a dry run remembers: place in the archive -> bytes

    @cached_property
    def key(self) -> PrivateKey:
        """The node's key. KeyTrouble if it is not there."""
        return PrivateKey.load(self.home.key)

    def check_key(self) -> None:
        """Raises KeyTrouble unless the key is there and is the one on this node's card: before anything is written."""
        known = self.members.key_of(self.settings.node)
        if known is not None and known != self.key.public:
            raise KeyTrouble(
                f"{self.home.key} is not the key on the card of {self.settings.node}", "put the key of this home back"
            )

    @property
    def network(self) -> Network:
        """Id and name."""
        return Network(id=self.settings.network_id, name=self.settings.network)

    @cached_property
    def notes(self) -> dict[str, str]:
        """Small facts from the database."""
        return self.store.notes()

    def note(self, **facts: str) -> None:
        """Writes small facts."""
        self.store.note(facts)
        self.notes.update(facts)

    @property
    def origin(self) -> str:
        """The sequence under which this node seals."""
        return self.notes["origin"]

    @property
    def own_origin(self) -> str:
        """Its name in the vector: after a fork that of the own branch."""
        branch = self.notes.get("branch", "")
        return branch if trunk_of(branch) == self.origin else self.origin

    @property
    def joining(self) -> bool:
        """Whether the inviter's vector has not been collected yet."""
        return self.notes.get("state") == JOINING

    def inviter_vector(self) -> dict[str, Mark]:
        """What the inviter had applied: a joining node collects that before it does anything else."""
        raw = json.loads(self.notes.get("inviter_vector", "{}"))
        return {origin: Mark(int(seq), str(digest)) for origin, (seq, digest) in raw.items()}

    # -- what the signed files say

    @cached_property
    def members(self) -> Members:
        """Who belongs to the network."""
        root = PublicKey.parse(self.settings.root)
        return Members.from_files(root, self.node_files().values(), self.settings.limits)

    def node_files(self) -> dict[str, bytes]:
        """The signed files of the archive's `nodes/`, by name."""
        return dict(self._side_files("nodes"))

    def _side_files(self, kind: str) -> Iterator[tuple[str, bytes]]:
        """(name, bytes) of the archive's `nodes/` or `acks/`."""
        folder = self.home.packets / kind
        names = {name for name in names_in(folder) if name.endswith(".json")}
        names |= {place.partition("/")[2] for place in self.borrowed if place.startswith(f"{kind}/")}
        for name in sorted(names):
            data = self._read_side_file(f"{kind}/{name}")
            if data is not None:
                yield name, data

    def _read_side_file(self, place: str) -> bytes | None:
        return self.borrowed.get(place) or self.archive.read_side_file(place, DEFAULT_LIMITS.manifest_bytes)

    def _put_side_file(self, place: str, data: bytes) -> None:
        if self.dry_run:
            self.borrowed[place] = data
        else:
            self.archive.put_side_file(place, data)

    def add_node_files(self, files: Iterable[bytes]) -> bool:
        """Takes cards, configurations and statements into the archive; whether any was new. What is no such file is
        passed over: it says nothing about packets."""
        known = set(self.node_files().values())
        new = False
        for data in files:
            if data in known:
                continue
            from satchel.packet.deciding import node_file_name

            try:
                name = node_file_name(data, self.settings.limits)
                if known:  # a home that is being made has no founder's card yet
                    self.members.check(data)
            except BadPacket as bad:
                self.warnings.append(f"a file in nodes/ is not right and was passed over: {bad.reason}")
                continue
            if self._read_side_file(f"nodes/{name}") is not None:
                # which of the two is right may not be known yet: none keeps the other out
                name = f"{name.removesuffix('.json')}-{hashlib.sha256(data).hexdigest()[:8]}.json"
            self._put_side_file(f"nodes/{name}", data)
            new = True
        if new:
            for derived in ("members", "rules", "cuts", "_acks", "_read_acks"):
                self.__dict__.pop(derived, None)
        return new

    @property
    def configuration(self) -> Configuration:
        """What the network agreed on. SatchelError if no accepted configuration is known."""
        found = self.members.configuration
        if found is None:
            raise SatchelError(
                "the network's configuration is missing", "import once more from a folder that has nodes/"
            )
        return found

    @cached_property
    def rules(self) -> NetworkRules:
        """The rules for the store."""
        return NetworkRules(self.configuration, self.cuts.is_misled)

    @cached_property
    def cuts(self) -> Cuts:
        """Up to where revoked nodes count."""
        return Cuts(self.members.bans, self.store)

    # -- acknowledgements

    def acks(self) -> dict[str, Ack]:
        """The best acknowledgement known of each node, own included."""
        return dict(self._acks)

    @cached_property
    def _acks(self) -> dict[str, Ack]:
        """Read and verified once; again when one was put or the members changed."""
        found = {}
        for _, data in self._side_files("acks"):
            ack = self.read_ack(data)
            if ack is not None:
                found[ack.node] = ack
        return found

    def put_ack(self, ack: Ack, data: bytes) -> None:
        """Keeps an acknowledgement, given with its signed file, in the archive."""
        self._put_side_file(f"acks/{ack.file_name}", data)
        self.__dict__.pop("_acks", None)

    def read_ack(self, data: bytes) -> Ack | None:
        """A trustworthy acknowledgement; None otherwise. Each is verified once: the same ones lie in the archive and at
        every exchange."""
        if data not in self._read_acks:
            self._read_acks[data] = self._open_ack(data)
        return self._read_acks[data]

    @cached_property
    def _read_acks(self) -> dict[bytes, Ack | None]:
        """By their bytes; anew when the members changed."""
        return {}

    def _open_ack(self, data: bytes) -> Ack | None:
        try:
            ack = open_ack(data, self.members)
        except BadPacket as bad:
            self.warnings.append(f"an acknowledgement is not right and was passed over: {bad.reason}")
            return None
        return ack if isinstance(ack, Ack) else None

    def add_acks(self, files: Iterable[bytes]) -> None:
        """Keeps acknowledgements that are newer than the ones known."""
        known = self.acks()
        for data in files:
            ack = self.read_ack(data)
            if ack is None or ack.node == self.settings.node:
                continue
            if ack.node not in known or newer(ack, known[ack.node]):
                self.put_ack(ack, data)
                known[ack.node] = ack

    @property
    def peers(self) -> list[str]:
        """The other members who are waited for, and those who were invited and whose card is not here yet."""
        names = {member.name for member in self.members.awaited}
        invited = {name for name, expires in self.invited().items() if expires >= now_ms()}
        names |= {name for name in invited if self.members.state(name) == "active"}
        return sorted(names - {self.settings.node})

    def invited(self) -> dict[str, int]:
        """Who was invited from here and when the invitation expires (ms since 1970 UTC)."""
        raw: dict[str, Any] = json.loads(self.notes.get("invited", "{}"))
        return {name: int(expires) for name, expires in raw.items()}
