"""What a Parquet footer announces, held against manifest and limits before anything is decoded (steps R7-R8)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq

from satchel.errors import BadPacket
from satchel.packet.limits import Limits
from satchel.packet.manifest import TableEntry

# What our writer uses, and nothing else: every further decoder is one more door. The delta encodings in particular
# let a small page grow without bound.
_ENCODINGS = frozenset({"PLAIN", "RLE", "RLE_DICTIONARY", "PLAIN_DICTIONARY", "BIT_PACKED"})
_CODECS = frozenset({"ZSTD", "UNCOMPRESSED"})


def allowed_bytes(entry: TableEntry, limits: Limits) -> int:
    """How many bytes a part may become in memory."""
    return max(limits.free_decoded_bytes, limits.growth * entry.bytes)


def check_footer(footer: pq.FileMetaData, entry: TableEntry, limits: Limits) -> None:
    """BadPacket if the footer's counts are not the manifest's, or promise more than the limits allow."""
    if footer.num_rows != entry.rows:
        raise BadPacket(f"{footer.num_rows} rows instead of {entry.rows}", entry.file)
    if footer.num_columns > limits.columns * 2 or footer.num_row_groups > entry.rows:
        raise BadPacket("more columns or row groups than a part can have", entry.file)
    rows = size = 0
    for group in range(footer.num_row_groups):
        rows += footer.row_group(group).num_rows
    for chunk in column_chunks(footer):
        if chunk.compression not in _CODECS or not _ENCODINGS.issuperset(chunk.encodings):
            raise BadPacket(f"encoded in a way that no packet is: {chunk.path_in_schema}", entry.file)
        if chunk.total_uncompressed_size < 0 or chunk.num_values < 0:
            raise BadPacket("a negative size in the footer", entry.file)
        # a level and at least a bit for each value, whatever the encoding
        size += max(chunk.total_uncompressed_size, chunk.num_values // 8)
    if rows != entry.rows:
        raise BadPacket(f"row groups of {rows} rows instead of {entry.rows}", entry.file)
    if size > allowed_bytes(entry, limits):
        raise BadPacket(f"{entry.bytes} bytes would become {size}", entry.file)


def text_leaves(footer: pq.FileMetaData) -> list[str]:
    """Leaves of text or bytes, by Parquet's names: where few bytes can become many. All of them, whatever the footer
    says of dictionaries: the pages decide."""
    leaves = (c.path_in_schema for c in column_chunks(footer) if c.physical_type == "BYTE_ARRAY")
    return sorted(set(leaves))


def column_chunks(footer: pq.FileMetaData) -> Iterator[Any]:
    """Every column of every row group."""
    for group in range(footer.num_row_groups):
        row_group = footer.row_group(group)
        for place in range(row_group.num_columns):
            yield row_group.column(place)
