"""Digests of a database in its acknowledgement, as models (PROTOCOL, Equality; docs/spec/equality.md)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from satchel.packet.document import MAX_SEQ, Model, Name, ShortHash, Time, WireVector

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class TableSums(Model):
    """One table: how many rows are shown, and its sums. `deleted` null: deleted rows may have been forgotten there;
    `columns` null: the table is not there, or there are too many of them to tell."""

    table: Name
    rows: int = Field(ge=0, le=MAX_SEQ)
    dots: Digest
    deleted: Digest | None = None
    columns: dict[Name, Digest] | None = None


class DigestsEntry(Model):
    """The digests of a database at `vector`, under the `rules` that held; `at`: when they were taken."""

    at: Time
    vector: WireVector
    rules: ShortHash
    tables: tuple[TableSums, ...]
