"""An acknowledgement as the rooms ask it, once it was verified: plain words, which need no model (ADR 28)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from satchel.model.ids import node_of
from satchel.model.vector import Mark
from satchel.packet.wire import from_wire

if TYPE_CHECKING:
    from typing import Protocol

    from satchel.packet.digests import DigestsEntry

    class _Renamed(Protocol):
        @property
        def was(self) -> tuple[str, ...]: ...

    class _Counted(Protocol):
        @property
        def origin(self) -> str: ...
        @property
        def predecessor(self) -> str | None: ...
        @property
        def counter(self) -> str | int: ...


class Wanted(NamedTuple):
    """A packet that is asked for again."""

    packet: str
    hash: str | None


class Refused(NamedTuple):
    """A packet in quarantine there."""

    packet: str
    reason: str


class Absent(NamedTuple):
    """What the database there does not have yet. `columns` None: the whole table."""

    table: str
    columns: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What `acks/<node>.json` says. `fields`: all of it, as it stands there, for whoever asks for more."""

    node: str
    origin: str
    predecessor: str | None
    was: tuple[str, ...]
    counter: int
    marks: Mapping[str, Mark]
    wanted: tuple[Wanted, ...]
    quarantined: tuple[Refused, ...]
    lacks: tuple[Absent, ...]
    clock: str
    fields: Mapping[str, Any]

    @staticmethod
    def of(payload: bytes) -> Receipt:
        """What the signed bytes of an acknowledgement say that was verified, now or by an earlier run."""
        fields = json.loads(payload)
        return Receipt(
            fields["node"],
            fields["origin"],
            fields.get("predecessor"),
            tuple(fields.get("was", ())),
            int(fields["counter"]),
            from_wire(fields["vector"]),
            tuple(Wanted(entry["packet"], entry.get("hash")) for entry in fields.get("wanted", ())),
            tuple(Refused(entry["packet"], entry["reason"]) for entry in fields.get("quarantined", ())),
            tuple(Absent(entry["table"], _columns(entry)) for entry in fields.get("lacks", ())),
            fields["clock"],
            fields,
        )

    @property
    def digests(self) -> DigestsEntry | None:
        """What it tells of the rows there (PROTOCOL, Equality)."""
        raw = self.fields.get("digests")
        if raw is None:
            return None
        from satchel.packet.digests import DigestsEntry

        return DigestsEntry.model_validate_json(json.dumps(raw))

    @property
    def file_name(self) -> str:
        """Its name in `acks/`."""
        return f"{self.node}.json"


def _columns(entry: Mapping[str, Any]) -> tuple[str, ...] | None:
    return None if entry.get("columns") is None else tuple(entry["columns"])


def settled_nodes(forks: Iterable[tuple[str, int]], acks: Iterable[_Renamed]) -> set[str]:
    """The nodes whose forks, each (origin, number of branches), need nobody any more: all of the databases that wrote
    under the name but one have another identity, and say so (PROTOCOL, Trouble: clone, fork)."""
    copies: Counter[str] = Counter()
    for origin, branches in forks:
        copies[node_of(origin)] += branches - 1
    renamed = Counter(name for ack in acks for name in set(ack.was))
    return {node for node, count in copies.items() if renamed[node] >= count}


def newer(one: _Counted, two: _Counted) -> bool:
    """Whether `one` replaces `two`, both of one node (PROTOCOL, Acknowledgements): an epoch replaces the one that it
    names as its predecessor, whatever the counters say; otherwise the higher counter holds."""
    if one.origin != two.origin:
        if one.predecessor == two.origin:
            return True
        if two.predecessor == one.origin:
            return False
    return int(one.counter) > int(two.counter)
