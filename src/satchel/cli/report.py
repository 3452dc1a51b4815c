"""`satchel report`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data, plural
from satchel.cli.session import Session
from satchel.errors import VerificationFailed


@command(
    "report",
    "satchel report --from 2026-03-01 --to 2026-03-31 --zone Europe/Zurich --out march",
    "satchel report /media/stick --out stick.html",
    "satchel report --from 2026-03-01T00:00Z --out changes.csv",
    writes=True,
)
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--from", "start", metavar="TIME", help="From this day or moment on; else from the first change.")
@click.option("--to", "end", metavar="TIME", help="Up to this day, it included, or before this moment.")
@click.option(
    "--zone", metavar="NAME", help="The zone of days and times that name none, and of the page: Europe/Zurich."
)
@click.option(
    "--out", metavar="DIR | FILE", type=click.Path(path_type=Path), default="report", show_default=True,
    help="A folder for the page and the CSV files, or one file: .html or .csv.",
)  # fmt: skip
def run(
    session: Session, paths: tuple[Path, ...], start: str | None, end: str | None, zone: str | None, out: Path,
    dry_run: bool,
) -> Answer:  # fmt: skip
    """Report a period: who changed what, and what is missing.

    One page of HTML with plots, and CSV files with all figures. Looks at this home, or at the PATHs: a home, an
    archive, an exchange, a stick; needs no database.
    """
    import satchel

    places = paths or (session.archive().parent,)
    with session.busy("reading"):
        found = satchel.report(*places, out=out, start=start, end=end, zone=zone, dry_run=dry_run)
    return Answer(found, page, VerificationFailed.exit_code if found["problems"] else 0)


def page(data: Data) -> Iterable[Block]:
    """The verdict, what was counted, and where it is written."""
    yield from data["verdict"]
    open_ones = f", {data['open_conflicts']:,} open" if data["open_conflicts"] else ""
    yield (
        f"{data['period']}: {plural(data['changes'], 'change')} in {plural(data['packets'], 'packet')},"
        f" {plural(data['conflicts'], 'conflict')}{open_ones}, {plural(data['parked'], 'parked row')}."
    )
    verb = "Would write" if data["dry_run"] else "Wrote"
    first, *more = data["files"]
    beside = f" and {plural(len(more), 'CSV file')} beside it" if more else ""
    yield f"{verb} {first}{beside}."
