"""What the courier signs for: what lies on a stick, for whom."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from satchel.cli.page import Block, Data, Table, plural, size, when


def receipt_page(plan: Data) -> Iterable[Block]:
    """A page to print, from the plan of a stick after the export. The check number stands for the list of packets: two
    receipts with one number are of the same packets."""
    loads = [load for load in plan["carries"] if load["there"]]
    number = hashlib.sha256("\n".join(load["packet"] for load in loads).encode()).hexdigest()[:16]
    yield f"RECEIPT  {plan['network']}, from {plan['node']}, {when(plan['made'])}"
    total = size(sum(load["bytes"] for load in loads))
    yield f"On {plan['place']}: {plural(len(loads), 'packet')} for others, {total}; check number {number}"
    rows = []
    for peer in plan["peers"]:
        mine = [load for load in loads if peer["node"] in load["for"]]
        rows.append((peer["node"], len(mine), size(sum(load["bytes"] for load in mine)), _which(mine)))
    yield Table(["for", "packets", "size", "which"], rows, "To be delivered")
    yield ""
    for who in ("Handed over", "Carried by", "Received"):
        yield f"{who + ':':14}______________________  date: ____________  signature: ______________________"


def _which(loads: list[Data]) -> str:
    if not loads:
        return "nothing new"
    first, last = loads[0]["packet"], loads[-1]["packet"]
    return str(first) if first == last else f"{first} to {last}"
