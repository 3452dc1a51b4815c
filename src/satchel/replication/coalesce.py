"""What the capture log of one row between two seals comes to (PROTOCOL, Capture and Stamps).

The log is read once, in its order; the row is present before the first entry, unless that is an insert.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from satchel.model.change import Entry, Net
from satchel.model.value import Value, same
from satchel.replication.clock import lift

Row = Mapping[str, Value]


@dataclass(slots=True)
class _Change:
    """The change so far. `whole`: the stamp at which every column was written, None: never."""

    clock: int
    deleted: bool = False
    fresh: bool = False
    whole: int | None = None
    written: dict[str, int] = field(default_factory=dict)


def coalesce(entries: Sequence[Entry], current: Row | None, known: bool, floor: int) -> Net | None:
    """The net change of one row, None: nothing to seal.

    `entries`: its log, in order; `current`: the row now, None: gone; `known`: whether the network had the key alive
    before; `floor`: the highest stamp of the row's own siblings, 0 if it has none.
    """
    if not entries:
        return None
    log = _Log(entries, current, known, floor)
    for place, entry in enumerate(entries):
        log.read(place, entry)
    log.compare_with_table()
    return log.net()


class _Log:
    """Reading the log of one row, entry by entry."""

    def __init__(self, entries: Sequence[Entry], current: Row | None, known: bool, floor: int) -> None:
        self.entries = entries
        self.current = current
        self.known = known
        self.floor = floor
        self.change: _Change | None = None
        self.present = True  # whether the row is there, as far as the log was read

    def read(self, place: int, entry: Entry) -> None:
        """The next entry."""
        if entry.kind == "U" and entry.written:
            self.update(entry.at, entry.written)
        elif entry.kind == "I":
            self.insert(place, entry)
        elif entry.kind == "D" and not self.is_replaced(place):
            self.delete(entry.at)

    def lift(self, at: int) -> int:
        """Stamps: over the row's siblings and over this change's own last stamp."""
        return lift(at, (self.floor, self.change.clock if self.change else 0))

    def update(self, at: int, columns: frozenset[str]) -> None:
        """An update of a row that the log says is gone means that an insert was not noted: every column counts."""
        clock = self.lift(at)
        if not self.present or self.change is None or self.change.deleted:
            self.change = _Change(clock, whole=None if self.present else clock)
        self.present = True
        self.change.clock = clock
        self.change.written.update(dict.fromkeys(columns, clock))

    def insert(self, place: int, entry: Entry) -> None:
        """A fresh row, whatever was there before; after a REPLACE, an update of the columns that came out different."""
        before = self.replaced_row(place)
        if before is None:
            clock = self.lift(entry.at)
            self.change = _Change(clock, fresh=True, whole=clock)
            self.present = True
            return
        after = self.state_from(place + 1)
        differing = frozenset(column for column in after if not same(before.get(column), after[column]))
        if differing:
            self.update(entry.at, differing)

    def delete(self, at: int) -> None:
        """Of a row that the network does not have, nothing is left: it never existed for anyone else."""
        clock = self.lift(at)
        self.change = _Change(clock, deleted=True) if self.known else None
        self.present = False

    def is_replaced(self, place: int) -> bool:
        """Whether this delete is one that a REPLACE fired (recursive_triggers on: M, D, I)."""
        following = self.entries[place + 1 : place + 2]
        return self.is_noted(place) and any(e.kind == "I" and e.at == self.entries[place].at for e in following)

    def is_noted(self, place: int) -> bool:
        """Whether the entry before is an M of the same statement: one statement has one time. An M of another is of
        an INSERT OR IGNORE that did nothing."""
        if place == 0:
            return False
        entry, before = self.entries[place], self.entries[place - 1]
        return before.kind == "M" and before.at == entry.at

    def replaced_row(self, place: int) -> Row | None:
        """The row that this insert replaced (M, I or M, D, I), None: the key was free."""
        noted = place
        if place > 0 and self.entries[place - 1].kind == "D" and self.entries[place - 1].at == self.entries[place].at:
            noted = place - 1
        return self.entries[noted - 1].old if self.is_noted(noted) else None

    def state_from(self, place: int) -> dict[str, Value]:
        """The row just before the entry at `place`: the old values that the log tells from there on, the first one of
        each column, up to a whole old row; else what the row is now."""
        state: dict[str, Value] = {}
        for entry in self.entries[place:]:
            for column, value in entry.old.items():
                state.setdefault(column, value)
            if entry.kind in "DM":
                return state
        return {**(self.current or {}), **state}

    def compare_with_table(self) -> None:
        """What no entry tells: a row that REPLACE displaced without firing its delete trigger is gone, at the time of
        its last entry; and whatever else escaped the log is settled by the table."""
        at = self.entries[-1].at
        if self.present and self.current is None:
            self.delete(at)
        elif not self.present and self.current is not None:
            clock = self.lift(at)
            self.change = _Change(clock, whole=clock)

    def net(self) -> Net | None:
        """What is left in the end."""
        change = self.change
        if change is None:
            return None
        if change.deleted or self.current is None:
            return Net(True, change.clock, {}, False, self.state_from(0))
        whole = change.clock if change.whole is None and not self.known else change.whole
        written = {} if whole is None else dict.fromkeys(self.current, whole)
        # A column that was dropped since has no value that could be sealed.
        written.update({column: clock for column, clock in change.written.items() if column in self.current})
        if not written:
            return None
        return Net(False, change.clock, written, change.fresh or not self.known)
