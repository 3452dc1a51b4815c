"""`satchel import`."""

from __future__ import annotations

from pathlib import Path

import click

from satchel.cli.command import command
from satchel.cli.page import Answer
from satchel.cli.session import Session
from satchel.cli.summary import summarise


@command("import", "satchel import", "satchel import /media/stick", "satchel import --dry-run --json", writes=True)
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path))
def run(session: Session, paths: tuple[Path, ...], dry_run: bool) -> Answer:
    """Take in packets, apply what is ready, acknowledge.

    They are looked for in the home's inbox, or below the PATHs. What is applied twice changes nothing; what waits
    for another packet is applied when that arrives.
    """
    with session.busy("importing"), session.node() as node:
        report = node.import_(*paths, dry_run=dry_run).as_json()
    return summarise(report, dry_run, "nothing to import: no packet that is new here")
