"""Joining a network with an invitation (INTERFACE, join; PROTOCOL, Joining with rows)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from satchel.errors import SatchelError
from satchel.exchange.archive import Archive
from satchel.model.schema import Schema, Table
from satchel.packet.configuration import Configuration
from satchel.packet.invitation import Invitation, make_card, read_invitation
from satchel.packet.keys import PrivateKey
from satchel.stores.base import Store
from satchel.stores.registry import open_store
from satchel.sync import unfinished
from satchel.sync.agreeing import FOLLOWED
from satchel.sync.epochs import FORGOTTEN
from satchel.sync.founding import FoundingReport, described, stored_path
from satchel.sync.home import Home
from satchel.sync.invitations import unused, use_up
from satchel.sync.lock import HomeLock
from satchel.sync.settings import Settings
from satchel.sync.site import ACTIVE, JOINING, Site, now_ms


def enter(file: Path, path: Path, *, db: str, dry_run: bool = False) -> FoundingReport:
    """Makes a home for an invited node: key, card, capture. Its rows are compared at the first import.

    Raises UsageError if the file is no invitation, SatchelError if it was used or has expired, if a home is there, or
    if the database lacks a table of the network.
    """
    invitation = read_invitation(unused(file), now_ms())
    configuration = invitation.members.configuration
    if configuration is None:
        raise SatchelError("the invitation has no configuration", "ask for a new one")
    store = open_store(db)
    try:
        unfinished.clear(path, store, dry_run=dry_run)
        carried = _carried(store, invitation)
        here = store.inspect()
        tables = _tables(here, configuration)
        report = FoundingReport(
            str(path),
            invitation.node,
            invitation.network.name,
            described(tables, {table.name: configuration.policy_of(table.name) for table in tables}),
            _left_out(here, tables),
            dry_run=dry_run,
        )
        if not dry_run:
            fresh = not path.exists()
            try:
                _make(path, store, tables, db, invitation, carried)
            except BaseException:
                # tables that came with the database are not ours to remove
                unfinished.undo(path, store, fresh=fresh, detach=not carried)
                raise
            use_up(file, invitation.node, report.warnings)
        return report
    finally:
        store.close()


def _make(path: Path, store: Store, tables: list[Table], db: str, invitation: Invitation, carried: bool) -> None:
    configuration = invitation.members.configuration
    assert configuration is not None  # looked at by `enter`
    home = Home(path)
    token = unfinished.begin(path)
    home.make()
    network = invitation.network
    settings = Settings(invitation.node, network.name, network.id, invitation.root.text, stored_path(path, db))
    with HomeLock(path):
        key = PrivateKey.generate()
        key.save(home.key)
        site = Site(home, settings, store, Archive(home.packets, network.name))
        site.add_node_files([*invitation.files, make_card(invitation, key, now_ms())])
        vector = {origin: [mark.seq, mark.hash] for origin, mark in invitation.vector.items()}
        facts = {"network_id": network.id, "node": invitation.node, "origin": invitation.node}
        facts |= {"inviter_vector": json.dumps(vector), "invited": "{}", "home": str(path.resolve())}
        if carried:
            lacking = [str(record.dot) for record in store.packets_after({})]  # the archive stayed where it was
            store.note({**FORGOTTEN, **facts, "state": ACTIVE, "missing": json.dumps(lacking)})
        else:
            store.install(tables, joining=True)
            store.note({**facts, "state": JOINING, "token": token, FOLLOWED: configuration.file_name})
        home.write_settings(settings)
    unfinished.end(path)


def _carried(store: Store, invitation: Invitation) -> bool:
    """Whether the database is a copy of a member's with satchel's tables in it: it joins with the vector in it."""
    if not store.is_installed():
        return False
    notes = store.notes()
    if notes.get("network_id") != invitation.network.id:
        raise SatchelError(
            f"the database {store.url} is replicated in another network", "`satchel detach` it first, or use its home"
        )
    if notes.get("state") != ACTIVE or _lives_in(Path(notes.get("home", "")), store):
        raise SatchelError(
            f"the database {store.url} belongs to the home {notes.get('home')}",
            "use that home, or join with a copy of it",
        )
    return True


def _lives_in(home: Path, store: Store) -> bool:
    """Whether a home uses this very file: then it is no copy."""
    try:
        return Home(home).database(Home(home).settings()) == Path(store.url).resolve()
    except SatchelError:
        return False


def _tables(here: Schema, configuration: Configuration) -> list[Table]:
    """The network's tables, parents first. Tables and columns that are not here yet are waited for. SatchelError if
    there is none of them at all, or one with another kind of key."""
    own = {table.name.lower(): table for table in here.tables}
    reasons = {entry.table.lower(): entry.reason for entry in here.left_out}
    order = {name: place for place, name in enumerate(own)}
    found = {table.name.lower(): table for table in configuration.shared_tables()}
    for name, table in found.items():
        if name in reasons or (name not in own and not own.keys() & found.keys()):
            raise SatchelError(
                f"the table {table.name} of the network cannot be joined here: {reasons.get(name, 'there is none')}",
                "make the tables as the other sites have them, then join",
            )
        if name not in own:
            continue
        if own[name].key != table.key:
            here_key, there_key = ", ".join(own[name].key), ", ".join(table.key)
            raise SatchelError(
                f"the table {table.name} has the key {here_key} here and {there_key} elsewhere",
                "bring the application here to the same version, then join",
            )
        if table.scope == "local" and own[name].scope != "local":
            raise SatchelError(
                f"the table {table.name} has numbers that each database hands out by itself elsewhere, and here its"
                f" key {', '.join(table.key)} is none",
                "bring the application here to the same version, then join",
            )
    return [found[name] for name in sorted(found, key=lambda name: (order.get(name, len(order)), name))]


def _left_out(here: Schema, tables: Sequence[Table]) -> list[dict[str, str]]:
    """What stays out here, and why."""
    names = {table.name.lower() for table in tables}
    left = [(entry.table, entry.reason) for entry in here.left_out]
    left += [(table.name, "it is not among the tables of the network") for table in here.tables]
    return [{"table": name, "reason": reason} for name, reason in left if name.lower() not in names]
