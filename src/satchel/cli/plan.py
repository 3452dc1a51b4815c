"""`satchel plan`."""

from __future__ import annotations

from collections.abc import Iterable

import click

from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data, optional, plural, size, when
from satchel.cli.session import Session


@command("plan", "satchel plan /media/stick", "satchel plan stick --json")
@click.argument("place", metavar="STICK")
def run(session: Session, place: str) -> Answer:
    """Say what a stick must carry, to whom, and what it brings.

    STICK is a folder, or a name from satchel.toml. Nothing is written, here or there; `satchel export STICK` does it.
    """
    with session.node() as node:
        return Answer(node.plan(place), _page)


def _page(data: Data) -> Iterable[Block]:
    if data["pending"]:
        yield f"{plural(data['pending'], 'changed row')} of {data['node']} would be sealed first and go with it."
    yield _load(data)
    rows = [
        (peer["node"], peer["packets"], size(peer["bytes"]), peer["behind"], when(peer["heard"]) or "never")
        for peer in data["peers"]
    ]
    yield from optional(["for", "packets on it", "size", "packets behind", "last heard"], rows, "Then it carries")
    brings = [(entry["origin"], entry["packets"], size(entry["bytes"])) for entry in data["brings"]]
    yield from optional(["from", "packets", "size"], brings, "It brings")
    if not brings:
        yield "It brings nothing that is not here."


def _load(data: Data) -> str:
    new = [load for load in data["carries"] if not load["there"]]
    fitting = [load for load in new if load["fits"]]
    if not new:
        why = "what others lack lies there" if data["carries"] else "nobody lacks any packet"
        return f"Nothing has to be put on it: {why}."
    must = f"It must carry {plural(len(new), 'more packet')}, {size(data['bytes'])}"
    if data["fits"]:
        return f"{must}."
    if not fitting:
        return f"{must}, and has no room."
    first = f"the first {len(fitting):,} ({size(sum(load['bytes'] for load in fitting))}) go"
    room = f"{must}, and has room for {size(data['free'])}"
    return f"{room}: {first}, up to {fitting[-1]['packet']}; the rest with another one."
