"""`satchel nodes`."""

from __future__ import annotations

from collections.abc import Iterable

from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data, listing
from satchel.cli.session import Session


@command("nodes", "satchel nodes", "satchel nodes --json")
def run(session: Session) -> Answer:
    """List the members of the network and their keys."""
    with session.node() as node:
        return Answer(node.nodes(), page)


def page(data: Data) -> Iterable[Block]:
    """One line per member, then what is wrong with a card."""
    members = [(n["node"], n["role"], n.get("state") or "", n["key"]) for n in data["nodes"]]
    yield listing(["node", "role", "state", "key"], members, "No members are known.")
    for problem in data.get("problems") or ():
        yield f"Problem: {_words(problem)}"


def _words(problem: object) -> str:
    if isinstance(problem, dict):
        return ", ".join(f"{name} {value}" for name, value in problem.items())
    return str(problem)
