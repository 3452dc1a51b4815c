"""One node at work: its home, its database, its archive, and what the signed files say of the network."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from satchel import __version__
from satchel.errors import BadPacket, KeyTrouble, SatchelError
from satchel.files import FileTrouble, names_in, read_limited
from satchel.model.ids import trunk_of
from satchel.model.vector import Mark
from satchel.packet.envelope import read_envelope
from satchel.packet.keys import PrivateKey
from satchel.packet.limits import DEFAULT_LIMITS
from satchel.packet.plain import digest_of
from satchel.packet.receipt import Receipt, newer
from satchel.sync.memory import NOTE, Memory

if TYPE_CHECKING:
    from satchel.exchange.archive import Archive
    from satchel.packet.agreed import Agreed
    from satchel.packet.configuration import Configuration
    from satchel.packet.document import Network
    from satchel.packet.members import Members
    from satchel.stores.base import Store
    from satchel.sync.cuts import Cuts
    from satchel.sync.home import Home
    from satchel.sync.rules import NetworkRules
    from satchel.sync.settings import Settings
    from satchel.sync.shelf import Shelf

_KEY_LIMIT = 1 << 16
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
    twins: list[Receipt] = field(default_factory=list)  # own acknowledgements at exchanges that others than this wrote
    wants: dict[str, str] = field(default_factory=dict)  # what packets wait for, in words -> its hash, 16 digits
    comparing: bool = False  # the digests of the database are to be taken now
    learned: dict[str, str] = field(default_factory=dict)  # notes that only spare the next run a look
    dry_run: bool = False  # signed files that arrive are then only remembered
    borrowed: dict[str, bytes] = field(default_factory=dict)  # what a dry run remembers: place in the archive -> bytes

    @cached_property
    def key(self) -> PrivateKey:
        """The node's key. KeyTrouble if it is not there."""
        return PrivateKey.load(self.home.key)

    def check_key(self) -> None:
        """Raises KeyTrouble unless the key is there and is the one on this node's card: before anything is written."""
        known = self.members.key_of(self.settings.node)
        if known is not None and known.text != self._public_text():
            raise KeyTrouble(
                f"{self.home.key} is not the key on the card of {self.settings.node}", "put the key of this home back"
            )

    def _public_text(self) -> str:
        """The public half of the key. It is computed when the file is another than the last time."""
        digest = self._key_digest()
        if not digest or self.memory.key[0] != digest:
            self.memory.key = (digest, self.key.public.text)
        return self.memory.key[1]

    def _key_digest(self) -> str:
        try:
            return digest_of(read_limited(self.home.key, _KEY_LIMIT, follow_links=True))
        except FileTrouble:
            return ""  # loading it says what is wrong

    @property
    def network(self) -> Network:
        """Id and name."""
        from satchel.packet.document import Network

        return Network(id=self.settings.network_id, name=self.settings.network)

    @cached_property
    def notes(self) -> dict[str, str]:
        """Small facts from the database."""
        return self.store.notes()

    def note(self, **facts: str) -> None:
        """Writes small facts."""
        self.store.note(facts)
        self.notes.update(facts)

    @cached_property
    def memory(self) -> Memory:
        """What earlier runs have verified."""
        return Memory.of(self.notes.get(NOTE, ""))

    @cached_property
    def shelf(self) -> Shelf:
        """The names in the archive: `forget_shelf` where others are there now."""
        from satchel.sync.shelf import Shelf

        return Shelf(self)

    def forget_shelf(self) -> None:
        """The archive has other packets now."""
        self.__dict__.pop("shelf", None)

    def unsettle(self, folder: str, seq: int) -> None:
        """A packet's folder is about to be made: from now until it has its manifest the name says nothing. Written
        before, so that whoever is killed on the way does not take it for one that stands there whole."""
        if self.memory.shelf.get(folder, (0, ""))[0] >= seq:
            del self.memory.shelf[folder]
            self.note(**{NOTE: self.memory.text()})
            self.forget_shelf()

    def remember(self) -> None:
        """Writes down what this run has verified and applied, if it is more than was known."""
        if self.dry_run:
            return
        self.memory.shelf = self.shelf.settle()
        facts = {**self.learned, **self.store.seen_schema()}
        if self.memory.has_changed():
            facts[NOTE] = self.memory.text()
        if facts:
            self.note(**facts)

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
        return self.memory.decide(self.settings.root, self.node_files().values(), self.settings.limits)

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
    def agreed(self) -> Agreed:
        """What the network agreed on, in short. SatchelError if no accepted configuration is known."""
        found = self.members.agreed
        if found is None:
            raise SatchelError(
                "the network's configuration is missing", "import once more from a folder that has nodes/"
            )
        return found

    @property
    def configuration(self) -> Configuration:
        """What the network agreed on. SatchelError if no accepted configuration is known."""
        return self.agreed.document(self.settings.limits)

    @cached_property
    def rules(self) -> NetworkRules:
        """The rules for the store."""
        from satchel.sync.rules import NetworkRules

        return NetworkRules(self.configuration, self.cuts.is_misled)

    @cached_property
    def cuts(self) -> Cuts:
        """Up to where revoked nodes count."""
        from satchel.sync.cuts import Cuts

        return Cuts(self.members.bans, self.store)

    # -- acknowledgements

    def acks(self) -> dict[str, Receipt]:
        """The best acknowledgement known of each node, own included."""
        return dict(self._acks)

    @cached_property
    def _acks(self) -> dict[str, Receipt]:
        """Read and verified once; again when one was put or the members changed."""
        found = {}
        for _, data in self._side_files("acks"):
            ack = self.read_ack(data)
            if ack is not None:
                found[ack.node] = ack
        return found

    def put_ack(self, name: str, data: bytes) -> None:
        """Keeps an acknowledgement, a signed file of that name, in the archive."""
        self._put_side_file(f"acks/{name}", data)
        self.__dict__.pop("_acks", None)

    def read_ack(self, data: bytes) -> Receipt | None:
        """A trustworthy acknowledgement; None otherwise. Each is verified once: the same ones lie in the archive and at
        every exchange."""
        if self.known_ack(data) is None and data not in self._read_acks:
            self._read_acks[data] = self._open_ack(data)
        return self._read_acks[data]

    @cached_property
    def _read_acks(self) -> dict[bytes, Receipt | None]:
        """By their bytes; anew when the members changed."""
        return {}

    def known_ack(self, data: bytes) -> Receipt | None:
        """An acknowledgement that was verified before, in this run or an earlier one."""
        if data not in self._read_acks and self._remembers(data):
            self._read_acks[data] = Receipt.of(read_envelope(data).payload)
        return self._read_acks.get(data)

    def _remembers(self, data: bytes) -> bool:
        """Whether a file was verified under the members that hold now: they are decided first."""
        return any(self.members.members) and self.memory.knows(data)

    def _open_ack(self, data: bytes) -> Receipt | None:
        from satchel.packet.ack import Ack, open_ack

        try:
            ack = open_ack(data, self.members)
        except BadPacket as bad:
            self.warnings.append(f"an acknowledgement is not right and was passed over: {bad.reason}")
            return None
        if not isinstance(ack, Ack):
            return None
        self.memory.keep(data)
        return Receipt.of(read_envelope(data).payload)

    def add_acks(self, files: Iterable[bytes]) -> None:
        """Keeps acknowledgements that are newer than the ones known."""
        known = self.acks()
        for data in files:
            ack = self.read_ack(data)
            if ack is None or ack.node == self.settings.node:
                continue
            if ack.node not in known or newer(ack, known[ack.node]):
                self.put_ack(ack.file_name, data)
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
