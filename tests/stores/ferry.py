"""Carries changes between stores in memory, without packets and without the sync room: seal, ship, apply."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from satchel.model.admission import Candidate, Outcome, RowId
from satchel.model.change import Entry, Net
from satchel.model.default import default_of
from satchel.model.ids import Dot
from satchel.model.schema import Table
from satchel.model.value import Value
from satchel.replication import coalesce, conflict, constraints, policies, resolve
from satchel.replication.siblings import contexts_of_living
from satchel.stores.base import Delta, Store
from satchel.stores.counts import RowCounts
from satchel.stores.records import Contested, Incoming, Joining, Sealed, Settled, Standing, Stretch
from satchel.stores.sqlite.values import misfit_value

BASELINE_TIME = 1_700_000_000_000


class PlainRules:
    """The rules of replication/ under one policy for every table."""

    def __init__(self, policy: str = "merge") -> None:
        self.policy = policies.parse_policy(policy)

    def settle(self, contested: Contested) -> Settled:
        siblings, resolved = resolve.settle(contested.standing, contested.incoming, self.policy)
        closes, incoming = "resolved", contested.incoming
        if incoming is not None and len(siblings) == 1 and len(contested.standing) > 1:
            before = resolve.resolve(contested.standing, self.policy).conflict
            written = frozenset(name for name, cell in incoming.cells.items() if cell.dot == incoming.dot)
            closes = conflict.closing(before, written, deleted=incoming.deleted)
        return Settled(siblings, resolved, closes)

    def admit(self, tables: Mapping[str, Table], rows: Iterable[Standing]) -> Mapping[RowId, Outcome]:
        candidates = [
            Candidate((row.table, row.key), row.resolved, contexts_of_living(row.siblings), row.fixed) for row in rows
        ]
        return constraints.keep_constraints(tables, candidates, default_of(tables))

    def coalesce(
        self, entries: Sequence[Entry], current: Mapping[str, Value] | None, known: bool, floor: int
    ) -> Net | None:
        return coalesce.coalesce(entries, current, known, floor)


@dataclass(frozen=True)
class Change:
    """One row of a sealed packet, as tests look at it."""

    op: str
    table: str
    key: tuple[Value, ...]
    columns: tuple[str, ...] | None  # None: all
    row: Mapping[str, Value]
    meta: Mapping[str, Any]

    def __str__(self) -> str:
        columns = "*" if self.columns is None else ",".join(self.columns)
        return " ".join([self.op, self.table, "/".join(map(str, self.key)), *([columns] if columns else [])])


@dataclass
class Site:
    """One node: a name, which is its origin too, and its store."""

    name: str
    store: Store

    @property
    def vector(self) -> dict[str, int]:
        return {origin: mark.seq for origin, mark in self.store.vector().items()}


@dataclass
class Shipped:
    """One packet in memory."""

    incoming: Incoming
    data: Mapping[str, list[pa.RecordBatch]]


@dataclass
class Ferry:
    """Every packet that was sealed; `rows_each` cuts a seal into packets of at most so many rows."""

    policy: str = "merge"
    rows_each: int = 1_000_000
    packets: dict[Dot, Shipped] = field(default_factory=dict)

    @property
    def rules(self) -> PlainRules:
        return PlainRules(self.policy)

    # -- out

    def found(self, site: Site, at: int = BASELINE_TIME) -> list[Change]:
        """The founder's baseline."""
        with site.store.baseline(at) as delta:
            return self.ship(site, delta)

    def seal(self, site: Site) -> list[Change]:
        """What is pending at a site becomes a group of packets."""
        with site.store.delta(self.rules) as delta:
            return [] if delta is None else self.ship(site, delta)

    def ship(self, site: Site, delta: Delta) -> list[Change]:
        tables = {table.name: table for table in site.store.tables()}
        data = {name: list(delta.batches(name)) for name in delta.rows}
        delta.record(self.packed(site, delta, data), self.rules)
        delta.release()
        return [change for name, batches in data.items() for change in changes_of(tables[name], batches)]

    def packed(self, site: Site, delta: Delta, data: Mapping[str, list[pa.RecordBatch]]) -> list[Sealed]:
        context = site.store.vector()
        first = context[site.name].seq + 1 if site.name in context else 1
        pieces = list(_pieces(data, self.rows_each))
        group = (first, first + len(pieces) - 1)
        sealed = []
        for seq, piece in enumerate(pieces, first):
            rows = {name: stop - start for name, start, stop in piece}
            packet = Sealed(
                dot=Dot(site.name, seq),
                hash=f"{seq:016x}{site.name.encode().hex():0<48}",
                suffix=f"{seq:08x}",
                group=group,
                context=context,
                kind=delta.kind,
                envelope=f"{site.name}/{seq}".encode(),
                created=BASELINE_TIME,
                rows=rows,
                stretches=[Stretch(*stretch) for stretch in piece],
            )
            batches = {name: list(_between(data[name], start, stop)) for name, start, stop in piece}
            self.packets[packet.dot] = Shipped(_incoming(packet, batches), batches)
            sealed.append(packet)
        return sealed

    # -- in

    def ready(self, vector: Mapping[str, int]) -> list[Incoming] | None:
        """The next group whose context is met."""
        for dot, shipped in sorted(self.packets.items()):
            packet = shipped.incoming
            if dot.seq != packet.group[0] or dot.seq != vector.get(dot.origin, 0) + 1:
                continue
            if all(vector.get(origin, 0) >= mark.seq for origin, mark in packet.context.items()):
                return [self.packets[Dot(dot.origin, seq)].incoming for seq in range(dot.seq, packet.group[1] + 1)]
        return None

    def receive(self, site: Site) -> RowCounts:
        """Applies all that is ready."""
        counts = RowCounts()
        with site.store.applying() as applying:
            vector = site.vector
            while group := self.ready(vector):
                counts.add(applying.apply_group(group, self.rules))
                vector[group[-1].dot.origin] = group[-1].dot.seq
            applying.commit()
        return counts

    def join(self, site: Site, dry_run: bool = False) -> Joining:
        """The first import of a site that joined with rows."""

        def groups() -> Iterator[Sequence[Incoming]]:
            vector: dict[str, int] = {}
            while group := self.ready(vector):
                vector[group[-1].dot.origin] = group[-1].dot.seq
                yield group

        def seal(delta: Delta) -> list[Sealed]:
            return self.packed(site, delta, {name: list(delta.batches(name)) for name in delta.rows})

        known = dict(self.packets)
        _, joined = site.store.join_rows(groups(), self.rules, seal, {"state": "active"}, dry_run)
        if dry_run:
            self.packets = known
        return joined

    def meet(self, *sites: Site) -> None:
        """Everybody seals, then everybody applies everything."""
        for site in sites:
            self.seal(site)
        for site in sites:
            self.receive(site)


@contextmanager
def closing(*sites: Site) -> Iterator[None]:
    try:
        yield
    finally:
        for site in sites:
            site.store.close()


def changes_of(table: Any, batches: Sequence[pa.RecordBatch]) -> list[Change]:
    found = []
    for batch in batches:
        for row in batch.to_pylist():
            meta = row.pop("_change")
            for misfit in meta["misfit"] or ():
                row[misfit["column"]] = misfit_value(misfit["class"], misfit["value"])
            columns = None if meta["columns"] is None else tuple(meta["columns"])
            key = tuple(row[name] for name in table.key)
            found.append(Change(meta["op"], table.name, key, columns, row, meta))
    return found


def _incoming(packet: Sealed, batches: Mapping[str, list[pa.RecordBatch]]) -> Incoming:
    return Incoming(
        dot=packet.dot,
        hash=packet.hash,
        suffix=packet.suffix,
        group=packet.group,
        context=packet.context,
        kind=packet.kind,
        created=packet.created,
        rows=packet.rows,
        batches=lambda table: batches.get(table, []),
    )


def _pieces(data: Mapping[str, list[pa.RecordBatch]], size: int) -> Iterator[list[tuple[str, int, int]]]:
    """Stretches (table, start, stop) of each packet."""
    piece: list[tuple[str, int, int]] = []
    room = size
    for name, batches in data.items():
        start, total = 0, sum(batch.num_rows for batch in batches)
        while start < total:
            stop = min(total, start + room)
            piece.append((name, start, stop))
            room -= stop - start
            start = stop
            if not room:
                yield piece
                piece, room = [], size
    if piece:
        yield piece


def _between(batches: Sequence[pa.RecordBatch], start: int, stop: int) -> Iterator[pa.RecordBatch]:
    place = 0
    for batch in batches:
        low, high = max(start - place, 0), min(stop - place, batch.num_rows)
        if low < high:
            yield batch.slice(low, high - low)
        place += batch.num_rows
