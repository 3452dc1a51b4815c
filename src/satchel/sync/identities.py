"""Rows as people name them and as the network knows them: this database's own numbers, and gids (PROTOCOL, Whose key
is it?)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from satchel.errors import UsageError
from satchel.model.gids import GID_PATTERN, gid_columns
from satchel.model.value import Value, to_json

if TYPE_CHECKING:
    from satchel.model.schema import Table
    from satchel.stores.base import Store


class Identities:
    """Both names of the rows of one database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @cached_property
    def _tables(self) -> dict[str, Table]:
        return {table.name: table for table in self._store.tables()}

    @cached_property
    def _roots(self) -> dict[tuple[str, str], str]:
        return gid_columns(self._tables.values())

    def table(self, name: str) -> Table:
        """The table of a name that a person wrote, also in other case. UsageError if it is not replicated."""
        found = self._tables.get(name) or next(
            (t for t in self._tables.values() if t.name.lower() == name.lower()), None
        )
        if found is None:
            raise UsageError(f"{name} is not replicated", f"these tables are: {', '.join(self._tables)}")
        return found

    def on_wire(self, table: Table, key: Sequence[Value]) -> tuple[Value, ...]:
        """A key as a person gives it, own numbers or gids, as it is on the wire; texts are read as the column's
        affinity has them. UsageError if it has not the table's number of values."""
        if len(key) != len(table.key):
            raise UsageError(f"the key of {table.name} is {', '.join(table.key)}", "give one value for each")
        if self._is_numbered(table):
            return tuple(self._store.identity(table.name, key))
        return tuple(
            self._store.parse_value(table.name, name, part) if isinstance(part, str) else part
            for name, part in zip(table.key, key, strict=True)
        )

    def row_on_wire(self, table: Table, row: Mapping[str, Value]) -> dict[str, Value]:
        """A row of the application's table with gids in the place of the numbers that it refers to."""
        found = dict(row)
        for name in row.keys() - set(table.key if table.scope == "local" else ()):
            root = self._roots.get((table.name, name))
            if root is not None and row[name] is not None:
                [found[name]] = self._store.identity(root, [row[name]])
        return found

    def names(self, table_name: str, wire: Sequence[Value]) -> dict[str, Any]:
        """{key: the row's key in this database, or on the wire where the row is not in it; gid: of a row of scope
        local, else None}, for JSON."""
        table = self._tables.get(table_name)
        key: Sequence[Value] = wire
        if table is not None and self._is_numbered(table):
            row = self._store.read_row(table_name, wire)
            key = wire if row is None else [row[name] for name in table.key]
        local = table is not None and table.scope == "local"
        return {"key": [to_json(value) for value in key], "gid": wire[0] if local else None}

    def in_words(self, reason: str) -> str:
        """A reason, in which rows stand by table and gid, with the numbers that they have in this database."""
        for table in self._tables.values() if ":" in reason else ():
            if table.scope == "local":
                pattern = rf"(?<!\w){re.escape(table.name)} ({GID_PATTERN})(?!\w)"
                reason = re.sub(pattern, partial(self._named, table), reason)
        return reason

    def _named(self, table: Table, found: re.Match[str]) -> str:
        gid = found[1]
        number = self._store.own_row(table.name, {table.key[0]: gid})[table.key[0]]
        return f"{table.name} {number} ({gid})" if isinstance(number, int) else found[0]

    def _is_numbered(self, table: Table) -> bool:
        """Whether a number that a database handed out is part of the table's key."""
        return any((table.name, name) in self._roots for name in table.key)
