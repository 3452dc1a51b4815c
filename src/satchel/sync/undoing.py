"""What to write so that rows become again what they were: decided row by row, by what stands now (ADR 32).

Only what nobody has touched since is undone: a column is if its value still comes from the packet that is taken back, a
row that the packet brought or removed is if nobody wrote anything of it since. The rest is left and named, unless the
person insists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from satchel.model.ids import Dot
from satchel.model.schema import Table
from satchel.model.value import Value, same
from satchel.model.version import NOWHERE, Cell, Resolved
from satchel.packet.versions import Key, Written
from satchel.stores.records import RowEdit

Values = Mapping[str, Value]
GONE_SINCE, BACK_SINCE, CHANGED_SINCE = "deleted since", "inserted again since", "changed since"
BESIDE = "in conflict: settle it with `satchel resolve`"
UNKNOWN = "what it was is in packets that were pruned"


@dataclass(frozen=True, slots=True)
class Left:
    """What is not undone: columns (none: the whole row), why, and the packet that is in the way."""

    columns: tuple[str, ...]
    why: str
    packet: str = ""


@dataclass(frozen=True, slots=True)
class Undoing:
    """One row: what is done to it (values None: it is deleted), and what is left. Neither: it is so already."""

    table: Table
    key: Key
    does: str = ""  # update | insert | delete; empty: nothing
    values: Values | None = None
    left: tuple[Left, ...] = ()

    @property
    def edit(self) -> RowEdit | None:
        """The edit, if there is any."""
        return RowEdit(self.table.name, self.key, self.values) if self.does else None


@dataclass(frozen=True, slots=True)
class Now:
    """What stands of a row now, None: the network never had it; and the packets that its siblings come from."""

    resolved: Resolved | None
    dots: tuple[Dot, ...] = ()

    @property
    def row(self) -> Resolved | None:
        """The row, if it is not deleted."""
        return None if self.resolved is None or self.resolved.deleted else self.resolved

    def others(self, packets: frozenset[Dot]) -> str:
        """The newest packet besides these that has written something of it; empty: none has."""
        cells = self.resolved.cells.values() if self.resolved is not None else ()
        ranked = [cell for cell in cells if cell.dot not in packets and cell.dot != NOWHERE]
        newest = max(ranked, key=lambda cell: cell.rank, default=None)
        return "" if newest is None else str(newest.dot)


@dataclass(frozen=True, slots=True)
class Before:
    """A row that the packets changed, and what it was before: None, there was no such row."""

    table: Table
    written: Written
    was: Resolved | None
    certain: bool = True


def decide_undoing(before: Before, now: Now, packets: frozenset[Dot], *, force: bool = False) -> Undoing:
    """How the row becomes again what it was before these packets; `force`: whatever became of it since."""
    if not before.certain:
        return Undoing(before.table, before.written.key, left=(Left((), UNKNOWN),))
    if before.was is None or before.was.deleted:
        return _take_away(before, now, packets, force=force)
    if now.row is None:
        return _bring_back(before, before.was, now, packets, force=force)
    return _put_back(before, before.was, now.row, now, packets, force=force)


def decide_return(table: Table, written: Written, now: Now) -> Undoing:
    """How the row becomes what it was in one of its versions, whatever happened since."""
    if written.version.deleted:
        return Undoing(table, written.key, "" if now.row is None else "delete")
    wanted = _wanted(table, written.version.cells)
    if now.row is None:
        return Undoing(table, written.key, "insert", wanted)
    return _updated(table, written.key, _differing(wanted, now.row))


def _wanted(table: Table, cells: Mapping[str, Cell]) -> dict[str, Value]:
    """What can be written: columns that there still are, and no key."""
    return {name: cells[name].value for name in table.names if name in cells and name not in table.key}


def _differing(wanted: Values, row: Resolved) -> dict[str, Value]:
    """What has to be written: also a column in conflict, so that the edit decides it."""
    known = row.cells
    return {n: v for n, v in wanted.items() if n in row.conflict or n not in known or not same(known[n].value, v)}


def _updated(table: Table, key: Key, values: Values, left: Sequence[Left] = ()) -> Undoing:
    return Undoing(table, key, "update" if values else "", values or None, tuple(left))


def _take_away(before: Before, now: Now, packets: frozenset[Dot], *, force: bool) -> Undoing:
    """A row that was not there before the packets."""
    table, key, row = before.table, before.written.key, now.row
    if row is None:
        return Undoing(table, key)
    if not force and row.conflict:
        return Undoing(table, key, left=(Left((), BESIDE),))
    if not force and (others := now.others(packets)):
        theirs = sorted(name for name, cell in row.cells.items() if cell.dot not in packets)
        return Undoing(table, key, left=(Left(tuple(theirs), CHANGED_SINCE, others),))
    return Undoing(table, key, "delete")


def _bring_back(before: Before, was: Resolved, now: Now, packets: frozenset[Dot], *, force: bool) -> Undoing:
    """A row that was there before the packets and is gone: by them, or by somebody after them."""
    table, key = before.table, before.written.key
    if not force and not packets.intersection(now.dots):
        return Undoing(table, key, left=(Left((), GONE_SINCE, str(now.dots[-1]) if now.dots else ""),))
    return Undoing(table, key, "insert", _wanted(table, was.cells))


def _put_back(
    before: Before, was: Resolved, row: Resolved, now: Now, packets: frozenset[Dot], *, force: bool
) -> Undoing:
    """A row that was there before the packets and is there now: column by column."""
    table, key = before.table, before.written.key
    if before.written.op == "delete":  # it is there again, or was all the time for somebody who did not know
        differing = _differing(_wanted(table, was.cells), row)
        if force or not differing:
            return _updated(table, key, differing)
        why = Left((), BESIDE) if row.conflict else Left((), BACK_SINCE, now.others(packets))
        return Undoing(table, key, left=(why,))
    written = [n for n in table.names if n in before.written.columns and n in row.cells and n not in table.key]
    wanted = {n: was.cells[n].value if n in was.cells else None for n in written}
    differing = {n: value for n, value in wanted.items() if not same(row.cells[n].value, value)}
    if force:
        return _updated(table, key, {n: value for n, value in wanted.items() if n in differing or n in row.conflict})
    if row.conflict and differing:  # an edit of any column would pass the conflict over
        return Undoing(table, key, left=(Left(tuple(differing), BESIDE),))
    ours = {n: value for n, value in differing.items() if row.cells[n].dot in packets}
    left = [Left((n,), CHANGED_SINCE, str(row.cells[n].dot)) for n in differing if n not in ours]
    return _updated(table, key, ours, left)
