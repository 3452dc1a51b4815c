"""Opening a node for work, and closing it again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from satchel.errors import SatchelError
from satchel.exchange.archive import Archive
from satchel.exchange.pruned import sweep_pruned
from satchel.exchange.snapshots import sweep_snapshots
from satchel.files import remove_file, wall
from satchel.stores.registry import open_store
from satchel.sync.agreeing import adopt, catch_up, follow
from satchel.sync.finishing import finish
from satchel.sync.home import REJOINING, UNFINISHED, Home
from satchel.sync.lock import HomeLock
from satchel.sync.settings import Settings
from satchel.sync.site import Site

if TYPE_CHECKING:
    from satchel.model.schema import Schema, Table
    from satchel.stores.base import Store

_NO_WISHES = json.dumps({"run": (), "skip": ()})


@contextmanager
def reading(path: Path) -> Iterator[Site]:
    """A node to look at: no lock, nothing is written; works in a home that is read-only."""
    home = Home.at(path)
    settings = home.settings()
    with wall(path):
        store = open_store(str(home.database(settings)), timeout=settings.lock_timeout, read_only=True)
        try:
            _check(home, store.is_installed(), settings.network_id, store.notes() if store.is_installed() else {})
            yield Site(home, settings, store, Archive(home.packets, settings.network))
        finally:
            store.close()


@contextmanager
def working(path: Path, *, dry_run: bool = False) -> Iterator[Site]:
    """A node to work with: the home is locked, what an interrupted run left is brought to its end, the capture
    triggers are as they should be, and the database follows the configuration that is known. A dry run leaves schema
    and configuration as they are.

    Raises NoHome, HomeBusy, KeyTrouble, NotADatabase, StoreLocked.
    """
    home = Home.at(path)
    settings = home.settings()
    with wall(path), HomeLock(path):
        store = open_store(str(home.database(settings)), timeout=settings.lock_timeout)
        try:
            _check(home, store.is_installed(), settings.network_id, store.notes() if store.is_installed() else {})
            if store.read_only():
                raise SatchelError(
                    f"the database {store.url} cannot be written",
                    "check its permissions; status, history and query still work",
                )
            home.tidy()
            if (path / REJOINING).is_file():
                settings = _rejoined(home, settings, store)
            site = Site(home, settings, store, Archive(home.packets, settings.network))
            site.check_key()
            if site.notes.get("node", settings.node) != settings.node:
                _agree_on_name(site)
            remove_file(path / UNFINISHED)  # the home is whole
            finish(site)
            sweep_snapshots(site.archive.root)
            if site.notes.get("pruning"):
                sweep_pruned(site.archive.packets / site.archive.network)
                site.note(pruning="")
            if not dry_run:
                _bring_up_to_date(site)
            yield site
            if not dry_run:
                with suppress(SatchelError):  # what was verified is verified again, should it not be remembered
                    site.remember()
        finally:
            with suppress(SatchelError):
                store.close()


def _rejoined(home: Home, settings: Settings, store: Store) -> Settings:
    from satchel.sync import rejoining

    return rejoining.finish(home, settings, store)


def _agree_on_name(site: Site) -> None:
    from satchel.sync import rejoining

    rejoining.agree_on_name(site)


def _bring_up_to_date(site: Site) -> None:
    """The database follows its own schema, the settings, and the configuration that is known."""
    store, settings = site.store, site.settings
    site.warnings += store.renew_capture(lambda schema: _new_tables(site, schema))
    if site.notes.get("author_column", "") != (settings.author_column or ""):
        site.note(author_column=settings.author_column or "")
    triggers = json.dumps({"run": settings.run_triggers, "skip": settings.skip_triggers})
    if site.notes.get("triggers", _NO_WISHES) != triggers:
        site.note(triggers=triggers)
    if not site.joining and store.rebuilt():
        from satchel.sync.rebuilt import compare_rebuilt

        compare_rebuilt(site)
    adopt(site)
    catch_up(site)
    follow(site)


def _new_tables(site: Site, schema: Schema) -> list[Table]:
    from satchel.sync.adopting import new_tables

    return new_tables(site, schema)


@contextmanager
def detaching(path: Path) -> Iterator[Store]:
    """The database of a home, for taking satchel's tables out of it, whatever state they are in."""
    home = Home.at(path)
    settings = home.settings()
    with wall(path), HomeLock(path):
        store = open_store(str(home.database(settings)), timeout=settings.lock_timeout)
        try:
            yield store
        finally:
            store.close()


def _check(home: Home, installed: bool, network_id: str, notes: dict[str, str]) -> None:
    if not installed:
        raise SatchelError(
            f"the database of {home.path} has no tables of satchel",
            "it was replaced or detached: put the right database back, or join again",
        )
    if notes.get("network_id") != network_id:
        raise SatchelError(
            f"the database of {home.path} belongs to another network", "name the right database in satchel.toml"
        )
