"""`satchel tables`."""

from __future__ import annotations

from collections.abc import Iterable

from satchel.cli.command import command
from satchel.cli.founding import tables_of
from satchel.cli.page import Answer, Block, Data, Note
from satchel.cli.session import Session


@command("tables", "satchel tables", "satchel tables --json")
def run(session: Session) -> Answer:
    """List what is replicated, and what is left out and why."""
    with session.node() as node:
        return Answer(node.tables(), page)


def page(data: Data) -> Iterable[Block]:
    """Both lists."""
    blocks = list(tables_of(data))
    yield from blocks or [Note("The database has no tables.")]
