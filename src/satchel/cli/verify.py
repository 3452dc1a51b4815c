"""`satchel verify`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data, optional, plural
from satchel.cli.session import Session
from satchel.errors import VerificationFailed


@command("verify", "satchel verify", "satchel verify /media/stick", "satchel verify packets --json")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path))
def run(session: Session, paths: tuple[Path, ...]) -> Answer:
    """Check packets, chains and signatures; needs no database.

    Looks at the home's archive, or at the PATHs: an archive, an exchange, a stick.
    """
    import satchel

    places = paths or (session.archive(),)
    with session.busy("verifying"):
        report = satchel.verify(*places)
    return Answer(report, page, VerificationFailed.exit_code if report["problems"] else 0)


def page(report: Data) -> Iterable[Block]:
    """What was read, and what is wrong with it."""
    problems = [(p["packet"], p.get("file") or "", p["reason"]) for p in report["problems"]]
    more = [plural(report["snapshots"], "snapshot")] if report.get("snapshots") else []
    more += [f"{report['pruned']:,} pruned"] if report.get("pruned") else []
    found = [plural(report["packets"], "packet"), *more, plural(report["files"], "file"), f"{report['bytes']:,} bytes"]
    read = ", ".join(found)
    half = [(p["packet"], p.get("file") or "", p["reason"]) for p in report.get("incomplete") or ()]
    half = [entry for entry in half if entry not in problems]
    good = "all that is complete is valid" if half else "all valid"
    yield f"{read}: {plural(len(problems), 'problem')}." if problems else f"{read}: {good}."
    yield from optional(["packet", "file", "reason"], problems, "Problems")
    yield from optional(["packet", "file", "reason"], half, "Incomplete, may still be arriving")
