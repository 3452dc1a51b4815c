"""Stores over tables with own numbers, checked against all that was ever sealed.

What a store shows must be what the rules make of every version that it applied: siblings by definition, resolved, and
the constraints kept over all rows at once.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from satchel.model.admission import PARKED, TWIN, Candidate, RowId
from satchel.model.gids import parse_gid, typed
from satchel.model.ids import Dot
from satchel.model.schema import Table
from satchel.model.value import Value
from satchel.model.vector import Mark, Vector
from satchel.model.version import Cell, Version
from satchel.replication.constraints import keep_constraints
from satchel.replication.resolve import resolve
from satchel.replication.siblings import contexts_of_living, maximal
from satchel.stores.sqlite import apart
from satchel.stores.sqlite.numbers import Numbers
from satchel.stores.sqlite.store import SQLiteStore
from tests.property.carrier import Carrier
from tests.property.comparing import agree
from tests.property.own_database import KEYS, LOCAL, OwnApplication, mark_of
from tests.property.toy_world import rows_apart
from tests.stores.ferry import BASELINE_TIME, Change, Site

EPOCH = 1_790_000_000_000


@dataclass
class OwnNode:
    """One node."""

    site: Site
    application: OwnApplication
    skew: int
    part: int
    clock: int = 0
    numbers: dict[tuple[str, str], int] = field(default_factory=dict)  # by gid, after the last look

    @property
    def name(self) -> str:
        return self.site.name

    @property
    def store(self) -> SQLiteStore:
        assert isinstance(self.site.store, SQLiteStore)
        return self.site.store


class OwnWorld:
    """A network of databases that hand out numbers."""

    def __init__(self, root: Path, rng: random.Random, policy: str, size: int) -> None:
        self.rng = rng
        self.now = EPOCH
        self.carrier = Carrier(policy)
        self.say: Callable[..., None] = lambda *words: None
        self.nodes: list[OwnNode] = []
        self.tables: dict[str, Table] = {}
        self.bearers: dict[tuple[str, str], str] = {}  # table, gid -> mark
        self.births: dict[tuple[str, str], str] = {}  # table, mark -> gid, but of a catalogue
        for number in range(size):
            self._node(root, f"n{number}")

    def _node(self, root: Path, name: str) -> None:
        application = OwnApplication(root / f"{name}.db", name, self.rng)
        store = SQLiteStore(root / f"{name}.db")
        if not self.tables:
            found = store.inspect().tables
            shared = typed(replace(t, scope="local" if t.name in LOCAL else "global") for t in found)
            self.tables = {table.name: table for table in shared}
        store.install(list(self.tables.values()))
        store.note({"node": name, "origin": name})
        skew = self.rng.choice((0, 0, 0, -500, 5000, 10**9))
        self.nodes.append(OwnNode(Site(name, store), application, skew, self.rng.choice((1, 2, 3, 1000))))

    def close(self) -> None:
        for node in self.nodes:
            node.application.close()
            node.store.close()

    def clocks(self, node: OwnNode) -> Iterator[int]:
        """The times of a node's statements."""
        while True:
            self.now += self.rng.choice((0, 0, 1, 1000))
            node.clock = max(node.clock + 1, self.now + node.skew)
            yield node.clock

    def run(self, node: OwnNode, what: str, *statements: tuple[str, tuple[Any, ...]]) -> bool:
        taken = node.application.attempt(self.clocks(node), list(statements))
        self.say(node.name, "at", node.clock - EPOCH, what, "" if taken else "REFUSED", statements)
        return taken

    # -- what satchel does

    def found(self) -> None:
        node = self.nodes[0]
        self.carrier.rows_each = node.part
        with node.store.baseline(BASELINE_TIME) as delta:
            self._sealed(node, self.carrier.ship(node.site, delta))

    def seal(self, node: OwnNode) -> list[Change]:
        before = node.application.tables()
        counted = node.store.pending()
        self.carrier.rows_each = node.part
        changes = self.carrier.seal(node.site)
        self._sealed(node, changes)
        assert counted or not changes, f"nothing pending, {len(changes)} sealed"
        assert node.store.pending() == 0
        self._look(node, before, None)
        return changes

    def _sealed(self, node: OwnNode, changes: Collection[Change]) -> None:
        if changes:
            self.say(node.name, "seals", [f"{c} {c.meta['gid']} {dict(c.row)}" for c in changes])
        for change in changes:
            gid, mark = change.meta["gid"], change.row.get("mark")
            if gid is None:
                continue
            known = self.bearers.setdefault((change.table, gid), mark)
            assert known == mark, f"{change.table} {gid} was {known} and is {mark}"
            if not mark.startswith("cat") and mark not in node.application.back:
                born = self.births.setdefault((change.table, mark), gid)
                assert born == gid, f"{change.table} {mark} was {born} and is {gid}"

    def deliver(self, node: OwnNode, dots: Collection[Dot]) -> None:
        """Seals, then applies all that is ready."""
        self.seal(node)
        before = node.application.tables()
        counts, applied = self.carrier.deliver(node.site, dots)
        told = [(r.table, r.birth, r.number) for r in counts.renumbered]
        self.say(node.name, "gets", [str(dot) for dot in applied], "renumbered", told)
        self._look(node, before, {(r.table, r.number) for r in counts.renumbered})
        self.compare(node)

    def _look(self, node: OwnNode, before: Any, renumbered: Collection[tuple[str, int]] | None) -> None:
        """No number of a row that stays has changed; who did not get the number of its birth is told, with reason."""
        after = node.application.tables()
        for table in LOCAL:
            had = {self._gid(node, table, row["id"]): row["id"] for row in after[table].values()}
            earlier = {gid: number for (name, gid), number in node.numbers.items() if name == table}
            stayed = {gid for gid in earlier.keys() & had.keys() if (earlier[gid],) in before[table]}
            moved = {gid: (earlier[gid], had[gid]) for gid in stayed if earlier[gid] != had[gid]}
            marks = {gid: before[table][earlier[gid],]["mark"] for gid in moved}
            moved = {gid: pair for gid, pair in moved.items() if marks[gid] == self.bearers.get((table, gid))}
            born = {gid: parse_gid(gid).number for name, gid in self.bearers if name == table}
            wanted = Counter(born.values())  # a row that had the number for a while may be gone again
            moved = {
                g: (old, new)
                for g, (old, new) in moved.items()
                if (old,) not in after[table] and not wanted[old] > (born[g] == old)
            }
            assert not moved, f"numbers changed in {table}: {moved}"
            for gid in had.keys() - earlier.keys() if renumbered is not None else ():
                birth = parse_gid(gid).number
                if had[gid] != birth and (table, self.bearers[table, gid], had[gid]) not in node.application.had:
                    taken = {key[0] for key in before[table].keys() | after[table].keys()}
                    told = f"{gid} is {had[gid]} though {birth} was free"
                    assert birth in taken or wanted[birth] > 1 or birth in {number for _, number in renumbered}, told
                    assert (table, had[gid]) in renumbered, f"{gid} is {had[gid]} without a word"
        node.numbers = {(t, self._gid(node, t, k[0])): k[0] for t in LOCAL for k in after[t]}

    def _gid(self, node: OwnNode, table: str, number: int) -> str:
        return str(node.store.identity(table, (number,))[0])

    # -- what must be

    def compare(self, node: OwnNode) -> None:
        """The store shows, parks and notes what the rules make of all versions; marks tell of no mixture."""
        assert node.store.pending() == 0
        self._check_marks(node)
        expected = keep_constraints(self.tables, self._candidates(node))
        found = {(name, key): why for name, key, why in rows_apart(node.store)}
        refused = {i: why.reason for i, why in found.items() if why.status == apart.REFUSED}
        assert not refused, refused
        shown = {i: dict(o.row) for i, o in expected.items() if o.row is not None}
        agree("rows", self._wire_rows(node), shown)
        for status, word in ((PARKED, apart.PARKED), (TWIN, apart.TWIN)):
            theirs = {i: o.kind for i, o in expected.items() if o.status == status}
            agree(status, {i: why.kind for i, why in found.items() if why.status == word}, theirs)
        notes = {i: why.kind for i, why in found.items() if why.status == apart.NOTED and why.kind}
        agree("notes", notes, {i: o.kind for i, o in expected.items() if o.note})
        assert node.application.db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert node.application.db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]

    def _check_marks(self, node: OwnNode) -> None:
        rows = node.application.tables()
        for table in LOCAL:
            for row in rows[table].values():
                assert {row["mark"]} == {mark_of(row[c]) for c in "ab"}, f"{table} mixes two births: {row}"
        for table, column, parent, under in (
            ("quote", "ref", "customer", "under"),
            ("line", "ref", "quote", "under"),
            ("memo", "ref", "quote", "under"),
            ("staff", "ref", "staff", "under"),
            ("quote_tag", "ref", "quote", "under"),
            ("quote_tag", "tag", "tag", "under_tag"),
            ("detail", "ref", "quote", "under"),
        ):
            for row in rows[table].values():
                if row[column] is not None:
                    mark = rows[parent][row[column],]["mark"]
                    assert mark == mark_of(row[under]), f"{table} came under {mark}: {row}"

    def _wire_rows(self, node: OwnNode) -> dict[RowId, dict[str, Value]]:
        found = {}
        layouts = node.store._layouts
        numbers = Numbers(node.store._db, layouts)
        for name, rows in node.application.tables().items():
            layout = layouts[name]
            for row in rows.values():
                wire = numbers.to_wire(layout, [row[column] for column in layout.table.names])
                named = dict(zip(layout.table.names, wire, strict=True))
                found[name, tuple(named[part] for part in KEYS[name])] = named
        return found

    def _candidates(self, node: OwnNode) -> list[Candidate]:
        vector = node.site.vector
        every: dict[RowId, list[Version]] = defaultdict(list)
        for dot in self.carrier.packets:
            if dot.seq <= vector.get(dot.origin, 0):
                context = self.carrier.packets[dot].incoming.context
                for change in self.carrier.changes(node.site, dot):
                    every[_id(self.tables[change.table], change)].append(_version(change, dot, context))
        found = []
        for id_, versions in every.items():
            siblings = maximal(versions)
            resolved = resolve(siblings, self.carrier.rules.policy)
            found.append(Candidate(id_, resolved, contexts_of_living(siblings)))
        return found


def _id(table: Table, change: Change) -> RowId:
    return change.table, (change.meta["gid"],) if table.scope == "local" else change.key


def _version(change: Change, dot: Dot, context: Vector) -> Version:
    meta = change.meta
    cells = {name: Cell(value, dot, meta["stamp"]) for name, value in change.row.items()}
    for group in meta["lineage"] or ():
        place = dot if group["origin"] is None else Dot(group["origin"], group["seq"])
        for name in cells if group["columns"] is None else group["columns"]:
            cells[name] = Cell(change.row[name], place, group["stamp"])
    told = meta["context"]
    saw = context if told is None else {m["origin"]: Mark(m["seq"], m["hash"]) for m in told}
    return Version(dot, meta["stamp"], saw, cells, change.op == "delete")
