"""Where this node cuts the origins of revoked nodes (PROTOCOL, Members; docs/spec/trust.md, steps V6-V8)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from satchel.model.ids import Dot, node_of, trunk_of
from satchel.model.vector import HASH_DIGITS, Mark, Vector
from satchel.packet.bans import NOTHING, Bans
from satchel.replication import cuts

if TYPE_CHECKING:
    from satchel.packet.manifest import Manifest
    from satchel.replication.order import Header
    from satchel.stores.base import Store
    from satchel.stores.records import Incoming

Resolve = Callable[[Vector], Mapping[str, Mark]]  # a vector that somebody wrote, in the names that hold here
REVOKED = "revoked: "  # how the reason begins for which a packet lies in quarantine and nothing is to be done


class Cuts:
    """What the revocations that are known say (`bans`), as this database (`store`) has to take it."""

    def __init__(self, bans: Bans, store: Store) -> None:
        self.store = store
        self._said = bans.cuts
        self._resolve: Resolve = dict
        self._contexts: dict[Dot, Vector] = {}

    def read_with(self, resolve: Resolve) -> None:
        """From now on cuts are read in the names that hold here: whoever wrote one may call a branch otherwise, or not
        know of a fork."""
        self._resolve = resolve

    def __bool__(self) -> bool:
        return bool(self._said)

    def of(self, origin: str) -> Mark | None:
        """The last packet of an origin that counts, seq 0: none does; None: it is not cut."""
        said = self._said.get(node_of(origin))
        return None if said is None else self._lowest(origin, said)

    def _lowest(self, origin: str, said: tuple[Mapping[str, Mark], ...]) -> Mark:
        """Of several revocations the lowest; the founder's baseline always counts: all that is stands on it."""
        cut = min(self._meant(origin, marks) for marks in said)
        first = self.store.packet(Dot(origin, 1))
        if first is None or first.kind != "baseline" or cut.seq >= first.group[1]:
            return cut
        last = self.store.packet(Dot(origin, first.group[1]))
        return cut if last is None else Mark(last.dot.seq, last.hash[:HASH_DIGITS])

    def _meant(self, origin: str, marks: Mapping[str, Mark]) -> Mark:
        """Where one revocation cuts an origin, told by hashes. One that names branches of an origin which is whole here
        cuts it where the longest of them ends: which of them it is shows as soon as both are known."""
        here = self._resolve(marks)
        found = here.get(origin, NOTHING)
        for name, mark in marks.items():
            if name != origin and trunk_of(name) == trunk_of(origin) and self._is_of(origin, mark):
                found = max(found, mark)
        if not found.seq and origin == trunk_of(origin):
            found = max((mark for name, mark in here.items() if trunk_of(name) == origin), default=NOTHING)
        return found

    def _is_of(self, origin: str, mark: Mark) -> bool:
        record = self.store.packet(Dot(origin, mark.seq))
        return record is not None and record.hash.startswith(mark.hash)

    def marked(self, packets: Sequence[Incoming]) -> list[Incoming]:
        """Packets that are about to be applied: those are marked whose authors had seen what counts no more."""
        self._contexts = {packet.dot: packet.context for packet in packets} if self._said else {}
        return [replace(packet, misled=self.is_misled(packet.dot)) for packet in packets]

    def is_misled(self, write: Dot) -> bool:
        """Whether the author of a write had seen packets that count no more: what it refers to may have been there."""
        if not self._said or not write.origin:
            return False
        record = self.store.packet(write)
        context = self._contexts.get(write, {}) if record is None else record.context
        return any(self.is_beyond(origin, mark.seq) for origin, mark in context.items())

    def clamp(self, context: Vector) -> Vector:
        """A context as it has to be met."""
        return cuts.clamp(context, self.of) if self._said else context

    def headers(self, headers: Iterable[Header]) -> list[Header]:
        """What the causal order is to know of packets: those that count, each with the context that it needs."""
        if not self._said:
            return list(headers)
        count = (header for header in headers if not self.is_beyond(header.dot.origin, header.group[1]))
        return [replace(header, context=self.clamp(header.context)) for header in count]

    def is_beyond(self, origin: str, seq: int) -> bool:
        """Whether a packet does not count any more."""
        return bool(self._said) and cuts.is_beyond(origin, seq, self.of)

    def refuses(self, manifest: Manifest) -> str | None:
        """Why a packet does not count any more; None: it does."""
        said = self._said.get(node_of(manifest.origin))
        if said is None or not self.is_beyond(manifest.origin, manifest.group[1]):
            return None
        if all(self._longest(manifest.origin, marks) >= manifest.group[1] for marks in said):
            return None  # it may be of a branch that counts: the causal order will tell
        return reason_of(node_of(manifest.origin), self.of(manifest.origin), manifest.origin)

    @staticmethod
    def _longest(origin: str, marks: Mapping[str, Mark]) -> int:
        return max((mark.seq for name, mark in marks.items() if trunk_of(name) == trunk_of(origin)), default=0)

    def ahead(self) -> Iterator[tuple[str, Mark]]:
        """(origin, its cut) where this database has applied more."""
        for origin, mark in self.store.vector().items():
            cut = self.of(origin)
            if cut is not None and mark.seq > cut.seq:
                yield origin, cut


def reason_of(node: str, cut: Mark | None, origin: str) -> str:
    """The words of the quarantine."""
    upto = f"after {origin}/{cut.seq}" if cut is not None and cut.seq else f"of {origin}"
    return f"{REVOKED}nothing {upto} counts, since {node} was revoked"
