"""Stores over the toy schema, each beside a node of the specification's model that gets the same packets.

A *mirrored* world also tells the model what the application does, and compares what each of them seals; else the model
is only told what was sealed, and the application may do what the model has no word for.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from satchel.model.ids import Dot
from satchel.stores.base import Delta
from satchel.stores.sqlite import apart
from satchel.stores.sqlite.store import SQLiteStore
from tests.property.carrier import Carrier
from tests.property.comparing import agree
from tests.property.toy_database import ToyApplication, schema_of
from tests.stores.ferry import BASELINE_TIME, Change, Site, changes_of

EPOCH = 1_790_000_000_000  # milliseconds: where the histories begin
Row = dict[str, Any]


@dataclass
class ToyNode:
    """One node: the product's store with its application, and the model's node."""

    site: Site
    application: ToyApplication
    model: Any
    skew: int  # milliseconds by which its clock is wrong
    part: int  # rows per packet
    clock: int = 0

    @property
    def name(self) -> str:
        return self.site.name

    @property
    def store(self) -> SQLiteStore:
        assert isinstance(self.site.store, SQLiteStore)
        return self.site.store


class Loading(Carrier):
    """A carrier whose ships are loaded while the application writes on."""

    def load(self, site: Site, delta: Delta, meanwhile: Callable[[], None]) -> list[Change]:
        """Seals like `ship`; `meanwhile` runs between the freezing and the recording."""
        tables = {table.name: table for table in site.store.tables()}
        data = {name: list(delta.batches(name)) for name in delta.rows}
        meanwhile()
        delta.record(self.packed(site, delta, data), self.rules)
        delta.release()
        return [change for name, batches in data.items() for change in changes_of(tables[name], batches)]


class ToyWorld:
    """A network over the toy schema."""

    def __init__(
        self, root: Path, spec: ModuleType, rng: random.Random, policy: str, size: int, *, mirrored: bool
    ) -> None:
        self.spec = spec
        self.rng = rng
        self.now = EPOCH
        self.mirrored = mirrored
        self.carrier = Loading(policy)
        self.say: Callable[..., None] = lambda *words: None
        self.nodes: list[ToyNode] = []
        self.tally: Counter[str] = Counter()
        self.parked: set[str] = set()
        rule = spec.priority(policy.partition(":")[2].split(",")) if ":" in policy else None
        rule = rule or getattr(spec, "latest" if policy == "manual" else policy)
        for number in range(size):
            self._node(root, f"n{number}", rule)

    def _node(self, root: Path, name: str, rule: Any) -> None:
        application = ToyApplication(root / f"{name}.db", self.rng, schema_of(self.spec), self.spec.COLUMNS)
        store = SQLiteStore(root / f"{name}.db")
        store.install([replace(table, scope="global") for table in store.inspect().tables])
        store.note({"node": name, "origin": name})
        skew = self.rng.choice((0, 0, 0, -500, 5000, 10**9, -(10**13)))
        part = self.rng.choice((1, 2, 3, 1000))
        self.nodes.append(ToyNode(Site(name, store), application, self.spec.Node(name, rule), skew, part))

    def close(self) -> None:
        for node in self.nodes:
            node.application.close()
            node.store.close()

    # -- what the application does

    def tick(self, node: ToyNode) -> int:
        """Each statement of a node has a millisecond of its own."""
        self.now += self.rng.choice((0, 0, 1, 1000))
        node.clock = max(node.clock + 1, self.now + node.skew)
        return node.clock

    def write(self, node: ToyNode, key: str, values: Row) -> None:
        clock = self.tick(node)
        taken = node.application.write(key, values, clock)
        self.say(node.name, "at", clock - EPOCH, "writes" if taken else "may not write", key, values)
        if self.mirrored:
            assert taken == node.model.write(key, values, clock), f"{key}: {taken}"

    def delete(self, node: ToyNode, key: str) -> None:
        there = key in node.application.rows()
        clock = self.tick(node)
        taken = node.application.delete(key, clock) and there
        self.say(node.name, "at", clock - EPOCH, "deletes" if taken else "may not delete", key)
        if self.mirrored:
            assert taken == node.model.delete(key, clock), f"{key}: {taken}"

    def replace(self, node: ToyNode, key: str, values: Row) -> None:
        assert not self.mirrored
        clock = self.tick(node)
        taken = node.application.replace(key, values, clock)
        self.say(node.name, "at", clock - EPOCH, "replaces" if taken else "may not replace", key, values)

    # -- what satchel does

    def found(self) -> None:
        """The founder's rows become its first group."""
        node = self.nodes[0]
        self.carrier.rows_each = node.part
        with node.store.baseline(BASELINE_TIME) as delta:
            changes = self.carrier.ship(node.site, delta)
            if self.mirrored:
                for key, row in node.application.rows().items():
                    node.model.pending[key] = self.spec.Change(False, 0, {}, fresh=True)
                    node.model.pending[key].clock = BASELINE_TIME << 16
                    node.model.pending[key].written = {c: (v, BASELINE_TIME << 16) for c, v in row.items()}
            self._sealed(node, changes)

    def seal(self, node: ToyNode, late: Callable[[], None] = lambda: None) -> None:
        """`late`: what the application does while the parts are written."""
        self.carrier.rows_each = node.part
        with node.store.delta(self.carrier.rules) as delta:
            self._sealed(node, [] if delta is None else self.carrier.load(node.site, delta, late))

    def _sealed(self, node: ToyNode, changes: Collection[Change]) -> None:
        """The model's node applies what was sealed, after a look whether it would have sealed the same."""
        model, spec = node.model, self.spec
        before = model.vector.get(node.name, 0)
        dots = [dot for dot in self.carrier.packets if dot.origin == node.name and dot.seq > before]
        told = [self.carrier.as_told(spec, node.site, dot) for dot in sorted(dots)]
        self.say(node.name, "seals", [str(dot) for dot in dots], [str(change) for change in changes])
        if self.mirrored:
            keys = [change.key[0] for change in changes]
            agree("sealed", dict.fromkeys(keys), dict.fromkeys(model.pending))
            model.pending = {key: model.pending[key] for key in keys}
            model.rows_per_packet = node.part
            expected = model.seal()
            for mine, theirs in zip(told, expected, strict=True):
                agree(f"{node.name}/{mine.seq}", vars(mine), vars(theirs))
        else:
            for packet in told:
                model.known[packet.origin, packet.seq] = packet
                model.apply(packet)

    def deliver(self, node: ToyNode, dots: Collection[Dot]) -> None:
        """Seals, then applies all that is ready."""
        self.seal(node)
        _, applied = self.carrier.deliver(node.site, dots)
        self.say(node.name, "gets", [str(dot) for dot in dots], "applied", [str(dot) for dot in applied])
        had = dict(node.model.vector)
        node.model.receive([self.carrier.as_told(self.spec, node.site, dot) for dot in dots])
        agree("vector", node.site.vector, node.model.vector)
        new = {(o, seq) for o, last in node.model.vector.items() for seq in range(had.get(o, 0) + 1, last + 1)}
        assert {(*dot,) for dot in applied} == new

    # -- looking

    def compare(self, node: ToyNode) -> None:
        """The store shows, parks, notes and lists what the model says."""
        model = node.model
        assert self.mirrored or not node.store.pending()
        agree("rows", node.application.rows(), model.view())
        tables = model.tables()
        self.tally.update(looks=1, rows=len(tables.rows), parked=len(tables.parked), notes=len(tables.notes))
        self.tally.update(conflicts=len(model.open_conflicts()), returned=len(self.parked - tables.parked.keys()))
        self.parked = set(tables.parked)
        found = {key[0]: why for _, key, why in rows_apart(node.store)}
        agree(
            "parked",
            {key: why.kind for key, why in found.items() if why.status == apart.PARKED},
            {key: kind for key, (kind, _) in tables.parked.items()},
        )
        agree(
            "twins",
            {key: True for key, why in found.items() if why.status == apart.TWIN},
            dict.fromkeys(tables.twins, True),
        )
        notes = {key: why.kind for key, why in found.items() if why.status == apart.NOTED and why.kind}
        agree("notes", notes, {key: kind for key, (kind, _) in tables.notes.items()})
        assert not [key for key, why in found.items() if why.status == apart.REFUSED]
        self._compare_conflicts(node, tables)
        self._compare_versions(node)
        node.application.check()

    def _compare_conflicts(self, node: ToyNode, tables: Any) -> None:
        entries = [entry for entry in node.store.conflicts(closed=True) if entry.closed is None]
        edits = {entry.key[0]: frozenset(entry.columns) - {"key"} for entry in entries if entry.kind == "edit"}
        agree("conflicts", edits, node.model.open_conflicts())
        others = {entry.key[0]: entry.kind for entry in entries if entry.kind != "edit"}
        agree("list", others, {key: kind for key, (kind, _) in (tables.parked | tables.notes).items()})
        assert len(entries) == len(edits) + len(others)
        counts = node.store.conflict_counts()
        assert counts["parked"] == len(tables.parked), (counts, tables)

    def _compare_versions(self, node: ToyNode) -> None:
        for key, siblings in node.model.siblings.items():
            if key in node.model.pending or (not self.mirrored and node.store.pending()):
                continue
            found = {tuple(v.dot): v for v in node.store.standing(key.split("/")[0], (key,))}
            agree(f"versions of {key}", dict.fromkeys(found), {v.dot: None for v in siblings})
            for version in siblings:
                agree(f"{key} {version.dot}", face(self.spec, found[version.dot]), expected(version))


def rows_apart(store: SQLiteStore) -> Iterator[tuple[str, tuple[Any, ...], apart.Apart]]:
    """(table, key, why) of the rows that a store does not show as they were written."""
    for name, layout in store._layouts.items():
        for key, why in apart.every(store._db, layout):
            yield name, key, why


def face(spec: ModuleType, version: Any) -> Mapping[str, Any]:
    """A version of the product in plain words."""
    cells = {n: (c.value, c.stamp, *c.dot) for n, c in version.cells.items() if n in spec.COLUMNS}
    saw = {origin: mark.seq for origin, mark in version.saw.items()}
    return {"deleted": version.deleted, "stamp": version.stamp, "saw": saw} | cells


def expected(version: Any) -> Mapping[str, Any]:
    """A version of the model in the same words."""
    cells = {name: (cell.value, cell.stamp[0], *cell.dot) for name, cell in version.cells}
    return {"deleted": version.deleted, "stamp": version.stamp[0], "saw": version.saw} | cells
