"""Whether what two acknowledgements tell of their databases is the same (PROTOCOL, Equality; docs/spec/equality.md).

Plain words of JSON: packet.digests has the models, and `Told` is one that was verified."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from satchel.model.vector import Vector

Told = Mapping[str, Any]  # a DigestsEntry: {at, vector, rules, tables}


def rules_digest(configuration: str, cuts: Mapping[str, tuple[Vector, ...]]) -> str:
    """16 hex digits for what decides beside the packets what a database shows: the file name of the configuration,
    which holds its hash, and the cuts of revoked nodes."""
    said = {
        node: sorted([origin, mark.seq, mark.hash] for marks in told for origin, mark in marks.items())
        for node, told in cuts.items()
    }
    text = json.dumps([configuration, said], separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def plain_vector(vector: Mapping[str, Any]) -> dict[str, list[Any]]:
    """A vector {origin: (seq, hash)} as JSON has it."""
    return {origin: list(mark) for origin, mark in sorted(vector.items())}


def differing(one: Told, other: Told) -> dict[str, list[str]] | None:
    """The tables of which two nodes say different things at one vector, each with the columns that differ; no column:
    the rows or the versions behind them. None: they are of different vectors or rules, and nothing can be said.

    A column or table that one of them lacks compares as not there."""
    if one["rules"] != other["rules"] or plain_vector(one["vector"]) != plain_vector(other["vector"]):
        return None
    theirs = {sums["table"]: sums for sums in other["tables"]}
    found = {}
    for mine in one["tables"]:
        sums = theirs.get(mine["table"])
        if sums is not None and (columns := _columns(mine, sums)) is not None:
            found[mine["table"]] = columns
    return found


def _columns(mine: Told, sums: Told) -> list[str] | None:
    """The columns that differ; None: nothing does."""
    columns: list[str] = []
    differs = mine["dots"] != sums["dots"]
    if mine.get("columns") is not None and sums.get("columns") is not None:
        told, said = mine["columns"], sums["columns"]
        columns = sorted(name for name in told.keys() & said.keys() if told[name] != said[name])
        differs = differs or bool(columns) or mine["rows"] != sums["rows"]
    if mine.get("deleted") is not None and sums.get("deleted") is not None:
        differs = differs or mine["deleted"] != sums["deleted"]
    return columns if differs else None


def in_words(differs: Mapping[str, list[str]]) -> str:
    """Tables and columns that differ, for a person."""
    return "; ".join(
        f"{table} ({', '.join(columns)})" if columns else f"{table} (versions of rows)"
        for table, columns in sorted(differs.items())
    )
