"""What a Parquet footer announces, held against manifest and limits before anything is decoded (steps R7-R8).

Read by ourselves, not by pyarrow (see thrift): only what has passed here is given to it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from satchel.errors import BadPacket
from satchel.packet.limits import Limits
from satchel.packet.manifest import TableEntry
from satchel.packet.thrift import CompactReader, Struct

# What our writer uses, and nothing else: every further decoder is one more door. The delta encodings in particular
# let a small page grow without bound. Numbers as in parquet.thrift.
_ENCODINGS = {0: "PLAIN", 2: "PLAIN_DICTIONARY", 3: "RLE", 4: "BIT_PACKED", 8: "RLE_DICTIONARY"}
_CODECS = {0: "UNCOMPRESSED", 6: "ZSTD"}
_PHYSICAL = {0: "BOOLEAN", 1: "INT32", 2: "INT64", 3: "INT96", 4: "FLOAT", 5: "DOUBLE", 6: "BYTE_ARRAY"}
_OPTIONAL, _REPEATED = 1, 2
_LEAST_BYTES = {"BYTE_ARRAY": 12, "INT64": 8, "DOUBLE": 8}  # of one value on its way, null or not: code, place, levels
_MAGIC = b"PAR1"
_TAIL_BYTES = 8
_NESTING = 10  # structs and lists in each other


@dataclass(frozen=True, slots=True)
class Leaf:
    """One column as it is stored: levels say where a value is null, and where a list goes on."""

    path: str
    physical: str
    definition: int
    repetition: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """One leaf in one row group."""

    path_in_schema: str
    physical_type: str
    compression: str
    encodings: tuple[str, ...]
    num_values: int
    total_uncompressed_size: int


@dataclass(frozen=True, slots=True)
class Footer:
    """What was announced. `groups`: rows and chunks of each row group."""

    num_rows: int
    leaves: tuple[Leaf, ...]
    groups: tuple[tuple[int, tuple[Chunk, ...]], ...]


def read_footer(part: BinaryIO, limits: Limits, name: str) -> Footer:
    """The footer of a Parquet file. BadPacket: there is none, it is too large, or contradicts itself."""
    size = part.seek(0, os.SEEK_END)
    part.seek(max(0, size - _TAIL_BYTES))
    tail = part.read(_TAIL_BYTES)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != _MAGIC:
        raise BadPacket("cannot be decoded: it is no Parquet file", name)
    if length > min(limits.footer_bytes, size - _TAIL_BYTES):
        raise BadPacket("the Parquet footer is too large", name)
    part.seek(size - _TAIL_BYTES - length)
    fields = CompactReader(part.read(length), limits.footer_values, name).read()
    part.seek(0)
    try:
        leaves = _leaves(fields[2])
        groups = tuple((_count(group[3]), _chunks(group[1], leaves)) for group in fields[4])
        return Footer(_count(fields[3]), leaves, groups)
    except (LookupError, TypeError, ValueError, AttributeError) as problem:
        raise BadPacket(f"the Parquet footer is not right: {str(problem)[:100]}", name) from problem


def _leaves(elements: list[Struct]) -> tuple[Leaf, ...]:
    """The leaves of the schema, which is a tree written in one row: each element says how many children follow."""
    rest = iter(elements)
    root = next(rest, {})
    found = [leaf for _ in range(_count(root[5])) for leaf in _below(rest, (), 0, 0)]
    if next(rest, None) is not None:
        raise ValueError("its schema has parts that belong nowhere")
    return tuple(found)


def _below(rest: Iterator[Struct], above: tuple[str, ...], definition: int, repetition: int) -> Iterator[Leaf]:
    element = next(rest, None)
    if element is None or len(above) > _NESTING:
        raise ValueError("its schema is not whole")
    kind = element.get(3, 0)
    definition, repetition = definition + (kind in (_OPTIONAL, _REPEATED)), repetition + (kind == _REPEATED)
    path = (*above, element[4].decode("utf-8"))
    if children := _count(element.get(5, 0)):
        for _ in range(children):
            yield from _below(rest, path, definition, repetition)
    else:
        yield Leaf(".".join(path), _PHYSICAL.get(element[1], "?"), definition, repetition)


def _chunks(chunks: list[Struct], leaves: tuple[Leaf, ...]) -> tuple[Chunk, ...]:
    if len(chunks) != len(leaves):
        raise ValueError("a row group does not have the columns of the schema")
    return tuple(_chunk(chunk, leaf) for chunk, leaf in zip(chunks, leaves, strict=True))


def _chunk(chunk: Struct, leaf: Leaf) -> Chunk:
    if 1 in chunk or 8 in chunk or 9 in chunk:
        raise ValueError("a column lies in another file, or is encrypted")
    data: Mapping[int, Any] = chunk[3]
    path = ".".join(step.decode("utf-8") for step in data[3])
    if path != leaf.path or _PHYSICAL.get(data[1], "?") != leaf.physical:
        raise ValueError(f"the column {path} is not that of the schema")
    # Histograms of another length than the schema has levels end the process that reads them.
    for field, levels in ((2, leaf.repetition), (3, leaf.definition)):
        if len(data.get(16, {}).get(field, ())) not in (0, levels + 1):
            raise ValueError(f"the sizes of {path} are not those of the schema")
    encodings = tuple(_ENCODINGS.get(number, f"encoding {number}") for number in data[2])
    codec = _CODECS.get(data[4], f"codec {data[4]}")
    _count(data[7])
    return Chunk(path, leaf.physical, codec, encodings, _count(data[5]), _count(data[6]))


def _count(number: object) -> int:
    if not isinstance(number, int) or not 0 <= number < 1 << 63:
        raise ValueError("a negative size")
    return number


def allowed_bytes(entry: TableEntry, limits: Limits) -> int:
    """How many bytes a part may become in memory."""
    return max(limits.free_decoded_bytes, limits.growth * entry.bytes)


def check_footer(footer: Footer, entry: TableEntry, limits: Limits) -> None:
    """BadPacket if the footer's counts are not the manifest's, or promise more than the limits allow."""
    if footer.num_rows != entry.rows:
        raise BadPacket(f"{footer.num_rows} rows instead of {entry.rows}", entry.file)
    if len(footer.leaves) > limits.columns * 2 or len(footer.groups) > entry.rows:
        raise BadPacket("more columns or row groups than a part can have", entry.file)
    size = 0
    for chunk in column_chunks(footer):
        if chunk.compression not in _CODECS.values() or not set(_ENCODINGS.values()).issuperset(chunk.encodings):
            raise BadPacket(f"encoded in a way that no packet is: {chunk.path_in_schema}", entry.file)
        # a null takes its place, too: 50 million of them are nothing in a file
        size += max(chunk.total_uncompressed_size, chunk.num_values * _LEAST_BYTES.get(chunk.physical_type, 1))
    rows = sum(count for count, _ in footer.groups)
    if rows != entry.rows:
        raise BadPacket(f"row groups of {rows} rows instead of {entry.rows}", entry.file)
    if size > allowed_bytes(entry, limits):
        raise BadPacket(f"{entry.bytes} bytes would become {size}", entry.file)


def text_leaves(footer: Footer) -> list[str]:
    """Leaves of text or bytes, by Parquet's names: where few bytes can become many. All of them, whatever the footer
    says of dictionaries: the pages decide."""
    return sorted(leaf.path for leaf in footer.leaves if leaf.physical == "BYTE_ARRAY")


def column_chunks(footer: Footer) -> Iterator[Chunk]:
    """Every column of every row group."""
    for _, chunks in footer.groups:
        yield from chunks
