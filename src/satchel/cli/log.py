"""`satchel log`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data, count, listing, optional, when
from satchel.cli.session import Session
from satchel.cli.summary import row_lines

COLUMNS = ("when", "command", "exchange", "sealed", "applied", "dropped", "conflicts", "seconds", "trouble")


@command("log", "satchel log", "satchel log --limit 5 --json")
@click.option("--limit", default=100, show_default=True, metavar="N", type=click.IntRange(min=1), help="The newest N.")
def run(session: Session, limit: int) -> Answer:
    """List every export, import and sync, newest first."""
    with session.node() as node:
        return Answer({"runs": node.log(limit)}, page)


def page(data: Data) -> Iterable[Block]:
    """One line per run; then what they did to single rows, so that a number that is another one now is found."""
    yield listing(COLUMNS, [_line(run) for run in data["runs"]], "Nothing has run here yet.")
    epochs = [(when(run["at"]), epoch["origin"], epoch["because"]) for run in data["runs"] if (epoch := _epoch(run))]
    yield from optional(["when", "goes on as", "because"], epochs, "New epochs")
    rows = [(when(run["at"]), line) for run in data["runs"] for line in row_lines(run.get("report") or {})]
    yield from optional(["when", "row"], rows, "Rows that left their tables, came back, or got another number")


def _epoch(run: Data) -> Any:
    return (run.get("report") or {}).get("epoch")


def _line(run: Data) -> tuple[object, ...]:
    report = run.get("report") or run
    counts = (count(report.get(name)) for name in ("sealed", "applied", "dropped", "conflicts"))
    seconds = f"{run.get('seconds') or 0:.2f}"
    return when(run["at"]), run["command"], run.get("exchange") or "", *counts, seconds, run.get("trouble") or ""
