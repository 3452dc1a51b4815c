"""`satchel verify`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data, optional, plural
from satchel.cli.replayed import replay_page
from satchel.cli.session import Session
from satchel.errors import VerificationFailed


@command("verify", "satchel verify", "satchel verify /media/stick", "satchel verify --replay", "satchel verify --json")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--replay", is_flag=True, help="Also rebuild the rows from the packets, and compare the database with them."
)
def run(session: Session, paths: tuple[Path, ...], replay: bool) -> Answer:
    """Check packets, chains and signatures; needs no database.

    Looks at the home's archive, or at the PATHs: an archive, an exchange, a stick. With --replay it also compares the
    home's database with what the packets of its archive come to, row by row.
    """
    import satchel

    if replay and paths:
        raise click.UsageError("--replay compares the database of a home with its own archive: name no PATH.")
    places = paths or (session.archive(),)
    with session.busy("verifying"):
        report = satchel.verify(*places)
    good = not report["problems"]
    if replay:
        with session.busy("replaying"), session.node() as node:
            report = {**report, "replay": node.replay()}
        good = good and report["replay"]["equal"]
    return Answer(report, page, 0 if good else VerificationFailed.exit_code)


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
    away = [(p["packet"], p["reason"]) for p in report.get("missing") or ()]
    yield from optional(["packet", "reason"], away, "Others have it, and it may still be on its way")
    if replayed := report.get("replay"):
        yield from replay_page(replayed)
