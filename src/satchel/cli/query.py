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
    """satchel query "FROM row_history('customers', 42)\"""",
    """satchel query "FROM as_of('customers', '2026-05-03T10:00Z')\"""",
    """satchel query --on /media/stick --strict "FROM known_at('customers', 'site-b', '2026-05-03T10:00+02:00')\"""",
    'satchel query --on /media/stick "SELECT * FROM changes LIMIT 10" --json',
)
@click.argument("sql")
@click.option("--on", "paths", multiple=True, metavar="PATH", type=click.Path(path_type=Path),
              help="Ask an archive, an exchange or a stick; needs no home; repeatable.")  # fmt: skip
@click.option("--lake", metavar="DIR", type=click.Path(path_type=Path),
              help="Take rows from a lake of these packets; the home's own is found.")  # fmt: skip
@click.option("--strict", is_flag=True, help="Answer only if no packet is missing and all verify; else exit code 5.")
def run(session: Session, sql: str, paths: tuple[Path, ...], lake: Path | None, strict: bool) -> Answer:
    """Ask the archive in SQL (DuckDB).

    For each table there is a view of its rows as they are shown and a view TABLE_changes of every version of every row;
    beside them stand packets, changes, acks, nodes, conflicts, gaps and unverified. Where a table may stand, so may
    row_history(table, key), as_of(table, time), known_at(table, node, time), blame(table, key), diff(table, from, to).

    Only packets that verify are asked; what is missing or does not verify is said.
    """
    import satchel

    places = paths or (session.archive(),)
    options: Data = ({"lake": lake} if lake else {}) | ({"strict": True} if strict else {})
    with session.busy("reading"), satchel.audit(*places, **options) as audit:
        found = audit.sql(sql)
        data: Data = {
            "columns": list(found.columns),
            "rows": found.fetchall(),
            "verified": audit.summary.verified,
            "unverified": audit.summary.unverified,
            "missing": audit.summary.missing,
            "warnings": [*audit.warnings, *found.warnings],
        }
    return Answer(data, page)


def page(data: Data) -> Iterable[Block]:
    """The rows, and nothing else: they may go into a pipe."""
    if data["columns"]:
        yield Table(data["columns"], data["rows"])
