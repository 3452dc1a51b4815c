"""`satchel conflicts`: written for a person who is no administrator."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click

from satchel.cli.cell import assignments, quoted, visible
from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data, Note, Table, plural, when
from satchel.cli.session import Session
from satchel.model.ids import node_of

KINDS = {
    "edit": "changed in more than one place, without one knowing of the other",
    "unique": "kept out of its table: another row holds the same value",
    "foreign-key": "note about a row that it refers to, or that refers to it",
    "constraint": "kept out of its table: the database here refuses it",
}
CLOSED = {"resolved": "settled", "passed-over": "passed over by a later edit", "reason-gone": "its reason is gone"}


@command("conflicts", "satchel conflicts", "satchel conflicts --all --json")
@click.option("--all", "closed", is_flag=True, help="Also those that are closed.")
def run(session: Session, closed: bool) -> Answer:
    """Show what needs somebody's eye, and how to settle it.

    Open conflicts, parked rows, notes, and what was passed over until somebody has looked.
    """
    with session.node() as node:
        return Answer({"conflicts": node.conflicts(closed)}, page)


def page(data: Data) -> Iterable[Block]:
    """Per conflict a heading, a line per version, and how to settle it."""
    conflicts = data["conflicts"]
    if not conflicts:
        yield Note("No conflicts.")
        return
    still_open = sum(not conflict["closed"] for conflict in conflicts)
    closed = len(conflicts) - still_open
    yield f"{plural(still_open, 'open conflict')}{f', {closed:,} closed' if closed else ''}."
    for conflict in conflicts:
        yield ""
        yield from _entry(conflict)


def _entry(conflict: Data) -> Iterable[Block]:
    key = ", ".join(map(quoted, conflict["key"]))
    columns = differing(conflict)
    if (gid := conflict.get("gid")) and conflict["key"] != [gid]:
        key += f" ({gid})"
    yield f"{conflict['id']}  {conflict['table']} {key}: {', '.join(columns) or 'the whole row'}"
    yield f"  {KINDS.get(conflict['kind'], conflict['kind'])}; since {when(conflict['opened'])}"
    lines = [(_who(v), when(v["at"]) or "time unknown", _says(v, columns)) for v in conflict["versions"]]
    yield Table(["who", "when", "version"], lines, header=False)
    yield f"  {_settle(conflict)}"


def differing(conflict: Data) -> Sequence[str]:
    """The columns in question; where none are named (a delete against an update), those whose values differ."""
    if conflict["columns"]:
        return list(conflict["columns"])
    rows = [version["row"] or {} for version in conflict["versions"]]
    names = dict.fromkeys(column for row in rows for column in row)
    return [name for name in names if any(row.get(name) != rows[0].get(name) for row in rows)]


def _who(version: Data) -> str:
    return f"{version['origin']} ({version['by']})" if version.get("by") else str(version["origin"])


def _says(version: Data, columns: Sequence[str]) -> str:
    values = assignments(version["row"] or {}, columns or None)
    if version["deleted"]:
        return f"deleted (it was {values})" if values else "deleted"
    return values or "the whole row"


def _settle(conflict: Data) -> str:
    if by := conflict.get("closed_by"):
        how = CLOSED.get(by.get("how", ""), by.get("how", "closed"))
        where = f" at {by['node']}" if by.get("node") else ""
        packet = f" in {by['packet']}" if by.get("packet") else ""
        line = f"closed {when(conflict['closed'])}: {how}{where}{packet}"
        if by.get("how") != "passed-over":
            return line
        seen = "somebody has looked" if conflict.get("reviewed") else f"seen? satchel resolve {conflict['id']} --seen"
        return f"{line}; {seen}"
    command = f"satchel resolve {conflict['id']}"
    if conflict["kind"] == "foreign-key":
        return f"seen? {command} --seen"
    nodes = dict.fromkeys(node_of(version["origin"]) for version in conflict["versions"])
    takes = " | ".join(f"--take {visible(node)}" for node in nodes)
    return f"settle it: {command} {takes or '--delete'} | --set COLUMN=VALUE"
