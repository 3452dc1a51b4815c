"""`satchel snapshot`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data, plural
from satchel.cli.session import Session
from satchel.cli.summary import DONE_IN_PART


@command("snapshot", "satchel snapshot", "satchel snapshot /mnt/share/acme", writes=True)
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
def run(session: Session, directory: Path | None, dry_run: bool) -> Answer:
    """Make the state for late joiners, in place of all the packets.

    Only an admin's node can: whoever installs a snapshot trusts its maker. It is kept in the archive; with DIR it
    is put there, too, after the packets that others lack.
    """
    with session.busy("making a snapshot"), session.node() as node:
        report = node.snapshot(directory, dry_run=dry_run).as_json()

    def page(data: Data) -> Iterable[Block]:
        if dry_run:
            yield f"Dry run, nothing was changed: a snapshot would cover {plural(data['packets'], 'packet')}."
        else:
            rows = sum(data["rows"].values())
            covered = plural(data["packets"], "packet")
            yield f"Made {data['snapshot']}: {plural(rows, 'version')} of rows in place of {covered}."
        if data["dropped"]:
            yield f"Dropped {', '.join(data['dropped'])} in {data['exchange']}."

    return Answer(report, page, DONE_IN_PART if report["partial"] else 0)
