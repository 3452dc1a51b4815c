"""Packets of several stores in memory, and what was written in them as the specification's model has it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

import pyarrow as pa

from satchel.model.ids import Dot
from satchel.model.vector import HASH_DIGITS, Mark
from satchel.stores.base import Delta
from satchel.stores.counts import RowCounts
from satchel.stores.records import Incoming, Sealed
from tests.stores.ferry import Change, Ferry, Shipped, Site, changes_of


@dataclass
class Carrier(Ferry):
    """A ferry that may lose packets on the way: `held` is what each site has got."""

    held: dict[str, set[Dot]] = field(default_factory=dict)

    def packed(self, site: Site, delta: Delta, data: Mapping[str, list[pa.RecordBatch]]) -> list[Sealed]:
        context = dict(site.store.vector())
        found = []
        for packet in super().packed(site, delta, data):
            own = replace(packet, context=dict(context))
            shipped = self.packets[packet.dot]
            self.packets[packet.dot] = Shipped(replace(shipped.incoming, context=own.context), shipped.data)
            context[site.name] = Mark(packet.dot.seq, packet.hash[:HASH_DIGITS])
            found.append(own)
        self.held.setdefault(site.name, set()).update(packet.dot for packet in found)
        return found

    def deliver(self, site: Site, dots: Collection[Dot]) -> tuple[RowCounts, list[Dot]]:
        """Applies all that is ready, of these packets and those that came earlier."""
        held = self.held.setdefault(site.name, set())
        held.update(dots)
        counts, applied = RowCounts(), []
        with site.store.applying() as applying:
            vector = site.vector
            while group := self.ready_of(held, vector):
                counts.add(applying.apply_group(group, self.rules))
                vector[group[-1].dot.origin] = group[-1].dot.seq
                applied += [packet.dot for packet in group]
            applying.commit()
        return counts, applied

    def ready_of(self, held: Collection[Dot], vector: Mapping[str, int]) -> list[Incoming] | None:
        """The next whole group among those held whose context is met."""
        for dot in sorted(held):
            packet = self.packets[dot].incoming
            group = [Dot(dot.origin, seq) for seq in range(packet.group[0], packet.group[1] + 1)]
            if dot.seq != packet.group[0] or dot.seq != vector.get(dot.origin, 0) + 1 or not held >= {*group}:
                continue
            if all(vector.get(origin, 0) >= mark.seq for origin, mark in packet.context.items()):
                return [self.packets[part].incoming for part in group]
        return None

    # -- as the model has it

    def as_told(self, spec: ModuleType, site: Site, dot: Dot) -> Any:
        """A packet as the model's. Keys are texts of their own: `table/...`."""
        shipped = self.packets[dot]
        packet = shipped.incoming
        context = {origin: mark.seq for origin, mark in packet.context.items()}
        rows = {}
        for change in self.changes(site, dot):
            (key,) = change.key
            rows[key] = version_of(spec, change, dot, context)
        return spec.Packet(dot.origin, dot.seq, context, rows, packet.group)

    def changes(self, site: Site, dot: Dot) -> Iterator[Change]:
        """Every row of a packet, parents' tables first."""
        tables = {table.name: table for table in site.store.tables()}
        for name, batches in self.packets[dot].data.items():
            yield from changes_of(tables[name], batches)


def version_of(spec: ModuleType, change: Change, dot: Dot, context: Mapping[str, int]) -> Any:
    """One row of a packet as the model's version."""
    meta = change.meta
    columns = [name for name in change.row if name in spec.COLUMNS]
    cells = {name: spec.Cell(change.row[name], (*dot,), (meta["stamp"], dot.origin)) for name in columns}
    for group in meta["lineage"] or ():
        place = (*dot,) if group["origin"] is None else (group["origin"], group["seq"])
        for name in _named(group["columns"], columns):
            cells[name] = spec.Cell(change.row[name], place, (group["stamp"], place[0]))
    saw = dict(context) if meta["context"] is None else {mark["origin"]: mark["seq"] for mark in meta["context"]}
    told = tuple(sorted(saw.items())), tuple(sorted(cells.items()))
    return spec.Version((*dot,), (meta["stamp"], dot.origin), *told, change.op == "delete")


def _named(names: Sequence[str] | None, columns: Sequence[str]) -> Sequence[str]:
    return columns if names is None else [name for name in names if name in columns]
