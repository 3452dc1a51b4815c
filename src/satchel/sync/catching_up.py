"""The configuration after a schema change: an admin's node signs what its database has gained; where the network asks
for it, databases follow (PROTOCOL, Members and configuration)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from satchel.model.gids import typed
from satchel.model.stamp import stamp_of
from satchel.packet.configuration import Configuration, TableRule, with_references
from satchel.sync.agreeing import adopt
from satchel.sync.site import Site, now_ms

if TYPE_CHECKING:
    from satchel.model.schema import ForeignKey, Table


def sign_next(site: Site) -> None:
    """Signs the next version if this database has tables or columns that the network's configuration does not name. A
    node that is no admin cannot; what it gained travels all the same, without constraints, until an admin has it."""
    before = site.configuration
    known = {table.name: table for table in before.shared_tables()}
    captured = site.store.tables()
    if not any(_names(table) - _names(known[table.name]) if table.name in known else True for table in captured):
        return
    here = {table.name: table for table in site.store.inspect().tables}
    wanted = [
        _grown(known.get(table.name), table, here[table.name])
        for table in captured
        if table.name in here and _names(table) <= _names(here[table.name])
    ]
    tables = {**known, **{table.name: table for table in wanted}}
    if tables == known:
        return
    site.add_node_files([_next(site, before, list(tables.values())).seal(site.key)])
    adopt(site)


def _grown(known: Table | None, captured: Table, here: Table) -> Table:
    """A table of the network with what this database has beyond it: its columns, and the constraints on those."""
    old = set() if known is None else _names(known)
    columns = (*(known.columns if known else ()), *(c for c in captured.columns if c.name.lower() not in old))
    added = (key for key in here.unique_keys if not _lower(key.columns) <= old)
    spelt = (replace(key, collations=key.collations or here.collations_of(key.columns)) for key in added)
    unique = (*(known.unique_keys if known else ()), *spelt)
    references = (
        *(known.foreign_keys if known else ()),
        *(key for key in here.foreign_keys if not _lower(key.columns) <= old),
    )
    return replace(captured, columns=columns, foreign_keys=tuple(references)).with_unique_keys(unique)


def _names(table: Table) -> set[str]:
    return _lower(table.names)


def _lower(names: Iterable[str]) -> set[str]:
    """A database takes `ID` and `id` for one."""
    return {name.lower() for name in names}


def _declared(table: Table) -> tuple[ForeignKey, ...]:
    return tuple(key for key in table.foreign_keys if key.declared)


def _next(site: Site, before: Configuration, tables: list[Table]) -> Configuration:
    shared = typed(with_references(tables, before.references))
    rules = {}
    for table in shared:
        old = before.tables.get(table.name)
        policy = before.options.policy_of(table.name) if old is None else old.policy
        unchanged = old is not None and old.table(table.name) == replace(table, foreign_keys=_declared(table))
        rules[table.name] = old if old is not None and unchanged else TableRule.of(table, policy)
    return before.model_copy(
        update={
            "version": before.version + 1,
            "stamp": str(max(stamp_of(now_ms()), int(before.stamp) + 1)),
            "signer": site.settings.node,
            "tables": rules,
        }
    )
