"""`satchel status`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data, Table, enumerate_some, optional, plural, when
from satchel.cli.session import Session
from satchel.cli.summary import SHOWN, kept_back, renumbered_line

_EXAMPLES = ("satchel status", "satchel status --json", "satchel status --network", "satchel status --on /mnt/share")


@command("status", *_EXAMPLES)
@click.option("--network", is_flag=True, help="How every member is, by what it says of itself.")
@click.option(
    "--on", "folder", metavar="FOLDER", type=click.Path(path_type=Path), help="The same, from a share or stick."
)
def run(session: Session, network: bool, folder: Path | None) -> Answer:
    """Say how things stand, and who lacks what.

    With --on neither a home nor a database is needed.
    """
    if folder is not None:
        import satchel

        return Answer(satchel.health(folder), network_page)
    with session.node() as node:
        if network:
            return Answer(node.health(), network_page)
        return Answer(node.status(), page)


def network_page(health: Data) -> Iterable[Block]:
    """The sentence, every member, and what is to be looked after."""
    yield health["sentence"]
    rows = [
        (
            entry["node"],
            entry["state"],
            "unknown" if entry["heard"] is None else _lacks(entry["behind"]),
            entry.get("waiting", ""),
            entry.get("conflicts", ""),
            when(entry["heard"]) or "never",
        )
        for entry in health["nodes"]
    ]
    yield Table(["member", "state", "lacks", "waiting", "conflicts", "last heard"], rows)
    troubles = [(entry["node"], trouble) for entry in health["nodes"] for trouble in entry["troubles"]]
    yield from optional(["member", "what"], troubles, "To look after")


def page(status: Data) -> Iterable[Block]:
    """The sentence, the peers, and below that only what needs attention."""
    yield status["sentence"]
    if peers := status["peers"]:
        yield Table(
            ["peer", "lacks", "last heard"],
            [(p["node"], _lacks(p.get("behind")), when(p.get("heard")) or "never") for p in peers],
        )
    yield from kept_back(status)
    yield from _overdue(status)
    yield from _restored(status)
    yield from _conflicts(status["conflicts"])
    yield from _numbers(status.get("renumbered") or {})
    yield from _missing(status)
    away = {entry["table"] for entry in status.get("lacks") or () if entry["columns"] is None}
    out = [(t["table"], t["reason"]) for t in status.get("left_out") or () if t["table"] not in away]
    yield from optional(["table", "reason"], out, "Left out")


def _restored(status: Data) -> Iterable[Block]:
    """What became of a database or a home that was put back from a backup."""
    if epochs := status.get("epochs"):
        last = epochs[-1]
        yield f"It seals as {last['origin']} since {when(last['at'])}: {last['because']}."
    if missing := status.get("missing"):
        named = enumerate_some(missing)
        yield f"Not in the archive, and asked for: {named}; who has them sends them."


def _numbers(renumbered: Data) -> Iterable[Block]:
    """Rows that are known here under another number than where they were made."""
    rows = renumbered.get("rows") or ()
    if rows:
        count = renumbered["count"]
        are = "row has" if count == 1 else "rows have"
        yield f"{count:,} {are} another number here than where {'it was' if count == 1 else 'they were'} made:"
        yield from (f"  {renumbered_line(row)}" for row in rows[:SHOWN])
        if count > SHOWN:
            yield f"  and {count - SHOWN:,} more; `satchel status --json` has a hundred"


def _overdue(status: Data) -> Iterable[Block]:
    """What somebody has to see to: it stands in the sentence, here is what to do about it."""
    rows = [(entry["what"], entry["hint"]) for entry in status.get("overdue") or ()]
    yield from optional(["what", "what to do"], rows, "Overdue")


def _missing(status: Data) -> Iterable[Block]:
    """What databases do not have of the network's schema."""
    sites = [(status["node"], status.get("lacks") or ()), *((p["node"], p.get("lacks") or ()) for p in status["peers"])]
    rows = [
        (node, e["table"], "the whole table" if e["columns"] is None else ", ".join(e["columns"]))
        for node, entries in sites
        for e in entries
    ]
    yield from optional(["site", "table", "has not"], rows, "Not there yet; what others write in it is kept")


def _lacks(behind: int | None) -> str:
    return "unknown" if behind is None else plural(behind, "packet") if behind else "nothing"


def _conflicts(counts: Data) -> Iterable[Block]:
    parts = [
        plural(counts[kind], one, many)
        for kind, one, many in (
            ("open", "open conflict", ""),
            ("parked", "parked row", ""),
            ("passed_over", "conflict passed over", "conflicts passed over"),
        )
        if counts.get(kind)
    ]
    if parts:
        yield f"To look at: {', '.join(parts)}; `satchel conflicts` shows them."
