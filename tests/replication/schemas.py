"""Tables, rows and outcomes as the tests of the constraints write them down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from satchel.model.admission import Candidate, Outcome, RowId
from satchel.model.ids import Dot
from satchel.model.schema import Column, ForeignKey, Table, UniqueKey
from satchel.model.value import Value
from satchel.model.version import Cell, Resolved
from satchel.replication.constraints import keep_constraints
from tests.replication.made import dot, vector

TYPES = {"integer": "int64", "text": "string", "real": "float64", "blob": "binary", "numeric": "float64"}


def column(text: str) -> Column:
    """`code`, `code:text`, `code:text:NOCASE`: affinity blob and BINARY unless it says otherwise."""
    name, affinity, collation = [*text.split(":"), "blob", "BINARY"][:3] if ":" in text else (text, "blob", "BINARY")
    collation = collation if collation in ("NOCASE", "RTRIM") else "BINARY"
    return Column(name, TYPES[affinity], affinity.upper(), affinity, collation)


def refers(
    columns: str, parent: str, to: str = "id", on_delete: str = "NO ACTION", declared: bool = True
) -> ForeignKey:
    return ForeignKey(tuple(columns.split()), parent, tuple(to.split()), on_delete, declared=declared)


def table(
    name: str,
    columns: str,
    *references: ForeignKey,
    key: str = "id",
    unique: tuple[str, ...] = (),
    scope: str = "global",
) -> Table:
    """`columns` and the columns of a key are separated by blanks; `n:NOCASE`: a unique key that compares n so."""
    made = Table(name, tuple(map(column, columns.split())), tuple(key.split()), scope, foreign_keys=references)
    return made.with_unique_keys(_unique(made, names.split()) for names in unique)


def _unique(table: Table, terms: list[str]) -> UniqueKey:
    pairs = [term.split(":") for term in terms]
    collations = tuple(how[0] if how else table.column(name).collation for name, *how in pairs)
    return UniqueKey(tuple(name for name, *_ in pairs), collations)


def row(
    name: str,
    /,
    *key: Value,
    at: str = "a/1",
    stamp: int = 10,
    saw: tuple[str, ...] = (),
    deleted: bool = False,
    fixed: bool = False,
    **values: Value | Cell,
) -> Candidate:
    """A row of one version, whose cells were all written there. `saw`: its row context."""
    cells = {c: v if isinstance(v, Cell) else Cell(v, dot(at), stamp) for c, v in values.items()}
    return Candidate((name, key), Resolved(deleted, cells), [vector(*saw)], fixed)


def cell(value: Value, at: str, stamp: int) -> Cell:
    return Cell(value, Dot(*dot(at)), stamp)


class Kept:
    """The outcome, asked by table and key."""

    def __init__(self, tables: list[Table], rows: list[Candidate], defaults: Mapping[str, Value] | None = None) -> None:
        given = defaults or {}
        self.outcomes = keep_constraints({t.name: t for t in tables}, rows, lambda table, column: given.get(column))
        turned = keep_constraints({t.name: t for t in tables[::-1]}, rows[::-1], lambda table, name: given.get(name))
        assert turned == self.outcomes, "the order in which rows and tables come must not matter"

    def __getitem__(self, row: RowId) -> Outcome:
        return self.outcomes[row]

    def of(self, name: str, *key: Value) -> Outcome:
        return self.outcomes[name, key]

    def shown(self) -> set[Any]:
        return {(i[0], *i[1]) for i, outcome in self.outcomes.items() if outcome.row is not None}

    def status(self, name: str, *key: Value) -> str:
        return self.of(name, *key).status
