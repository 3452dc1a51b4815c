"""The net change against a simulated row: the rules of Capture applied as things happen, and the log that triggers
would have kept of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from satchel.model.value import Value, same
from satchel.replication.coalesce import Entry, Net, coalesce

COLUMNS = ("a", "b", "c")
Row = dict[str, Value]

rows = st.fixed_dictionaries({column: st.sampled_from([None, 0, 1, 1.0]) for column in COLUMNS})
acts = st.sampled_from(["insert", "update", "update", "delete", "replace", "upsert", "ignored", "touch"])
steps = st.lists(st.tuples(acts, st.integers(0, 6), rows, st.sets(st.sampled_from(COLUMNS))), max_size=9)


@dataclass
class Simulation:
    """One row of a table: what the rules say as it happens, and what the triggers note."""

    row: Row | None
    floor: int
    recursive: bool  # SQLite's recursive_triggers: REPLACE fires delete triggers
    sealed: Row | None = None
    log: list[Entry] = field(default_factory=list)
    pending: tuple[bool, bool] | None = None  # deleted, fresh
    clock: int = 0
    written: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sealed = dict(self.row) if self.row is not None else None

    def note(self, kind, ms: int, old: Row | None = None, written: frozenset[str] = frozenset()) -> None:
        self.log.append(Entry(len(self.log) + 1, kind, ms, written, dict(old or {})))

    def tick(self, ms: int) -> int:
        last = self.clock if self.pending else 0
        return max(ms << 16, max(self.floor, last) + 1)

    def insert(self, ms: int, row: Row) -> None:
        self.clock = self.tick(ms)
        self.pending, self.written = (False, True), dict.fromkeys(COLUMNS, self.clock)
        self.row = dict(row)
        self.note("I", ms)

    def set(self, ms: int, row: Row) -> frozenset[str]:
        """Writes what differs."""
        assert self.row is not None
        differing = frozenset(c for c in row if not same(self.row[c], row[c]))
        if differing:
            self.clock = self.tick(ms)
            self.pending = self.pending or (False, False)
            self.written |= dict.fromkeys(differing, self.clock)
        self.row |= row
        return differing

    def update(self, ms: int, row: Row) -> None:
        before = dict(self.row or {})
        differing = self.set(ms, row)
        self.note("U", ms, {c: before[c] for c in differing}, differing)

    def replace(self, ms: int, row: Row) -> None:
        before = dict(self.row or {})
        self.note("M", ms, before)
        if self.recursive:
            self.note("D", ms, before)
        self.set(ms, row)
        self.note("I", ms)

    def vanish(self, ms: int) -> None:
        self.clock = self.tick(ms)
        self.pending, self.written = ((True, False), {}) if self.sealed is not None else (None, {})
        self.row = None

    def delete(self, ms: int) -> None:
        self.note("D", ms, self.row)
        self.vanish(ms)

    def displace(self, ms: int) -> None:
        """Another row's REPLACE takes this one out."""
        self.note("M", ms, self.row)
        if self.recursive:
            self.note("D", ms, self.row)
        self.vanish(ms)

    def act(self, what: str, ms: int, row: Row, columns: set[str]) -> None:
        part = {c: row[c] for c in columns}
        if self.row is None:
            if what in ("insert", "replace", "upsert"):
                self.insert(ms, row)
        elif what == "update":
            self.update(ms, part)
        elif what == "replace":
            self.replace(ms, row)
        elif what == "upsert":
            self.note("M", ms, self.row)
            self.update(ms, part)
        elif what == "touch":
            self.update(ms, {})
        elif what == "ignored":
            self.note("M", ms, self.row)
        elif what == "delete":
            if self.log and self.log[-1].kind == "M":
                self.update(ms, {})  # M, D, I would read as a REPLACE; see the test of its own
            self.delete(ms)

    def net(self) -> Net | None:
        if self.pending is None:
            return None
        deleted, fresh = self.pending
        return Net(deleted, self.clock, self.written, fresh, self.sealed if deleted else None)


@given(
    before=st.one_of(st.none(), rows),
    floor=st.sampled_from([0, 3 << 16, (4 << 16) + 7]),
    recursive=st.booleans(),
    steps=steps,
    displaced=st.one_of(st.none(), st.integers(0, 6)),
)
@settings(max_examples=2000, deadline=None)
def test_the_log_comes_to_what_happened(
    before: Row | None,
    floor: int,
    recursive: bool,
    steps: list[tuple[str, int, Row, set[str]]],
    displaced: int | None,
) -> None:
    table = Simulation(before, floor, recursive)
    for what, ms, row, columns in steps:
        table.act(what, ms, row, columns)
    if displaced is not None and table.row is not None:
        table.displace(displaced)
    net = coalesce(table.log, table.row, before is not None, floor)
    expected = table.net()
    assert net == expected
    if net is not None and net.image is not None:
        assert table.sealed is not None
        assert all(same(net.image[column], table.sealed[column]) for column in COLUMNS)


@given(steps=steps, before=rows, floor=st.integers(0, 9))
@settings(max_examples=300, deadline=None)
def test_times_of_a_row_never_go_back(steps: list[tuple[str, int, Row, set[str]]], before: Row, floor: int) -> None:
    table = Simulation(before, floor, False)
    clocks = [floor]
    for what, ms, row, columns in steps:
        table.act(what, ms, row, columns)
        net = coalesce(table.log, table.row, True, floor)
        if net is not None:
            assert all(floor < stamp <= net.clock for stamp in net.written.values())
            clocks.append(net.clock)
    assert clocks == sorted(clocks)
