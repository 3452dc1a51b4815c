"""`satchel nodes`, `satchel nodes retire`, `satchel nodes revoke`."""

from __future__ import annotations

from collections.abc import Iterable

import click

from satchel.cli.command import command, group
from satchel.cli.page import Answer, Block, Data, enumerate_some, listing, plural, when
from satchel.cli.session import Session


@group("nodes", "satchel nodes", "satchel nodes --json", "satchel nodes retire branch")
def run(session: Session) -> Answer:
    """List the members of the network, and say who has left."""
    with session.node() as node:
        return Answer(node.nodes(), page)


@command("retire", "satchel nodes retire branch", "satchel nodes retire branch --dry-run", writes=True)
@click.argument("name")
def retire(session: Session, name: str, dry_run: bool) -> Answer:
    """Wait no more for a node that has left in peace.

    Nothing is cut: what it sealed counts, whenever it turns up. Said by an admin, or by the node itself.
    """
    with session.busy("sealing"), session.node() as node:
        return Answer(node.retire(name, dry_run=dry_run).as_json(), left)


@command("revoke", "satchel nodes revoke laptop", "satchel nodes revoke laptop --at 12", writes=True)
@click.argument("name")
@click.option(
    "--at", metavar="PACKET", multiple=True,
    help="The last packet that counts: 12, or laptop/12. Else what has been applied here.",
)  # fmt: skip
def revoke(session: Session, name: str, at: tuple[str, ...], dry_run: bool) -> Answer:
    """Trust nothing more of a node whose machine or key was stolen.

    What it sealed up to the cut counts; what came later is taken out of every database that has applied it, and lies in
    quarantine. A revoked name stays revoked: invite its owner under a new one.
    """
    with session.busy("sealing"), session.node() as node:
        return Answer(node.revoke(name, at=at, dry_run=dry_run).as_json(), left)


run.add_command(retire)
run.add_command(revoke)


def page(data: Data) -> Iterable[Block]:
    """One line per member, then what is wrong with a card."""
    columns = ["node", "role", "state", "invited by", "last heard", "key"]
    members = [(n["node"], n["role"], _state(n), n.get("invited_by") or "", _heard(n), n["key"]) for n in data["nodes"]]
    yield listing(columns, members, "No members are known.")
    for problem in data.get("problems") or ():
        yield f"Problem: {_words(problem)}"


def _state(node: Data) -> str:
    state = str(node.get("state") or "")
    if node.get("this"):
        state += ", this node"
    if node.get("cuts") is not None:
        cuts = [f"{origin}/{seq}" for origin, seq in node["cuts"].items() if seq]
        state += f" after {enumerate_some(cuts)}" if cuts else ": nothing of it counts"
    return f"{state} until {when(node['until'])}" if node.get("until") and state == "invited" else state


def _heard(node: Data) -> str:
    if node.get("this"):
        return ""
    heard = when(node.get("heard")) or ("never" if node.get("state") == "active" else "")
    return f"{heard} (silent for {plural(node['silent'], 'day')})" if node.get("silent") else heard


def _words(problem: object) -> str:
    if isinstance(problem, dict):
        return ", ".join(f"{name} {value}" for name, value in problem.items())
    return str(problem)


def left(data: Data) -> Iterable[Block]:
    """Who left, and what it means for what it sealed."""
    lead = "Dry run, nothing was changed: would say that" if data["dry_run"] else "Signed:"
    what = f"{data['node']} is {data['state']}"
    if data["state"] == "retired":
        yield f"{lead} {what}. Nobody waits for it any more; what it sealed counts whenever it turns up."
    else:
        cuts = [f"{origin}/{seq}" for origin, seq in data["cuts"].items() if seq]
        yield f"{lead} {what}; of it {'counts up to ' + enumerate_some(cuts) if cuts else 'nothing counts'}."
    if taken := data["taken_out"]:
        verb = "Would take out" if data["dry_run"] else "Took out"
        rows = ", ".join(f"{plural(number, 'row')} {what}" for what, number in data["rows"].items() if number)
        where = "" if data["dry_run"] else " (they lie in quarantine)"
        yield f"{verb} {plural(len(taken), 'packet')}, {enumerate_some(taken)}{where}: {rows or 'no row here changes'}."
    if sealed := data["sealed"]:
        yield f"Sealed {plural(len(sealed), 'packet')} ({enumerate_some(sealed)})."
    if not data["dry_run"]:
        yield "The next export or sync takes it to the others."
