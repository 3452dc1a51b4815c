"""Work of satchel through its Python interface. Each function runs in a process of its own.

Libraries are loaded before the clock starts, on both sides; start-up has measures of its own. The time is that of the
whole call: it opens the database, does its work with every version, check, signature and flush, and closes it.
"""

from __future__ import annotations

import pkgutil
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import satchel
from benchmarks import orders
from benchmarks.clock import timed
from benchmarks.orders import warm

_ROOMS = ("api", "sync", "packet", "stores", "replication", "exchange", "files", "model")


def load() -> None:
    """Imports what a run may need."""
    import pyarrow.parquet

    assert pyarrow.parquet
    for room in _ROOMS:
        package = import_module(f"satchel.{room}")
        for module in pkgutil.walk_packages(package.__path__, f"satchel.{room}."):
            with suppress(Exception):  # what the run needs and cannot have it will say itself
                import_module(module.name)


def init(home: str, table: str = "", scope: str = "") -> dict[str, Any]:
    """Founds a network with the database `data.db` in the home."""
    load()
    database = Path(home) / "data.db"
    warm(database)
    with timed() as span:
        scopes = {table: scope} if scope else None
        satchel.init(home, db=database, node="office", network="bench", key_scope=scopes)
    return span.as_json()


def join(home: str, inviter: str, name: str = "branch") -> dict[str, Any]:
    """Invites a node, which joins with the database `data.db` in its home."""
    load()
    invitation = Path(home).with_suffix(".invite")
    with timed() as span:
        satchel.open(inviter).invite(name, out=invitation)
        satchel.join(invitation, home, db=Path(home) / "data.db")
    return span.as_json()


def export(home: str, exchange: str) -> dict[str, Any]:
    """From pending changes to published packets: sealed, hashed, signed, flushed, in archive and exchange."""
    load()
    warm(Path(home) / "data.db")
    with timed() as span:
        report = satchel.open(home).export(exchange)
    return {**span.as_json(), "sealed": len(report.sealed), "bytes": report.bytes_dropped}


def import_(home: str, exchange: str) -> dict[str, Any]:
    """Takes packets in: verified, versioned, conflict-checked, acknowledged, durable with synchronous=FULL."""
    load()
    warm(Path(home) / "data.db")
    with timed() as span:
        report = satchel.open(home).import_(exchange)
    return {**span.as_json(), "applied": len(report.applied), "conflicts": report.rows.conflicts}


def sync(home: str, exchange: str) -> dict[str, Any]:
    """Both ways."""
    load()
    with timed() as span:
        report = satchel.open(home).sync(exchange)
    return {**span.as_json(), "applied": len(report.applied), "sealed": len(report.sealed)}


def export_often(home: str, exchange: str, rows: int, changes: int, key: str, times: int) -> None:
    """The delta in so many parts, each written by the application and exported."""
    statements = orders.delta(rows, changes, key).statements
    for part in orders.small_transactions(statements, times):
        connection = orders.open_database(Path(home) / "data.db")
        orders.write_small(connection, [part])
        connection.close()
        satchel.open(home).export(exchange)


def found_pair(folder: str, rows: int) -> None:
    """Two homes with as many orders that have everything of each other."""
    office, branch, share = (Path(folder) / name for name in ("office", "branch", "share"))
    for place, count in ((office, rows), (branch, 0)):
        place.mkdir()
        orders.create(place / "data.db", count)
    share.mkdir()
    satchel.init(office, db=office / "data.db", node="office", network="bench")
    satchel.open(office).invite("branch", out=Path(folder) / "branch.invite")
    satchel.join(Path(folder) / "branch.invite", branch, db=branch / "data.db")
    for home in (office, branch, office, branch):
        satchel.open(home).sync(share)
