"""`satchel tables`, `satchel tables add`, `satchel tables policy`, `satchel tables reference`."""

from __future__ import annotations

from collections.abc import Iterable

import click

from satchel.cli.command import command, group
from satchel.cli.founding import tables_of
from satchel.cli.page import Answer, Block, Data, Note, optional, plural
from satchel.cli.session import Session


@group("tables", "satchel tables", "satchel tables --json", "satchel tables add 'sales_*'")
def run(session: Session) -> Answer:
    """List what is replicated, and what is left out and why."""
    with session.node() as node:
        return Answer(node.tables(), page)


@command("add", "satchel tables add invoices", "satchel tables add 'sales_*' --dry-run", writes=True)
@click.argument("globs", metavar="GLOB...", nargs=-1, required=True)
def add(session: Session, globs: tuple[str, ...], dry_run: bool) -> Answer:
    """Replicate more tables, and later ones of these names.

    It is a change of the network's configuration: an admin's, that travels with the packets.
    """
    with session.busy("sealing"), session.node() as node:
        return Answer(node.add_tables(*globs, dry_run=dry_run).as_json(), changed)


@command("reference", "satchel tables reference notes.invoice=invoices", writes=True)
@click.argument("references", metavar="TABLE.COLUMN=TABLE...", nargs=-1, required=True)
def reference(session: Session, references: tuple[str, ...], dry_run: bool) -> Answer:
    """Name a column that holds numbers of another table and is not declared as a foreign key.

    From then on its numbers mean the same rows everywhere. An admin's change of the configuration.
    """
    with session.busy("sealing"), session.node() as node:
        return Answer(node.add_references(*references, dry_run=dry_run).as_json(), changed)


@command("policy", "satchel tables policy 'sales_*' latest", "satchel tables policy '*' merge", writes=True)
@click.argument("glob")
@click.argument("policy")
def policy(session: Session, glob: str, policy: str, dry_run: bool) -> Answer:
    """Decide conflicts in some tables by another policy: latest, merge, manual, priority:A,B or module:function.

    An admin's change of the configuration. Every node that gets it decides its rows with several versions again.
    """
    with session.busy("sealing"), session.node() as node:
        return Answer(node.set_policy(glob, policy, dry_run=dry_run).as_json(), changed)


run.add_command(add)
run.add_command(policy)
run.add_command(reference)


def page(data: Data) -> Iterable[Block]:
    """Both lists, and what no schema says."""
    blocks = list(tables_of(data))
    yield from blocks or [Note("The database has no tables.")]
    references = [tuple(word.rpartition("=")[::2]) for word in data.get("references") or ()]
    yield from optional(["column", "refers to"], references, "References that the schema does not declare")
    if data.get("schema") == "follow":
        yield "Databases follow additive changes of the schema."


def changed(data: Data) -> Iterable[Block]:
    """What the next version of the configuration adds."""
    added = [*data["tables"], *data["references"]]
    what = f"version {data['version']} of the configuration adds {', '.join(added)}"
    if policies := data.get("policies"):
        said = "; ".join(f"{name} is decided by {policy}" for name, policy in policies.items())
        what = f"version {data['version']} of the configuration: {said or 'later tables have another policy'}"
    yield f"Dry run, nothing was changed: {what}." if data["dry_run"] else f"Signed: {what}."
    if sealed := data["sealed"]:
        yield f"Sealed {plural(len(sealed), 'packet')} ({', '.join(sealed)})."
    if not data["dry_run"]:
        yield "The next export or sync takes it to the others."
