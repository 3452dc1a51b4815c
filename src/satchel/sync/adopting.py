"""Taking over a configuration: the database captures and translates what the network agreed on last."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from satchel.model.gids import typed
from satchel.sync.agreeing import FOLLOWED
from satchel.sync.choosing import with_scope

if TYPE_CHECKING:
    from satchel.model.schema import Schema, Table
    from satchel.packet.agreed import Agreed
    from satchel.packet.configuration import Configuration
    from satchel.sync.site import Site


def new_tables(site: Site, schema: Schema) -> list[Table]:
    """Tables of this database that the network's globs take in and that are not replicated yet, as the network would
    have them. Nobody can be sure of all globs before the first import."""
    configuration = site.members.configuration
    if configuration is None or site.joining:
        return []
    options = configuration.options
    known = {table.name.lower(): table for table in site.store.tables()}
    found = [table for table in schema.tables if table.name.lower() not in known and options.takes(table.name)]
    scoped = {t.name: with_scope(t, options, configuration.references, strict=False) for t in found}
    every = typed([*known.values(), *map(unconstrained, scoped.values())])
    return [table for table in every if table.name in scoped]


def unconstrained(table: Table) -> Table:
    """A table that the configuration does not name: its references are translated, but only what all agreed on is a
    constraint of the network."""
    keys = tuple(replace(key, declared=False) for key in table.foreign_keys)
    return replace(table, unique=(), unique_collations=(), foreign_keys=keys)


def take_over(site: Site, agreed: Agreed) -> None:
    """Makes the database follow a version of the configuration."""
    configuration = agreed.document(site.settings.limits)
    site.warnings += site.store.adopt(configuration.shared_tables())
    site.store.unsettle(_other_policies(site, configuration))
    # its globs may take in more of this database: the next command looks at all of it
    site.note(configuration=agreed.file_name, fingerprint="")


def _other_policies(site: Site, configuration: Configuration) -> list[str]:
    """Tables whose rows another policy decides than that of the configuration that was followed; all of them where that
    one is not known any more."""
    name = site.notes.get(FOLLOWED)
    known = next((agreed for agreed in site.members.configurations if agreed.file_name == name), None)
    before = None if known is None else known.document(site.settings.limits)
    tables = configuration.tables
    return [t for t in tables if before is None or before.policy_of(t) != configuration.policy_of(t)]
