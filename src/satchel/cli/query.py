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
@click.option("--lake", metavar="DIR", type=click.Path(path_type=Path),
              help="Take rows from a lake of these packets; the home's own is found.")  # fmt: skip
def run(session: Session, sql: str, paths: tuple[Path, ...], lake: Path | None) -> Answer:
    """Ask the archive in SQL (DuckDB).

    For each table there is a view of its newest rows and a view TABLE_changes of every version of every row; beside
    them stand packets, changes, acks and nodes.
    """
    import satchel

    places = paths or (session.archive(),)
    with session.busy("reading"), satchel.audit(*places, lake=lake) as audit:
        found = audit.sql(sql)
        data: Data = {"columns": [], "rows": []}  # of a statement without a result
        if found is not None:
            data = {"columns": list(found.columns), "rows": found.fetchall()}
        for warning in audit.warnings:
            session.streams.warning(warning)
    return Answer(data, page)


def page(data: Data) -> Iterable[Block]:
    """The rows, and nothing else: they may go into a pipe."""
    if data["columns"]:
        yield Table(data["columns"], data["rows"])
