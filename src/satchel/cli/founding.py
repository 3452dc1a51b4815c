"""The tables that a node replicates and those that it leaves out: init, join and tables say them alike."""

from __future__ import annotations

from collections.abc import Iterable

from satchel.cli.page import Block, Data, Table, optional


def tables_of(data: Data) -> Iterable[Block]:
    """Both lists; those that stay out are always said by name."""
    tables = data.get("tables") or ()
    if tables:
        yield Table(
            ["table", "key", "scope", "policy", "columns"],
            [(t["table"], ", ".join(t["key"]), t["scope"], t["policy"], _width(t.get("columns"))) for t in tables],
            "Replicated",
        )
    out = [(t["table"], t["reason"]) for t in data.get("left_out") or ()]
    yield from optional(["table", "reason"], out, "Left out")


def _width(columns: object) -> object:
    return len(columns) if isinstance(columns, (list, tuple, dict)) else "" if columns is None else columns
