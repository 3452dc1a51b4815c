"""`satchel prune`."""

from __future__ import annotations

from collections.abc import Iterable

import click

from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data, plural
from satchel.cli.session import Session


@command("prune", "satchel prune --dry-run", "satchel prune --keep-days 90", "satchel prune --deleted", writes=True)
@click.option("--keep-days", type=int, metavar="N", help="Keep packets of the last N days; else as satchel.toml says.")
@click.option("--deleted", is_flag=True, help="Also forget deleted rows that everybody knows of.")
def run(session: Session, keep_days: int | None, deleted: bool, dry_run: bool) -> Answer:
    """Remove from the archive what everybody has.

    A packet goes when every member has acknowledged it, and a snapshot that all have acknowledged stands for it. Its
    signed manifest stays. Nothing is removed from shares and sticks.
    """
    with session.busy("pruning"), session.node() as node:
        report = node.prune(keep_days=keep_days, deleted=deleted, dry_run=dry_run).as_json()

    def page(data: Data) -> Iterable[Block]:
        went, snapshots = len(data["packets"]), len(data["snapshots"])
        tombstones = sum(data["tombstones"].values())
        if not (went or snapshots or tombstones):
            yield "Nothing can go."
        else:
            words = [f"{plural(went, 'packet')} ({data['bytes']:,} bytes)"]
            words += [plural(snapshots, "older snapshot")] if snapshots else []
            words += [plural(tombstones, "deleted row")] if tombstones else []
            lead = "Dry run, nothing was changed: would remove" if dry_run else "Removed"
            yield f"{lead} {', '.join(words)}."
        yield from (f"Kept: {reason}." for reason in data["kept"])

    return Answer(report, page)
