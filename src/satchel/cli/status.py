"""`satchel status`."""

from __future__ import annotations

from collections.abc import Iterable

from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data, Table, optional, plural, when
from satchel.cli.session import Session
from satchel.cli.summary import kept_back


@command("status", "satchel status", "satchel --home office status --json")
def run(session: Session) -> Answer:
    """Say how things stand, and who lacks what."""
    with session.node() as node:
        return Answer(node.status(), page)


def page(status: Data) -> Iterable[Block]:
    """The sentence, the peers, and below that only what needs attention."""
    yield status["sentence"]
    if peers := status["peers"]:
        yield Table(
            ["peer", "lacks", "last heard"],
            [(p["node"], _lacks(p.get("behind")), when(p.get("heard")) or "never") for p in peers],
        )
    yield from kept_back(status)
    yield from _conflicts(status["conflicts"])
    out = [(t["table"], t["reason"]) for t in status.get("left_out") or ()]
    yield from optional(["table", "reason"], out, "Left out")


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
