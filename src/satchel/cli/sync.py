"""`satchel sync`."""

from __future__ import annotations

import click

from satchel.cli.command import command
from satchel.cli.page import Answer
from satchel.cli.session import Session
from satchel.cli.summary import summarise


@command("sync", "satchel sync", "satchel sync /mnt/share/acme", "satchel sync nas stick --dry-run", writes=True)
@click.argument("exchanges", metavar="[EXCHANGE]...", nargs=-1)
def run(session: Session, exchanges: tuple[str, ...], dry_run: bool) -> Answer:
    """Export and import with each exchange.

    An EXCHANGE is a folder or a name from satchel.toml; without one, all of satchel.toml, and where it names none,
    inbox and outbox. Where `satchel watch` runs, it is asked to do it now.
    """
    with session.busy("exchanging"), session.node() as node:
        if not dry_run and node.watching()["running"]:
            report = node.ask_watch("sync", *exchanges)
        else:
            report = node.sync(*exchanges, dry_run=dry_run).as_json()
    return summarise(report, dry_run, "nothing to do: nothing pending here, nothing new there")
