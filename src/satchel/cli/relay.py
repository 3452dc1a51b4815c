"""`satchel relay`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data, optional, plural, size
from satchel.cli.session import Session
from satchel.cli.summary import DONE_IN_PART

_FOLDER = click.Path(path_type=Path)


@command("relay", "satchel relay /media/stick /mnt/share", "satchel relay stick share --all --dry-run", writes=True)
@click.argument("source", metavar="FROM", type=_FOLDER)
@click.argument("target", metavar="TO", type=_FOLDER)
@click.option("--all", "every", is_flag=True, help="Also what every member has acknowledged.")
def run(session: Session, source: Path, target: Path, every: bool, dry_run: bool) -> Answer:
    """Copy what is wanted from folder to folder, verified.

    It needs neither a home nor a database.
    What every member has acknowledged is left out. Of packets that are altered or not whole nothing is copied.
    """
    import satchel

    with session.busy("copying"):
        found = satchel.relay(source, target, every=every, dry_run=dry_run)
    return Answer(found, _page, DONE_IN_PART if found["refused"] or found["partial"] else 0)


def _page(data: Data) -> Iterable[Block]:
    verb = "Would copy" if data["dry_run"] else "Copied"
    if data["copied"]:
        yield f"{verb} {plural(len(data['copied']), 'packet')} of {data['network']}, {size(data['bytes'])}."
    else:
        yield f"Nothing to copy: of {data['network']} everything wanted lies there."
    rest = [
        (data["there"], "lay there already"),
        (data["unwanted"], "everybody has already"),
    ]
    for number, what in rest:
        if number:
            yield f"{plural(number, 'packet')} {what}."
    yield from optional(["packet", "reason"], [(e["packet"], e["reason"]) for e in data["refused"]], "Not copied")
