"""`satchel join`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from shlex import quote

import click

from satchel.cli.command import command
from satchel.cli.founding import tables_of
from satchel.cli.page import Answer, Block, Data
from satchel.cli.session import Session


@command(
    "join",
    "satchel join branch.invite branch --db shop.db",
    "satchel join branch.invite branch --db copy-of-shop.db --dry-run",
    writes=True,
)
@click.argument("invitation", metavar="FILE", type=click.Path(path_type=Path))
@click.argument("home", type=click.Path(path_type=Path))
@click.option("--db", required=True, metavar="URL", help="The database: a path to an SQLite file.")
def run(session: Session, invitation: Path, home: Path, db: str, dry_run: bool) -> Answer:
    """Make a home for an invited node and its database.

    FILE is the invitation, HOME the folder to make. The database may be empty, a copy or an old copy of a member's:
    rows that it shares with the network are recognised as the same at the first import.
    """
    import satchel

    with session.busy("joining"):
        report = satchel.join(invitation, home, db=db, dry_run=dry_run).as_json()

    def page(data: Data) -> Iterable[Block]:
        who = f"{data.get('node', 'the node')} of {data.get('network', 'the network')}"
        lead = "Dry run, nothing was changed: would join" if dry_run else "Joined"
        yield f"{lead} as {who}; home {home}, database {db}."
        yield from tables_of(data)
        if not dry_run:
            yield f"Next: satchel --home {quote(str(home))} sync FOLDER, or import, brings what the network has."

    return Answer(report, page)
