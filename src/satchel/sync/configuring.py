"""Changing the configuration: an admin signs its next version (PROTOCOL, Members and configuration)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from satchel.errors import BadPacket, SatchelError, UsageError
from satchel.model.gids import typed
from satchel.model.schema import Schema, Table
from satchel.model.stamp import stamp_of
from satchel.packet.configuration import Configuration, Reference, TableRule, with_references
from satchel.packet.options import fits
from satchel.replication.policies import parse_policy
from satchel.sync import sealing
from satchel.sync.agreeing import adopt, decide_again
from satchel.sync.choosing import clashes, parse_reference, reference_word, with_scope
from satchel.sync.site import Site, now_ms
from satchel.sync.standing import require_admin
from satchel.sync.visit import Tour, look

_AT_INIT = "it can only be named at `satchel init`, before the rows have an identity"


@dataclass(slots=True)
class ConfigurationReport:
    """A configuration that was signed. `tables` and `references`: what it adds, as `satchel tables` says it."""

    version: int
    tables: list[str] = field(default_factory=list)
    policies: dict[str, str] = field(default_factory=dict)  # table -> its policy from now on
    references: list[str] = field(default_factory=list)
    sealed: list[str] = field(default_factory=list)
    dry_run: bool = False
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Every field by name."""
        return {name: getattr(self, name) for name in self.__slots__}


def add_tables(site: Site, globs: Sequence[str], *, dry_run: bool = False) -> ConfigurationReport:
    """Replicates more tables, those that are there and later ones of these names. UsageError for a glob that fits no
    table, or only tables that are replicated already; SatchelError if this node is no admin, or if a table cannot be
    replicated."""
    _require_admin(site)
    before = site.configuration
    schema = site.store.inspect()
    new = [table for glob in globs for table in _new_tables(schema, before, glob)]
    options = before.options
    if options.tables:
        options = options.model_copy(update={"tables": tuple(dict.fromkeys([*options.tables, *globs]))})
    scoped = [with_scope(table, options, before.references, strict=False) for table in dict.fromkeys(new)]
    after = _next(site, before, [*before.shared_tables(), *scoped], before.references)
    rules = {
        table.name: after.tables[table.name].model_copy(update={"policy": options.policy_of(table.name)})
        for table in scoped
    }
    after = after.model_copy(update={"options": options, "tables": {**after.tables, **rules}})
    report = ConfigurationReport(after.version, tables=sorted(rules), dry_run=dry_run)
    return _sign(site, before, after, report)


def add_references(site: Site, words: Sequence[str], *, dry_run: bool = False) -> ConfigurationReport:
    """Names references that the schema does not declare, TABLE.COLUMN=TABLE: their numbers are translated from now on.
    UsageError for one that leads nowhere, or that is known already; SatchelError if this node is no admin."""
    _require_admin(site)
    before = site.configuration
    tables = before.shared_tables()
    new = [parse_reference(word, tables) for word in words]
    for word, reference in zip(words, new, strict=True):
        _require_new(word, reference, tables)
    after = _next(site, before, tables, tuple(dict.fromkeys([*before.references, *new])))
    report = ConfigurationReport(after.version, references=[reference_word(r) for r in new], dry_run=dry_run)
    return _sign(site, before, after, report)


def set_policy(site: Site, glob: str, policy: str, *, dry_run: bool = False) -> ConfigurationReport:
    """Another conflict policy for the tables of these names; `*` means later ones, too. Every row with several versions
    is decided again on every node that gets it. UsageError for a policy that there is not, a glob that fits no table,
    or one that changes nothing; SatchelError if this node is no admin."""
    _require_admin(site)
    parse_policy(policy)
    before = site.configuration
    fitting = [name for name in sorted(before.tables) if fits(name, glob)]
    changed = {name: policy for name in fitting if before.policy_of(name) != policy}
    if not fitting:
        raise UsageError(f"no replicated table is called {glob}", f"they are {', '.join(sorted(before.tables))}")
    if not changed and (glob != "*" or before.policy == policy):
        raise UsageError(f"{policy} is the policy of {', '.join(fitting)} already", "see `satchel tables`")
    rules = {name: before.tables[name].model_copy(update={"policy": policy}) for name in changed}
    after = _next(site, before, before.shared_tables(), before.references)
    after = after.model_copy(
        update={"tables": {**after.tables, **rules}, "policy": policy if glob == "*" else before.policy}
    )
    report = ConfigurationReport(after.version, policies=changed, dry_run=dry_run)
    return _sign(site, before, after, report)


def _require_admin(site: Site) -> None:
    require_admin(site, "change the configuration")


def _new_tables(schema: Schema, before: Configuration, glob: str) -> list[Table]:
    known = {name.lower() for name in before.tables}
    fitting = [table for table in schema.tables if fits(table.name, glob)]
    new = [table for table in fitting if table.name.lower() not in known]
    if new:
        return new
    if fitting:
        raise UsageError(f"{', '.join(table.name for table in fitting)} is replicated already", "see `satchel tables`")
    for entry in schema.left_out:
        if fits(entry.table, glob):
            raise SatchelError(f"{entry.table} cannot be replicated: {entry.reason}", "see `satchel doctor`")
    names = ", ".join(table.name for table in schema.tables if table.name.lower() not in known)
    raise UsageError(f"no table is called {glob}", f"these could be added: {names or 'none'}")


def _require_new(word: str, reference: Reference, tables: Sequence[Table]) -> None:
    table = next(table for table in tables if table.name == reference.table)
    if with_references(tables, [reference]) == tuple(tables):
        raise UsageError(f"the reference {word} is known already", "see `satchel tables`")
    if not set(table.key).isdisjoint(reference.columns):
        raise UsageError(f"the reference {word} would give the rows of {table.name} another identity", _AT_INIT)


def _next(site: Site, before: Configuration, tables: Sequence[Table], references: Sequence[Reference]) -> Configuration:
    """The next version with these tables and references; whatever else the one before says is kept."""
    shared = typed(with_references(tables, references))
    known = {table.name: table for table in before.shared_tables()}
    for table in shared:
        if table.name in known and _key_types(table) != _key_types(known[table.name]):
            raise UsageError(f"this would give the rows of {table.name} another identity", _AT_INIT)
    rules = {table.name: _rule(before.tables.get(table.name), table) for table in shared}
    return before.model_copy(
        update={
            "version": before.version + 1,
            "stamp": str(max(stamp_of(now_ms()), int(before.stamp) + 1)),
            "signer": site.settings.node,
            "tables": rules,
            "references": tuple(references),
        }
    )


def _rule(before: TableRule | None, table: Table) -> TableRule:
    """A known table's rule with the types that its columns have now; everything else stays."""
    if before is None:
        return TableRule.of(table)
    pairs = zip(before.columns, table.columns, strict=True)
    columns = tuple(entry.model_copy(update={"type": column.type}) for entry, column in pairs)
    return before.model_copy(update={"columns": columns})


def _key_types(table: Table) -> list[str]:
    return [table.column(name).type for name in table.key]


def _sign(site: Site, before: Configuration, after: Configuration, report: ConfigurationReport) -> ConfigurationReport:
    """What is pending was written under the version before, and is sealed under it; then the new one holds."""
    try:
        after = Configuration.parse(after.to_bytes())  # as every other node will read it
    except BadPacket as bad:
        raise UsageError(f"this cannot be said in a configuration: {bad.reason}", "shorten the names") from bad
    told = set(clashes(before.shared_tables()))
    report.warnings = [warning for warning in clashes(after.shared_tables()) if warning not in told]
    if report.dry_run:
        report.warnings += site.warnings
        return report
    look(site, Tour(()))
    sealed = sealing.seal_pending(site)
    site.add_node_files([after.seal(site.key)])
    adopt(site)
    sealed += sealing.seal_pending(site)
    decide_again(site)
    report.sealed = [str(packet.dot) for packet in sealed]
    report.warnings += site.warnings
    return report
