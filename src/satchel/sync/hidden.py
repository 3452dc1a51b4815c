"""Settling rows that the application does not see: parked by a constraint, or refused by this database (PROTOCOL,
Constraints: `resolve` gives a parked row another value, or merges it with the row that is in its way)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from satchel.errors import UsageError
from satchel.model.admission import UNIQUE, RowId
from satchel.model.ids import node_of
from satchel.model.schema import ForeignKey
from satchel.model.value import Value
from satchel.model.version import Resolved, Version
from satchel.stores.records import ConflictRecord, Contested, RowEdit
from satchel.sync.site import Site

Row = Mapping[str, Value]


class Hidden:
    """One hidden row, and the edits that settle it."""

    def __init__(self, site: Site, record: ConflictRecord) -> None:
        self.site = site
        self.record = record
        self.tables = {table.name: table for table in site.store.tables()}
        self.edits: dict[RowId, RowEdit] = {}

    def set(self, values: Row) -> list[RowEdit]:
        """Gives the row other values; what refers to it follows if its key is among them."""
        self._change((self.record.table, self.record.key), values)
        return list(self.edits.values())

    def delete(self) -> list[RowEdit]:
        """Deletes the row, and the rows that are hidden because of it."""
        self._delete((self.record.table, self.record.key))
        return list(self.edits.values())

    def take(self, node: str) -> list[RowEdit]:
        """The node's word: of its version of the row itself, else of the row that is in the way, with which this one is
        merged. UsageError if the node has neither."""
        own = _of(self.record.versions, node)
        if self.record.kind != UNIQUE:
            if own is None:
                raise _no_version(node, self.record.versions, self.record.id)
            if own.deleted:
                return self.delete()
            return self.set({name: cell.value for name, cell in own.cells.items()})
        blocker = self._blocker()
        if own is not None:
            self._merge(blocker, {name: cell.value for name, cell in own.cells.items()})
        elif _of(self._standing(blocker), node) is not None:
            self._merge(blocker, {})
        else:
            raise _no_version(node, [*self.record.versions, *self._standing(blocker)], self.record.id)
        return list(self.edits.values())

    def _blocker(self) -> RowId:
        blockers = self.site.store.blockers(self.record.table, self.record.key)
        if len(blockers) != 1:
            raise UsageError(
                f"several rows are in the way of {self.record.id}", "give it other values with --set COLUMN=VALUE"
            )
        return blockers[0]

    def _merge(self, into: RowId, values: Row) -> None:
        """The other row gets these values, and whatever refers to this one."""
        table = self.tables[into[0]]
        wanted = {name: value for name, value in values.items() if name not in table.key}
        if wanted:
            self.edits[into] = RowEdit(into[0], into[1], wanted)
        target = dict(self._row(into) or {}) | wanted | dict(zip(table.key, into[1], strict=True))
        self._follow((self.record.table, self.record.key), target)
        self._delete((self.record.table, self.record.key))

    def _follow(self, row: RowId, target: Row) -> None:
        """What refers to a row refers to `target` from now on."""
        for table, key, reference in self.site.store.dependants(*row, self.site.rules):
            if (table, key) not in self.edits:
                self._change((table, key), _referring(reference, target))

    def _change(self, row: RowId, values: Row) -> None:
        table = self.tables[row[0]]
        before = self._row(row) or {}
        after = {**before, **dict(zip(table.key, row[1], strict=True)), **values}
        key = tuple(after[name] for name in table.key)
        if key == row[1] or table.scope == "local":
            self.edits[row] = RowEdit(row[0], row[1], {n: v for n, v in values.items() if n not in table.key})
            return
        moved = (row[0], key)
        if self._row(moved) is not None or moved in self.edits:
            raise UsageError(f"{row[0]} {_words(key)} is there already", "give one of the two rows another key first")
        self._follow(row, after)
        self.edits[row] = RowEdit(*row, None)
        self.edits[moved] = RowEdit(*moved, after)

    def _delete(self, row: RowId) -> None:
        self.edits[row] = RowEdit(*row, None)
        for table, key, _ in self.site.store.dependants(*row, self.site.rules):
            if (table, key) not in self.edits and self.site.store.is_hidden(table, key):
                self._delete((table, key))

    def _standing(self, row: RowId) -> list[Version]:
        return list(self.site.store.standing(*row))

    def _row(self, row: RowId) -> Row | None:
        standing = self._standing(row)
        if not standing:
            return None
        resolved: Resolved = self.site.rules.settle(Contested(*row, standing, None)).resolved
        return None if resolved.deleted else {name: cell.value for name, cell in resolved.cells.items()}


def _of(versions: Sequence[Version], node: str) -> Version | None:
    """The newest version of a node."""
    mine = [v for v in versions if node in (node_of(v.dot.origin), v.dot.origin)]
    return max(mine, key=lambda version: version.rank, default=None)


def _no_version(node: str, versions: Sequence[Version], conflict_id: str) -> UsageError:
    nodes = sorted({node_of(version.dot.origin) for version in versions})
    return UsageError(f"{node} has no version in {conflict_id}", f"there are versions of {', '.join(nodes)}")


def _referring(reference: ForeignKey, target: Row) -> dict[str, Value]:
    lower = {name.lower(): value for name, value in target.items()}
    pairs = zip(reference.columns, reference.parent_columns, strict=True)
    return {here: lower[there.lower()] for here, there in pairs}


def _words(key: tuple[Value, ...]) -> str:
    return ", ".join(map(str, key))
