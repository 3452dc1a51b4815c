"""Who claimed a unique value first (PROTOCOL, Constraints: order of admission)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from satchel.model.ids import Dot, node_of
from satchel.model.stamp import UNKNOWN
from satchel.model.vector import Vector
from satchel.model.version import NEVER_WRITTEN, NOWHERE, Cell
from satchel.replication.living import Living
from satchel.replication.plan import Held
from satchel.replication.siblings import knew

Place = tuple[bool, bool, bool, tuple[int, str], tuple[str, str]]


def order_of_admission(rows: Iterable[Living]) -> list[Living]:
    """Rows of known time before unknown; then those that are not passed over; then the newest stamp among the cells of
    the row's unique keys, earlier first; then the key.

    A row whose key moved to that of a parent's twin comes after all others: the key was theirs first.
    """
    rows = list(rows)
    holders: dict[Held, list[Living]] = {}
    for row in rows:
        for claim in row.claims:
            holders.setdefault(claim, []).append(row)
    contests = {claim: Contest(held) for claim, held in holders.items() if len(held) > 1}
    return sorted(rows, key=lambda row: _place(row, contests))


def _place(row: Living, contests: Mapping[Held, Contest]) -> Place:
    stamps = [(cell.stamp, node_of(cell.dot.origin)) for claim in row.claims for cell in written(row, claim)]
    newest = max(stamps, default=(UNKNOWN, ""))
    passed_over = any(claim in contests and contests[claim].passes_over(row, claim) for claim in row.claims)
    return row.moved, newest[0] == UNKNOWN, passed_over, newest, row.order


def written(row: Living, claim: Held) -> Iterator[Cell]:
    """The cells that a claim comes from, as they were written."""
    return (row.cells.get(column, NEVER_WRITTEN) for column in claim[1])


class Contest:
    """The rows that claim one value. A row is passed over when another one that the policy shows claims the value in a
    version whose author had seen the row's claim.

    What each rival saw is kept by origin, the two that saw most: many rows may claim one value, and asking each about
    each would take for ever.
    """

    def __init__(self, holders: Sequence[Living]) -> None:
        self._contexts: list[tuple[Living, Vector]] = []
        self._most: dict[str, list[tuple[int, Living]]] = {}
        for rival in holders:
            if not rival.deleted:
                for saw in rival.saw:
                    self._add(rival, saw)

    def _add(self, rival: Living, saw: Vector) -> None:
        self._contexts.append((rival, saw))
        for origin, mark in saw.items():
            others = [(seq, row) for seq, row in self._most.get(origin, ()) if row is not rival]
            own = [(seq, row) for seq, row in self._most.get(origin, ()) if row is rival]
            own = own if own and own[0][0] >= mark.seq else [(mark.seq, rival)]
            self._most[origin] = sorted(others + own, key=lambda entry: -entry[0])[:2]

    def passes_over(self, row: Living, claim: Held) -> bool:
        """Whether some rival had seen all that the row's claim comes from."""
        dots = {cell.dot for cell in written(row, claim) if cell.dot != NOWHERE}
        last: dict[str, int] = {}
        for dot in dots:
            last[dot.origin] = max(dot.seq, last.get(dot.origin, 0))
        if not all(self._somebody_saw(row, Dot(*dot)) for dot in last.items()):
            return False
        if len(last) == 1:
            return True
        # Each write was seen by somebody; now the same rival must have seen them all.
        return any(rival is not row and all(knew(saw, dot) for dot in dots) for rival, saw in self._contexts)

    def _somebody_saw(self, row: Living, dot: Dot) -> bool:
        return any(rival is not row and seq >= dot.seq for seq, rival in self._most.get(dot.origin, ()))
