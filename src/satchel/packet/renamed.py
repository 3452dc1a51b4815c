"""Rows of a packet with the dots that their author wrote put into the names that hold here: after a fork they differ
(docs/spec/branches.md). The bytes that were signed stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa

from satchel.model.vector import Mark, Vector
from satchel.packet.rows import CONTEXT_TYPE, LINEAGE_TYPE
from satchel.packet.table import CHANGE_COLUMN

NameDot = Callable[[str, int], str]  # origin and seq as the author has them -> the origin here
Resolve = Callable[[Vector], Vector]


def renamed(batches: Iterable[pa.RecordBatch], name_dot: NameDot, resolve: Resolve) -> Iterator[pa.RecordBatch]:
    """The batches with the dots of lineages and row contexts renamed; everything else as it was."""
    for batch in batches:
        place = batch.schema.get_field_index(CHANGE_COLUMN)
        change = batch.column(place)
        fields = {field.name: array for field, array in zip(change.type, change.flatten(), strict=True)}
        fields["lineage"] = _lineages(fields["lineage"], name_dot)
        fields["context"] = _contexts(fields["context"], resolve)
        changed = pa.StructArray.from_arrays(list(fields.values()), fields=list(change.type))
        yield batch.set_column(place, batch.schema.field(place), changed)


def _lineages(lists: pa.ListArray, name_dot: NameDot) -> pa.ListArray:
    """A Python loop over the entries: only packets that have to do with a fork come here."""
    if lists.null_count == len(lists):
        return lists
    known: dict[tuple[str, int], str] = {}

    def name(origin: str | None, seq: int | None) -> str | None:
        if not origin or seq is None:
            return origin
        if (origin, seq) not in known:
            known[origin, seq] = name_dot(origin, seq)
        return known[origin, seq]

    found = [
        None if entries is None else [entry | {"origin": name(entry["origin"], entry["seq"])} for entry in entries]
        for entries in lists.to_pylist()
    ]
    return pa.array(found, pa.list_(LINEAGE_TYPE))


def _contexts(lists: pa.ListArray, resolve: Resolve) -> pa.ListArray:
    if lists.null_count == len(lists):
        return lists
    found: list[list[dict[str, object]] | None] = []
    for entries in lists.to_pylist():
        if entries is None:
            found.append(None)
            continue
        vector = resolve({entry["origin"]: Mark(entry["seq"], entry["hash"]) for entry in entries})
        found.append([{"origin": origin, "seq": mark.seq, "hash": mark.hash} for origin, mark in vector.items()])
    return pa.array(found, pa.list_(CONTEXT_TYPE))
