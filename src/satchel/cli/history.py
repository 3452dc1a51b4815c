"""`satchel history`."""

from __future__ import annotations

from collections.abc import Iterable

import click

from satchel.cli.cell import assignments, cell
from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data, listing, when
from satchel.cli.session import Session


@command("history", "satchel history customers 42", "satchel history quote_lines 7 3 --json", "satchel history t -- -5")
@click.argument("table")
@click.argument("key", metavar="KEY...", nargs=-1, required=True)
def run(session: Session, table: str, key: tuple[str, ...]) -> Answer:
    """Show every version of a row: who, where, when, which won.

    KEY is one word per key column, in the key's order: where this database hands out numbers of its own, such a
    number or the row's global identity.
    """
    with session.busy("reading"), session.node() as node:
        return Answer({"table": table, "key": list(key), "versions": node.history(table, *key)}, page)


def page(data: Data) -> Iterable[Block]:
    """One line per version; before them both names of a row whose number is this database's own."""
    if gid := next((v["gid"] for v in data["versions"] if v.get("gid")), None):
        here = ", ".join(map(cell, data["versions"][0]["key"]))
        yield f"{data['table']} {here}" + (f" is {gid} everywhere." if here != gid else " has no number here.")
    lines = [
        (f"{v['origin']}/{v['seq']}", when(v["at"]) or "time unknown", v["by"] or "", v["op"], _values(v), v["outcome"])
        for v in data["versions"]
    ]
    columns = ["packet", "when", "by", "what", "values", "outcome"]
    yield listing(columns, lines, f"No version of {data['table']} {' '.join(data['key'])} is known.")


def _values(version: Data) -> str:
    """What this version wrote; a version that names no columns wrote all of them."""
    row = version.get("row") or {}
    return assignments(row, version.get("columns") or None)
