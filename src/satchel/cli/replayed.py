"""How a database compares with its packets, for people (`satchel verify --replay`)."""

from __future__ import annotations

from collections.abc import Iterable

from satchel.cli.cell import cell
from satchel.cli.page import Block, Data, Table, enumerate_some, optional, plural

SHOWN = 20  # rows that are named


def replay_page(replayed: Data) -> Iterable[Block]:
    """One sentence, then the rows that differ and what that means."""
    read = plural(replayed["packets"], "packet")
    if replayed["snapshots"]:
        read += f" and {plural(len(replayed['snapshots']), 'snapshot')}"
    if replayed["missing"] or replayed["problems"]:
        if replayed["missing"]:
            yield f"The rows were not compared: the archive has not got {enumerate_some(replayed['missing'])}."
        bad = [(p["packet"], p["file"], p["reason"]) for p in replayed["problems"]]
        yield from optional(["packet", "file", "reason"], bad, "Cannot be replayed")
        return
    rows = plural(replayed["rows"], "row")
    if replayed["equal"]:
        yield f"The database is what its packets say: {rows}, replayed from {read}."
        return
    count = replayed["count"]
    yield f"The database is not what its packets say: {plural(count, 'row differs', 'rows differ')}, of {rows}."
    found = replayed["differences"]
    yield Table(["table", "key", "column", "here", "in the packets"], list(_lines(found[:SHOWN])))
    meanings = dict.fromkeys((entry["what"], entry["means"]) for entry in found)
    yield from (f"{what}: {means}" for what, means in meanings)
    if count > SHOWN:
        yield f"{count - SHOWN:,} more rows; `satchel verify --replay --json` has up to 1,000"


def _lines(found: Iterable[Data]) -> Iterable[tuple[object, ...]]:
    for entry in found:
        key = ", ".join(cell(part) for part in entry["key"])
        here, there = entry["here"], entry["packets"]
        if not entry["columns"]:
            yield entry["table"], key, entry["what"], _row(here), _row(there)
            continue
        for column in entry["columns"]:
            yield entry["table"], key, column, cell(here[column]), cell(there[column])


def _row(row: Data | None) -> str:
    return "" if row is None else ", ".join(f"{name} = {cell(value)}" for name, value in row.items())
