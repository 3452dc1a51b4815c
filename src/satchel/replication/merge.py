"""The policy `merge`: column by column, by what each writer had seen (PROTOCOL, Conflict policies)."""

from __future__ import annotations

from collections.abc import Sequence

from satchel.model.version import Cell, Version
from satchel.replication.siblings import columns_of, knew


def standing(column: str, holders: Sequence[Version], siblings: Sequence[Version]) -> list[Cell]:
    """The cells of `holders` that nobody overwrote knowingly.

    A cell falls out when any sibling that holds another cell of the column had seen its write. Deletes judge too, by
    their last image: who deleted the row knew which values were overwritten. Who lacks the column does not judge it.
    """
    judges = [(sibling.cells[column].dot, sibling.saw) for sibling in siblings if column in sibling.cells]
    cells = [holder.cell(column) for holder in holders]
    if len({cell.dot for cell in cells}.union(held for held, _ in judges)) == 1:
        return cells  # all hold one write: the usual column of a row in conflict
    return [cell for cell in cells if not any(held != cell.dot and knew(saw, cell.dot) for held, saw in judges)]


def merge_cells(siblings: Sequence[Version]) -> dict[str, Cell]:
    """The row to show of siblings of which at least one lives: an update wins over a delete that had not seen it.

    Of the living cells that stand the newest is shown. If none stands, those of the deletes' images compete as well; if
    none stands there either, the newest living one (a circle of writes that had each seen the next, possible only
    where a delete is involved; it stays a conflict).
    """
    alive = [version for version in siblings if not version.deleted]
    cells = {}
    for column in columns_of(siblings):
        pool = standing(column, alive, siblings) or standing(column, siblings, siblings)
        pool = pool or [version.cell(column) for version in alive]
        first = pool[0]
        alike = all(cell.dot == first.dot and cell.stamp == first.stamp for cell in pool[1:])
        cells[column] = first if alike else max(pool, key=lambda cell: cell.rank)
    return cells
