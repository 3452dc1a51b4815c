"""`satchel invite`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data, when
from satchel.cli.session import Session


@command(
    "invite",
    "satchel invite branch",
    "satchel invite branch --out /media/stick/branch.invite --days 7",
    writes=True,
)
@click.argument("name")
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Where to write the invitation.")
@click.option("--role", default="member", show_default=True, metavar="ROLE", help="member, admin or reader.")
@click.option("--days", default=30, show_default=True, metavar="N", help="How long the invitation holds.")
def run(session: Session, name: str, out: Path | None, role: str, days: int, dry_run: bool) -> Answer:
    """Write an invitation for one node, carried by hand, used once.

    NAME is the name that the new node will have. Whoever holds the file can join under that name: hand it over
    as you would a key.
    """
    with session.busy("sealing and writing"), session.node() as node:
        report = node.invite(name, out=out, role=role, days=days, dry_run=dry_run).as_json()

    def page(data: Data) -> Iterable[Block]:
        what = f"an invitation for {data['node']} ({data['role']}), good until {when(data['expires'])}: {data['path']}"
        yield f"Dry run, nothing was changed: would have written {what}" if dry_run else f"Wrote {what}"
        if not dry_run:
            yield "Next: carry it there by hand, and there: satchel join FILE HOME --db URL"

    return Answer(report, page)
