"""`satchel detach`."""

from __future__ import annotations

from collections.abc import Iterable

from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data
from satchel.cli.session import Session


@command("detach", "satchel detach --dry-run", "satchel --home office detach", writes=True)
def run(session: Session, dry_run: bool) -> Answer:
    """Remove satchel from the database; the rows stay.

    Every trigger and table of satchel goes; the home with its packets stays. What is pending is not sealed: export
    first if others should have it.
    """
    with session.node() as node:
        report = node.detach(dry_run=dry_run)

    def page(data: Data) -> Iterable[Block]:
        database = data.get("database") or "the database"
        lead = "Dry run, nothing was changed: would remove" if dry_run else "Removed"
        yield f"{lead} every trigger and table of satchel from {database}; the rows stay."

    return Answer(report, page)
