"""`satchel conflicts`: written for a person who is no administrator."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click

from satchel.cli.cell import assignments, quoted, visible
from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data, Note, Table, plural, when
from satchel.cli.session import Session
from satchel.model.ids import node_of

EDITED = "changed in more than one place, without one knowing of the other"
STATES = {
    "parked": "kept out of its table, on every node",
    "refused": "kept out of its table here only: this database does not take it",
    "noted": "in its table, but not as it was written",
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
    states = [_state(conflict) for conflict in conflicts if not conflict["closed"]]
    parts = [plural(states.count("edit"), "open conflict")] if "edit" in states or not states else []
    if parked := states.count("parked") + states.count("refused"):
        parts.append(plural(parked, "parked row"))
    if notes := states.count("noted"):
        parts.append(plural(notes, "note"))
    if closed := len(conflicts) - len(states):
        parts.append(f"{closed:,} closed")
    yield f"{', '.join(parts)}."
    for conflict in conflicts:
        yield ""
        yield from _entry(conflict)


def _entry(conflict: Data) -> Iterable[Block]:
    key = ", ".join(map(quoted, conflict["key"]))
    columns = differing(conflict)
    if (gid := conflict.get("gid")) and conflict["key"] != [gid]:
        key += f" ({gid})"
    yield f"{conflict['id']}  {conflict['table']} {key}: {', '.join(columns) or 'the whole row'}"
    yield f"  {STATES.get(_state(conflict), EDITED)}; since {when(conflict['opened'])}"
    if reason := conflict.get("reason"):
        yield f"  why: {visible(reason)}"
    lines = [(_who(v), when(v["at"]) or "time unknown", _says(v, columns)) for v in conflict["versions"]]
    yield Table(["who", "when", "version"], lines, header=False)
    yield f"  {_settle(conflict)}"


def _state(conflict: Data) -> str:
    """Edit | parked | refused | noted."""
    return str(conflict.get("state") or "edit")


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
    return WAYS[_state(conflict)](conflict, f"satchel resolve {conflict['id']}")


def _of_edit(conflict: Data, command: str) -> str:
    return f"settle it: {command} {_takes(_nodes(conflict)) or '--delete'} | --set COLUMN=VALUE"


def _of_parked(conflict: Data, command: str) -> str:
    against: Sequence[Data] = conflict.get("against") or ()
    if conflict["kind"] != "unique":
        return f"it comes back with the row that it refers to; or: {command} --set COLUMN=VALUE | --delete"
    value = f"{command} --set {visible(conflict['columns'][0]) if len(conflict['columns']) == 1 else 'COLUMN'}=VALUE"
    if len(against) != 1:
        return f"give it another value: {value}; or --delete; it comes back by itself when the value is free"
    nodes = dict.fromkeys([*_nodes(conflict), *against[0]["nodes"]])
    merge = f"or make one row of the two, with the values of: {_takes(nodes)}"
    return f"give it another value: {value}; {merge}; or --delete; it comes back by itself when the value is free"


def _of_refused(conflict: Data, command: str) -> str:
    return (
        f"it is tried again at every import, and when the schema changes; or: {command} --set COLUMN=VALUE | --delete"
    )


def _of_noted(_: Data, command: str) -> str:
    return f"seen? {command} --seen"


def _nodes(conflict: Data) -> Iterable[str]:
    """Who has versions: branches of one node apart, if it has several."""
    origins = [version["origin"] for version in conflict["versions"]]
    nodes = [node_of(origin) for origin in origins]
    return dict.fromkeys(o if nodes.count(n) > 1 else n for o, n in zip(origins, nodes, strict=True))


def _takes(nodes: Iterable[str]) -> str:
    return " | ".join(f"--take {visible(node)}" for node in nodes)


WAYS = {"edit": _of_edit, "parked": _of_parked, "refused": _of_refused, "noted": _of_noted}
