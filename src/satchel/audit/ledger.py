"""The packets that count, numbered for SQL: whose each is, when it was sealed, and what its author had seen.

`no` orders packets as ties between equal stamps are broken: by node, origin, seq. So a stamp and a `no` are a version's
whole rank.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa

from satchel.audit.branches import dot_of
from satchel.audit.foundation import Foundation
from satchel.audit.held import Held
from satchel.model.ids import Dot, node_of
from satchel.model.vector import Mark, Vector
from satchel.packet.wire import time_value
from satchel.replication.branches import Naming

LEDGER = pa.schema(
    [
        ("no", pa.int64()),
        ("origin", pa.string()),
        ("seq", pa.int64()),
        ("who", pa.int64()),  # of the origin, from 1 on
        ("saw", pa.list_(pa.int64())),  # at place `who` of each origin the last packet that was seen
        ("created", pa.int64()),  # microseconds since 1970 UTC, by the author's clock
        ("here", pa.bool_()),  # false: it was pruned, and a snapshot stands for it
    ]
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A packet. `saw`: its context in the names that hold here; `signed`: as its author wrote it."""

    no: int
    dot: Dot
    saw: Vector
    signed: Vector
    created: int  # milliseconds since 1970 UTC
    group: tuple[int, int]
    columns: Mapping[str, frozenset[str]]  # of each table that it has rows of
    held: Held | None  # None: it was pruned


@dataclass
class Ledger:
    """Every packet that counts, by number. `naming`: what they are called."""

    entries: Sequence[Entry]
    naming: Naming
    whos: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        origins = {entry.dot.origin for entry in self.entries} | {o for entry in self.entries for o in entry.saw}
        self.whos = {origin: place for place, origin in enumerate(sorted(origins, key=_rank), 1)}

    @cached_property
    def by_dot(self) -> dict[Dot, Entry]:
        """Each packet by its name."""
        return {entry.dot: entry for entry in self.entries}

    @cached_property
    def table(self) -> pa.Table:
        """What SQL knows of it."""
        columns = [
            [entry.no for entry in self.entries],
            [entry.dot.origin for entry in self.entries],
            [entry.dot.seq for entry in self.entries],
            [self.whos[entry.dot.origin] for entry in self.entries],
            [self._seen(entry) for entry in self.entries],
            [entry.created * 1000 for entry in self.entries],
            [entry.held is not None for entry in self.entries],
        ]
        arrays = [pa.array(column, kind.type) for column, kind in zip(columns, LEDGER, strict=True)]
        return pa.table(arrays, schema=LEDGER)

    def numbers(self, vector: Vector) -> list[int]:
        """A vector as SQL has it: at place `who` the last packet of the origin, 0: none."""
        return [vector[origin].seq if origin in vector else 0 for origin in self.whos]

    def name_write(self, entry: Entry, origin: str, seq: int) -> Dot:
        """A dot of a lineage, as the author of the packet wrote it, by the name that holds here."""
        if not self.naming.forked:
            return Dot(origin, seq)
        return Dot(self.naming.origin_in(entry.signed, origin, seq), seq)

    def _seen(self, entry: Entry) -> list[int]:
        found = [0] * len(self.whos)
        for origin, mark in entry.saw.items():
            found[self.whos[origin] - 1] = mark.seq
        return found


def make_ledger(packets: Iterable[Held], naming: Naming, base: Foundation | None) -> Ledger:
    """Of verified packets that count, and of those that the foundation stands for and that are not here."""
    found: dict[Dot, Entry] = {}
    for packet in packets:
        dot = dot_of(packet, naming)
        signed = packet.context
        parts = {part.table.name: frozenset(part.table.names) for part in packet.parts}
        created, group = time_value(packet.manifest.created), packet.manifest.group
        found[dot] = Entry(0, dot, naming.resolve(signed), signed, created, group, parts, packet)
    columns = base.columns if base is not None else {}
    for covered in base.packets if base is not None else ():
        found.setdefault(
            covered.dot,
            Entry(0, covered.dot, covered.context, covered.context, covered.created, covered.group, columns, None),
        )
    ordered = sorted(found.values(), key=lambda entry: (*_rank(entry.dot.origin), entry.dot.seq))
    return Ledger([_numbered(entry, no) for no, entry in enumerate(ordered, 1)], naming)


def _numbered(entry: Entry, no: int) -> Entry:
    rest = (entry.dot, entry.saw, entry.signed, entry.created, entry.group, entry.columns, entry.held)
    return Entry(no, *rest)


def _rank(origin: str) -> tuple[str, str]:
    return node_of(origin), origin


def seen_mark(vector: Mapping[str, Mark], dot: Dot, digits: str) -> dict[str, Mark]:
    """The vector with this packet in it, if it is further than what is there."""
    known = vector.get(dot.origin)
    return {**vector, dot.origin: Mark(dot.seq, digits)} if known is None or known.seq < dot.seq else dict(vector)
