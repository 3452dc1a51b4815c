"""`satchel query`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data, Table
from satchel.cli.session import Session


@command(
    "query",
    'satchel query "SELECT origin, count(*) FROM packets GROUP BY origin"',
    'satchel query --on /media/stick "SELECT * FROM changes LIMIT 10" --json',
)
@click.argument("sql")
@click.option("--on", "paths", multiple=True, metavar="PATH", type=click.Path(path_type=Path),
              help="Ask an archive, an exchange or a stick; needs no home; repeatable.")  # fmt: skip
def run(session: Session, sql: str, paths: tuple[Path, ...]) -> Answer:
    """Ask the archive in SQL (DuckDB).

    There is a view for each table, with every version of every row, and the views packets, changes and acks.
    """
    import satchel

    places = paths or (session.archive(),)
    with session.busy("reading"), satchel.audit(*places) as audit:
        found = audit.sql(sql)
        data: Data = {"columns": [], "rows": [], "warnings": list(audit.warnings)}
        if found is not None:  # None: a statement without a result
            data |= {"columns": list(found.columns), "rows": found.fetchall()}
    return Answer(data, page)


def page(data: Data) -> Iterable[Block]:
    """The rows, and nothing else: they may go into a pipe."""
    if data["columns"]:
        yield Table(data["columns"], data["rows"])
