"""`satchel compare`."""

from __future__ import annotations

from collections.abc import Iterable

import click

from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data, Table, when
from satchel.cli.session import Session
from satchel.cli.summary import DONE_IN_PART, spoken
from satchel.errors import VerificationFailed


@command("compare", "satchel compare", "satchel compare /mnt/share/acme", writes=True)
@click.argument("exchanges", metavar="[EXCHANGE]...", nargs=-1)
def run(session: Session, exchanges: tuple[str, ...], dry_run: bool) -> Answer:
    """Sync, and compare all rows with those of the others.

    Takes digests of every table, tells them in the acknowledgement, and compares them with what the others have told
    of the same packets. An EXCHANGE is a folder or a name from satchel.toml, as for sync.
    """
    with session.busy("comparing"), session.node() as node:
        report = node.compare(*exchanges, dry_run=dry_run)
    if any(peer["equal"] is False for peer in report["equality"]["peers"]):
        return Answer(report, page, VerificationFailed.exit_code)
    return Answer(report, page, DONE_IN_PART if report.get("quarantined") or report.get("partial") else 0)


def page(report: Data) -> Iterable[Block]:
    """What the sync did, and how this database compares with each of the others."""
    if done := spoken(report):
        yield f"{done}."
    peers = report["equality"]["peers"]
    if not peers:
        yield "Nobody else is in the network yet."
        return
    yield Table(["node", "rows", "compared"], [(p["node"], _words(p), when(p["at"])) for p in peers])
    if report["equality"]["taken"] is None:
        yield "This database has edits that are not sealed: there is nothing to compare yet."
    elif any(peer["equal"] is False for peer in peers):
        yield "Run `satchel verify --replay` at both: it says which database is not what its packets say, row by row."
    elif not all(peer["newest"] for peer in peers):
        yield "Sites are compared when both have the same packets: sync, and run this at the others, too."


def _words(peer: Data) -> str:
    if peer["equal"] is None:
        told = "compared never" if peer["told"] else "told nothing yet"
        return f"unknown: {told}"
    if not peer["equal"]:
        tables = (t["table"] + (f" ({', '.join(t['columns'])})" if t["columns"] else "") for t in peer["tables"])
        return f"DIFFERENT: {'; '.join(tables)}"
    return "equal" if peer["newest"] else "equal when compared last"
