"""A user's own conflict policy, `package.module:function` (PROTOCOL, Conflict policies).

The function gets a tuple of `Sibling`, sorted by origin and seq, two or more, and returns

- one of them: that version is shown, a deleted one as a delete;
- a mapping of column values: the row to show; columns that it leaves out are those of the newest living sibling;
- None: the row is deleted.

It must be pure and the same on every node: equal siblings, equal answer, no clock, no chance, no files. A row that has
one version only shows that version, and the function is not asked.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from satchel.errors import SatchelError
from satchel.model.ids import Dot
from satchel.model.value import Value, same, text_bytes
from satchel.model.version import Cell, Version
from satchel.replication.siblings import columns_of

_LARGEST = 2**63


@dataclass(frozen=True, slots=True)
class Sibling:
    """One version of a row, as a user's function sees it. `at`: wall clock of the change in milliseconds since 1970
    UTC, None: unknown; `by`: value of the author column; `row` of a deleted version is its last image (read-only)."""

    origin: str
    seq: int
    at: int | None
    by: str | None
    deleted: bool
    row: Mapping[str, Value]


Function = Callable[[Sequence[Sibling]], object]


def load_function(name: str) -> Function:
    """The function that `package.module:function` names; SatchelError if it cannot be imported."""
    module, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    # Whatever the user's module raises while it is imported must not look like an error of ours.
    except (Exception, SystemExit) as error:
        raise SatchelError(
            f"the conflict policy {name} cannot be imported: {_words(error)}",
            f"install a module {module} with a function {path} where satchel runs, on every node",
        ) from error
    if not callable(found):
        raise SatchelError(f"the conflict policy {name} is no function", f"make {path} in {module} a function")
    function: Function = found
    return function


def shown_by(name: str, function: Function, siblings: Sequence[Version]) -> tuple[bool, Mapping[str, Cell]]:
    """What the user's function shows of these siblings: deleted, and the cells.

    SatchelError if it fails, or returns what is neither one of the siblings nor a row nor None.
    """
    views = tuple(_view(version) for version in siblings)
    try:
        answer = function(views)
    except (Exception, SystemExit) as error:
        raise SatchelError(f"the conflict policy {name} failed: {_words(error)}", _hint(name, siblings)) from error
    if answer is None:
        return True, _newest(siblings).cells
    if isinstance(answer, Sibling):
        chosen = {version.dot: version for version in siblings}.get(Dot(answer.origin, answer.seq))
        if chosen is None:
            raise SatchelError(
                f"the conflict policy {name} returned a version that it was not given", _hint(name, siblings)
            )
        return chosen.deleted, chosen.cells
    if isinstance(answer, Mapping):
        return False, _cells(name, answer, siblings)
    raise SatchelError(f"the conflict policy {name} returned {type(answer).__name__}", _hint(name, siblings))


def _view(version: Version) -> Sibling:
    row = MappingProxyType({column: cell.value for column, cell in version.cells.items()})
    return Sibling(version.dot.origin, version.dot.seq, version.at, version.by, version.deleted, row)


def _newest(siblings: Sequence[Version]) -> Version:
    return max(siblings, key=lambda version: version.rank)


def _cells(name: str, row: Mapping[object, object], siblings: Sequence[Version]) -> dict[str, Cell]:
    """The returned row with lineage: a value that some sibling has takes the newest such cell, a new value the dot
    and stamp of the newest sibling."""
    columns = set(columns_of(siblings))
    base = _newest([version for version in siblings if not version.deleted] or siblings)
    cells = dict(base.cells)
    for column, value in row.items():
        if not isinstance(column, str) or column not in columns:
            raise SatchelError(
                f"the conflict policy {name} returned a column {column!r} that no version has", _hint(name, siblings)
            )
        cells[column] = _cell(column, _checked(name, column, value, siblings), siblings)
    return cells


def _cell(column: str, value: Value, siblings: Sequence[Version]) -> Cell:
    # Who lacks the column never wrote it: its NULL is a value like any other's.
    held = [version.cell(column) for version in siblings]
    equal = [cell for cell in held if same(cell.value, value)]
    if equal:
        return max(equal, key=lambda cell: cell.rank)
    newest = _newest(siblings)
    return Cell(value, newest.dot, newest.stamp)


def _checked(name: str, column: str, value: object, siblings: Sequence[Version]) -> Value:
    """The value, if a row can hold it. Subclasses are refused (True would be 1 on one node and 'True' on another)."""
    if value is None or type(value) is float or type(value) is bytes:
        return value
    if type(value) is int and -_LARGEST <= value < _LARGEST:
        return value
    if type(value) is str and _is_text(value):
        return value
    raise SatchelError(
        f"the conflict policy {name} returned for column {column!r} a {type(value).__name__} that no row holds",
        _hint(name, siblings),
    )


def _is_text(value: str) -> bool:
    try:
        text_bytes(value)
    except UnicodeEncodeError:
        return False
    return True


def _words(error: BaseException) -> str:
    """An error of the user's code in one line."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def _hint(name: str, siblings: Sequence[Version]) -> str:
    dots = ", ".join(str(version.dot) for version in siblings)
    return f"correct {name}: it gets the versions (here {dots}) and returns one of them, a dict of columns, or None"
