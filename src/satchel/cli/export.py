"""`satchel export`."""

from __future__ import annotations

from pathlib import Path

import click

from satchel.cli.command import command
from satchel.cli.page import Answer
from satchel.cli.receipt import receipt_page
from satchel.cli.session import Session
from satchel.cli.summary import summarise


@command("export", "satchel export", "satchel export /media/stick --dry-run", writes=True)
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--receipt", is_flag=True, help="Print a receipt for the courier to sign, of all that lies there then.")
def run(session: Session, directory: Path | None, receipt: bool, dry_run: bool) -> Answer:
    """Seal pending changes and drop what others lack.

    It goes into the home's outbox, or into DIR: a stick, a share, any folder.
    """
    with session.busy("exporting"), session.node() as node:
        report = node.export(directory, dry_run=dry_run).as_json()
        if receipt and not dry_run:
            plan = node.plan(directory or node.home / "outbox")
            return Answer({**report, "receipt": plan}, lambda data: receipt_page(data["receipt"]))
    return summarise(report, dry_run, "nothing to export: nothing is pending, and nobody lacks anything")
