"""`satchel rejoin`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data, plural
from satchel.cli.session import Session


@command("rejoin", "satchel rejoin laptop-2.invite", "satchel rejoin laptop-2.invite --dry-run", writes=True)
@click.argument("invitation", metavar="FILE", type=click.Path(path_type=Path))
def run(session: Session, invitation: Path, dry_run: bool) -> Answer:
    """Give a home that was copied a name and key of its own.

    For a home and database that were copied to another machine, so that two write under one name. FILE is an invitation
    for a new name, which an admin writes with `satchel invite`. The database stays as it is; what was changed and not
    sent yet goes out under the new name.
    """
    with session.busy("rejoining"), session.node() as node:
        report = node.rejoin(invitation, dry_run=dry_run).as_json()

    def page(data: Data) -> Iterable[Block]:
        lead = "Dry run, nothing was changed: would go on" if dry_run else "Goes on"
        yield f"{lead} as {data['node']} of {data['network']}; it was {data['was']}."
        if data["pending"]:
            yield f"{plural(data['pending'], 'changed row')} not sent yet: the next export or sync seals them so."
        if not dry_run:
            yield f"Next: sync, or export; the other home goes on as {data['was']}."

    return Answer(report, page)
