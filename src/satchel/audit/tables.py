"""The tables of the verified packets: their columns, their files, and the names of their views."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, NamedTuple

from satchel.audit.branches import dot_of
from satchel.audit.foundation import Foundation
from satchel.audit.held import Held
from satchel.model.schema import Column, Table
from satchel.replication.branches import Naming

OURS = ("packets", "changes", "acks", "nodes", "conflicts", "gaps", "unverified")
MACHINERY = "_satchel"  # names of what the views are made of begin so
LEDGER_NAME = f"{MACHINERY}_ledger"
CHANGE_FIELDS = ("origin", "seq", "op", "at", "by", "stamp", "columns", "lineage", "context", "gid", "misfit")


# A packet's file; one that a foundation stands for, too; the foundation's.
Kind = Literal["packet", "covered", "base"]


class Shape(NamedTuple):
    """What distinguishes the files of one table: the columns that are still numbers in them and gids in later ones; the
    branch of a fork that they are of, empty: the origin is the one that stands in the file; where they are."""

    numbers: frozenset[str]
    branch: str
    kind: Kind


class Source(NamedTuple):
    """Files of one shape, with the table as they have it."""

    table: Table
    files: Sequence[Path]
    shape: Shape


@dataclass(slots=True)
class Found:
    """One table as all its packets together have it: columns in order of appearance, files in order of packet, by
    shape."""

    table: Table
    files: dict[Shape, list[Path]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Named:
    """A table with the names of its views."""

    table: Table
    files: Mapping[Shape, Sequence[Path]]
    view: str
    changes_view: str

    @property
    def shapes(self) -> list[Source]:
        """Files with the table as they have it: a reference that was named late is a number in what came before."""
        found = [
            Source(_with_types(self.table, "int64", shape.numbers), files, shape) for shape, files in self.files.items()
        ]
        return found or [Source(self.table, (), Shape(frozenset(), "", "packet"))]

    @property
    def has_base(self) -> bool:
        """Whether a foundation stands for some of its packets."""
        return any(shape.kind != "packet" for shape in self.files)


def gather_tables(
    configured: Iterable[Table], packets: Iterable[Held], naming: Naming, base: Foundation | None = None
) -> tuple[list[Named], list[str]]:
    """Tables by name, and a warning for each part that cannot stand in a view: a column of another type, or another
    key, than the network agreed on (or, where nothing was agreed, than the first packet has)."""
    found = {table.name: Found(table) for table in configured}
    warnings: list[str] = []
    for packet in packets:
        dot = dot_of(packet, naming)
        branch = dot.origin if dot.origin != packet.dot.origin else ""
        kind: Kind = "covered" if base is not None and base.covers(dot) else "packet"
        for part in packet.parts:
            if clash := _add(found, part.table, packet.folder / part.file, branch, kind):
                warnings.append(f"{packet.dot}: {part.file} is in no view: {clash}")
    for table, path in base.parts if base is not None else ():
        if base is not None and (clash := _add(found, table, path, "", "base")):
            warnings.append(f"{base.name}: {path.name} is in no view: {clash}")
    return _named(found), warnings


def _add(found: dict[str, Found], table: Table, path: Path, branch: str, kind: Kind) -> str:
    """Takes a file in; why it cannot stand in a view otherwise."""
    entry = found.setdefault(table.name, Found(table))
    numbers = _numbers(entry.table, table)
    clash = _clash(entry.table, _with_types(table, "string", numbers))
    if not clash:
        entry.table = _joined(entry.table, table)
        entry.files.setdefault(Shape(numbers, branch, kind), []).append(path)
    return clash


def shown_name(column: str) -> str:
    """A user's column in `<table>_changes`: where it has the name of one of ours, `column_` stands before it."""
    ours = {f"_{name}" for name in CHANGE_FIELDS}
    return f"column_{column}" if column.lower() in ours else column


def _numbers(known: Table, other: Table) -> frozenset[str]:
    """Columns that were numbers in a part before the network named them references, and so made them gids. Never of a
    key: that would be another row's."""
    if known is other:
        return frozenset()
    texts = {column.name for column in known.columns if column.type == "string"} - set(known.key)
    return frozenset(column.name for column in other.columns if column.type == "int64" and column.name in texts)


def _with_types(table: Table, type_: str, names: frozenset[str]) -> Table:
    """The table with another type for some columns."""
    if not names:
        return table
    return replace(table, columns=tuple(replace(c, type=type_) if c.name in names else c for c in table.columns))


def _clash(known: Table, other: Table) -> str:
    if known is other:
        return ""
    if (known.key, known.scope) != (other.key, other.scope):
        return f"its key is {', '.join(other.key)}, not {', '.join(known.key)}"
    types = {column.name.lower(): column for column in known.columns}
    for column in other.columns:
        agreed = types.get(column.name.lower(), column)
        if (agreed.name, agreed.type) != (column.name, column.type):
            return f"{column.name} is {column.type}, not {agreed.name} {agreed.type}"
    return ""


def _joined(known: Table, other: Table) -> Table:
    names = set(known.names)
    new: tuple[Column, ...] = tuple(column for column in other.columns if column.name not in names)
    return replace(known, columns=known.columns + new) if new else known


def _named(found: dict[str, Found]) -> list[Named]:
    """Names compare without case. A table's own view comes before another's `_changes`; who comes late gets `table_`
    in front."""
    taken = set(OURS)
    views = {name: _free(name, taken) for name in sorted(found)}
    changes = {name: _free(f"{views[name]}_changes", taken) for name in sorted(found)}
    return [Named(found[name].table, found[name].files, views[name], changes[name]) for name in sorted(found)]


def _free(name: str, taken: set[str]) -> str:
    while name.lower() in taken or name.lower().startswith(MACHINERY):
        name = f"table_{name}"
    taken.add(name.lower())
    return name
