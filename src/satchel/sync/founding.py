"""Founding a network with one database (INTERFACE, init)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from satchel.errors import BadPacket, NotSupported, SatchelError, UsageError
from satchel.exchange.archive import Archive
from satchel.model.devices import is_device
from satchel.model.ids import NODE_NAME, RESERVED_NETWORKS
from satchel.model.schema import LeftOut, Table
from satchel.model.stamp import stamp_of
from satchel.packet.card import make_founder_card
from satchel.packet.configuration import Configuration
from satchel.packet.document import Network, refused_models
from satchel.packet.keys import PrivateKey
from satchel.packet.options import FOLLOW, REPORT, Options, fits
from satchel.replication.policies import parse_policy
from satchel.stores.base import Store
from satchel.stores.registry import open_store
from satchel.sync import sealing, unfinished
from satchel.sync.acknowledging import acknowledge
from satchel.sync.agreeing import FOLLOWED
from satchel.sync.choosing import Choice, choose
from satchel.sync.home import Home
from satchel.sync.lock import HomeLock
from satchel.sync.settings import Settings
from satchel.sync.site import ACTIVE, Site, now_ms


@dataclass(slots=True)
class FoundingReport:
    """What `init` or `join` made."""

    home: str
    node: str
    network: str
    tables: list[dict[str, Any]]
    left_out: list[dict[str, str]]
    sealed: list[str] = field(default_factory=list)
    rows: int = 0
    dry_run: bool = False
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Every field by name."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be founded. `tables`: globs, none: all; `policies` and `key_scope`: glob -> policy, scope; of several
    that fit a table the last one counts. `references`: TABLE.COLUMN=TABLE for those that the schema does not declare;
    `schema`: whether additive changes of the schema follow by themselves (`follow`) or are reported (`report`)."""

    db: str
    node: str
    network: str
    tables: Sequence[str] = ()
    policy: str = "merge"
    policies: Mapping[str, str] = field(default_factory=dict)
    key_scope: Mapping[str, str] = field(default_factory=dict)
    author_column: str | None = None
    references: Sequence[str] = ()
    schema: str = REPORT

    def check(self) -> None:
        """UsageError for names and policies that will not do."""
        check_name(self.node, "node")
        check_name(self.network, "network")
        if self.network in RESERVED_NETWORKS:
            raise UsageError(f"a network cannot be called {self.network}", "take another name")
        for policy in (self.policy, *self.policies.values()):
            parse_policy(policy)
        for scope in self.key_scope.values():
            if scope not in ("global", "local"):
                raise UsageError(f"{scope} is no key scope", "write --key-scope TABLE=global or TABLE=local")
        if self.schema not in (FOLLOW, REPORT):
            raise UsageError(f"{self.schema} is no way to treat a changed schema", f"write {FOLLOW} or {REPORT}")

    def options(self) -> Options:
        """What the configuration says of tables that come later. UsageError if a word does not fit into it."""
        wish: dict[str, Any] = {"tables": tuple(self.tables), "schema": self.schema}
        wish |= {"key_scope": tuple(self.key_scope.items()), "policies": tuple(self.policies.items())}
        try:
            with refused_models():
                return Options.model_validate(wish)
        except BadPacket as bad:
            raise UsageError(f"these words do not fit into a configuration: {bad.reason}", "shorten them") from bad

    def policy_of(self, table: str) -> str:
        """The policy of a table."""
        return next((p for glob, p in reversed(list(self.policies.items())) if fits(table, glob)), self.policy)


def found(path: Path, plan: Plan, *, dry_run: bool = False) -> FoundingReport:
    """Founds a network: home, key, card, configuration, capture, and the baseline as one group from packet 1 on.

    Raises UsageError for names and globs that will not do, SatchelError if a home is there already, NotADatabase.
    """
    plan.check()
    store = open_store(plan.db)
    try:
        unfinished.clear(path, store, dry_run=dry_run)
        if store.is_installed():
            raise SatchelError(
                f"the database {store.url} is replicated already", "use its home, or `satchel detach` it first"
            )
        choice = choose(store.inspect(), plan.options(), plan.references)
        policies = {table.name: plan.policy_of(table.name) for table in choice.tables}
        report = FoundingReport(
            str(path),
            plan.node,
            plan.network,
            described(choice.tables, policies),
            [_entry(entry) for entry in choice.left_out],
            dry_run=dry_run,
            warnings=list(choice.warnings),
        )
        if not dry_run:
            fresh = not path.exists()
            try:
                _make(path, store, choice, plan, report)
            except BaseException:
                unfinished.undo(path, store, fresh=fresh, detach=True)
                raise
        return report
    finally:
        store.close()


def _refuse_local(tables: Sequence[Table]) -> None:
    if local := [table.name for table in tables if table.scope == "local"]:
        raise NotSupported(
            f"numbers that each database hands out by itself are not supported yet: {', '.join(local)}",
            f"if the keys mean the same everywhere say so: --key-scope '{local[0]}=global' ('*=global' for all tables)",
        )


def _make(path: Path, store: Store, choice: Choice, plan: Plan, report: FoundingReport) -> None:
    home = Home(path)
    token = unfinished.begin(path)
    home.make()
    with HomeLock(path):
        at = now_ms()
        key = PrivateKey.generate()
        key.save(home.key)
        ids = Network(id=str(uuid.uuid4()), name=plan.network)
        database = stored_path(path, plan.db)
        settings = Settings(plan.node, plan.network, ids.id, key.public.text, database, plan.author_column)
        site = Site(home, settings, store, Archive(home.packets, plan.network))
        configuration = _configuration(ids, choice, plan, stamp_of(at))
        site.add_node_files([make_founder_card(key, ids, plan.node, at), configuration.seal(key)])
        store.install(choice.tables, author_column=plan.author_column)
        facts = {"network_id": ids.id, "node": plan.node, "origin": plan.node, "state": "founding"}
        facts |= {FOLLOWED: configuration.file_name}
        store.note({**facts, "token": token, "home": str(path.resolve())})
        with store.baseline(at) as delta:
            sealed = sealing.write_parts(site, delta)
            delta.record(sealed, site.rules)
            sealing.publish(site, sealed)
            delta.release()
        site.note(state=ACTIVE)
        acknowledge(site, [])
        home.write_settings(settings)
    unfinished.end(path)
    report.sealed = [str(packet.dot) for packet in sealed]
    report.rows = sum(sum(packet.rows.values()) for packet in sealed)
    report.warnings += site.warnings
    known = {entry["table"] for entry in report.left_out}
    report.left_out += [_entry(entry) for entry in store.left_out() if entry.table not in known]


def _configuration(network: Network, choice: Choice, plan: Plan, stamp: int) -> Configuration:
    own = {table.name: plan.policy_of(table.name) for table in choice.tables}
    policies = {name: policy for name, policy in own.items() if policy != plan.policy}
    try:
        return Configuration.of(
            network,
            choice.tables,
            signer=plan.node,
            stamp=stamp,
            policy=plan.policy,
            policies=policies,
            references=choice.references,
            options=plan.options(),
        )
    except BadPacket as bad:
        raise UsageError(
            f"these tables cannot be replicated: {bad.reason}", "leave the table out with --table"
        ) from bad


def check_name(name: str, what: str) -> None:
    """UsageError unless it is a name that nodes and networks may have."""
    if not NODE_NAME.fullmatch(name) or is_device(name):
        raise UsageError(
            f"{name!r} cannot be the name of a {what}",
            "use a-z, 0-9 and -, at most 31 of them, no - in front; not con, nul or the like",
        )


def _entry(entry: LeftOut) -> dict[str, str]:
    return {"table": entry.table, "reason": entry.reason}


def stored_path(home: Path, db: str) -> str:
    """How `satchel.toml` names the database: relative where it lies in the home, so that both can move together."""
    path = Path(db).resolve()
    inside = path.is_relative_to(home.resolve())
    return str(path.relative_to(home.resolve()) if inside else path)


def described(tables: Iterable[Table], policies: Mapping[str, str]) -> list[dict[str, Any]]:
    """Tables for a report."""
    return [
        {"table": t.name, "key": list(t.key), "scope": t.scope, "policy": policies[t.name], "columns": len(t.columns)}
        for t in tables
    ]
