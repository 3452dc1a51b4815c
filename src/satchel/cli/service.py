"""`satchel service install`, `remove`, `status`."""

from __future__ import annotations

from collections.abc import Iterable

import click

from satchel.cli.command import command, group
from satchel.cli.page import Answer, Block, Data
from satchel.cli.session import Session

KINDS = ("systemd", "launchd", "task")  # as in satchel.daemon.definition, which is not to be loaded for a help text


@group("service", "satchel service install", "satchel service install --print", "satchel service status")
def run(session: Session) -> Answer:
    """Have the watch start by itself, or see whether it does."""
    with session.node() as node:
        return Answer(node.service("status"), _status)


@command("install", "satchel service install", "satchel service install --print launchd", writes=True)
@click.option(
    "--print", "kind", metavar="[KIND]", is_flag=False, flag_value="this", default=None,
    type=click.Choice(["this", *KINDS]), help="Only print the definition: systemd, launchd or task.",
)  # fmt: skip
@click.option("--jsonl", is_flag=True, help="Its log is lines of JSON.")
def install(session: Session, kind: str | None, jsonl: bool, dry_run: bool) -> Answer:
    """Have the watch of this home start when you log in, and again when it fails.

    Here for systemd, as a unit of the user. For launchd (macOS) and the Task Scheduler (Windows) --print writes
    what is to be put there.
    """
    with session.node() as node:
        if kind is not None:
            found = node.service("print", kind=None if kind == "this" else kind, jsonl=jsonl)
            return Answer(found, lambda data: data["definition"].splitlines())
        return Answer(node.service("install", jsonl=jsonl, dry_run=dry_run), _installed)


@command("remove", "satchel service remove", writes=True)
def remove(session: Session, dry_run: bool) -> Answer:
    """End the service and remove it; home and database stay as they are."""
    with session.node() as node:
        return Answer(node.service("remove", dry_run=dry_run), _removed)


@command("status", "satchel service status")
def status(session: Session) -> Answer:
    """Say whether the service is installed, and whether a watch runs."""
    with session.node() as node:
        return Answer(node.service("status"), _status)


def _installed(data: Data) -> Iterable[Block]:
    yield f"{'Would install' if data['dry_run'] else 'Installed'} {data['service']}: {data['file']}"
    if not data["dry_run"]:
        yield "It runs now, and whenever you are logged in. To have it run always: loginctl enable-linger"


def _removed(data: Data) -> Iterable[Block]:
    if not data["removed"]:
        yield f"There is no service {data['service']}."
    else:
        yield f"{'Would remove' if data['dry_run'] else 'Removed'} {data['service']}."


def _status(data: Data) -> Iterable[Block]:
    if data["installed"]:
        yield f"The service {data['service']} is {data['active'] or 'not known to systemd'}."
    else:
        yield f"The service {data['service']} is not installed; `satchel service install` does it."
    yield "A watch runs in this home." if data["watch"] else "No watch runs in this home."


for each in (install, remove, status):
    run.add_command(each)
