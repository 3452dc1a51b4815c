"""`satchel config`."""

from __future__ import annotations

from collections.abc import Iterable

import click

from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data, Note, Table, optional, when
from satchel.cli.session import Session


@command("config", "satchel config", "satchel config --all", "satchel config --json")
@click.option("--all", "every", is_flag=True, help="Also what is as by default.")
def run(session: Session, every: bool) -> Answer:
    """Show each setting, what says so, and what the network agreed on.

    A setting is what the environment says (SATCHEL_SECTION_KEY), else satchel.toml, else the default.
    """
    with session.node() as node:
        found = node.config()
    return Answer(found, lambda data: _page(data, every=every))


def _page(data: Data, *, every: bool) -> Iterable[Block]:
    chosen = [entry for entry in data["settings"] if every or entry["source"] != "default"]
    rows = [(entry["name"], _value(entry["value"]), entry["source"]) for entry in chosen]
    yield Table(["setting", "value", "from"], rows, "This home's own")
    if not every:
        yield Note("Everything else is as by default; --all shows it.")
    network = data["network"]
    if network is None:
        yield Note(f"What the network agreed on cannot be told: {data['trouble']}.")
        return
    tables = [(t["table"], ", ".join(t["key"]), t["scope"], t["policy"]) for t in network["tables"]]
    title = f"The network's, version {network['version']} by {network['signer']} of {when(network['at'])}"
    yield Table(["table", "key", "scope", "policy"], tables, title)
    yield from optional(["reference"], [(reference,) for reference in network["references"]], "References")
    yield f"Columns and tables that others have and this one lacks: {_SCHEMA[network['schema']]}."


_SCHEMA = {"follow": "they are added to the database", "report": "they are reported"}


def _value(value: object) -> object:
    if value is None or value in ("", []):
        return "none"
    return ", ".join(map(str, value)) if isinstance(value, list) else value
