"""`satchel demo`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data
from satchel.cli.session import Session

DIRECTORY = Path("satchel-demo")


@command("demo", "satchel demo", "satchel demo playground", writes=True)
@click.argument("directory", metavar="[DIR]", default=DIRECTORY, type=click.Path(path_type=Path))
def run(session: Session, directory: Path, dry_run: bool) -> Answer:
    """Play three sites, a stick, a conflict and an audit.

    It leaves its folders in DIR (satchel-demo) to look into, and can be run again.
    """
    if dry_run:
        return Answer({"directory": directory, "dry_run": True}, _would)
    from satchel import demo

    told = demo.run(directory, session.output.say)
    return Answer(told if isinstance(told, Mapping) else {"directory": directory}, _nothing_more)


def _would(data: Data) -> Iterable[Block]:
    yield f"Dry run, nothing was changed: would play three sites in {data['directory']}."


def _nothing_more(_: Data) -> Iterable[Block]:
    return ()  # the story was told as it happened
