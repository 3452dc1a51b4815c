"""`satchel lake`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data, Table, optional, plural
from satchel.cli.session import LAKE, Session

PARTLY = 3
_ARRIVING = "incomplete"  # so begins the reason of what may still be on its way


@command("lake", "satchel lake", "satchel lake ../orders-lake --on /media/stick", "satchel lake --dry-run", writes=True)
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--on", "paths", multiple=True, metavar="PATH", type=click.Path(path_type=Path),
              help="Read an archive, an exchange or a stick; needs no home; repeatable.")  # fmt: skip
@click.option("--fresh", is_flag=True, help="From the beginning, whatever DIR has.")
def run(session: Session, directory: Path | None, paths: tuple[Path, ...], fresh: bool, dry_run: bool) -> Answer:
    """Derive a few large Parquet files per table from many packets.

    Any engine reads them; `query` and `history` answer faster where the home has some. Without DIR they stand in the
    home, in `lake`, and may be removed at any time. Packets stay as they are; only new ones are read, and only those
    that verify.
    """
    from satchel.api.lakes import lake

    places = paths or (session.archive(),)
    target = directory if directory is not None else session.home() / LAKE
    with session.busy("reading packets"):
        report = lake(target, *places, fresh=fresh, dry_run=dry_run)
    bad = [entry for entry in report["left_out"] if not entry["reason"].startswith(_ARRIVING)]
    return Answer({**report, "dry_run": dry_run}, page, PARTLY if bad else 0)


def page(report: Data) -> Iterable[Block]:
    """What there is now, and what is missing in it."""
    added = f"{plural(report['added'], 'new packet')}"
    if report["dry_run"]:
        total = f"{plural(report['packets'], 'packet')} and {report['rows']:,} rows in all"
        yield f"{report['lake']}: {added} would be read, {total}."
    else:
        found = f"{plural(report['packets'], 'packet')}, {report['rows']:,} rows, {plural(report['files'], 'file')}"
        yield f"{report['lake']}: {found}, {report['bytes']:,} bytes; {added}."
        if report["tables"]:
            yield Table(["table", "rows"], sorted(report["tables"].items()))
    if report["removed"]:
        yield f"{plural(report['removed'], 'packet')} in it {'is' if report['removed'] == 1 else 'are'} no longer here."
    left = [(entry["packet"], entry["file"], entry["reason"]) for entry in report["left_out"]]
    yield from optional(["packet", "file", "reason"], left, "Left out")
